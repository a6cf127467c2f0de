"""Reading a branch's feed from the outbox, which every other form of it is derived from.

    async with pool.connection() as conn:
        items = await read_feed(conn, "westlands", after=17, limit=100)

Only numbered events are there to be read. Numbers are given after the commit of what they number, under one lock and
without a hole (:mod:`agiza.runtime.outbox`), so a reader that asks for what comes after its last number never skips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agiza.contracts.feed_digest import canonical_json
from agiza.runtime.outbox import with_sequence
from agiza.runtime.postgres import Connection

PAGE_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One event of a branch. ``body`` is the CloudEvent as it is sent in every form of the feed, byte for byte."""

    sequence: int
    event_id: str
    type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class FeedBounds:
    """The oldest and the newest number that the outbox still has; ``newest`` 0: the branch had no event yet."""

    oldest: int
    newest: int

    def is_forgotten(self, after: int) -> bool:
        """Whether something behind number ``after`` is older than the outbox."""
        return after + 1 < self.oldest

    def is_ahead(self, after: int) -> bool:
        """Whether ``after`` was never given: the reader comes from another database, or from a mistake."""
        return after > self.newest


async def read_feed(conn: Connection, branch_id: str, *, after: int, limit: int) -> Sequence[FeedItem]:
    """The events behind number ``after``, in order, at most ``limit``."""
    cursor = await conn.execute(
        "SELECT sequence, event_id, type, pii_event FROM outbox"
        " WHERE branch_id = %s AND sequence > %s ORDER BY sequence LIMIT %s",
        (branch_id, after, min(limit, PAGE_MAX)),
    )
    return [FeedItem(row[0], row[1], row[2], body_of(with_sequence(row[3], row[0]))) for row in await cursor.fetchall()]


def without_hole(items: Sequence[FeedItem], after: int) -> Sequence[FeedItem]:
    """As many of these as follow number ``after`` one by one. Fewer than there were: what comes next is forgotten."""
    for place, item in enumerate(items):
        if item.sequence != after + 1 + place:
            return items[:place]
    return items


async def is_branch(conn: Connection, branch_id: str) -> bool:
    """Whether there is such a branch."""
    cursor = await conn.execute("SELECT EXISTS (SELECT FROM branches WHERE branch_id = %s)", (branch_id,))
    return await cursor.fetchone() == (True,)


async def bounds(conn: Connection, branch_id: str) -> FeedBounds:
    """What there is to read."""
    cursor = await conn.execute(
        "SELECT coalesce(min(sequence), 1), coalesce(max(sequence), 0) FROM outbox"
        " WHERE branch_id = %s AND sequence IS NOT NULL",
        (branch_id,),
    )
    row = await cursor.fetchone()
    assert row is not None
    return FeedBounds(row[0], row[1])


def body_of(event: object) -> bytes:
    """The event as canonical JSON: the same bytes everywhere."""
    return canonical_json(event)
