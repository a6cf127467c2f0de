"""Rows of ``webhook_deliveries`` and ``webhook_attempts``, as the engine makes, claims and settles them.

    await make_deliveries(conn, events, now)            # in the transaction that numbers them
    claimed = await claim(conn, holder, wanted, now)    # heads of orders that are due
    await settle(conn, [Outcome(...), ...])             # many attempts, one statement

A claim locks and writes nothing: the lane's holder remembers what it has under way, and what a dead one had so is
still pending. So a delivery is sent at least once, whatever is killed when.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from agiza.runtime.outbox import FeedEvent, with_sequence
from agiza.runtime.postgres import Connection, Pool, transaction
from services.orders.feed.reading import body_of
from services.orders.webhooks.schedule import (
    FIRST_TYPE,
    TICKET_ALARM_S,
    DeliveryClass,
    class_of,
    life_s,
)

HURRY_MAX: Final = 10_000
EXPIRE_MAX: Final = 5_000
LATE_MAX: Final = 5_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many deliveries of an endpoint are wanted, besides those that are ``busy``: under way, or not yet settled."""

    endpoint_id: str
    limit: int
    busy: Collection[str]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is due, with where it goes and what signs it (the former secret while it is good)."""

    endpoint_id: str
    url: str
    secret: str
    former_secret: str | None
    event_id: str
    branch_id: str
    sequence: int
    order_id: str | None
    type: str
    class_: DeliveryClass
    attempts: int
    began_at: datetime
    ticket_since: datetime | None
    """Since when a ticket of the same order waits behind it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt that has ended. ``due_at`` is when the next one is, for a delivery that stays pending."""

    claimed: Claimed
    at: datetime
    status: int | None
    error: str | None
    duration_ms: int
    state: Literal["pending", "delivered", "expired"]
    due_at: datetime | None = None


async def make_deliveries(conn: Connection, events: Sequence[FeedEvent], now: datetime) -> None:
    """One delivery for each event and each endpoint that takes it: active or paused, of its branch, with its type.

    A record waits with what waits before it in its order. A ticket does not: it makes that due now, whatever it is.
    """
    await conn.execute(
        """
        INSERT INTO webhook_deliveries
            (endpoint_id, event_id, branch_id, sequence, order_id, type, class, due_at, began_at)
        SELECT endpoint_id, e.event_id, e.branch_id, e.sequence, e.order_id, e.type, e.class,
            CASE WHEN e.class = 'ticket' THEN %(now)s ELSE greatest(%(now)s, (
                SELECT max(due_at) FROM webhook_deliveries AS before WHERE before.endpoint_id = endpoint.endpoint_id
                AND before.order_id = e.order_id AND before.state = 'pending')) END,
            %(now)s
        FROM unnest(%(ids)s::text[], %(branches)s::text[], %(sequences)s::bigint[], %(orders)s::text[],
                %(types)s::text[], %(classes)s::text[])
            AS e (event_id, branch_id, sequence, order_id, type, class)
        JOIN webhook_endpoints AS endpoint
            ON endpoint.state IN ('active', 'paused') AND endpoint.deleted_at IS NULL
            AND endpoint.branches && ARRAY[e.branch_id, '*']
            AND (endpoint.types = '{}' OR e.type = ANY(endpoint.types))
        ORDER BY e.branch_id, e.sequence
        ON CONFLICT DO NOTHING
        """,
        {
            "now": now,
            "ids": [event.event_id for event in events],
            "branches": [event.branch_id for event in events],
            "sequences": [event.sequence for event in events],
            "orders": [order_of(event.event) for event in events],
            "types": [event.type for event in events],
            "classes": [class_of(event.type) for event in events],
        },
    )
    behind = [event for event in events if class_of(event.type) == "ticket" and event.type != FIRST_TYPE]
    if behind:
        await conn.execute(
            """
            UPDATE webhook_deliveries AS d SET due_at = %s
            FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS ticket (branch_id, order_id, sequence)
            JOIN webhook_endpoints AS endpoint ON endpoint.branches && ARRAY[ticket.branch_id, '*']
            WHERE d.endpoint_id = endpoint.endpoint_id AND d.order_id = ticket.order_id AND d.state = 'pending'
                AND d.sequence < ticket.sequence AND d.due_at > %s
            """,
            (
                now,
                [event.branch_id for event in behind],
                [order_of(event.event) for event in behind],
                [event.sequence for event in behind],
                now,
            ),
        )


def order_of(event: Mapping[str, object]) -> str | None:
    """The order that the event is about."""
    data = event.get("data")
    order_id = data.get("order_id") if isinstance(data, Mapping) else None
    return order_id if isinstance(order_id, str) else None


async def claim(conn: Connection, holder: str, wanted: Sequence[Wanted], now: datetime) -> list[Claimed]:
    """Deliveries that are due, of lanes that ``holder`` holds: the first of each order that is not settled.

    In the order of their sequence, as far as none has to wait for its next attempt.
    """
    cursor = await conn.execute(
        """
        SELECT lane.endpoint_id, lane.url, lane.secret,
            CASE WHEN lane.former_until > %(now)s THEN lane.former_secret END,
            due.event_id, due.branch_id, due.sequence, due.order_id, due.type, due.class, due.attempts, due.began_at,
            (SELECT min(began_at) FROM webhook_deliveries AS later WHERE later.endpoint_id = lane.endpoint_id
             AND later.order_id = due.order_id AND later.state = 'pending' AND later.sequence > due.sequence
             AND later.class = 'ticket')
        FROM unnest(%(ids)s::text[], %(limits)s::int[], %(busy)s::text[]) AS wanted (endpoint_id, number, busy)
        JOIN webhook_endpoints AS lane ON lane.endpoint_id = wanted.endpoint_id AND lane.state = 'active'
            AND lane.lane_holder = %(holder)s AND lane.lane_until > clock_timestamp()
        CROSS JOIN LATERAL (
            SELECT * FROM webhook_deliveries AS d
            WHERE d.endpoint_id = wanted.endpoint_id AND d.state = 'pending' AND d.due_at <= %(now)s
                AND d.event_id <> ALL (string_to_array(wanted.busy, ' '))
                AND NOT EXISTS (
                    SELECT FROM webhook_deliveries AS first WHERE first.endpoint_id = d.endpoint_id
                    AND first.order_id = d.order_id AND first.state = 'pending' AND first.sequence < d.sequence)
            ORDER BY d.due_at, d.sequence LIMIT wanted.number
        ) AS due
        """,
        {
            "holder": holder,
            "now": now,
            "ids": [each.endpoint_id for each in wanted],
            "limits": [each.limit for each in wanted],
            "busy": [" ".join(each.busy) for each in wanted],
        },
    )
    return [Claimed(*row) for row in await cursor.fetchall()]


async def read_bodies(conn: Connection, event_ids: Collection[str]) -> dict[str, bytes]:
    """The bodies of numbered events, the same bytes as in every form of the feed. What is forgotten is not there."""
    cursor = await conn.execute(
        "SELECT event_id, sequence, pii_event FROM outbox WHERE event_id = ANY(%s) AND sequence IS NOT NULL",
        (list(event_ids),),
    )
    return {row[0]: body_of(with_sequence(row[2], row[1])) for row in await cursor.fetchall()}


async def settle(conn: Connection, outcomes: Sequence[Outcome]) -> None:
    """Keep the attempts, and what became of their deliveries. The same again changes no delivery.

    What follows a delivery of the same order that has to wait, waits with it, if it is no ticket. A success counts
    even where the delivery was given up meanwhile; a failure does not where it was begun anew.
    """
    columns = {
        "endpoints": [each.claimed.endpoint_id for each in outcomes],
        "events": [each.claimed.event_id for each in outcomes],
        "numbers": [each.claimed.attempts + 1 for each in outcomes],
        "at": [each.at for each in outcomes],
        "statuses": [each.status for each in outcomes],
        "errors": [each.error for each in outcomes],
        "durations": [each.duration_ms for each in outcomes],
        "states": [each.state for each in outcomes],
        "due": [each.due_at for each in outcomes],
        "began": [each.claimed.began_at for each in outcomes],
    }
    # The attempts are of endpoints that are there still; what a crash of the server takes back is sent once more.
    await conn.execute("SET LOCAL synchronous_commit = off")
    await conn.execute(
        """
        WITH told AS (
            SELECT * FROM unnest(%(endpoints)s::text[], %(events)s::text[], %(numbers)s::int[], %(at)s::timestamptz[],
                %(statuses)s::int[], %(errors)s::text[], %(durations)s::int[], %(states)s::text[],
                %(due)s::timestamptz[], %(began)s::timestamptz[])
            AS t (endpoint_id, event_id, attempt, at, status, error, duration_ms, state, due_at, began_at)
        ), kept AS (
            INSERT INTO webhook_attempts (endpoint_id, event_id, attempt, at, status, error, duration_ms)
            SELECT endpoint_id, event_id, attempt, at, status, error, duration_ms
            FROM told JOIN webhook_endpoints USING (endpoint_id) ORDER BY at
        )
        UPDATE webhook_deliveries AS d SET
            state = told.state, attempts = greatest(d.attempts, told.attempt),
            due_at = coalesce(told.due_at, d.due_at),
            settled_at = CASE WHEN told.state <> 'pending' THEN told.at END
        FROM told WHERE d.endpoint_id = told.endpoint_id AND d.event_id = told.event_id
            AND (CASE WHEN told.state = 'delivered' THEN d.state <> 'delivered'
                 ELSE d.state = 'pending' AND d.began_at = told.began_at END)
        """,
        columns,
    )
    waiting = [each for each in outcomes if each.state == "pending" and each.claimed.order_id is not None]
    if waiting:
        await conn.execute(
            """
            UPDATE webhook_deliveries AS later SET due_at = first.due_at
            FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::timestamptz[])
                AS first (endpoint_id, order_id, sequence, due_at)
            WHERE later.endpoint_id = first.endpoint_id AND later.order_id = first.order_id
                AND later.state = 'pending' AND later.sequence > first.sequence AND later.due_at < first.due_at
                AND later.class <> 'ticket'
            """,
            (
                [each.claimed.endpoint_id for each in waiting],
                [each.claimed.order_id for each in waiting],
                [each.claimed.sequence for each in waiting],
                [each.due_at for each in waiting],
            ),
        )


async def retry(
    conn: Connection,
    endpoint_id: str,
    now: datetime,
    *,
    class_: DeliveryClass | None = None,
    event_id: str | None = None,
) -> int:
    """Make what waits for its next attempt due now: everything, one class, or one event; returns how many.

    For an endpoint that is well again. At most :data:`HURRY_MAX`, the oldest first.
    """
    cursor = await conn.execute(
        """
        UPDATE webhook_deliveries SET due_at = %(now)s WHERE (endpoint_id, event_id) IN (
            SELECT endpoint_id, event_id FROM webhook_deliveries
            WHERE endpoint_id = %(endpoint)s AND state = 'pending' AND due_at > %(now)s
                AND (%(class)s::text IS NULL OR class = %(class)s)
                AND (%(event)s::text IS NULL OR event_id = %(event)s)
            ORDER BY due_at LIMIT %(limit)s)
        """,
        {"endpoint": endpoint_id, "now": now, "class": class_, "event": event_id, "limit": HURRY_MAX},
    )
    return cursor.rowcount


async def expire(conn: Connection, now: datetime) -> dict[DeliveryClass, int]:
    """Give up what is too old, tried or not: its lane was shut, or its endpoint paused. At most so many at once."""
    expired: dict[DeliveryClass, int] = {}
    classes: tuple[DeliveryClass, ...] = ("ticket", "record", "ping")
    for class_ in classes:
        cursor = await conn.execute(
            """
            UPDATE webhook_deliveries SET state = 'expired', settled_at = %(now)s WHERE (endpoint_id, event_id) IN (
                SELECT endpoint_id, event_id FROM webhook_deliveries
                WHERE class = %(class)s AND state = 'pending' AND attempts >= 0 AND began_at < %(before)s
                ORDER BY began_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
            """,
            {
                "now": now,
                "class": class_,
                "before": now - timedelta(seconds=life_s(class_)),
                "limit": EXPIRE_MAX,
            },
        )
        if cursor.rowcount:
            expired[class_] = cursor.rowcount
    return expired


@dataclass(frozen=True, slots=True)
class Alarms:
    """Endpoints for which a ticket has begun to wait too long, and those for which none does any more; and of tickets
    that are late since the last look, how many in which branch."""

    begun: tuple[str, ...]
    over: tuple[str, ...]
    tickets: Mapping[str, int]


async def alarms(conn: Connection, now: datetime) -> Alarms:
    """Note which active endpoints have a ticket that should have arrived. Each change is told to one caller only."""
    late = (
        "EXISTS (SELECT FROM webhook_deliveries AS d WHERE d.endpoint_id = webhook_endpoints.endpoint_id"
        " AND d.state = 'pending' AND d.class = 'ticket' AND d.began_at <= %(late)s)"
    )
    values = {"now": now, "late": now - timedelta(seconds=TICKET_ALARM_S), "limit": LATE_MAX}
    cursor = await conn.execute(
        f"UPDATE webhook_endpoints SET alarm_since = %(now)s"  # noqa: S608 - the text is ours
        f" WHERE alarm_since IS NULL AND state = 'active' AND {late} RETURNING endpoint_id",
        values,
    )
    begun = tuple(row[0] for row in await cursor.fetchall())
    cursor = await conn.execute(
        f"UPDATE webhook_endpoints SET alarm_since = NULL"  # noqa: S608 - the text is ours
        f" WHERE alarm_since IS NOT NULL AND NOT (state = 'active' AND {late}) RETURNING endpoint_id",
        values,
    )
    over = tuple(row[0] for row in await cursor.fetchall())
    cursor = await conn.execute(
        "WITH late AS (UPDATE webhook_deliveries SET is_late = true WHERE (endpoint_id, event_id) IN"
        " (SELECT endpoint_id, event_id FROM webhook_deliveries WHERE class = 'ticket' AND state = 'pending'"
        " AND attempts >= 0 AND began_at <= %(late)s AND NOT is_late LIMIT %(limit)s FOR UPDATE SKIP LOCKED)"
        " RETURNING branch_id)"
        " SELECT branch_id, count(*) FROM late GROUP BY branch_id",
        values,
    )
    return Alarms(begun, over, {row[0]: row[1] for row in await cursor.fetchall()})


async def backlog(conn: Connection) -> dict[DeliveryClass, int]:
    """How many deliveries wait, by class."""
    cursor = await conn.execute("SELECT class, count(*) FROM webhook_deliveries WHERE state = 'pending' GROUP BY class")
    return {row[0]: row[1] for row in await cursor.fetchall()}


async def forget_attempts(pool: Pool, *, older_than: timedelta, limit: int) -> int:
    """Delete attempts of this age (on the database's clock), at most ``limit``; returns how many."""
    return await _forget(
        pool,
        "DELETE FROM webhook_attempts WHERE attempt_id IN (SELECT attempt_id FROM webhook_attempts"
        " WHERE at < now() - %s ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED)",
        older_than,
        limit,
    )


async def forget_deliveries(pool: Pool, *, older_than: timedelta, limit: int) -> int:
    """Delete deliveries that were settled so long ago, at most ``limit``; returns how many."""
    return await _forget(
        pool,
        "DELETE FROM webhook_deliveries WHERE (endpoint_id, event_id) IN"
        " (SELECT endpoint_id, event_id FROM webhook_deliveries WHERE state <> 'pending' AND settled_at < now() - %s"
        " ORDER BY settled_at LIMIT %s FOR UPDATE SKIP LOCKED)",
        older_than,
        limit,
    )


async def _forget(pool: Pool, statement: str, older_than: timedelta, limit: int) -> int:
    async with transaction(pool) as conn:
        cursor = await conn.execute(statement, (older_than, limit))
        return cursor.rowcount
