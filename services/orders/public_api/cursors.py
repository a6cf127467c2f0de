"""Pulling a branch's feed with a place that we keep: events are given until they are acknowledged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from agiza.runtime.postgres import Connection, transaction
from services.orders.feed.cursors import (
    CURSORS_MAX,
    Cursor,
    Refused,
    acknowledge,
    delete_cursor,
    list_cursors,
    put_cursor,
    read_cursor,
)
from services.orders.feed.reading import bounds, is_branch
from services.orders.public_api import once
from services.orders.public_api.access import ApiParts, FeedAcknowledger, OrderReader, Parts, must_see, no_branch
from services.orders.public_api.feed import ahead, events_answer, forgotten, page_after
from services.orders.public_api.keys import KeyHolder
from services.orders.public_api.once import Answer
from services.orders.public_api.problems import Problem, PublicRoute
from services.orders.public_api.shapes import (
    BranchId,
    CursorEvents,
    CursorName,
    FeedCursor,
    FeedCursors,
    IdempotencyKey,
    PageSize,
    SetCursor,
)

router = APIRouter(prefix="/v1/branches/{branch_id}/cursors", tags=["feed"], route_class=PublicRoute)


@router.put("/{name}", response_model=FeedCursor)
async def set_one(
    branch_id: BranchId,
    name: CursorName,
    wanted: Annotated[SetCursor, Body()],
    parts: Parts,
    holder: FeedAcknowledger,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Make a cursor, or move it deliberately, also back: what lies behind the given sequence is given again."""
    must_see(holder, branch_id)

    async def carry_out(conn: Connection) -> Cursor | Refused:
        if not await is_branch(conn, branch_id):
            raise no_branch(branch_id)
        return await put_cursor(conn, branch_id, name, wanted.sequence, holder.key_id)

    digest = once.digest_of("cursor", branch_id, name, wanted.model_dump(mode="json"))
    return await _written(parts, holder, idempotency_key, digest, carry_out, wanted.sequence)


@router.get("", response_model=FeedCursors)
async def list_all(branch_id: BranchId, parts: Parts, holder: OrderReader) -> dict[str, Any]:
    """The branch's cursors: who reads, and how far each is."""
    must_see(holder, branch_id)
    async with parts.pool.connection() as conn:
        found = await list_cursors(conn, branch_id)
        if not found and not await is_branch(conn, branch_id):
            raise no_branch(branch_id)
        return {"cursors": [await _shown(conn, cursor) for cursor in found]}


@router.get("/{name}", response_model=FeedCursor)
async def read_one(branch_id: BranchId, name: CursorName, parts: Parts, holder: OrderReader) -> dict[str, Any]:
    """One cursor, with what there is to read."""
    must_see(holder, branch_id)
    async with parts.pool.connection() as conn:
        return await _shown(conn, await _there(conn, branch_id, name))


@router.get("/{name}/events", response_model=CursorEvents)
async def read_events(
    branch_id: BranchId, name: CursorName, parts: Parts, holder: OrderReader, limit: PageSize = 100
) -> Response:
    """What the cursor has not acknowledged, in order, without a hole: the same again until it is acknowledged."""
    must_see(holder, branch_id)
    async with parts.pool.connection() as conn:
        cursor = await _there(conn, branch_id, name)
        items = await page_after(conn, branch_id, cursor.acknowledged, limit)
        newest = (await bounds(conn, branch_id)).newest
    parts.metrics.add("feed_events_sent_total", len(items), branch=branch_id, form="cursor")
    return events_answer(items, acknowledged=cursor.acknowledged, newest=newest)


@router.post("/{name}/acknowledge", response_model=FeedCursor)
async def acknowledge_up_to(
    branch_id: BranchId,
    name: CursorName,
    done: Annotated[SetCursor, Body()],
    parts: Parts,
    holder: FeedAcknowledger,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Everything up to this sequence is stored safely. The same again changes nothing; backwards is refused."""
    must_see(holder, branch_id)

    async def carry_out(conn: Connection) -> Cursor | Refused:
        outcome = await acknowledge(conn, branch_id, name, done.sequence)
        if outcome is None:
            raise _no_cursor(name)
        return outcome

    digest = once.digest_of("acknowledge", branch_id, name, done.model_dump(mode="json"))
    return await _written(parts, holder, idempotency_key, digest, carry_out, done.sequence)


@router.delete("/{name}", response_model=FeedCursor)
async def delete_one(branch_id: BranchId, name: CursorName, parts: Parts, holder: FeedAcknowledger) -> dict[str, Any]:
    """Forget a cursor that nobody reads by any more. Gives it as it stood."""
    must_see(holder, branch_id)
    async with parts.pool.connection() as conn:
        gone = await delete_cursor(conn, branch_id, name)
        if gone is None:
            raise _no_cursor(name)
        return await _shown(conn, gone)


async def _written(
    parts: ApiParts,
    holder: KeyHolder,
    idempotency_key: str | None,
    digest: str,
    carry_out: Callable[[Connection], Awaitable[Cursor | Refused]],
    sequence: int,
) -> JSONResponse:
    async with transaction(parts.pool) as conn:

        async def work() -> Answer:
            outcome = await carry_out(conn)
            if isinstance(outcome, Refused):
                problem = _problem(outcome, sequence)
                return Answer(problem.status, problem.body())
            body: dict[str, Any] = jsonable_encoder(FeedCursor.model_validate(await _shown(conn, outcome)))
            return Answer(200, body)

        answer = await once.carried_out_once(conn, holder.key_id, idempotency_key, digest, work)
    return once.response(answer)


async def _there(conn: Connection, branch_id: str, name: str) -> Cursor:
    cursor = await read_cursor(conn, branch_id, name)
    if cursor is None:
        raise _no_cursor(name)
    return cursor


async def _shown(conn: Connection, cursor: Cursor) -> dict[str, Any]:
    there = await bounds(conn, cursor.branch_id)
    return {
        "branch_id": cursor.branch_id,
        "name": cursor.name,
        "acknowledged": cursor.acknowledged,
        "oldest": there.oldest,
        "newest": there.newest,
        "lag": max(0, there.newest - cursor.acknowledged),
        "made_by": cursor.made_by,
        "created_at": cursor.created_at,
        "updated_at": cursor.updated_at,
    }


def _problem(refused: Refused, sequence: int) -> Problem:
    match refused.why:
        case "ahead":
            return ahead(sequence, refused.there.newest)
        case "behind":
            return Problem(
                "sequence-behind",
                f"everything up to {refused.acknowledged} is acknowledged already",
                acknowledged=refused.acknowledged,
            )
        case "forgotten":
            return forgotten(sequence, refused.there.oldest, refused.there.newest)
        case "too_many":
            return Problem("too-many-cursors", f"a branch has {CURSORS_MAX} cursors at most")


def _no_cursor(name: str) -> Problem:
    return Problem("not-found", f"there is no cursor {name}: PUT makes one")
