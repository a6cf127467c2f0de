"""Care of the outbox and its streams: find one that Redis lost, rebuild it, trim it, forget what is old."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from agiza.contracts import streams
from agiza.runtime.janitor import cap, entry_number, handled_until, state_of, trim_before
from agiza.runtime.metrics import Metrics
from agiza.runtime.outbox import ENTRIES_KEPT, LOCK, entry_id, feed_json, with_sequence
from agiza.runtime.postgres import Pool, transaction
from agiza.runtime.publisher import EVENT_FIELD
from agiza.runtime.redis_clients import Client

PAGE: Final = 500
FORGETTING_LOCK: Final = 4_812_019_738
"""Taken for the length of a transaction by the one who forgets: two at once would leave a hole for a moment."""
UNREAD_MAX: Final = 1_000_000
"""More than this a branch's stream never holds, read or not."""


async def is_whole(pool: Pool, client: Client, branch_id: str) -> bool:
    """Whether the branch's stream has every published event that it should have: no end cut off, no hole, no beginning.

    The order of the questions matters: what is published in between may only be more than the outbox said.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT coalesce((SELECT sequence FROM outbox WHERE branch_id = %(branch)s AND sequence IS NOT NULL"
            "   AND published_at IS NOT NULL ORDER BY sequence DESC LIMIT 1), 0),"
            " coalesce((SELECT min(sequence) FROM outbox WHERE branch_id = %(branch)s), 1)",
            {"branch": branch_id},
        )
        row = await cursor.fetchone()
    assert row is not None
    published, oldest = int(row[0]), int(row[1])
    state = await state_of(client, streams.orders_stream(branch_id))
    if state is None:
        return published == 0
    last, _ = entry_number(str(state["last-generated-id"]))
    if last < published:
        return False
    if not state["length"]:
        return published == 0
    first, _ = entry_number(str(state["first-entry"][0]))
    return first <= max(1, oldest, last - ENTRIES_KEPT + 1) and state["length"] == last - first + 1


async def trim_feed(client: Client, branch_id: str, metrics: Metrics) -> None:
    """Keep the newest :data:`~agiza.runtime.outbox.ENTRIES_KEPT`, and whatever a group of readers has not handled."""
    stream = streams.orders_stream(branch_id)
    if await client.xlen(stream) <= ENTRIES_KEPT:
        return
    newest = (await client.xrevrange(stream, count=1))[0][0]
    limit = (entry_number(newest)[0] - ENTRIES_KEPT + 1, 0)
    handled = await handled_until(client, stream)
    await trim_before(client, stream, limit if handled is None else min(limit, handled))
    await cap(client, stream, metrics, entries_max=UNREAD_MAX)


async def rebuild_stream(pool: Pool, client: Client, branch_id: str) -> int:
    """Write the branch's stream anew from the outbox; returns the number of entries.

    For a Redis that lost or mixed up its data. Consumer groups that still exist keep their place; what they had read
    and not acknowledged they get again, and from the first entry on that was missing everything: nobody can know
    whether they saw it before it was lost. Groups that were lost begin at the oldest event. The relay waits meanwhile.
    """
    stream = streams.orders_stream(branch_id)
    written = 0
    async with transaction(pool) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        cursor = await connection.execute(
            "SELECT coalesce(max(sequence), 0), coalesce(min(sequence), 1) FROM outbox WHERE branch_id = %s",
            (branch_id,),
        )
        row = await cursor.fetchone()
        assert row is not None
        after, last = max(row[1] - 1, row[0] - ENTRIES_KEPT), row[0]
        await _empty_with_groups(client, stream, whole_until=await _whole_until(client, stream, after))
        while after < last:
            cursor = await connection.execute(
                "SELECT sequence, pii_event FROM outbox "
                "WHERE branch_id = %s AND sequence > %s ORDER BY sequence LIMIT %s",
                (branch_id, after, PAGE),
            )
            rows = await cursor.fetchall()
            async with client.pipeline(transaction=True) as pipe:
                for sequence, event in rows:
                    pipe.xadd(stream, {EVENT_FIELD: feed_json(with_sequence(event, sequence))}, id=entry_id(sequence))
                await pipe.execute()
            written += len(rows)
            after = rows[-1][0]
        await connection.execute(
            "UPDATE outbox SET published_at = coalesce(published_at, now()) "
            "WHERE branch_id = %s AND sequence <= %s AND published_at IS NULL",
            (branch_id, last),
        )
    return written


async def _whole_until(client: Client, stream: str, number: int) -> int:
    """The last number after ``number`` up to which no entry is missing."""
    while entries := await client.xrange(stream, min=entry_id(number + 1), count=PAGE):
        for id, _ in entries:
            if id != entry_id(number + 1):
                return number
            number += 1
    return number


async def _empty_with_groups(client: Client, stream: str, *, whole_until: int) -> None:
    """Make the stream anew, without entries, with its groups where they were, or before the first entry that was
    missing: a group that went on behind a hole would never be given what was in it. (An old one refuses its old ids.)
    """
    if not await client.exists(stream):
        return
    starts: dict[str, int] = {}
    for group in await client.xinfo_groups(stream):
        name = str(group["name"])
        starts[name], _ = entry_number(str(group["last-delivered-id"]))
        pending = await client.xpending(stream, name)
        if pending["min"] is not None:
            starts[name] = entry_number(str(pending["min"]))[0] - 1
    async with client.pipeline(transaction=True) as pipe:
        pipe.delete(stream)
        for name, start in starts.items():
            pipe.xgroup_create(stream, name, id=entry_id(min(start, whole_until)), mkstream=True)
        await pipe.execute()


async def forget_published(pool: Pool, *, older_than: timedelta, limit: int) -> int:
    """Delete published events of this age (on the database's clock), at most ``limit``; returns how many.

    Always the beginning of a branch's feed: what is left has no hole. The newest of each branch stays for ever: the
    next number is counted from it. Where another replica is at it, nothing is done.
    """
    async with transaction(pool) as connection:
        cursor = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (FORGETTING_LOCK,))
        if await cursor.fetchone() != (True,):
            return 0
        cursor = await connection.execute(_FORGET, {"age": older_than, "limit": limit})
        return cursor.rowcount


_FORGET: Final = """
    WITH old AS (
        SELECT DISTINCT branch_id FROM outbox WHERE created_at < now() - %(age)s AND published_at IS NOT NULL
    ), kept AS (
        -- An event that began to be written earlier may have the later number: so not simply by age.
        SELECT branch_id, least(
            (SELECT max(sequence) FROM outbox WHERE outbox.branch_id = old.branch_id),
            (SELECT min(sequence) FROM outbox WHERE outbox.branch_id = old.branch_id
                AND (created_at >= now() - %(age)s OR published_at IS NULL))
        ) AS first FROM old
    )
    DELETE FROM outbox WHERE position IN (
        SELECT position FROM outbox JOIN kept USING (branch_id)
        WHERE sequence < first ORDER BY branch_id, sequence LIMIT %(limit)s
    )
"""
