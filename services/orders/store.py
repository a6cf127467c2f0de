"""The SQL of a cart that is at the desk. Each function works inside the caller's transaction.

Two rules hold the rest up. The cart's row lock comes first, in a statement of its own: what is read in the same
statement as a lock would be read as it was before the wait. And locks are taken in the order cart, orders, counter.
In a pipelined transaction nothing is awaited but what is fetched, so `read_desk` costs one round trip.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from agiza.domain.cart import Cart
from agiza.domain.codec import cart_to_json
from agiza.domain.ids import BranchId, CartId, OrderId
from agiza.domain.inbox import InboxRow, StoredResult
from agiza.runtime.postgres import Connection

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CartRow:
    """A locked cart. ``state`` is the domain's JSON; ``leg_epoch`` the newest media leg that spoke for it."""

    cart_id: str
    menu_version: int
    version: int
    leg_epoch: int
    state: JsonObject


@dataclass(frozen=True, slots=True)
class OrderRow:
    """A placed order as it is now. ``eta_minutes`` was promised at ``promised_at``. ``is_earlier``: in another call."""

    order_id: OrderId
    number: int
    state: str
    total_minor: int
    currency: str
    eta_minutes: int | None
    promised_at: datetime
    is_earlier: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else the rules look at. ``read_at`` is the database's clock, after the cart's lock was had. ``ended_at`` is
    when the carrier told ``webhook`` that the call is over: an earlier call's end does not count for its cart."""

    read_at: datetime
    results: Mapping[str, StoredResult]
    sold_out: frozenset[str]
    caller_number: str | None
    ended_at: datetime | None
    orders: Sequence[OrderRow]


class CartElsewhere(Exception):
    """An event names a branch that is not the call's, or a call whose cart another call has taken over.

    Never right on a second try.
    """

    retryable = False

    def __init__(self, branch_id: str) -> None:
        super().__init__(f"the call's cart is in another branch than {branch_id}, or goes on in another call")


_LOCK_CART: Final = (
    "SELECT cart_id, menu_version, version, leg_epoch, pii_state FROM carts"
    " WHERE call_id = %s AND branch_id = %s FOR NO KEY UPDATE"
)

ORDERS_OF_CALLER_HOURS: Final = 3
"""So long an order is known to its caller who rings again from the same number."""
ORDERS_OF_CALLER_MAX: Final = 10

_OF_CART: Final = "o.cart_id = (SELECT cart_id FROM carts WHERE call_id = %(call_id)s)"
_OF_CALLER: Final = """
    o.branch_id = %(branch_id)s AND o.placed_at > %(now)s - make_interval(hours => %(hours)s)
    AND o.call_id IN (SELECT earlier.call_id FROM calls k JOIN calls earlier
                          ON earlier.pii_caller = k.pii_caller AND earlier.branch_id = k.branch_id
                       WHERE k.call_id = %(call_id)s)
"""
_ORDERS: Final = """
    SELECT o.order_id, o.order_number, o.state, o.total_minor, o.currency, o.eta_minutes,
           coalesce(o.eta_at - make_interval(mins => o.eta_minutes), o.placed_at) AS promised_at, o.placed_at,
           o.call_id <> %(call_id)s AND NOT EXISTS (
               SELECT 1 FROM calls k WHERE k.call_id = %(call_id)s AND k.resumes_call_id = o.call_id) AS is_earlier
      FROM orders o
"""


def _orders_query(*, of_caller: bool, locked: bool) -> str:
    which = f"({_OF_CART} OR {_OF_CALLER})" if of_caller else _OF_CART
    newest = f"{_ORDERS} WHERE {which} ORDER BY o.placed_at DESC, o.order_number DESC LIMIT {ORDERS_OF_CALLER_MAX}"
    return newest + (" FOR NO KEY UPDATE OF o" if locked else "")


