"""Tells the others that this replica lives and how many calls it could take.

Twice: under a key that expires, and with its time in a sorted set, which stays when the key is gone. So a reader can
tell a replica that died from one that never was, without searching for keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any, Final

from redis.exceptions import RedisError

from agiza.contracts import streams
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.redis_clients import Client

EVERY_S: Final = 1.0
EXPIRES_S: Final = 5
SEEN_S: Final = 3_600

_log = get_logger(__name__)


class Heartbeat:
    """Writes ``status()`` under the bridge's key every second; the key expires when nobody does.

    A beat that does not find the one before is a Redis that has lost its data, or was away: ``on_forgotten`` is told.
    """

    def __init__(
        self,
        redis: Client,
        bridge_id: str,
        status: Callable[[], dict[str, object]],
        clock: Clock,
        on_forgotten: Callable[[], None] = lambda: None,
    ) -> None:
        self._redis = redis
        self._bridge_id = bridge_id
        self._key = streams.bridge_key(bridge_id)
        self._clock = clock
        self._status = status
        self._on_forgotten = on_forgotten
        self._has_beaten = False

    async def run(self, finished: asyncio.Event) -> None:
        """Beat until ``finished``, then take both away."""
        while not finished.is_set():
            try:
                await self._beat()
            except RedisError as error:
                _log.warning("heartbeat_missed", why=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(finished.wait(), EVERY_S)
        with contextlib.suppress(RedisError):
            pipe: Any = self._redis.pipeline(transaction=True)
            await pipe.delete(self._key).zrem(streams.BRIDGES_SEEN, self._bridge_id).execute()

    async def _beat(self) -> None:
        now = self._clock.now().timestamp()
        pipe: Any = self._redis.pipeline(transaction=True)  # redis-py types its pipelines as clients
        pipe.set(self._key, json.dumps(self._status()), ex=EXPIRES_S, get=True)
        pipe.zadd(streams.BRIDGES_SEEN, {self._bridge_id: now})
        pipe.zremrangebyscore(streams.BRIDGES_SEEN, "-inf", now - SEEN_S)
        before, *_ = await pipe.execute()
        if before is None and self._has_beaten:
            self._on_forgotten()
        self._has_beaten = True
