"""``/kitchen``: the page and what it asks for. Opened with the branch's key, which then lies in a cookie.

GET  /kitchen/{branch}                          the page; asks for the key when there is none
POST /kitchen/{branch}/key                      {"key"}: the key, kept in a cookie of this path
GET  /kitchen/{branch}/board                    everything that is shown, and the number that it is current to
GET  /kitchen/{branch}/live?after=N             what happens from there on (server-sent events)
POST /kitchen/{branch}/shown                    which tickets are before somebody's eyes: they are `received`
POST /kitchen/{branch}/orders/{order_id}        one click on a ticket
POST /kitchen/{branch}/orders/{order_id}/own    somebody of the kitchen looks after it
GET  /kitchen/{branch}/menu                     what can be sold out
POST /kitchen/{branch}/stock                    it is, or it is there again
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Body, Cookie, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi import Path as Part
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from agiza.domain.stock import StockKind
from agiza.runtime.branch_page import CSS, HEADERS, JAVASCRIPT, Branch, BranchPage
from agiza.runtime.http import trace_header
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import UNAVAILABLE, transaction
from agiza.runtime.traces import Trace
from services.orders.catalog import MenuNotFound
from services.orders.counts import count_moves
from services.orders.kitchen.acting import Action, Click, RequestId, Sayer, ScreenId, Shown, carry_out, note_shown
from services.orders.kitchen.board import board_of
from services.orders.kitchen.live import Live
from services.orders.kitchen.screens import Screens, TooManyScreens
from services.orders.kitchen.stocking import Lasts, menu_of, sold_out_of, until
from services.orders.kitchen.watch import WatchParts
from services.orders.moves import Moved, NotMoved
from services.orders.ownership import NothingToOwn, Owned
from services.orders.ownership import own as own_order
from services.orders.public_api.once import Answer, carried_out_once, digest_of
from services.orders.public_api.problems import Problem
from services.orders.stock import StockOrder, StockRefused

STATIC: Final = Path(__file__).with_name("static")
OrderId = Annotated[str, Part(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
OWNER: Final = "kitchen"

T = TypeVar("T")

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KitchenParts:
    """What the routes work with."""

    watched: WatchParts
    screens: Screens
    wake: Callable[[], None]


class Switch(BaseModel):
    """Something is out, or there again. ``entry`` as the menu of :func:`menu_of` names it."""

    model_config = ConfigDict(extra="forbid")

    screen: ScreenId
    request_id: RequestId
    kind: StockKind
    entry: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}(/[a-z0-9][a-z0-9-]{0,63})?$")
    sold_out: bool
    lasts: Lasts = "open"


def add_kitchen(
    app: FastAPI, watched: WatchParts, wake: Callable[[], None], secrets: Sequence[str], *, is_https: bool
) -> Screens:
    """Serve everything under ``/kitchen``. ``wake`` tells the relay that something was committed; the screens are to be
    run until the process stops."""
    screens = Screens(watched)
    page = kitchen_page(secrets, is_https=is_https)
    app.include_router(page.router())
    app.include_router(kitchen_routes(KitchenParts(watched, screens, wake), page))
    return screens


def kitchen_routes(parts: KitchenParts, page: BranchPage) -> APIRouter:
    """What the page asks for, behind the branch's key."""
    router = APIRouter(prefix="/kitchen", include_in_schema=False)

    def admitted(branch: Branch, agiza_branch_key: Annotated[str, Cookie()] = "") -> str:
        return page.admit(branch, agiza_branch_key)

    InBranch = Annotated[str, Depends(admitted)]
    acting = [Depends(page.from_page)]

    @router.get("/{branch}/board")
    async def board(branch: InBranch) -> Response:
        shown = await _answered(
            board_of(parts.watched.pool, parts.watched.catalog, parts.watched.book, parts.watched.clock, branch)
        )
        return JSONResponse(shown, headers=HEADERS)

    @router.get("/{branch}/live")
    async def live(
        branch: InBranch,
        after: Annotated[int | None, Query(ge=0, le=2**62)] = None,
        last_event_id: Annotated[int | None, Header(ge=0, le=2**62)] = None,
    ) -> Response:
        number = last_event_id if last_event_id is not None else after
        if number is None:
            raise HTTPException(422, "say after which number: that of the board, or Last-Event-ID", headers=HEADERS)
        try:
            screen = await _answered(parts.screens.enter(branch))
        except TooManyScreens as error:
            raise HTTPException(429, str(error), headers={**HEADERS, "retry-after": "10"}) from None
        return Live(parts.screens, screen, number, parts.watched.clock)

    @router.post("/{branch}/shown", dependencies=acting)
    async def shown(request: Request, branch: InBranch, body: Shown) -> Response:
        async def note() -> list[Moved]:
            async with transaction(parts.watched.pool) as conn:
                return await note_shown(conn, body.orders, _sayer(parts, request, branch, body.screen))

        moved = await _answered(note())
        for each in moved:
            _told_of(parts, each, body.screen)
        return JSONResponse({"received": [each.order.order_id for each in moved]}, headers=HEADERS)

    @router.post("/{branch}/orders/{order_id}", dependencies=acting)
    async def act(request: Request, branch: InBranch, order_id: OrderId, action: Annotated[Action, Body()]) -> Response:
        moved: Moved | None = None

        async def once() -> Answer:
            nonlocal moved
            async with transaction(parts.watched.pool) as conn:

                async def work() -> Answer:
                    nonlocal moved
                    outcome = await carry_out(conn, order_id, action, _sayer(parts, request, branch, action.screen))
                    if outcome is None:
                        raise HTTPException(404, "this branch has no such order", headers=HEADERS)
                    moved = outcome if isinstance(outcome, Moved) else None
                    return _answer(outcome)

                digest = digest_of("kitchen", order_id, action.model_dump(mode="json"))
                return await carried_out_once(conn, f"kitchen:{branch}", action.request_id, digest, work)

        answer = await _answered(once())
        if moved is not None:
            _told_of(parts, moved, action.screen)
        return JSONResponse(answer.body, answer.status, headers=HEADERS)

    @router.post("/{branch}/orders/{order_id}/own", dependencies=acting)
    async def own(request: Request, branch: InBranch, order_id: OrderId, click: Click) -> Response:
        async def take() -> Owned | NothingToOwn | None:
            sayer = _sayer(parts, request, branch, click.screen)
            async with transaction(parts.watched.pool) as conn:
                return await own_order(conn, order_id, (branch,), OWNER, sayer.now, sayer.traceparent)

        outcome = await _answered(take())
        if outcome is None:
            raise HTTPException(404, "this branch has no such order", headers=HEADERS)
        if isinstance(outcome, NothingToOwn):
            order = outcome.order
            raise HTTPException(409, f"order {order.number} is {order.state.value} and needs nobody", headers=HEADERS)
        if outcome.is_new:
            log.info("order_owned", order_id=order_id, branch_id=branch, screen=click.screen)
            parts.wake()
        return JSONResponse({"owned_by": outcome.pii_by}, headers=HEADERS)

    @router.get("/{branch}/menu")
    async def menu(branch: InBranch) -> Response:
        pinned = await _answered(parts.watched.catalog.current(branch))
        return JSONResponse({"entries": menu_of(pinned.file)}, headers=HEADERS)

    @router.post("/{branch}/stock", dependencies=acting)
    async def stock(branch: InBranch, body: Switch) -> Response:
        async def switch() -> list[dict[str, Any]]:
            file = (await parts.watched.catalog.current(branch)).file
            wanted = StockOrder(
                branch,
                body.kind,
                body.entry,
                sold_out=body.sold_out,
                until=until(body.lasts, parts.watched.clock.now(), file.branch.timezone) if body.sold_out else None,
                by=f"kitchen:{body.screen}",
            )
            async with transaction(parts.watched.pool) as conn:

                async def work() -> Answer:
                    await parts.watched.book.set_in(conn, wanted, file.menu)
                    return Answer(
                        200, {"sold_out": sold_out_of(await parts.watched.book.sold_out_in(conn, branch, file.menu))}
                    )

                digest = digest_of("kitchen stock", body.model_dump(mode="json"))
                answer = await carried_out_once(conn, f"kitchen:{branch}", body.request_id, digest, work)
            sold_out: list[dict[str, Any]] = answer.body["sold_out"]
            return sold_out

        try:
            sold_out = await _answered(switch())
        except StockRefused as error:
            raise HTTPException(409, str(error), headers=HEADERS) from None
        parts.screens.look_at(branch)
        return JSONResponse({"sold_out": sold_out}, headers=HEADERS)

    return router


