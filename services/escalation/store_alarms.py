"""Orders that nobody has taken, as ``orders`` keeps them, and the calls to staff that are about them. Read only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agiza.runtime.postgres import Connection

LOOKED_BACK: Final = timedelta(hours=2)
_UNOWNED: Final = "o.alarm IS NOT NULL AND o.owned_at IS NULL"


@dataclass(frozen=True, slots=True)
class Due:
    """A call with an order whose alarm has had its time. ``pii_phone`` is where its customer can be rung."""

    call_id: str
    branch_id: str
    pii_phone: str | None
    language: str
    traceparent: str


@dataclass(frozen=True, slots=True)
class Taker:
    """Who pressed the key, of whom ``orders`` does not know yet."""

    call_id: str
    branch_id: str
    pii_name: str


async def due(conn: Connection, after_seconds: Mapping[str, int], now: datetime) -> list[Due]:
    """Calls whose staff are to be rung now: at most once for each order."""
    cursor = await conn.execute(
        "SELECT DISTINCT ON (o.call_id) o.call_id, o.branch_id,"  # noqa: S608 - a constant
        " coalesce(o.pii_customer->>'phone', c.pii_caller),"
        " coalesce(c.language, 'en'), coalesce(c.traceparent, '')"
        " FROM unnest(%(branches)s::text[], %(after)s::int[]) AS k (branch_id, seconds)"
        f" JOIN orders o ON o.branch_id = k.branch_id AND {_UNOWNED}"
        " LEFT JOIN calls c ON c.call_id = o.call_id"
        " WHERE o.placed_at > %(now)s - %(back)s AND o.alarm_at <= %(now)s - make_interval(secs => k.seconds)"
        # What was begun after it was placed is about it, too.
        " AND NOT EXISTS (SELECT FROM callbacks b WHERE b.call_id = o.call_id AND b.kind = 'kitchen'"
        "  AND b.promised_for >= o.placed_at)"
        " ORDER BY o.call_id, o.placed_at DESC LIMIT 50",
        {"branches": list(after_seconds), "after": list(after_seconds.values()), "now": now, "back": LOOKED_BACK},
    )
    return [Due(*row) for row in await cursor.fetchall()]


async def waits(conn: Connection, call_id: str) -> bool:
    """Whether an order of this call still has its alarm and no owner."""
    cursor = await conn.execute(f"SELECT FROM orders o WHERE o.call_id = %s AND {_UNOWNED} LIMIT 1", (call_id,))
    return await cursor.fetchone() is not None


async def settled(conn: Connection) -> list[tuple[str, str]]:
    """(ring, call) of rings under way whose order needs nobody any more."""
    cursor = await conn.execute(
        "SELECT b.callback_id, b.call_id FROM callbacks b"  # noqa: S608 - a constant
        " WHERE b.kind = 'kitchen' AND b.state IN ('waiting', 'calling')"
        f" AND NOT EXISTS (SELECT FROM orders o WHERE o.call_id = b.call_id AND {_UNOWNED}) LIMIT 50"
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def takers(conn: Connection, now: datetime) -> list[Taker]:
    """Those who pressed the key for an order that has no owner yet."""
    cursor = await conn.execute(
        "SELECT DISTINCT ON (b.call_id) b.call_id, b.branch_id, coalesce(t.name, 'staff')"  # noqa: S608 - a constant
        " FROM callbacks b JOIN outbound_calls c ON c.callback_id = b.callback_id AND c.kind = 'staff_alarm'"
        "  AND c.state = 'connected'"
        " LEFT JOIN contacts t ON t.branch_id = b.branch_id AND t.contact_id = c.contact_id"
        " WHERE b.kind = 'kitchen' AND b.state = 'connected' AND b.updated_at > %(now)s - %(back)s"
        f" AND EXISTS (SELECT FROM orders o WHERE o.call_id = b.call_id AND {_UNOWNED}"
        "  AND o.placed_at <= b.promised_for)"
        " ORDER BY b.call_id, c.updated_at LIMIT 50",
        {"now": now, "back": LOOKED_BACK},
    )
    return [Taker(*row) for row in await cursor.fetchall()]
