"""A branch's feed for those who have a key: pulled page by page, or as a stream that goes on.

Every event has the same bytes in every form. What is asked for and forgotten is refused, never left out in silence.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from agiza.contracts.feed_digest import NOTHING
from agiza.runtime.postgres import Connection
from services.orders.feed.door import RETRY_S, Full
from services.orders.feed.proof import EVENTS_MAX, Hole, prove
from services.orders.feed.reading import FeedItem, bounds, is_branch, read_feed, without_hole
from services.orders.feed.sse import FeedStream
from services.orders.public_api.access import OrderReader, Parts, must_see, no_branch, still_may
from services.orders.public_api.problems import Problem, PublicRoute
from services.orders.public_api.shapes import After, BranchId, Events, FeedDigest, From, PageSize, Seed, To

router = APIRouter(prefix="/v1/branches/{branch_id}", tags=["feed"], route_class=PublicRoute)

_NO_SEED: Final = NOTHING.hex()

LastEventId = Annotated[
    str,
    Header(
        alias="Last-Event-ID",
        pattern=r"^0{0,2}[0-9]{0,18}$",  # also an event's `sequence`, with its zeros
        description="The `id` of the last event that was received; sent by SSE clients when they come again. "
        "Goes before `after`.",
    ),
]


@router.get("/events", response_model=Events)
async def list_events(
    branch_id: BranchId, parts: Parts, holder: OrderReader, after: After = 0, limit: PageSize = 100
) -> Response:
    """Order events of the branch with a sequence above ``after``, in order, without a hole."""
    must_see(holder, branch_id)
    async with parts.pool.connection() as conn:
        items = await page_after(conn, branch_id, after, limit)
    parts.metrics.add("feed_events_sent_total", len(items), branch=branch_id, form="pull")
    return events_answer(items)


@router.get(
    "/events/stream",
    response_class=FeedStream,
    status_code=200,
    responses={200: {"description": "The events behind the given place, then each new one as it comes"}},
)
async def stream_events(
    branch_id: BranchId,
    request: Request,
    parts: Parts,
    holder: OrderReader,
    after: After = 0,
    last_event_id: LastEventId = "",
) -> Response:
    """The same as Server-Sent Events: ``id`` is the sequence, ``event`` the type, ``data`` the event.

    It goes on until either side ends it; a comment each 15 s shows that the line stands. An event ``gap`` without an id
    ends it when what follows is forgotten meanwhile, ``end`` when the key is no longer good.
    """
    must_see(holder, branch_id)
    place = int(last_event_id) if last_event_id else after
    async with parts.pool.connection() as conn:
        await page_after(conn, branch_id, place, 1)
    try:
        taken = parts.feed.place(holder.key_id, branch_id)
    except Full as full:
        raise _full(full) from None
    return FeedStream(
        parts.feed,
        taken,
        after=place,
        is_allowed=lambda: still_may(request, parts, "orders:read", branch_id),
    )


@router.get("/events/digest", response_model=FeedDigest)
async def read_digest(
    branch_id: BranchId,
    parts: Parts,
    holder: OrderReader,
    first: From = 1,
    to: To = None,
    seed: Seed = _NO_SEED,
) -> JSONResponse:
    """What proves that a reader holds every event of a range, unchanged: a chain of hashes over their bodies.

    h(0) is 32 zero bytes or ``seed``, h(n) = SHA-256(h(n-1) || SHA-256(body of event n)); at most 10,000 a request.
    """
    must_see(holder, branch_id)
    if to is not None and to < first:
        raise Problem("range-empty", f"{to} is before {first}")
    async with parts.pool.connection() as conn:
        await page_after(conn, branch_id, first - 1, 1)
        there = await bounds(conn, branch_id)
    if to is not None and there.is_ahead(to):
        raise ahead(to, there.newest)
    wanted = there.newest if to is None else to
    last = min(wanted, first + EVENTS_MAX - 1)
    try:
        async with parts.feed.proving():
            digest = await prove(parts.feed, branch_id, first=first, last=last, seed=bytes.fromhex(seed))
    except Hole as hole:
        async with parts.pool.connection() as conn:
            there = await bounds(conn, branch_id)
        raise forgotten(hole.after, there.oldest, there.newest) from None
    except Full as full:
        raise _full(full) from None
    answer = FeedDigest.model_validate(
        {
            "branch_id": branch_id,
            "from": first,
            "to": last,
            "count": last - first + 1,
            "seed": seed,
            "digest": digest.hex(),
            "complete": last == wanted,
            "newest": there.newest,
        }
    )
    return JSONResponse(answer.model_dump(by_alias=True))


async def page_after(conn: Connection, branch_id: str, after: int, limit: int) -> Sequence[FeedItem]:
    """The events behind ``after``. Raises :class:`Problem` when there are such that are forgotten, when ``after`` is no
    number of this feed, and for a branch that is none."""
    items = await read_feed(conn, branch_id, after=after, limit=limit)
    whole = without_hole(items, after)
    if whole:
        return whole
    there = await bounds(conn, branch_id)
    if there.newest == 0 and not await is_branch(conn, branch_id):
        raise no_branch(branch_id)
    if there.is_ahead(after):
        raise ahead(after, there.newest)
    if items or there.is_forgotten(after):
        raise forgotten(after, there.oldest, there.newest)
    return whole


def forgotten(after: int, oldest: int, newest: int) -> Problem:
    """What follows ``after`` is no longer there."""
    return Problem(
        "events-forgotten",
        f"the event after {after} is forgotten; the oldest that is left is {oldest}",
        oldest=oldest,
        newest=newest,
    )


def ahead(sequence: int, newest: int) -> Problem:
    """There is no such sequence yet."""
    return Problem("sequence-ahead", f"the newest event is {newest}, {sequence} is not there", newest=newest)


def events_answer(items: Sequence[FeedItem], **members: Any) -> Response:
    """The events, each with the bytes that it has everywhere, and further members before them."""
    head = json.dumps(members, separators=(",", ":"))[1:-1].encode()
    events = b",".join(item.body for item in items)
    content = b"{" + head + (b"," if head else b"") + b'"events":[' + events + b"]}"
    return Response(content, media_type="application/json")


def _full(full: Full) -> Problem:
    wait = {"retry-after": str(RETRY_S)}
    if full.of_key:
        return Problem("too-many-requests", "this key has too many streams open: end one first", headers=wait)
    return Problem("no-place", "this replica has no place for one more stream", headers=wait)
