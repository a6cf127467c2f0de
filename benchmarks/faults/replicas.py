"""The replicas of orders, each kept running as a supervisor would: one that has ended is started again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

from agiza.cli.errors import CliError
from agiza.cli.processes import Child, start_child
from agiza.runtime.embedded.ports import free_port
from agiza.runtime.tasks import end

READY_S: Final = 60.0
AGAIN_S: Final = 0.5
STARTS_MAX: Final = 20
"""A replica that cannot be started so often in a row ends the run."""


class Replica:
    """One of them, always on the same port."""

    def __init__(self, slot: int, environment: Mapping[str, str], log_folder: Path | None) -> None:
        self.port = free_port()
        self.ended_alone = 0
        """How often it ended although nobody had killed it."""
        self._name = f"orders-{slot}"
        self._environment = {**environment, "AGIZA_PORT": str(self.port)}
        self._log_folder = log_folder
        self._child: Child | None = None
        self._serves = asyncio.Event()
        self._may_live = asyncio.Event()
        """Cleared from a kill on until another one may be started."""
        self._may_live.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Replica]:
        """Keep it running for the length of the context; it serves when the context begins."""
        keeping = asyncio.create_task(self._keep(), name=self._name)
        try:
            await self._first_serving(keeping)
            yield self
        finally:
            await end((keeping,))
            if self._child is not None:
                await self._child.stop()

    async def kill(self, away_s: float) -> None:
        """SIGKILL, once it serves; returns after ``away_s``, when another one is being started in its place."""
        await self.until_serving()
        child = self._child
        assert child is not None
        self._may_live.clear()
        self._serves.clear()
        child.kill()
        await child.process.wait()
        await asyncio.sleep(away_s)
        self._may_live.set()

    async def until_serving(self) -> None:
        """Returns when it serves. Raises TimeoutError after :data:`READY_S`."""
        await asyncio.wait_for(self._serves.wait(), READY_S)

    async def _first_serving(self, keeping: asyncio.Task[None]) -> None:
        serving = asyncio.create_task(self._serves.wait())
        try:
            await asyncio.wait((serving, keeping), timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                keeping.result()
            if not self._serves.is_set():
                raise TimeoutError(f"{self._name} does not serve after {READY_S:.0f} s")
        finally:
            await end((serving,))

    async def _keep(self) -> None:
        failed = 0
        while True:
            self._child = await start_child(
                self._name, ["-m", "services.orders"], self._environment, log_folder=self._log_folder
            )
            try:
                await self._child.wait_ready(READY_S)
            except CliError:  # its database was away just then
                failed += 1
                if failed == STARTS_MAX:
                    raise
                await self._child.stop()
                await asyncio.sleep(AGAIN_S)
                continue
            failed = 0
            self._serves.set()
            await self._child.process.wait()
            # Whoever kills it says so beforehand.
            self.ended_alone += self._serves.is_set()
            self._serves.clear()
            await self._child.stop()  # its log to the end
            await self._may_live.wait()
