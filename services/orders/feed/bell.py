"""Who waits for the next event of a branch: rung when the relay has numbered one, in whatever process it works.

    with bell.listen("westlands") as rung:
        while ...:
            rung.clear()                       # before reading: what comes meanwhile rings again
            items = await read_feed(...)
            await asyncio.wait_for(rung.wait(), ...)

    await bell.wait("westlands", at_most_s=0.25)       # for whoever looks in any case after that time

A ring says only that there may be something to read. One that is lost costs :data:`POLL_S`, never an event.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Final

POLL_S: Final = 0.25


class FeedBell:
    """One per process; any number may listen."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._also: list[Callable[[], None]] = []
        self.rings = 0
        """How often it was rung for anybody: what was read before a ring may lack what it was rung for."""

    @property
    def branches(self) -> list[str]:
        """Those that somebody listens for."""
        return sorted(self._waiting)

    def ring(self, branch_id: str) -> None:
        """Wake everybody who listens for this branch."""
        self.rings += 1
        for rung in self._waiting.get(branch_id, ()):
            rung.set()
        for wake in self._also:
            wake()

    def wakes(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` at every ring, whatever the branch, for as long as the process lives."""
        self._also.append(wake)

    @contextlib.contextmanager
    def listen(self, branch_id: str) -> Iterator[asyncio.Event]:
        """An event that every ring for this branch sets, until the end of the block."""
        rung = asyncio.Event()
        group = self._waiting.setdefault(branch_id, set())
        group.add(rung)
        try:
            yield rung
        finally:
            group.discard(rung)
            if not group and self._waiting.get(branch_id) is group:
                del self._waiting[branch_id]

    async def wait(self, branch_id: str, *, at_most_s: float = POLL_S) -> None:
        """Until the next ring, or so long."""
        with self.listen(branch_id) as rung, contextlib.suppress(TimeoutError):
            await asyncio.wait_for(rung.wait(), at_most_s)
