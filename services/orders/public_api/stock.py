"""What a branch is out of: read and set by those who see its shelves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from agiza.domain.menu import Menu
from agiza.runtime.postgres import Connection, transaction
from services.orders.catalog import MenuNotFound
from services.orders.public_api import once
from services.orders.public_api.access import ApiParts, Parts, StockReader, StockWriter, must_see, no_branch
from services.orders.public_api.once import Answer
from services.orders.public_api.problems import Problem, PublicRoute
from services.orders.public_api.shapes import BranchId, IdempotencyKey, SetStock, Stock
from services.orders.stock import SoldOut, StockBook, StockOrder, StockRefused

router = APIRouter(prefix="/v1/branches", tags=["stock"], route_class=PublicRoute)


@router.get("/{branch_id}/stock", response_model=Stock)
async def read_stock(branch_id: BranchId, parts: Parts, holder: StockReader) -> dict[str, Any]:
    """All that the branch is out of at this moment. What is not named is there."""
    must_see(holder, branch_id)
    try:
        return _shown(branch_id, await _book(parts).sold_out(branch_id))
    except MenuNotFound:
        raise no_branch(branch_id) from None


@router.put("/{branch_id}/stock", response_model=Stock)
async def set_stock(
    branch_id: BranchId,
    wanted: Annotated[SetStock, Body()],
    parts: Parts,
    holder: StockWriter,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Say that something is out, or there again: from the next question of every running call on.

    The same again changes nothing. An option's plain id is meant in every group that has it.
    """
    must_see(holder, branch_id)
    try:
        menu = (await parts.catalog.current(branch_id)).file.menu
    except MenuNotFound:
        raise no_branch(branch_id) from None
    order = StockOrder(
        branch_id,
        wanted.kind,
        wanted.name,
        sold_out=wanted.sold_out,
        until=wanted.until,
        reason=wanted.reason or "",
        by=f"key {holder.key_id}",
    )
    digest = once.digest_of("stock", branch_id, wanted.model_dump(mode="json"))
    async with transaction(parts.pool) as conn:
        answer = await once.carried_out_once(
            conn, holder.key_id, idempotency_key, digest, lambda: _set(conn, _book(parts), order, menu)
        )
    return once.response(answer)


async def _set(conn: Connection, book: StockBook, order: StockOrder, menu: Menu) -> Answer:
    try:
        await book.set_in(conn, order, menu)
    except StockRefused as error:
        more: dict[str, Any] = {"allowed": list(error.near)} if error.near else {}
        return Answer(409, Problem("stock-refused", str(error), reason=error.code, **more).body())
    stock = _shown(order.branch_id, await book.sold_out_in(conn, order.branch_id, menu))
    body: dict[str, Any] = jsonable_encoder(Stock.model_validate(stock))
    return Answer(200, body)


def _book(parts: ApiParts) -> StockBook:
    return StockBook(parts.pool, parts.catalog, parts.clock)


def _shown(branch_id: str, entries: Sequence[SoldOut]) -> dict[str, Any]:
    return {
        "branch_id": branch_id,
        "sold_out": [
            {"entry": each.entry, "name": each.name, "until": each.until, "reason": each.reason, "set_at": each.set_at}
            for each in entries
        ],
    }