@functools.cache
def _surroundings(*, of_caller: bool, locked: bool) -> str:
    """The one statement that reads everything but the cart."""
    return f"""
    SELECT clock_timestamp(),
      (SELECT jsonb_object_agg(tool_call_id, jsonb_build_array(tool, args_digest, pii_response))
         FROM tool_results WHERE call_id = %(call_id)s AND tool_call_id = ANY(%(ids)s)),
      (SELECT array_agg(item_id) FROM stock
        WHERE branch_id = %(branch_id)s AND (sold_out_until IS NULL OR sold_out_until > %(now)s)),
      (SELECT pii_caller FROM calls WHERE call_id = %(call_id)s),
      (SELECT ended_at FROM calls WHERE call_id = %(call_id)s),
      (SELECT jsonb_agg(jsonb_build_array(order_id, order_number, state, total_minor, currency, eta_minutes,
                                          promised_at, is_earlier) ORDER BY placed_at, order_number)
         FROM ({_orders_query(of_caller=of_caller, locked=locked)}) AS placed)
    """  # noqa: S608 - the texts are ours


async def read_desk(
    conn: Connection,
    *,
    call_id: str,
    branch_id: str,
    tool_call_ids: Collection[str],
    now: datetime,
    asks_of_orders: bool = False,
    moves_orders: bool = False,
) -> tuple[CartRow | None, Surroundings]:
    """The call's cart under its row lock, None when it has none in this branch, and what else is judged by.

    The lock gives the events of one call an order, also when stream and HTTP deliver the same event at once. Orders are
    those of the cart; with ``asks_of_orders`` also what the same number has placed in this branch in other calls of the
    last hours (a withheld number has placed nothing). With ``moves_orders`` they are locked as well: the kitchen may be
    moving them.
    """
    cart = await conn.execute(_LOCK_CART, (call_id, branch_id))
    around = await conn.execute(
        _surroundings(of_caller=asks_of_orders, locked=moves_orders).encode(),
        {
            "call_id": call_id,
            "branch_id": branch_id,
            "ids": list(tool_call_ids),
            "now": now,
            "hours": ORDERS_OF_CALLER_HOURS,
        },
    )
    row = await cart.fetchone()
    found = await around.fetchone()
    assert found is not None, "a SELECT without FROM has one row"
    read_at, results, sold_out, caller_number, ended_at, orders = found
    return CartRow(*row) if row else None, Surroundings(
        read_at,
        {id: StoredResult(*stored) for id, stored in (results or {}).items()},
        frozenset(sold_out or ()),
        caller_number,
        ended_at,
        [_order_row(*order) for order in orders or ()],
    )


def _order_row(
    order_id: str,
    number: int,
    state: str,
    total_minor: int,
    currency: str,
    eta_minutes: int | None,
    promised_at: str,
    is_earlier: bool,
) -> OrderRow:
    promised = datetime.fromisoformat(promised_at)
    return OrderRow(OrderId(order_id), number, state, total_minor, currency, eta_minutes, promised, is_earlier)


async def lock_cart(conn: Connection, *, call_id: str, branch_id: str, menu_version: int) -> CartRow:
    """The call's cart under its row lock; made empty when the call has none yet. Raises :class:`CartElsewhere`."""
    row = await _locked(conn, call_id, branch_id)
    if row is not None:
        return row
    await make_cart(conn, call_id=call_id, branch_id=branch_id, menu_version=menu_version)
    row = await _locked(conn, call_id, branch_id)
    if row is None:
        raise CartElsewhere(branch_id)
    return row


async def make_cart(conn: Connection, *, call_id: str, branch_id: str, menu_version: int) -> None:
    """Make the call's empty cart, after it was looked for in vain. Whether there is one now, and whether we hold its
    lock, only another look tells: it may be in another branch, or have been made and taken over meanwhile."""
    await lock_absent_cart(conn, call_id)
    cart_id = f"cart-{call_id}"
    empty = cart_to_json(Cart(CartId(cart_id), BranchId(branch_id), menu_version))
    await conn.execute(
        "INSERT INTO carts (cart_id, call_id, branch_id, menu_version, pii_state) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",  # also a cart of this id that another call has taken over
        (cart_id, call_id, branch_id, menu_version, Jsonb(empty)),
    )


async def lock_existing_cart(conn: Connection, call_id: str) -> int | None:
    """Take the cart's row lock and give its leg epoch, if the call has a cart yet."""
    cursor = await conn.execute("SELECT leg_epoch FROM carts WHERE call_id = %s FOR NO KEY UPDATE", (call_id,))
    row = await cursor.fetchone()
    return row[0] if row else None


