"""What a kitchen says of a placed order: judged and written in one transaction, with one event for each step.

    moved = await tell(conn, order_id, Told(OrderState.ACCEPTED, eta_minutes=20), said_by="k7...", ...)

The order's row is locked before anything is judged, so a caller who cancels and a kitchen that accepts at the same
moment take turns, and the second is judged by what the first has done. Said again, a word changes nothing and makes no
event; only another time for the same state does.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from agiza.contracts.envelope import Stamp, to_envelope
from agiza.contracts.events import (
    Event,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderPreparing,
    OrderReady,
    OrderReceived,
    OrderRejected,
)
from agiza.domain.acknowledgement import alarm_after
from agiza.domain.orders import TIMED_STATES, OrderState, allowed, steps
from agiza.runtime.postgres import Connection
from services.orders import store_moves, store_orders
from services.orders.store_moves import LockedOrder, NewMove

SOURCE: Final = "/agiza/orders"


@dataclass(frozen=True, slots=True)
class Told:
    """One word of a kitchen. ``reason`` is a stable word, ``note`` its own text."""

    state: OrderState
    eta_minutes: int | None = None
    reason: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of it: the steps that were made, none when the order was there already."""

    order: LockedOrder
    steps: tuple[OrderState, ...]


@dataclass(frozen=True, slots=True)
class NotMoved:
    """The word is not one for this state; ``allowed`` has those that are."""

    order: LockedOrder
    allowed: tuple[OrderState, ...]


async def tell(
    conn: Connection,
    order_id: str,
    told: Told,
    *,
    branches: Sequence[str] | None,
    said_by: str,
    now: datetime,
    traceparent: str,
) -> Moved | NotMoved | None:
    """Carry out one word within the caller's transaction; None when there is no such order in these branches."""
    order = await store_moves.lock_order(conn, order_id, branches)
    if order is None:
        return None
    if order.state is told.state:
        if told.state not in TIMED_STATES or told.eta_minutes in (None, order.eta_minutes):
            return Moved(order, ())
        path: tuple[OrderState, ...] = (told.state,)
    else:
        path = steps(order.state, told.state)
    if not path:
        return NotMoved(order, allowed(order.state))
    alarm = order.alarm
    for state in path:
        alarm = alarm_after(alarm, state)
        move = replace(_move(told, state, said_by, now), alarm=alarm)
        await store_moves.move_order(conn, order_id, move)
        await to_feed(conn, event_of(order, move), now, traceparent)
    return Moved(order, path)


def _move(told: Told, state: OrderState, said_by: str, now: datetime) -> NewMove:
    """The step to ``state``. What was told belongs to the last step; one that is implied carries nothing."""
    if state is not told.state:
        return NewMove(state, now, said_by)
    eta_at = None if told.eta_minutes is None else now + timedelta(minutes=told.eta_minutes)
    return NewMove(state, now, said_by, told.eta_minutes, eta_at, told.reason, told.note)


def event_of(order: LockedOrder, move: NewMove) -> Event:
    """The event of one step that a kitchen can make."""
    common = {
        "branch_id": order.branch_id,
        "call_id": order.call_id,
        "order_id": order.order_id,
        "order_number": order.number,
        "at": move.at.isoformat(),
    }
    time = {"eta_minutes": move.eta_minutes, "eta_at": move.eta_at.isoformat() if move.eta_at else None}
    why = {"reason": move.reason, "note": move.note}
    match move.state:
        case OrderState.RECEIVED:
            return OrderReceived.model_validate(common)
        case OrderState.ACCEPTED:
            return OrderAccepted.model_validate(common | time)
        case OrderState.REJECTED:
            return OrderRejected.model_validate(common | why)
        case OrderState.PREPARING:
            return OrderPreparing.model_validate(common | time)
        case OrderState.READY:
            return OrderReady.model_validate(common)
        case OrderState.COMPLETED:
            return OrderCompleted.model_validate(common)
        case OrderState.CANCELLED:
            return OrderCancelled.model_validate(common | why)
        case OrderState.PLACED | OrderState.CANCEL_REQUESTED:
            raise ValueError(f"no kitchen says {move.state}")
        case _:
            assert_never(move.state)


async def to_feed(conn: Connection, event: Event, now: datetime, traceparent: str) -> None:
    """Queue an event of an order for the branch's feed; the order's row is locked."""
    stamp = Stamp(id=str(uuid.uuid4()), source=SOURCE, time=now, traceparent=traceparent)
    await store_orders.insert_outbox(
        conn,
        event_id=stamp.id,
        branch_id=event.branch_id,
        event_type=event.type,
        version=event.version,
        event=to_envelope(event, stamp),
    )
