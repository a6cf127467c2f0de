"""What integrators do with deliveries by themselves: a test, sending a range again, and seeing what became of each.

Everything here is about one endpoint that the caller has found before, and may see.
"""

# ruff: noqa: S608 - the texts are ours

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row

from agiza.runtime.postgres import Connection
from services.orders.webhooks.schedule import PING_TYPE, TICKET_TYPES

_DELIVERY: Final = (
    "event_id, branch_id, nullif(sequence, 0) AS sequence, order_id, type, class, state, attempts,"
    " CASE WHEN state = 'pending' THEN due_at END AS due_at, began_at, settled_at"
)


@dataclass(frozen=True, slots=True)
class ReplayCounts:
    """Of the ``events`` in the range, ``queued`` go out again and ``waiting`` were on their way already."""

    events: int
    queued: int
    waiting: int

    @property
    def not_subscribed(self) -> int:
        """Those that the endpoint does not take."""
        return self.events - self.queued - self.waiting


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the delivery after it began at the same time or earlier."""

    began_at: datetime
    event_id: str


async def add_ping(conn: Connection, endpoint_id: str, *, event_id: str, branch_id: str, now: datetime) -> None:
    """A test delivery, due at once. It has no number and is in no feed."""
    await conn.execute(
        "INSERT INTO webhook_deliveries (endpoint_id, event_id, branch_id, sequence, type, class, due_at, began_at)"
        " VALUES (%s, %s, %s, 0, %s, 'ping', %s, %s)",
        (endpoint_id, event_id, branch_id, PING_TYPE, now, now),
    )


async def waiting_pings(conn: Connection, endpoint_id: str) -> int:
    """How many test deliveries have no outcome yet."""
    cursor = await conn.execute(
        "SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = %s AND state = 'pending' AND class = 'ping'",
        (endpoint_id,),
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def replay_range(
    conn: Connection, endpoint_id: str, branch_id: str, *, first: int, last: int, types: Sequence[str], now: datetime
) -> ReplayCounts:
    """Send the branch's events ``first`` to ``last`` again, with their old ids and a schedule that begins now.

    ``types`` empty: all. What is on its way already stays as it is, so that the same again does no harm.
    """
    wanted = {
        "endpoint": endpoint_id,
        "branch": branch_id,
        "first": first,
        "last": last,
        "types": list(types),
        "tickets": list(TICKET_TYPES),
        "now": now,
    }
    cursor = await conn.execute(
        "SELECT count(*), count(*) FILTER (WHERE %(types)s::text[] = '{}' OR type = ANY(%(types)s::text[]))"
        " FROM outbox WHERE branch_id = %(branch)s AND sequence BETWEEN %(first)s AND %(last)s",
        wanted,
    )
    row = await cursor.fetchone()
    assert row is not None
    cursor = await conn.execute(
        "INSERT INTO webhook_deliveries AS there"
        " (endpoint_id, event_id, branch_id, sequence, order_id, type, class, due_at, began_at)"
        " SELECT %(endpoint)s, event_id, branch_id, sequence, pii_event->'data'->>'order_id', type,"
        " CASE WHEN type = ANY(%(tickets)s::text[]) THEN 'ticket' ELSE 'record' END, %(now)s, %(now)s"
        " FROM outbox WHERE branch_id = %(branch)s AND sequence BETWEEN %(first)s AND %(last)s"
        " AND (%(types)s::text[] = '{}' OR type = ANY(%(types)s::text[])) ORDER BY sequence"
        " ON CONFLICT (endpoint_id, event_id) DO UPDATE"
        " SET state = 'pending', attempts = 0, due_at = %(now)s, began_at = %(now)s, settled_at = NULL,"
        " is_late = false"
        " WHERE there.state <> 'pending'",
        wanted,
    )
    return ReplayCounts(events=row[0], queued=cursor.rowcount, waiting=row[1] - cursor.rowcount)


async def list_deliveries(
    conn: Connection,
    endpoint_id: str,
    *,
    state: str | None = None,
    branch_id: str | None = None,
    event_id: str | None = None,
    after: Place | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """Deliveries of the endpoint, those that began last first."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            f"SELECT {_DELIVERY} FROM webhook_deliveries WHERE endpoint_id = %(endpoint)s"
            " AND (%(state)s::text IS NULL OR state = %(state)s)"
            " AND (%(branch)s::text IS NULL OR branch_id = %(branch)s)"
            " AND (%(event)s::text IS NULL OR event_id = %(event)s)"
            " AND (%(began)s::timestamptz IS NULL OR (began_at, event_id) < (%(began)s, %(last)s))"
            " ORDER BY began_at DESC, event_id DESC LIMIT %(limit)s",
            {
                "endpoint": endpoint_id,
                "state": state,
                "branch": branch_id,
                "event": event_id,
                "began": after.began_at if after else None,
                "last": after.event_id if after else None,
                "limit": limit,
            },
        )
        return await cursor.fetchall()


async def list_attempts(
    conn: Connection, endpoint_id: str, *, event_id: str | None = None, before: int | None = None, limit: int
) -> list[dict[str, Any]]:
    """Attempts at the endpoint, newest first; only of one event; only older ones than the attempt ``before``."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "SELECT attempt_id, event_id, attempt, at, status, error, duration_ms FROM webhook_attempts"
            " WHERE endpoint_id = %(endpoint)s AND (%(event)s::text IS NULL OR event_id = %(event)s)"
            " AND (%(before)s::bigint IS NULL OR attempt_id < %(before)s) ORDER BY attempt_id DESC LIMIT %(limit)s",
            {"endpoint": endpoint_id, "event": event_id, "before": before, "limit": limit},
        )
        return await cursor.fetchall()
