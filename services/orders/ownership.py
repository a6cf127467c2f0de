"""Orders of which their kitchen says too little: the alarm, and the person who takes one.

    raised = await raise_alarms(conn, kitchens, now)          # within the caller's transaction, as all of this
    owned = await own(conn, order_id, branches, "Amina", now, traceparent)

Alarm and event are written together, under the order's row lock. An order that nobody has taken stays so, for
everybody to see, until a person takes it or the missing word comes; also after phones have rung.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from agiza.contracts.events import OrderOwned, OrderUnacknowledged
from agiza.domain.acknowledgement import OWNABLE, Alarm, alarm_due
from agiza.domain.menu import Kitchen
from agiza.runtime.postgres import Connection
from agiza.runtime.traces import Trace
from services.orders.moves import to_feed
from services.orders.store_moves import LOCKED, LockedOrder, lock_order, locked_order

LOOKED_BACK: Final = timedelta(hours=2)
"""An order that is older has no alarm raised any more: nobody waits for its food."""
AT_ONCE_MAX: Final = 100
"""In one transaction; what is left has its turn in the next."""

Side = Literal["kitchen", "staff"]
"""Where a person took the order: at the kitchen's screen or till, or as staff who were rung."""


@dataclass(frozen=True, slots=True)
class Owned:
    """The order has this owner. ``is_new`` is False where it had one before: the first one stays."""

    order: LockedOrder
    pii_by: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class NothingToOwn:
    """The order is in a state in which it needs no owner: the kitchen has it, or it is over."""

    order: LockedOrder


async def own(
    conn: Connection,
    order_id: str,
    branches: Sequence[str] | None,
    by: str,
    now: datetime,
    traceparent: str,
    side: Side = "kitchen",
) -> Owned | NothingToOwn | None:
    """Give the order to this person, unless somebody has it; None when there is none in these branches.

    Said again, by whomever, it changes nothing and makes no event.
    """
    order = await lock_order(conn, order_id, branches)
    if order is None:
        return None
    if order.owned_by is not None:
        return Owned(order, order.owned_by, is_new=False)
    if order.state not in OWNABLE:
        return NothingToOwn(order)
    await conn.execute(
        "UPDATE orders SET owned_by = %s, owned_at = %s, updated_at = now() WHERE order_id = %s", (by, now, order_id)
    )
    event = OrderOwned(
        branch_id=order.branch_id,
        call_id=order.call_id,
        order_id=order.order_id,
        order_number=order.number,
        at=now.isoformat(),
        by=side,
    )
    await to_feed(conn, event, now, traceparent)
    return Owned(replace(order, owned_by=by), by, is_new=True)


async def own_of_call(
    conn: Connection, call_id: str, branch_id: str, by: str, now: datetime, traceparent: str
) -> tuple[Owned, ...]:
    """Give the orders of a call that nobody has taken, and that have an alarm or were refused, to a person who was rung
    about them; those that are new theirs. Said again it changes nothing."""
    cursor = await conn.execute(
        "SELECT order_id FROM orders WHERE call_id = %s AND branch_id = %s AND owned_at IS NULL"
        " AND (alarm IS NOT NULL OR state = 'rejected') ORDER BY order_id",
        (call_id, branch_id),
    )
    done = [
        await own(conn, order_id, (branch_id,), by, now, traceparent, side="staff")
        for (order_id,) in await cursor.fetchall()
    ]
    return tuple(each for each in done if isinstance(each, Owned) and each.is_new)


async def raise_alarms(conn: Connection, kitchens: Mapping[str, Kitchen], now: datetime) -> list[LockedOrder]:
    """Give every order whose time is over its alarm; those that got one, as they are now.

    An order that somebody holds at this moment is being moved: it is left for the next round, so nobody waits here.
    """
    watched = {branch_id: kitchen for branch_id, kitchen in kitchens.items() if kitchen.is_watched}
    if not watched:
        return []
    cursor = await conn.execute(
        f"SELECT {LOCKED}, coalesce(c.traceparent, '')"  # noqa: S608 - a constant
        " FROM unnest(%(branches)s::text[], %(received)s::int[], %(accepted)s::int[])"
        "  AS k (branch_id, received, accepted)"
        " JOIN orders o ON o.branch_id = k.branch_id LEFT JOIN calls c ON c.call_id = o.call_id"
        " WHERE o.state IN ('placed', 'received') AND o.alarm IS NULL AND o.owned_at IS NULL"
        " AND o.placed_at > %(now)s - %(back)s"
        " AND ((k.received > 0 AND o.state = 'placed' AND o.placed_at <= %(now)s - make_interval(secs => k.received))"
        "   OR (k.accepted > 0 AND o.placed_at <= %(now)s - make_interval(secs => k.accepted)))"
        " ORDER BY o.placed_at LIMIT %(limit)s FOR NO KEY UPDATE OF o SKIP LOCKED",
        {
            "branches": list(watched),
            "received": [kitchen.received_seconds for kitchen in watched.values()],
            "accepted": [kitchen.accepted_seconds for kitchen in watched.values()],
            "now": now,
            "back": LOOKED_BACK,
            "limit": AT_ONCE_MAX,
        },
    )
    raised = []
    for *columns, traceparent in await cursor.fetchall():
        order = locked_order(tuple(columns))
        alarm = alarm_due(order.state, order.placed_at, now, watched[order.branch_id])
        if alarm is not None:
            await _raise(conn, order, alarm, now, traceparent)
            raised.append(replace(order, alarm=alarm))
    return raised


async def count_unowned(conn: Connection) -> Mapping[str, int]:
    """How many orders of each branch have an alarm and no owner; branches without one are left out."""
    cursor = await conn.execute(
        "SELECT branch_id, count(*) FROM orders WHERE alarm IS NOT NULL AND owned_at IS NULL GROUP BY branch_id"
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}


async def _raise(conn: Connection, order: LockedOrder, alarm: Alarm, now: datetime, traceparent: str) -> None:
    await conn.execute(
        "UPDATE orders SET alarm = %s, alarm_at = %s, updated_at = now() WHERE order_id = %s",
        (alarm, now, order.order_id),
    )
    event = OrderUnacknowledged(
        branch_id=order.branch_id,
        call_id=order.call_id,
        order_id=order.order_id,
        order_number=order.number,
        at=now.isoformat(),
        missing=alarm.missing,
    )
    await to_feed(conn, event, now, str(Trace.continued(traceparent)))
