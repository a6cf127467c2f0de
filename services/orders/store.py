"""The SQL of carts, the inbox and orders. Each function works inside the caller's transaction.

Row types are named tuples of what the handler needs; JSON columns hold what the domain's codecs made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from agiza.domain.cart import Cart
from agiza.domain.codec import cart_to_json
from agiza.domain.ids import BranchId, CartId
from agiza.runtime.postgres import Connection

JsonObject = dict[str, Any]

TOMBSTONE: Final = "(cancelled)"
"""Tool name of an inbox row for a function call that the model took back before it was carried out."""


@dataclass(frozen=True, slots=True)
class CartRow:
    """A locked cart. ``state`` is the domain's JSON; ``leg_epoch`` the newest media leg that spoke for it."""

    cart_id: str
    menu_version: int
    version: int
    leg_epoch: int
    state: JsonObject


@dataclass(frozen=True, slots=True)
class StoredResult:
    """What a function call was answered, for the second delivery of the same call."""

    tool: str
    args_digest: str
    response: JsonObject


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
    total_minor: int
    supplement_of: str | None
    customer: JsonObject
    placed_at: datetime
    lines: Sequence[JsonObject]


def digest_of(args: Mapping[str, Any]) -> str:
    """SHA-256 of the arguments in canonical JSON: the same call has the same digest on every replica."""
    canonical = json.dumps(args, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


async def lock_cart(conn: Connection, *, call_id: str, branch_id: str, menu_version: int) -> CartRow:
    """The call's cart under a row lock; made empty when this is the first call that needs it.

    The lock gives the events of one call an order, also when stream and HTTP deliver the same event at once.
    """
    cart_id = f"cart-{call_id}"
    empty = cart_to_json(Cart(CartId(cart_id), BranchId(branch_id), menu_version))
    await conn.execute(
        "INSERT INTO carts (cart_id, call_id, branch_id, menu_version, pii_state) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",  # also a cart of this id that another call has taken over
        (cart_id, call_id, branch_id, menu_version, Jsonb(empty)),
    )
    cursor = await conn.execute(
        "SELECT cart_id, menu_version, version, leg_epoch, pii_state FROM carts"
        " WHERE call_id = %s AND branch_id = %s FOR UPDATE",
        (call_id, branch_id),
    )
    row = await cursor.fetchone()
    if row is None:
        raise CartElsewhere(f"the call's cart is in another branch than {branch_id}, or goes on in another call")
    return CartRow(*row)


async def lock_existing_cart(conn: Connection, call_id: str) -> int | None:
    """Take the cart's row lock and give its leg epoch, if the call has a cart yet."""
    cursor = await conn.execute("SELECT leg_epoch FROM carts WHERE call_id = %s FOR UPDATE", (call_id,))
    row = await cursor.fetchone()
    return row[0] if row else None


async def raise_fence(conn: Connection, cart_id: str, leg_epoch: int) -> None:
    """Nothing of an older leg is carried out from here on. The cart's lock is held, and its epoch is not newer."""
    await conn.execute("UPDATE carts SET leg_epoch = %s WHERE cart_id = %s", (leg_epoch, cart_id))


class CartElsewhere(Exception):
    """An event names a branch that is not the call's, or a call whose cart another call has taken over.

    Never right on a second try.
    """

    retryable = False


async def save_cart(conn: Connection, cart_id: str, *, version: int, leg_epoch: int, state: JsonObject) -> None:
    """Store the cart as it stands after this event."""
    await conn.execute(
        "UPDATE carts SET version = %s, leg_epoch = %s, pii_state = %s, updated_at = now() WHERE cart_id = %s",
        (version, leg_epoch, Jsonb(state), cart_id),
    )


async def append_cart_events(
    conn: Connection, cart_id: str, events: Sequence[JsonObject], tool_call_id: str | None
) -> None:
    """Add to the cart's history, in order. The cart's row lock makes the positions gap-free."""
    if not events:
        return
    cursor = await conn.execute(
        "SELECT coalesce(max(position), 0) AS last FROM cart_events WHERE cart_id = %s", (cart_id,)
    )
    row = await cursor.fetchone()
    last: int = row[0] if row else 0
    async with conn.cursor() as many:
        await many.executemany(
            "INSERT INTO cart_events (cart_id, position, pii_event, tool_call_id) VALUES (%s, %s, %s, %s)",
            [(cart_id, last + offset, Jsonb(event), tool_call_id) for offset, event in enumerate(events, start=1)],
        )


async def stored_results(conn: Connection, call_id: str, tool_call_ids: Sequence[str]) -> dict[str, StoredResult]:
    """Answers that were given before, by function call id."""
    cursor = await conn.execute(
        "SELECT tool_call_id, tool, args_digest, pii_response FROM tool_results"
        " WHERE call_id = %s AND tool_call_id = ANY(%s)",
        (call_id, list(tool_call_ids)),
    )
    return {row[0]: StoredResult(row[1], row[2], row[3]) for row in await cursor.fetchall()}


async def insert_result(
    conn: Connection,
    *,
    call_id: str,
    tool_call_id: str,
    tool: str,
    args_digest: str,
    response: JsonObject,
    cart_version: int,
) -> None:
    """Write the inbox row.

    The cart's lock keeps every other writer of the same key out, but for a tombstone of a call without a cart yet; then
    the unique key refuses this transaction as a whole, and the next delivery finds the tombstone.
    """
    await conn.execute(
        "INSERT INTO tool_results (call_id, tool_call_id, tool, args_digest, status, pii_response, cart_version)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (call_id, tool_call_id, tool, args_digest, str(response.get("status", "")), Jsonb(response), cart_version),
    )


async def insert_tombstones(conn: Connection, call_id: str, tool_call_ids: Sequence[str]) -> None:
    """Make sure that these function calls are never carried out, unless they already were."""
    async with conn.cursor() as many:
        await many.executemany(
            "INSERT INTO tool_results (call_id, tool_call_id, tool, args_digest, status, pii_response, cart_version)"
            " VALUES (%s, %s, %s, '', 'cancelled', '{}', 0) ON CONFLICT DO NOTHING",
            [(call_id, tool_call_id, TOMBSTONE) for tool_call_id in tool_call_ids],
        )


async def take_order_number(conn: Connection, branch_id: str, day: date) -> int:
    """The branch's next order number of this local day, starting at 1. Rolled back with the transaction."""
    cursor = await conn.execute(
        "INSERT INTO order_counters (branch_id, day, last_number) VALUES (%s, %s, 1)"
        " ON CONFLICT (branch_id, day) DO UPDATE SET last_number = order_counters.last_number + 1"
        " RETURNING last_number",
        (branch_id, day),
    )
    row = await cursor.fetchone()
    assert row is not None
    number: int = row[0]
    return number


async def insert_order(conn: Connection, order: NewOrder) -> None:
    """Insert the order with its lines. One order per cart version: the unique keys are the last guard."""
    await conn.execute(
        "INSERT INTO orders (order_id, branch_id, call_id, cart_id, cart_version, order_number, day, state,"
        " fulfilment, currency, items_minor, delivery_fee_minor, tax_minor, total_minor, supplement_of,"
        " pii_customer, placed_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, 'placed', %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            order.order_id, order.branch_id, order.call_id, order.cart_id, order.cart_version, order.order_number,
            order.day, order.fulfilment, order.currency, order.items_minor, order.delivery_fee_minor,
            order.tax_minor, order.total_minor, order.supplement_of, Jsonb(order.customer), order.placed_at,
        ),
    )  # fmt: skip
    async with conn.cursor() as many:
        await many.executemany(
            "INSERT INTO order_lines (order_id, position, line) VALUES (%s, %s, %s)",
            [(order.order_id, position, Jsonb(line)) for position, line in enumerate(order.lines, start=1)],
        )


