"""Whether Postgres and Redis answer, known without asking: a caller who rings must not wait for a server that is gone.

One failure is enough to treat a server as away; it counts as back when the watch has had an answer from it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from agiza.runtime.logs import get_logger

WATCH_S: Final = 0.5
PROBE_LIMIT_S: Final = 0.4

log = get_logger(__name__)

Probe = Callable[[], Awaitable[bool]]


class Watched:
    """One server. ``is_up`` can be read at any time."""

    def __init__(self, name: str, probe: Probe) -> None:
        self.name = name
        self.is_up = True
        self._probe = probe

    def failed(self) -> None:
        """Somebody had no answer."""
        if self.is_up:
            log.warning("server_away", server=self.name)
        self.is_up = False

    async def check(self) -> bool:
        """Ask now. Takes :data:`PROBE_LIMIT_S` at most."""
        answered = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PROBE_LIMIT_S):
                answered = await self._probe()
        if not answered:
            self.failed()
        elif not self.is_up:
            log.info("server_back", server=self.name)
            self.is_up = True
        return answered

    async def watch(self, stopping: asyncio.Event) -> None:
        """Keep asking until the service stops."""
        while not stopping.is_set():
            await self.check()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), WATCH_S)