def kitchen_page(secrets: Sequence[str], *, is_https: bool) -> BranchPage:
    """The page with its files."""
    types = {".js": JAVASCRIPT, ".css": CSS}
    files = {path.name: types[path.suffix] for path in sorted(STATIC.iterdir()) if path.suffix in types}
    return BranchPage("kitchen", STATIC, files, secrets=secrets, is_https=is_https)


async def _answered(work: Awaitable[T]) -> T:
    """The result; what the page can be told of what went wrong becomes its status."""
    try:
        return await work
    except UNAVAILABLE:
        raise HTTPException(503, "the database does not answer; it is tried again", headers=HEADERS) from None
    except MenuNotFound:
        raise HTTPException(404, "there is no such branch", headers=HEADERS) from None
    except Problem as error:
        raise HTTPException(error.status, str(error), headers=HEADERS) from None


def _sayer(parts: KitchenParts, request: Request, branch: str, screen: str) -> Sayer:
    return Sayer(branch, screen, parts.watched.clock.now(), str(Trace.continued(trace_header(request))))


def _answer(outcome: Moved | NotMoved) -> Answer:
    if isinstance(outcome, Moved):
        state = outcome.steps[-1] if outcome.steps else outcome.order.state
        return Answer(200, {"state": state.value})
    order = outcome.order
    detail = f"order {order.number} is {order.state.value.replace('_', ' ')} already: look at it again"
    return Answer(409, {"detail": detail, "state": order.state.value})


def _told_of(parts: KitchenParts, moved: Moved, screen: str) -> None:
    if not moved.steps:
        return
    order = moved.order
    log.info("order_moved", order_id=order.order_id, branch_id=order.branch_id, state=moved.steps[-1], screen=screen)
    count_moves(parts.watched.metrics, moved, parts.watched.clock.now())
    parts.wake()
