"""The SQL of placed orders: locked, moved, and read as the orders API shows them.

Lock order: an order's cart, if it is needed at all, before the order. Whoever moves an order holds its row until the
commit, and writes the outbox meanwhile; so the events of one order stand in the outbox in the order of its moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncCursor
from psycopg.rows import dict_row

from agiza.domain.acknowledgement import Alarm
from agiza.domain.orders import OrderState
from agiza.runtime.postgres import Connection


@dataclass(frozen=True, slots=True)
class LockedOrder:
    """An order whose row is locked, as far as a move is judged by it. ``eta_minutes`` is what was told last."""

    order_id: str
    branch_id: str
    call_id: str
    number: int
    state: OrderState
    eta_minutes: int | None
    placed_at: datetime
    alarm: Alarm | None = None
    owned_by: str | None = None


@dataclass(frozen=True, slots=True)
class NewMove:
    """One step of an order. ``said_by`` is an API key's id or ``caller``."""

    state: OrderState
    at: datetime
    said_by: str
    eta_minutes: int | None = None
    eta_at: datetime | None = None
    reason: str | None = None
    note: str | None = None
    alarm: Alarm | None = None
    """What is left of the order's alarm after it."""


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders to list. ``branches`` None is all; ``before`` is the last one of the page before."""

    branches: Sequence[str] | None = None
    call_id: str | None = None
    state: str | None = None
    before: str | None = None


async def lock_order(conn: Connection, order_id: str, branches: Sequence[str] | None) -> LockedOrder | None:
    """The order under a row lock; None when there is none in these branches (None: in any)."""
    cursor = await conn.execute(
        f"SELECT {LOCKED} FROM orders o"  # noqa: S608 - a constant
        " WHERE order_id = %(order)s AND (%(branches)s::text[] IS NULL OR branch_id = ANY(%(branches)s))"
        " FOR NO KEY UPDATE",
        {"order": order_id, "branches": _array(branches)},
    )
    row = await cursor.fetchone()
    return locked_order(row) if row else None


LOCKED: Final = (
    "o.order_id, o.branch_id, o.call_id, o.order_number, o.state, o.eta_minutes, o.placed_at, o.alarm, o.owned_by"
)
"""What :func:`locked_order` reads."""


def locked_order(row: tuple[Any, ...]) -> LockedOrder:
    """The order of a row of :data:`LOCKED`."""
    order_id, branch_id, call_id, number, state, eta_minutes, placed_at, alarm, owned_by = row
    return LockedOrder(
        order_id=order_id,
        branch_id=branch_id,
        call_id=call_id,
        number=number,
        state=OrderState(state),
        eta_minutes=eta_minutes,
        placed_at=placed_at,
        alarm=Alarm(alarm) if alarm else None,
        owned_by=owned_by,
    )


async def move_order(conn: Connection, order_id: str, move: NewMove) -> None:
    """Write one step down. The order's row is locked, and the domain has judged the step under that lock.

    A time is kept until another one is told; a reason belongs to its state.
    """
    await conn.execute(
        "UPDATE orders SET state = %(state)s, reason = %(reason)s, note = %(note)s, updated_at = now(),"
        " eta_minutes = coalesce(%(minutes)s, eta_minutes), eta_at = coalesce(%(eta_at)s, eta_at),"
        " alarm = %(alarm)s, alarm_at = CASE WHEN %(alarm)s::text IS NOT NULL THEN alarm_at END"
        " WHERE order_id = %(order)s",
        {
            "state": move.state,
            "reason": move.reason,
            "note": move.note,
            "minutes": move.eta_minutes,
            "eta_at": move.eta_at,
            "alarm": move.alarm,
            "order": order_id,
        },
    )
    await conn.execute(
        "INSERT INTO order_moves (order_id, position, state, at, said_by, eta_minutes, reason, note)"
        " SELECT %(order)s, 1 + count(*), %(state)s, %(at)s, %(by)s, %(minutes)s, %(reason)s, %(note)s"
        "  FROM order_moves WHERE order_id = %(order)s",
        {
            "order": order_id,
            "state": move.state,
            "at": move.at,
            "by": move.said_by,
            "minutes": move.eta_minutes,
            "reason": move.reason,
            "note": move.note,
        },
    )


async def read_order(conn: Connection, order_id: str, branches: Sequence[str] | None) -> dict[str, Any] | None:
    """The order with its lines and moves; None when there is none in these branches (None: in any)."""
    cursor = await _dicts(conn).execute(
        f"{_ORDER} WHERE order_id = %(order)s AND (%(branches)s::text[] IS NULL OR branch_id = ANY(%(branches)s))",
        {"order": order_id, "branches": _array(branches)},
    )
    return await cursor.fetchone()


async def is_there(conn: Connection, order_id: str, branches: Sequence[str] | None) -> bool:
    """Whether there is such an order in these branches (None: in any)."""
    cursor = await conn.execute(
        "SELECT 1 FROM orders WHERE order_id = %(order)s"
        " AND (%(branches)s::text[] IS NULL OR branch_id = ANY(%(branches)s))",
        {"order": order_id, "branches": _array(branches)},
    )
    return await cursor.fetchone() is not None


async def list_orders(conn: Connection, wanted: OrderFilter, limit: int) -> list[dict[str, Any]]:
    """Newest first. The key (placed_at, order_number, order_id) is unique, so pages neither overlap nor skip."""
    cursor = await _dicts(
        conn
    ).execute(
        _ORDER + " WHERE (%(branches)s::text[] IS NULL OR branch_id = ANY(%(branches)s))"  # noqa: S608 - constants
        " AND (%(call)s::text IS NULL OR call_id = %(call)s) AND (%(state)s::text IS NULL OR state = %(state)s)"
        " AND (%(before)s::text IS NULL OR (placed_at, order_number, order_id)"
        "      < (SELECT placed_at, order_number, order_id FROM orders WHERE order_id = %(before)s))"
        " ORDER BY placed_at DESC, order_number DESC, order_id DESC LIMIT %(limit)s",
        {
            "branches": _array(wanted.branches),
            "call": wanted.call_id,
            "state": wanted.state,
            "before": wanted.before,
            "limit": limit,
        },
    )
    return await cursor.fetchall()


_ORDER: Final = """
SELECT order_id, branch_id, call_id, order_number, state, fulfilment, currency, items_minor, delivery_fee_minor,
       tax_minor, taxes, total_minor, eta_minutes, eta_at, reason, note, supplement_of, pii_customer, placed_at,
       updated_at, alarm, alarm_at, owned_at IS NOT NULL AS owned, owned_at, owned_by AS pii_owned_by,
       (SELECT coalesce(jsonb_agg(line ORDER BY position), '[]') FROM order_lines l WHERE l.order_id = o.order_id)
       AS lines,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('state', m.state, 'at', m.at, 'eta_minutes', m.eta_minutes,
               'reason', m.reason, 'note', m.note) ORDER BY position), '[]')
          FROM order_moves m WHERE m.order_id = o.order_id)
       AS moves
  FROM orders o"""


def _dicts(conn: Connection) -> AsyncCursor[dict[str, Any]]:
    return conn.cursor(row_factory=dict_row)


def _array(branches: Sequence[str] | None) -> list[str] | None:
    return None if branches is None else list(branches)
