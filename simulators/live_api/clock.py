"""The simulator's time: real, or faster by a factor so that a test need not wait for playback."""

from __future__ import annotations

import asyncio
import datetime
import time


class Clock:
    """Seconds of simulated time. `speed` 20 lets 20 simulated seconds pass in a real one."""

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be positive, not {speed}")
        self._speed = speed

    def now(self) -> float:
        return time.monotonic() * self._speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self._speed)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Whether the event was set within this time."""
        if event.is_set():
            return True
        if seconds <= 0:
            return False
        try:
            await asyncio.wait_for(event.wait(), seconds / self._speed)
        except TimeoutError:
            return False
        return True


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
