"""Delivers events a second time, as Redis may: the same bytes, the same id."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection

import redis.asyncio as redis

from agiza.contracts.envelope import ContractError, decode
from agiza.contracts.events import HandoffRequested
from agiza.contracts.streams import HANDOFFS
from agiza.runtime.publisher import EVENT_FIELD

BLOCK_MS = 200


@contextlib.asynccontextmanager
async def repeating(redis_url: str, call_ids: Collection[str]) -> AsyncIterator[set[str]]:
    """While inside, each request for a person of these calls is put on its stream once more. Yields their calls."""
    repeated: set[str] = set()
    client = redis.Redis.from_url(redis_url, decode_responses=True)
    last = await _end_of(client)
    task = asyncio.create_task(_repeat(client, last, call_ids, repeated), name="repeats of hand-off requests")
    try:
        yield repeated
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.aclose()


async def _end_of(client: redis.Redis) -> str:
    entries = await client.xrevrange(HANDOFFS, count=1)
    return str(entries[0][0]) if entries else "0"


async def _repeat(client: redis.Redis, last: str, call_ids: Collection[str], repeated: set[str]) -> None:
    seen: set[str] = set()
    while True:
        for _, entries in await client.xread({HANDOFFS: last}, block=BLOCK_MS):
            for entry_id, fields in entries:
                last = entry_id
                with contextlib.suppress(ContractError):
                    received = decode(fields[EVENT_FIELD])
                    event = received.event
                    is_meant = isinstance(event, HandoffRequested) and event.call_id in call_ids
                    if is_meant and received.envelope.id not in seen:
                        seen.add(received.envelope.id)
                        repeated.add(event.call_id or "")
                        await client.xadd(HANDOFFS, {EVENT_FIELD: fields[EVENT_FIELD]})
