"""What of a live call lies in Redis, so that others can see it and another replica could go on with it.

Best effort: the record makes a recovery better, and nothing waits for it. Lines are kept in order by one writer.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from redis.exceptions import RedisError

from agiza.contracts import streams
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import Client
from services.bridge.session import actions as a

KEPT_S: Final = 1_800
TURNS_MAX: Final = 40
QUEUE_MAX: Final = 2_000

Write = tuple[str, a.SaveTurn | a.SaveRecord]

_log = get_logger(__name__)


class RecordWriter:
    """Writes session records and transcript lines of all calls of this process."""

    def __init__(self, redis: Client, metrics: Metrics) -> None:
        self._redis = redis
        self._metrics = metrics
        self._queue: asyncio.Queue[Write | None] = asyncio.Queue(QUEUE_MAX)

    def write(self, call_id: str, what: a.SaveTurn | a.SaveRecord) -> None:
        """Leave it to be written. When Redis is away for long, what is new is dropped and counted."""
        try:
            self._queue.put_nowait((call_id, what))
        except asyncio.QueueFull:
            self._metrics.add("unexpected_error_total", where="record_queue_full")

    async def run(self) -> None:
        """Write until :meth:`finish`; to be supervised."""
        while (item := await self._queue.get()) is not None:
            try:
                await self._write(*item)
            except RedisError as error:
                _log.warning("record_not_written", why=type(error).__name__)

    async def finish(self) -> None:
        """Let what is queued be written, then end :meth:`run`."""
        await self._queue.put(None)

    async def _write(self, call_id: str, what: a.SaveTurn | a.SaveRecord) -> None:
        pipe: Any = self._redis.pipeline(transaction=True)  # redis-py types its pipelines as clients
        if isinstance(what, a.SaveRecord):
            key = streams.session_key(call_id)
            pipe.hset(key, mapping=dict(what.fields))
        else:
            key = streams.session_turns_key(call_id)
            line = {"who": what.turn.who, "text": what.turn.pii_text, "at_ms": what.turn.at_ms}
            if what.turn.heard_ms is not None:
                line["heard_ms"] = what.turn.heard_ms
            pipe.rpush(key, json.dumps(line, ensure_ascii=False))
            pipe.ltrim(key, -TURNS_MAX, -1)
        pipe.expire(key, KEPT_S)
        await pipe.execute()
