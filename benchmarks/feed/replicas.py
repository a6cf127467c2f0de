"""Replicas of ``orders`` as real processes on fixed ports, so that one that was killed comes back where it was."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from agiza.cli.processes import Child, start_child
from agiza.cli.stack import BRANCHES

NOON: Final = datetime(2026, 3, 6, 12, tzinfo=ZoneInfo("Africa/Nairobi"))
READY_S: Final = 60.0


class Replicas:
    """Started by :func:`replicas`."""

    def __init__(self, database_url: str, redis_url: str, count: int) -> None:
        self._environment = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "AGIZA_INTERNAL_TOKEN": secrets.token_hex(24),
            "AGIZA_BRANCHES_DIR": str(BRANCHES),
            "AGIZA_NOW": NOON.isoformat(),
            "AGIZA_NOW_SET_AT": datetime.now(UTC).isoformat(),
        }
        self._ports = [_free_port() for _ in range(count)]
        self._children: list[Child] = []
        self.kills = 0

    @property
    def urls(self) -> list[str]:
        """Where they answer."""
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    async def start(self) -> None:
        """All of them, until they are ready."""
        for port in self._ports:
            self._children.append(await self._start(port))

    async def kill_and_restart(self, turn: int) -> None:
        """``kill -9`` of one, and another one in its place."""
        which = turn % len(self._children)
        process = self._children[which].process
        process.kill()
        await process.wait()
        self.kills += 1
        self._children[which] = await self._start(self._ports[which])

    async def stop(self) -> None:
        """All of them."""
        for child in self._children:
            await child.stop()

    async def _start(self, port: int) -> Child:
        child = await start_child("orders", ["-m", "services.orders"], {**self._environment, "AGIZA_PORT": str(port)})
        await child.wait_ready(READY_S)
        return child


@contextlib.asynccontextmanager
async def replicas(database_url: str, redis_url: str, count: int) -> AsyncIterator[Replicas]:
    """So many replicas for the length of the block."""
    made = Replicas(database_url, redis_url, count)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