async def set_order_state(conn: Connection, order_id: str, state: str) -> None:
    """Move an order. The domain has judged the move under the cart's lock."""
    await conn.execute("UPDATE orders SET state = %s, updated_at = now() WHERE order_id = %s", (state, order_id))


async def caller_number(conn: Connection, call_id: str) -> str | None:
    """The caller's number as the carrier reported it; None when withheld or unknown."""
    cursor = await conn.execute("SELECT pii_caller FROM calls WHERE call_id = %s", (call_id,))
    row = await cursor.fetchone()
    return row[0] if row else None


async def sold_out(conn: Connection, branch_id: str, now: datetime) -> frozenset[str]:
    """Item and option ids that the branch is out of at this moment."""
    cursor = await conn.execute(
        "SELECT item_id FROM stock WHERE branch_id = %s AND (sold_out_until IS NULL OR sold_out_until > %s)",
        (branch_id, now),
    )
    return frozenset(row[0] for row in await cursor.fetchall())


async def states_of_orders(conn: Connection, cart_id: str) -> dict[str, tuple[str, int | None]]:
    """(state, eta minutes) by order id of what was placed from this cart."""
    cursor = await conn.execute("SELECT order_id, state, eta_minutes FROM orders WHERE cart_id = %s", (cart_id,))
    return {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}


async def insert_outbox(
    conn: Connection, *, event_id: str, branch_id: str, event_type: str, version: int, event: JsonObject
) -> None:
    """Queue an event for the branch's feed, in the transaction that makes it true."""
    await conn.execute(
        "INSERT INTO outbox (event_id, branch_id, type, version, pii_event) VALUES (%s, %s, %s, %s, %s)",
        (event_id, branch_id, event_type, version, Jsonb(event)),
    )
