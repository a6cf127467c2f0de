"""What a branch is out of: read and set by those who see its shelves."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from services.orders.catalog import MenuNotFound
from services.orders.public_api.access import ApiParts, Parts, StockReader, StockWriter, must_see, no_branch
from services.orders.public_api.problems import Problem, PublicRoute
from services.orders.public_api.shapes import BranchId, SetStock, Stock
from services.orders.stock import StockBook, StockOrder, StockRefused

router = APIRouter(prefix="/v1/branches", tags=["stock"], route_class=PublicRoute)


@router.get("/{branch_id}/stock", response_model=Stock)
async def read_stock(branch_id: BranchId, parts: Parts, holder: StockReader) -> dict[str, Any]:
    """All that the branch is out of at this moment. What is not named is there."""
    must_see(holder, branch_id)
    return await _stock(_book(parts), branch_id)


@router.put("/{branch_id}/stock", response_model=Stock)
async def set_stock(branch_id: BranchId, wanted: SetStock, parts: Parts, holder: StockWriter) -> dict[str, Any]:
    """Say that something is out, or there again: from the next question of every running call on.

    Needs no Idempotency-Key: the same again changes nothing. An option's plain id is meant in every group that has it.
    """
    must_see(holder, branch_id)
    book = _book(parts)
    order = StockOrder(
        branch_id,
        wanted.kind,
        wanted.name,
        sold_out=wanted.sold_out,
        until=wanted.until,
        reason=wanted.reason or "",
        by=f"key {holder.key_id}",
    )
    try:
        await book.set(order)
    except MenuNotFound:
        raise no_branch(branch_id) from None
    except StockRefused as error:
        more: dict[str, Any] = {"allowed": list(error.near)} if error.near else {}
        raise Problem("stock-refused", str(error), reason=error.code, **more) from None
    return await _stock(book, branch_id)


def _book(parts: ApiParts) -> StockBook:
    return StockBook(parts.pool, parts.catalog, parts.clock)


async def _stock(book: StockBook, branch_id: str) -> dict[str, Any]:
    try:
        entries = await book.sold_out(branch_id)
    except MenuNotFound:
        raise no_branch(branch_id) from None
    return {
        "branch_id": branch_id,
        "sold_out": [
            {"entry": each.entry, "name": each.name, "until": each.until, "reason": each.reason, "set_at": each.set_at}
            for each in entries
        ],
    }
