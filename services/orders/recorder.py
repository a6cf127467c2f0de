"""Writes down what was settled at the desk: cart, history, inbox, orders and the branch's feed, in the transaction in
which it was settled. Nothing here decides anything."""

from __future__ import annotations

from typing import Final, assert_never

from agiza.contracts.envelope import Stamp, to_envelope
from agiza.contracts.events import Event
from agiza.contracts.events import OrderCancelRequested as CancelEvent
from agiza.domain.cart import OrderCancelRequested, OrderPlaced
from agiza.domain.codec import cart_to_json, event_to_json
from agiza.domain.desk import local_day
from agiza.domain.entry import FeedNews, Settled
from agiza.runtime.postgres import Connection
from agiza.runtime.traces import Trace
from services.orders import store, store_orders, tickets
from services.orders.occasion import Occasion

SOURCE: Final = "/agiza/orders"


async def record(conn: Connection, occasion: Occasion, settled: Settled) -> None:
    """Write all of it; nothing at all when it changes nothing. Orders come before the news of them, so that the relay
    sees the news of one order in the order of its moves."""
    if settled.changes_nothing:
        return
    await store.write_desk(
        conn,
        occasion.row,
        occasion.call_id,
        version=settled.cart.version,
        leg_epoch=settled.leg_epoch,
        state=cart_to_json(settled.cart),
        changes=[
            {"tool_call_id": change.tool_call_id, "event": event_to_json(change.event)} for change in settled.changes
        ],
        inbox=settled.inbox,
    )
    for order in settled.placed:
        row = tickets.new_order(
            order,
            branch_id=occasion.held.branch.id,
            call_id=occasion.call_id,
            cart_id=occasion.row.cart_id,
            day=local_day(occasion.now, occasion.held.branch),
        )
        await store_orders.insert_order(conn, row)
    if settled.cancels:
        await store_orders.request_cancel(conn, settled.cancels, occasion.now)
    for news in settled.feed:
        await _to_feed(conn, occasion, news)


async def _to_feed(conn: Connection, occasion: Occasion, news: FeedNews) -> None:
    event = _event_of(occasion, news)
    stamp = Stamp(id=news.id, source=SOURCE, time=occasion.now, traceparent=str(Trace.continued(occasion.traceparent)))
    await store_orders.insert_outbox(
        conn,
        event_id=stamp.id,
        branch_id=event.branch_id,
        event_type=event.type,
        version=event.version,
        event=to_envelope(event, stamp),
    )


def _event_of(occasion: Occasion, news: FeedNews) -> Event:
    branch_id, call_id = occasion.held.branch.id, occasion.call_id
    match news.event:
        case OrderPlaced(order):
            return tickets.placed_event(
                order, branch_id=branch_id, call_id=call_id, menu_version=occasion.row.menu_version
            )
        case OrderCancelRequested(order_id, number):
            return CancelEvent(branch_id=branch_id, call_id=call_id, order_id=order_id, order_number=number)
        case other:
            assert_never(other)
