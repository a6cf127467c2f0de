"""Orders, their events, and the carts that they come from: reading."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from psycopg.rows import dict_row

from agiza.domain.codec import cart_from_json
from agiza.domain.views import cart_view
from services.orders import store_moves
from services.orders.public_api.access import CartReader, OrderReader, Parts, must_see
from services.orders.public_api.problems import Problem, PublicRoute
from services.orders.public_api.shapes import (
    BranchFilter,
    CallFilter,
    CallId,
    Cart,
    Cursor,
    Order,
    OrderId,
    Orders,
    PageSize,
    StateFilter,
    ToolCalls,
)
from services.orders.store_moves import OrderFilter

router = APIRouter(prefix="/v1", route_class=PublicRoute)


@router.get("/orders", response_model=Orders, tags=["orders"])
async def list_orders(
    parts: Parts,
    holder: OrderReader,
    branch_id: BranchFilter = None,
    call_id: CallFilter = None,
    state: StateFilter = None,
    limit: PageSize = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Orders of the key's branches, newest first. An order that comes in meanwhile disturbs no page."""
    if branch_id is not None:
        must_see(holder, branch_id)
    wanted = OrderFilter(
        branches=(branch_id,) if branch_id is not None else holder.branches,
        call_id=call_id,
        state=state,
        before=cursor,
    )
    async with parts.pool.connection() as conn:
        if cursor is not None and not await store_moves.is_there(conn, cursor, holder.branches):
            raise no_order(cursor)
        rows = await store_moves.list_orders(conn, wanted, limit + 1)
    shown = rows[:limit]
    return {"orders": shown, "next": shown[-1]["order_id"] if len(rows) > limit else None}


@router.get("/orders/{order_id}", response_model=Order, tags=["orders"])
async def read_order(order_id: OrderId, parts: Parts, holder: OrderReader) -> dict[str, Any]:
    """One order, with the states that it went through."""
    async with parts.pool.connection() as conn:
        found = await store_moves.read_order(conn, order_id, holder.branches)
    if found is None:
        raise no_order(order_id)
    return found


@router.get("/carts/{call_id}", response_model=Cart, tags=["carts"])
async def read_cart(call_id: CallId, parts: Parts, holder: CartReader) -> dict[str, Any]:
    """The cart of a call as it stands, priced by the menu that the call began with."""
    async with parts.pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT cart_id, branch_id, menu_version, pii_state FROM carts WHERE call_id = %s", (call_id,)
        )
        row = await cursor.fetchone()
    if row is None or not holder.sees(row[1]):
        raise Problem("not-found", f"call {call_id} has no cart")
    file = (await parts.catalog.menu(row[1], row[2])).file
    return {"cart_id": row[0], "call_id": call_id} | cart_view(cart_from_json(row[3]), file.menu, file.branch)


@router.get("/calls/{call_id}/tool-calls", response_model=ToolCalls, tags=["carts"])
async def list_tool_calls(call_id: CallId, parts: Parts, holder: CartReader) -> dict[str, Any]:
    """Every function call of the call with its answer, in the order in which they were carried out."""
    async with parts.pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT branch_id FROM calls WHERE call_id = %(call)s"
            " UNION SELECT branch_id FROM carts WHERE call_id = %(call)s",
            {"call": call_id},
        )
        branches = [row[0] for row in await cursor.fetchall()]
        if not branches or not all(holder.sees(branch) for branch in branches):
            raise Problem("not-found", f"there is no call {call_id}")
        async with conn.cursor(row_factory=dict_row) as rows:
            await rows.execute(
                "SELECT tool_call_id AS id, tool AS name, status, pii_response AS response, cart_version"
                " FROM tool_results WHERE call_id = %s ORDER BY created_at, tool_call_id LIMIT 500",
                (call_id,),
            )
            return {"tool_calls": await rows.fetchall()}


def no_order(order_id: str) -> Problem:
    """The same answer for an order that does not exist and for one of another branch."""
    return Problem("not-found", f"there is no order {order_id}")
