"""Small writes to Redis for which no caller waits.

What is noted here may be lost with Redis: every key expires, and each reader gets on without it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from redis.exceptions import RedisError

from agiza.runtime.logs import get_logger
from agiza.runtime.redis_clients import Client

NOTES_MAX: Final = 10_000
"""Notes that wait; the oldest is dropped first."""
AT_ONCE_MAX: Final = 500
IDLE_S: Final = 0.5

Note = Callable[[Any], object]
"""Puts commands into a pipeline (untyped in redis-py)."""

log = get_logger(__name__)


class SideNotes:
    """Writes down in the background, at once and in order. One per process."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._waiting: deque[Note] = deque(maxlen=NOTES_MAX)
        self._news = asyncio.Event()

    def add(self, note: Note) -> None:
        """Write this soon."""
        self._waiting.append(note)
        self._news.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Write until the service stops; then what waits, once."""
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), IDLE_S)
            await self.flush()
        await self.flush()

    async def flush(self) -> None:
        """Write what waits. Without Redis it is forgotten."""
        self._news.clear()
        while self._waiting:
            pipe = self._redis.pipeline(transaction=False)
            for _ in range(min(len(self._waiting), AT_ONCE_MAX)):
                self._waiting.popleft()(pipe)
            try:
                await pipe.execute()
            except RedisError as error:
                log.warning("side_notes_lost", why=type(error).__name__)
                return
