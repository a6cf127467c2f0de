"""Tells the others that this replica lives and how many calls it could take."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Final

from redis.exceptions import RedisError

from agiza.contracts import streams
from agiza.runtime.logs import get_logger
from agiza.runtime.redis_clients import Client

EVERY_S: Final = 1.0
EXPIRES_S: Final = 5

_log = get_logger(__name__)


class Heartbeat:
    """Writes ``status()`` under the bridge's key every second; the key expires when nobody does."""

    def __init__(self, redis: Client, bridge_id: str, status: Callable[[], dict[str, object]]) -> None:
        self._redis = redis
        self._key = streams.bridge_key(bridge_id)
        self._status = status

    async def run(self, finished: asyncio.Event) -> None:
        """Beat until ``finished``, then take the key away."""
        while not finished.is_set():
            try:
                await self._redis.set(self._key, json.dumps(self._status()), ex=EXPIRES_S)
            except RedisError as error:
                _log.warning("heartbeat_missed", why=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(finished.wait(), EVERY_S)
        with contextlib.suppress(RedisError):
            await self._redis.delete(self._key)
