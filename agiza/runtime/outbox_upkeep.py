"""Care of the outbox: rebuild a branch's stream from it, and forget what is old."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from agiza.contracts import streams
from agiza.runtime.outbox import ENTRIES_MAX, LOCK, entry_id, feed_json, with_sequence
from agiza.runtime.postgres import Pool, transaction
from agiza.runtime.publisher import EVENT_FIELD
from agiza.runtime.redis_clients import Client

PAGE: Final = 500
FORGET_AT_ONCE: Final = 1000


async def rebuild_stream(pool: Pool, client: Client, branch_id: str) -> int:
    """Write the branch's stream anew from the outbox; returns the number of entries.

    For a Redis that lost or mixed up its data. Consumer groups that still exist keep their place; what they had read
    and not acknowledged they get again. Groups that were lost begin at the oldest event. The relay waits meanwhile.
    """
    stream = streams.orders_stream(branch_id)
    written = 0
    async with transaction(pool) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        cursor = await connection.execute(
            "SELECT coalesce(max(sequence), 0) FROM outbox WHERE branch_id = %s", (branch_id,)
        )
        row = await cursor.fetchone()
        assert row is not None
        after, last = max(0, row[0] - ENTRIES_MAX), row[0]
        await _empty_with_groups(client, stream)
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


async def _empty_with_groups(client: Client, stream: str) -> None:
    """Make the stream anew, without entries, with its groups where they were. (An old one refuses its old ids.)"""
    if not await client.exists(stream):
        return
    starts: dict[str, str] = {}
    for group in await client.xinfo_groups(stream):
        name = str(group["name"])
        starts[name] = str(group["last-delivered-id"])
        pending = await client.xpending(stream, name)
        if pending["min"] is not None:
            starts[name] = entry_id(int(str(pending["min"]).partition("-")[0]) - 1)
    async with client.pipeline(transaction=True) as pipe:
        pipe.delete(stream)
        for name, start in starts.items():
            pipe.xgroup_create(stream, name, id=start, mkstream=True)
        await pipe.execute()


async def forget_published(pool: Pool, *, before: datetime) -> int:
    """Delete published events from before this moment, at most :data:`FORGET_AT_ONCE`; returns how many.

    The newest of each branch stays for ever: the next number is counted from it.
    """
    async with transaction(pool) as connection:
        cursor = await connection.execute(
            """
            DELETE FROM outbox WHERE position IN (
                SELECT position FROM outbox AS old
                WHERE created_at < %s AND published_at IS NOT NULL
                  AND sequence < (SELECT max(sequence) FROM outbox AS newest WHERE newest.branch_id = old.branch_id)
                ORDER BY position LIMIT %s
            )
            """,
            (before, FORGET_AT_ONCE),
        )
        return cursor.rowcount
