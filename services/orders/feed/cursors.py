"""Named cursors: how far a reader has acknowledged what it pulled. What is not acknowledged is given again.

    cursor = await read_cursor(conn, "westlands", "till-1")           # None: there is none
    outcome = await acknowledge(conn, "westlands", "till-1", 17)      # a Cursor, or a Refused

A cursor belongs to its branch, not to a key: a key that is replaced goes on where the one before it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from agiza.runtime.postgres import Connection
from services.orders.feed.reading import FeedBounds, bounds

CURSORS_MAX: Final = 50
"""Of one branch."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A reader's place. ``made_by`` is the id of the key that made it."""

    branch_id: str
    name: str
    acknowledged: int
    made_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A cursor cannot stand there: ``ahead`` of the feed, ``behind`` what was acknowledged, in what is ``forgotten``,
    or there are ``too_many``."""

    why: Literal["ahead", "behind", "forgotten", "too_many"]
    there: FeedBounds
    acknowledged: int = 0


def may_acknowledge(acknowledged: int, there: FeedBounds, sequence: int) -> Refused | None:
    """Whether a cursor may go there by an acknowledgement: onward, up to what exists. The same again is harmless."""
    if there.is_ahead(sequence):
        return Refused("ahead", there, acknowledged)
    return Refused("behind", there, acknowledged) if sequence < acknowledged else None


def may_stand(there: FeedBounds, sequence: int) -> Refused | None:
    """Whether a cursor may be put there: anywhere from which nothing is missing."""
    if there.is_ahead(sequence):
        return Refused("ahead", there)
    return Refused("forgotten", there) if there.is_forgotten(sequence) else None


async def list_cursors(conn: Connection, branch_id: str) -> Sequence[Cursor]:
    """All of the branch, by name."""
    found = await conn.execute(_LIST, (branch_id,))
    return [Cursor(*row) for row in await found.fetchall()]


async def read_cursor(conn: Connection, branch_id: str, name: str) -> Cursor | None:
    """One, as it stands."""
    found = await conn.execute(_READ, (branch_id, name))
    row = await found.fetchone()
    return Cursor(*row) if row is not None else None


async def put_cursor(conn: Connection, branch_id: str, name: str, sequence: int, by: str) -> Cursor | Refused:
    """Make it, or move it wherever it is wanted. In a transaction; the branch must exist."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('agiza-cursors:' || %s, 0))", (branch_id,))
    there = await bounds(conn, branch_id)
    if (refused := may_stand(there, sequence)) is not None:
        return refused
    counted = await conn.execute(
        "SELECT count(*) FROM feed_cursors WHERE branch_id = %s AND name <> %s", (branch_id, name)
    )
    row = await counted.fetchone()
    if row is not None and row[0] >= CURSORS_MAX:
        return Refused("too_many", there)
    found = await conn.execute(_PUT, (branch_id, name, sequence, by))
    made = await found.fetchone()
    assert made is not None
    return Cursor(*made)


async def acknowledge(conn: Connection, branch_id: str, name: str, sequence: int) -> Cursor | Refused | None:
    """Everything up to ``sequence`` is done with. In a transaction. None: there is no such cursor."""
    found = await conn.execute(f"{_READ} FOR NO KEY UPDATE", (branch_id, name))
    row = await found.fetchone()
    if row is None:
        return None
    cursor = Cursor(*row)
    refused = may_acknowledge(cursor.acknowledged, await bounds(conn, branch_id), sequence)
    if refused is not None or sequence == cursor.acknowledged:
        return refused or cursor
    found = await conn.execute(_MOVE, (sequence, branch_id, name))
    moved = await found.fetchone()
    assert moved is not None, "its row is locked by us"
    return Cursor(*moved)


async def delete_cursor(conn: Connection, branch_id: str, name: str) -> Cursor | None:
    """Forget it; gives it as it stood. None: there was none."""
    found = await conn.execute(_DELETE, (branch_id, name))
    row = await found.fetchone()
    return Cursor(*row) if row is not None else None


_COLUMNS: Final = "branch_id, name, acknowledged, made_by, created_at, updated_at"
_LIST: Final = f"SELECT {_COLUMNS} FROM feed_cursors WHERE branch_id = %s ORDER BY name"  # noqa: S608 - ours
_READ: Final = f"SELECT {_COLUMNS} FROM feed_cursors WHERE branch_id = %s AND name = %s"  # noqa: S608
_DELETE: Final = f"DELETE FROM feed_cursors WHERE branch_id = %s AND name = %s RETURNING {_COLUMNS}"  # noqa: S608
_MOVE: Final = f"""
    UPDATE feed_cursors SET acknowledged = %s, updated_at = now() WHERE branch_id = %s AND name = %s
    RETURNING {_COLUMNS}
"""  # noqa: S608
_PUT: Final = f"""
    INSERT INTO feed_cursors (branch_id, name, acknowledged, made_by) VALUES (%s, %s, %s, %s)
    ON CONFLICT (branch_id, name) DO UPDATE SET acknowledged = excluded.acknowledged, updated_at = now()
    RETURNING {_COLUMNS}
"""  # noqa: S608
