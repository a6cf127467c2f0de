"""The SQL of orders and of the branch's feed. Each function works inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from agiza.domain.ids import OrderId
from agiza.runtime.postgres import Connection

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A confirmed order, ready to be inserted."""

    order_id: str
    branch_id: str
    call_id: str
    cart_id: str
    cart_version: int
    order_number: int
    day: date
    fulfilment: str
    currency: str
    items_minor: int
    delivery_fee_minor: int
    tax_minor: int
    taxes: Sequence[JsonObject]
    total_minor: int
    eta_minutes: int
    supplement_of: str | None
    customer: JsonObject
    placed_at: datetime
    lines: Sequence[JsonObject]


async def insert_order(conn: Connection, order: NewOrder) -> None:
    """Insert the order with its lines. One order per cart version: the unique keys are the last guard."""
    await conn.execute(
        "INSERT INTO orders (order_id, branch_id, call_id, cart_id, cart_version, order_number, day, state,"
        " fulfilment, currency, items_minor, delivery_fee_minor, tax_minor, taxes, total_minor, eta_minutes,"
        " supplement_of, pii_customer, placed_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, 'placed', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            order.order_id, order.branch_id, order.call_id, order.cart_id, order.cart_version, order.order_number,
            order.day, order.fulfilment, order.currency, order.items_minor, order.delivery_fee_minor,
            order.tax_minor, Jsonb(list(order.taxes)), order.total_minor, order.eta_minutes, order.supplement_of,
            Jsonb(order.customer), order.placed_at,
        ),
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO order_lines (order_id, position, line)"
        " SELECT %s, given.n, given.line FROM jsonb_array_elements(%s) WITH ORDINALITY AS given (line, n)",
        (order.order_id, Jsonb(list(order.lines))),
    )


async def request_cancel(conn: Connection, order_ids: Sequence[OrderId], now: datetime) -> None:
    """Note the caller's wish. The domain has judged it under the orders' row locks."""
    await conn.execute(
        "WITH moved AS (UPDATE orders SET state = 'cancel_requested', updated_at = now(),"
        " alarm = NULL, alarm_at = NULL WHERE order_id = ANY(%s)"
        " RETURNING order_id)"
        " INSERT INTO order_moves (order_id, position, state, at, said_by) SELECT order_id, 1 + (SELECT count(*)"
        " FROM order_moves AS done WHERE done.order_id = moved.order_id), 'cancel_requested', %s, 'caller' FROM moved",
        (list(order_ids), now),
    )


async def insert_outbox(
    conn: Connection, *, event_id: str, branch_id: str, event_type: str, version: int, event: JsonObject
) -> None:
    """Queue an event for the branch's feed, in the transaction that makes it true."""
    await conn.execute(
        "INSERT INTO outbox (event_id, branch_id, type, version, pii_event) VALUES (%s, %s, %s, %s, %s)",
        (event_id, branch_id, event_type, version, Jsonb(event)),
    )
