"""Who waits for the next event of a branch: rung when the relay has numbered one, in whatever process it works.

    await bell.wait("westlands", at_most_s=0.25)

A ring says only that there may be something to read. One that is lost costs :data:`POLL_S`, never an event.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

POLL_S: Final = 0.25


class FeedBell:
    """One per process; any number may wait."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def ring(self, branch_id: str) -> None:
        """Wake everybody who waits for this branch."""
        for waiting in self._waiting.get(branch_id, ()):
            waiting.set()

    async def wait(self, branch_id: str, *, at_most_s: float = POLL_S) -> None:
        """Until the next ring, or so long."""
        rung = asyncio.Event()
        group = self._waiting.setdefault(branch_id, set())
        group.add(rung)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(rung.wait(), at_most_s)
        finally:
            group.discard(rung)
            if not group:
                self._waiting.pop(branch_id, None)
