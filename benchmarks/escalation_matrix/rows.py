"""What the services wrote about a case, read from the database by an account of its own."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

_PENDING = frozenset({"requested", "leaving", "dial_served"})


@dataclass(frozen=True, slots=True)
class Rows:
    """States of the call's hand-offs and calls back. ``is_settled``: nothing more will happen by itself soon."""

    handoffs: tuple[str, ...]
    callbacks: tuple[str, ...]
    open_calls: int
    is_over: bool
    is_due: bool

    @property
    def is_settled(self) -> bool:
        return self.is_over and not self.is_due and not self.open_calls and not _PENDING & set(self.handoffs)


async def read_rows(conn: psycopg.AsyncConnection, call_id: str) -> Rows:
    """As they stand now. The connection is in autocommit."""
    handoffs = await _texts(conn, "SELECT state FROM handoffs WHERE call_id = %s ORDER BY leg_epoch", call_id)
    callbacks = await _texts(conn, "SELECT state FROM callbacks WHERE call_id = %s ORDER BY created_at", call_id)
    due = await _texts(
        conn,
        # What is due at the next opening is not waited for.
        "SELECT callback_id FROM callbacks WHERE call_id = %s AND (state = 'calling' OR (state = 'waiting'"
        " AND next_attempt_at < updated_at + interval '5 minutes'))",
        call_id,
    )
    placed = await _texts(
        conn,
        "SELECT outbound_id FROM outbound_calls WHERE call_id = %s AND state IN ('asked', 'placed', 'answered')",
        call_id,
    )
    over = await _texts(conn, "SELECT call_id FROM calls WHERE call_id = %s AND ended_at IS NOT NULL", call_id)
    return Rows(handoffs, callbacks, len(placed), bool(over), bool(due))


async def _texts(conn: psycopg.AsyncConnection, query: str, call_id: str) -> tuple[str, ...]:
    cursor = await conn.execute(query.encode(), (call_id,))
    return tuple(row[0] for row in await cursor.fetchall())
