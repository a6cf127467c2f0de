"""Writes down what a ruling led to: history, order, ticket and the branch's feed, inside the caller's transaction."""

from __future__ import annotations

import uuid
from typing import Final

from agiza.contracts.envelope import Stamp, to_envelope
from agiza.contracts.events import Event
from agiza.contracts.events import OrderCancelRequested as CancelEvent
from agiza.domain.cart import Cart, OrderCancelRequested, OrderPlaced
from agiza.domain.codec import event_to_json
from agiza.domain.orders import OrderState, OrderView
from agiza.domain.tool_calls import ToolOutcome
from agiza.runtime.postgres import Connection
from agiza.runtime.traces import Trace
from services.orders import store, tickets
from services.orders.work import ToolWork

SOURCE: Final = "/agiza/orders"


async def record(conn: Connection, work: ToolWork, tool_call_id: str, outcome: ToolOutcome) -> None:
    """Store the events of one function call and bring ``work`` to the state after it."""
    history = [event_to_json(change) for change in outcome.events]
    await store.append_cart_events(conn, work.row.cart_id, history, tool_call_id)
    work.cart = outcome.cart
    if work.told is not None:
        work.told = outcome.cart.version
    for change in outcome.events:
        if isinstance(change, OrderPlaced):
            await _place(conn, work, change)
        elif isinstance(change, OrderCancelRequested):
            await _request_cancel(conn, work, change.order_id)


async def order_views(conn: Connection, cart: Cart) -> list[OrderView]:
    """What was placed from this cart, with the state in which it is now."""
    if not cart.placed:
        return []
    states = await store.states_of_orders(conn, cart.id)
    return [
        OrderView(
            id=order.id,
            number=order.number,
            state=OrderState(states[order.id][0]),
            total_minor=order.totals.total_minor,
            currency=order.totals.currency,
            eta_minutes=states[order.id][1],
        )
        for order in cart.placed
        if order.id in states
    ]


async def _place(conn: Connection, work: ToolWork, change: OrderPlaced) -> None:
    event, order = work.event, change.order
    await store.insert_order(
        conn,
        tickets.new_order(
            order,
            branch_id=event.branch_id,
            call_id=event.call_id,
            cart_id=work.row.cart_id,
            day=work.local_day,
        ),
    )
    await _to_feed(
        conn,
        work,
        tickets.placed_event(order, branch_id=event.branch_id, call_id=event.call_id, menu_version=work.menu.version),
    )
    work.orders = await order_views(conn, work.cart)
    work.placed.append(order.fulfilment)


async def _request_cancel(conn: Connection, work: ToolWork, order_id: str) -> None:
    await store.set_order_state(conn, order_id, OrderState.CANCEL_REQUESTED)
    number = next(order.number for order in work.orders if order.id == order_id)
    await _to_feed(
        conn,
        work,
        CancelEvent(branch_id=work.event.branch_id, call_id=work.event.call_id, order_id=order_id, order_number=number),
    )
    work.orders = await order_views(conn, work.cart)
    work.cancels += 1


async def _to_feed(conn: Connection, work: ToolWork, event: Event) -> None:
    stamp = Stamp(
        id=str(uuid.uuid4()), source=SOURCE, time=work.now, traceparent=str(Trace.continued(work.traceparent))
    )
    await store.insert_outbox(
        conn,
        event_id=stamp.id,
        branch_id=event.branch_id,
        event_type=event.type,
        version=event.version,
        event=to_envelope(event, stamp),
    )
