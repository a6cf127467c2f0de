"""The board: everything that a screen shows at one moment, and the number of the feed that it is current to.

It is read in one snapshot of the database. An order may be there whose event has no number yet; that event comes later
and changes nothing (:mod:`services.orders.kitchen.tickets`). What has a number up to the board's is in it.
"""

from __future__ import annotations

from typing import Any, Final

from psycopg.rows import dict_row

from agiza.domain.orders import OrderState, is_final
from agiza.runtime.clock import Clock
from agiza.runtime.postgres import Connection, Pool, transaction
from services.orders.catalog import Catalog
from services.orders.feed.reading import bounds
from services.orders.kitchen.carts import live_carts
from services.orders.kitchen.stocking import sold_out_of
from services.orders.kitchen.tickets import JsonObject, ticket_of_row
from services.orders.stock import StockBook

TICKETS_MAX: Final = 150
TICKET_HOURS: Final = 24
"""A ticket that nobody has moved for a day is no work of this kitchen any more."""

_OPEN: Final = [state.value for state in OrderState if not is_final(state)]

_QUERY: Final = """
SELECT o.order_id, o.order_number, o.call_id, c.created_at AS cart_begun_at, o.placed_at, o.fulfilment, o.pii_customer,
       o.eta_minutes, o.eta_at, o.state, o.reason, o.supplement_of, o.alarm, o.owned_by,
       (SELECT coalesce(jsonb_agg(line ORDER BY position), '[]') FROM order_lines l WHERE l.order_id = o.order_id)
       AS lines,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('state', m.state, 'at', m.at) ORDER BY position), '[]')
          FROM order_moves m WHERE m.order_id = o.order_id) AS moves
  FROM orders o JOIN carts c ON c.cart_id = o.cart_id
 WHERE o.branch_id = %(branch)s AND o.day >= %(now)s::date - 2 AND o.state = ANY(%(open)s)
   AND o.placed_at > %(now)s - make_interval(hours => %(hours)s)
 ORDER BY c.created_at, o.order_number LIMIT %(limit)s
"""


async def board_of(pool: Pool, catalog: Catalog, book: StockBook, clock: Clock, branch_id: str) -> JsonObject:
    """The board. Raises ``MenuNotFound`` for a branch that is not known, and psycopg's errors."""
    file = (await catalog.current(branch_id)).file
    now = clock.now()
    async with transaction(pool) as conn:
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        newest = (await bounds(conn, branch_id)).newest
        rows = await _rows(conn, branch_id, clock)
        carts = await live_carts(conn, catalog, clock, branch_id, {})
        sold_out = await book.sold_out_in(conn, branch_id, file.menu)
    return {
        "branch": {"id": branch_id, "name": file.branch.name, "timezone": file.branch.timezone},
        "now": now.isoformat(),
        "sequence": newest,
        "tickets": [ticket_of_row(row) for row in rows[:TICKETS_MAX]],
        "has_more": len(rows) > TICKETS_MAX,
        "carts": [cart.shown for cart in carts.values()],
        "sold_out": sold_out_of(sold_out),
    }


async def _rows(conn: Connection, branch_id: str, clock: Clock) -> list[dict[str, Any]]:
    """Oldest first, so that what does not fit is what comes last; one more than fits."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            _QUERY,
            {
                "branch": branch_id,
                "now": clock.now(),
                "hours": TICKET_HOURS,
                "open": _OPEN,
                "limit": TICKETS_MAX + 1,
            },
        )
        rows = await cursor.fetchall()
    # the database stamps carts by the real time
    return [row | {"since": clock.at(row["cart_begun_at"])} for row in rows]