async def lock_absent_cart(conn: Connection, call_id: str) -> None:
    """What stands in for the cart's row lock while there is no row: whoever makes the cart, and whoever cancels
    function calls of a call that has none yet, wait for each other here and must look for the cart again."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('agiza-cart:' || %s, 0))", (call_id,))


async def raise_fence(conn: Connection, cart_id: str, leg_epoch: int) -> None:
    """Nothing of an older leg is carried out from here on. The cart's lock is held, and its epoch is not newer."""
    await conn.execute("UPDATE carts SET leg_epoch = %s WHERE cart_id = %s", (leg_epoch, cart_id))


async def write_desk(
    conn: Connection,
    row: CartRow,
    call_id: str,
    *,
    version: int,
    leg_epoch: int,
    state: JsonObject,
    changes: Sequence[JsonObject],
    inbox: Sequence[InboxRow],
) -> None:
    """Cart, history and inbox in one statement. ``changes`` are ``{"tool_call_id", "event"}``; the cart's lock keeps
    their positions gap-free and every other writer of the same inbox keys out. The unique keys are the last guard."""
    await conn.execute(
        f"""
        WITH saved AS (
          UPDATE carts SET version = %(version)s, leg_epoch = %(leg_epoch)s, pii_state = %(state)s, updated_at = now()
           WHERE cart_id = %(cart_id)s
        ), history AS (
          INSERT INTO cart_events (cart_id, position, pii_event, tool_call_id)
          SELECT %(cart_id)s, last.position + given.n, given.change->'event', given.change->>'tool_call_id'
            FROM jsonb_array_elements(%(changes)s) WITH ORDINALITY AS given (change, n),
                 (SELECT coalesce(max(position), 0) AS position FROM cart_events WHERE cart_id = %(cart_id)s) AS last
        )
        {_INSERT_RESULTS}
        """,  # noqa: S608 - the texts are ours
        {
            "cart_id": row.cart_id,
            "call_id": call_id,
            "version": version,
            "leg_epoch": leg_epoch,
            "state": Jsonb(state),
            "changes": Jsonb(list(changes)),
            "rows": _written(inbox),
        },
    )


async def known_ids(conn: Connection, call_id: str, tool_call_ids: Collection[str]) -> frozenset[str]:
    """Which of these function calls have an inbox row."""
    cursor = await conn.execute(
        "SELECT tool_call_id FROM tool_results WHERE call_id = %s AND tool_call_id = ANY(%s)",
        (call_id, list(tool_call_ids)),
    )
    return frozenset(row[0] for row in await cursor.fetchall())


async def insert_results(conn: Connection, call_id: str, rows: Sequence[InboxRow]) -> None:
    """Write inbox rows alone."""
    await conn.execute(_INSERT_RESULTS, {"call_id": call_id, "rows": _written(rows)})


_INSERT_RESULTS: Final = """
    INSERT INTO tool_results (call_id, tool_call_id, tool, args_digest, status, pii_response, cart_version)
    SELECT %(call_id)s, given.* FROM jsonb_to_recordset(%(rows)s) AS given
      (tool_call_id text, tool text, args_digest text, status text, pii_response jsonb, cart_version integer)
"""


def _written(rows: Sequence[InboxRow]) -> Jsonb:
    return Jsonb(
        [
            {
                "tool_call_id": row.tool_call_id,
                "tool": row.result.tool,
                "args_digest": row.result.args_digest,
                "status": row.status,
                "pii_response": row.result.response,
                "cart_version": row.cart_version,
            }
            for row in rows
        ]
    )


async def take_order_numbers(conn: Connection, branch_id: str, day: date, count: int) -> int:
    """The first of the branch's next ``count`` order numbers of this local day, which begins at 1. They go back with
    the transaction, so numbers have no hole."""
    cursor = await conn.execute(
        "INSERT INTO order_counters (branch_id, day, last_number) VALUES (%(branch)s, %(day)s, %(count)s)"
        " ON CONFLICT (branch_id, day) DO UPDATE SET last_number = order_counters.last_number + %(count)s"
        " RETURNING last_number",
        {"branch": branch_id, "day": day, "count": count},
    )
    row = await cursor.fetchone()
    assert row is not None
    last: int = row[0]
    return last - count + 1


async def _locked(conn: Connection, call_id: str, branch_id: str) -> CartRow | None:
    cursor = await conn.execute(_LOCK_CART, (call_id, branch_id))
    row = await cursor.fetchone()
    return CartRow(*row) if row else None
