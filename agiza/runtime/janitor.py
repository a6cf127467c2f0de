"""Trimming of streams, behind every reader and never ahead of one.

    await sweep_stream(client, "agiza:tools:3", metrics)

XADD does not trim: a limit there looks at no reader, and would throw away entries that were not handled yet. Here a
stream is cut only up to what every group has acknowledged. What was handled is kept for a day to look at, unless there
is much of it. Only a stream that nobody reads any more is cut without regard, and that is an alarm.

Called by each reader from time to time (:mod:`agiza.runtime.stream_reader`); any number may do so at once.
"""

from __future__ import annotations

from typing import Any, Final

from redis.exceptions import ResponseError

from agiza.contracts import streams
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import Client

HANDLED_KEPT_MS: Final = 24 * 3600 * 1000
ENTRIES_KEPT: Final = 20_000
"""In a stream with more entries than this, those that were handled go at once."""
ENTRIES_MAX: Final = 100_000
"""With more than this unhandled, the oldest go all the same: Redis' memory serves other calls, too."""
DEAD_KEPT_MS: Final = 30 * 24 * 3600 * 1000
"""Dead letters may hold what callers said."""

_log = get_logger(__name__)

EntryId = tuple[int, int]


def entry_number(id: str) -> EntryId:
    """An entry's id so that it can be compared."""
    first, _, second = id.partition("-")
    return int(first), int(second or 0)


async def state_of(client: Client, stream: str) -> dict[str, Any] | None:
    """What Redis keeps of the stream (XINFO STREAM); None when there is no such stream."""
    try:
        state: dict[str, Any] = await client.xinfo_stream(stream)
    except ResponseError as error:
        if "no such key" in str(error):
            return None
        raise
    return state


async def handled_until(client: Client, stream: str) -> EntryId | None:
    """The first id that some group has not acknowledged yet; everything before it was handled by all.

    None without any group: then nothing was handled. Raises redis-py's errors, also when there is no such stream.
    """
    limits: list[EntryId] = []
    groups: list[dict[str, Any]] = await client.xinfo_groups(stream)
    for group in groups:
        milliseconds, counter = entry_number(str(group["last-delivered-id"]))
        limit = (milliseconds, counter + 1)
        if group["pending"]:
            oldest = (await client.xpending(stream, str(group["name"])))["min"]
            limit = min(limit, entry_number(str(oldest))) if oldest is not None else limit
        limits.append(limit)
    return min(limits) if limits else None


async def trim_before(client: Client, stream: str, limit: EntryId) -> int:
    """Remove the entries before this id; returns how many."""
    return int(await client.xtrim(stream, minid=f"{limit[0]}-{limit[1]}", approximate=False))


async def cap(client: Client, stream: str, metrics: Metrics, *, entries_max: int) -> None:
    """The last resort: let the oldest entries go although somebody has not handled them, and say so."""
    if await client.xlen(stream) <= entries_max:
        return
    removed = int(await client.xtrim(stream, maxlen=entries_max, approximate=False))
    if removed:
        metrics.add("stream_trimmed_unread_total", removed, stream=streams.label(stream))
        _log.error("stream_trimmed_unread", stream=stream, count=removed)


async def sweep_stream(client: Client, stream: str, metrics: Metrics) -> None:
    """Trim one stream of ours, whose ids are Redis' time, and its dead letters."""
    try:
        handled = await handled_until(client, stream)
    except ResponseError as error:
        if "no such key" in str(error):
            return
        raise
    seconds, _ = await client.time()
    now_ms = seconds * 1000
    if handled is not None:
        is_long = await client.xlen(stream) > ENTRIES_KEPT
        await trim_before(client, stream, handled if is_long else min(handled, (now_ms - HANDLED_KEPT_MS, 0)))
    await cap(client, stream, metrics, entries_max=ENTRIES_MAX)
    dead = streams.dead_stream(stream)
    await trim_before(client, dead, (now_ms - DEAD_KEPT_MS, 0))
    metrics.set("stream_dead_entries", await client.xlen(dead), stream=streams.label(stream))
