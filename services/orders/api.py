"""HTTP of the orders service: tool calls when the stream is slow, menus by version, and reading what there is.

Every route needs the internal bearer token. Lists are newest first and bounded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from psycopg.rows import dict_row
from pydantic import SecretStr

from agiza.contracts.envelope import ContractError, Received, decode
from agiza.contracts.events import CallTakenOver, ToolCalled
from agiza.domain.codec import cart_from_json
from agiza.domain.views import cart_view
from agiza.runtime.http import bearer
from agiza.runtime.postgres import UNAVAILABLE, Pool
from services.orders.catalog import Catalog, MenuNotFound
from services.orders.store import CartElsewhere

LIST_MAX = 200

AnswerCalls = Callable[[Received], Awaitable[bytes]]
"""Carries out a checked ``tool.called`` or ``call.taken_over`` and gives the answer as CloudEvents JSON."""

Limit = Annotated[int, Query(ge=1, le=LIST_MAX)]
After = Annotated[int, Query(ge=0, le=2**63 - 1)]
Version = Annotated[int, Path(ge=1, le=2**31 - 1)]
Slug = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
IdFilter = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def internal_routes(token: SecretStr, catalog: Catalog, answer: AnswerCalls) -> APIRouter:
    """What bridges ask for."""
    router = APIRouter(prefix="/internal", dependencies=[Depends(bearer(token))])

    @router.post("/tool-calls")
    async def tool_calls(request: Request) -> Response:
        """The same event that went to the stream, with the same id; the answer is the same too."""
        try:
            received = decode(await request.body())
        except ContractError as error:
            raise HTTPException(400, str(error)) from None
        if not isinstance(received.event, ToolCalled | CallTakenOver):
            wanted = f"{ToolCalled.type} or {CallTakenOver.type}"
            raise HTTPException(400, f"{received.event.type} is not carried out here: send {wanted}")
        try:
            content = await answer(received)
        except (MenuNotFound, CartElsewhere) as error:
            raise HTTPException(422, str(error)) from None
        except UNAVAILABLE:
            raise HTTPException(503, "the database does not answer; send the same event again") from None
        return Response(content, media_type="application/cloudevents+json")

    @router.get("/branches/{branch_id}/menus/{version}")
    async def menu(branch_id: Slug, version: Version) -> dict[str, Any]:
        """The branch document of this menu version. It never changes, so it may be cached for good."""
        try:
            pinned = await catalog.menu(branch_id, version)
        except MenuNotFound as error:
            raise HTTPException(404, str(error)) from None
        return {"branch_id": branch_id, "version": version, "document": pinned.document}

    return router


def read_routes(token: SecretStr, pool: Pool, catalog: Catalog) -> APIRouter:
    """What screens, integrators and the command line read."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(bearer(token))])

    @router.get("/branches")
    async def branches() -> dict[str, Any]:
        return {"branches": await catalog.branches()}

    @router.get("/branches/{branch_id}/menu")
    async def current_menu(branch_id: Slug) -> dict[str, Any]:
        try:
            pinned = await catalog.current(branch_id)
        except MenuNotFound as error:
            raise HTTPException(404, str(error)) from None
        return {"branch_id": branch_id, "version": pinned.version, "document": pinned.document}

    @router.get("/branches/{branch_id}/events")
    async def events(branch_id: Slug, after: After = 0, limit: Limit = 100) -> dict[str, Any]:
        """Order events of the branch with a sequence above ``after``, in order, without a hole."""
        rows = await _all(
            pool,
            "SELECT sequence, pii_event FROM outbox WHERE branch_id = %s AND sequence > %s ORDER BY sequence LIMIT %s",
            (branch_id, after, limit),
        )
        return {"events": [row["pii_event"] | {"sequence": f"{row['sequence']:020d}"} for row in rows]}

    @router.get("/carts/{call_id}")
    async def cart(call_id: Id) -> dict[str, Any]:
        rows = await _all(
            pool, "SELECT cart_id, branch_id, menu_version, pii_state FROM carts WHERE call_id = %s", (call_id,)
        )
        if not rows:
            raise HTTPException(404, f"call {call_id} has no cart")
        row = rows[0]
        file = (await catalog.menu(row["branch_id"], row["menu_version"])).file
        return {"cart_id": row["cart_id"], "call_id": call_id} | cart_view(
            cart_from_json(row["pii_state"]), file.menu, file.branch
        )

    @router.get("/calls/{call_id}/tool-calls")
    async def tool_results(call_id: Id) -> dict[str, Any]:
        """Every function call of the call with its answer, in the order in which they were carried out."""
        rows = await _all(
            pool,
            "SELECT tool_call_id AS id, tool AS name, status, pii_response AS response, cart_version"
            " FROM tool_results WHERE call_id = %s ORDER BY created_at, tool_call_id LIMIT 500",
            (call_id,),
        )
        return {"tool_calls": rows}

    @router.get("/orders")
    async def orders(branch_id: IdFilter = None, call_id: IdFilter = None, limit: Limit = 50) -> dict[str, Any]:
        rows = await _all(
            pool,
            f"{_ORDER} WHERE (%(branch)s::text IS NULL OR branch_id = %(branch)s)"
            " AND (%(call)s::text IS NULL OR call_id = %(call)s) ORDER BY placed_at DESC, order_number DESC"
            " LIMIT %(limit)s",
            {"branch": branch_id, "call": call_id, "limit": limit},
        )
        return {"orders": rows}

    @router.get("/orders/{order_id}")
    async def order(order_id: Id) -> dict[str, Any]:
        rows = await _all(pool, f"{_ORDER} WHERE order_id = %(order)s", {"order": order_id})
        if not rows:
            raise HTTPException(404, f"there is no order {order_id}")
        return rows[0]

    return router


_ORDER = """
SELECT order_id, branch_id, call_id, order_number, state, fulfilment, currency, items_minor, delivery_fee_minor,
       tax_minor, total_minor, eta_minutes, supplement_of, pii_customer, placed_at,
       (SELECT coalesce(jsonb_agg(line ORDER BY position), '[]') FROM order_lines l WHERE l.order_id = o.order_id)
       AS lines
  FROM orders o"""


async def _all(pool: Pool, query: str, parameters: tuple[Any, ...] | dict[str, Any]) -> list[dict[str, Any]]:
    try:
        async with pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
            # the texts above are constants; what a client sends travels as parameters only
            await cursor.execute(query.encode(), parameters)
            return await cursor.fetchall()
    except UNAVAILABLE:
        raise HTTPException(503, "the database does not answer; try again") from None
