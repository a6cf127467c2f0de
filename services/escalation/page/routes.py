"""``/handoffs``: the page and what it asks for. Opened with the branch's key, which then lies in a cookie.

GET  /handoffs/{branch}                 the page; asks for the key when there is none
POST /handoffs/{branch}/key             {"key"}: the key, kept in a cookie of this path
GET  /handoffs/{branch}/matters         what waits
POST /handoffs/{branch}/matters/{id}/take | close | place | discard
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Cookie, Depends, HTTPException, Request, Response
from fastapi import Path as Part
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from agiza.runtime.branch_page import CSS, HEADERS, JAVASCRIPT, Branch, BranchPage
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import UNAVAILABLE, Pool, transaction
from agiza.runtime.redis_clients import Client
from services.escalation.order_owner import OrderOwner, OrdersAway
from services.escalation.page.acting import CartDesk, call_of, close, order_call_of, take
from services.escalation.page.matters import matters_of

STATIC: Final = Path(__file__).with_name("static")
FILES: Final = {"handoffs.js": JAVASCRIPT, "handoffs.css": CSS}

MatterId = Annotated[str, Part(pattern=r"^[A-Za-z0-9_-]{4,64}$")]
Act = Literal["take", "close", "place", "discard"]

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PageParts:
    """What the page works with."""

    pool: Pool
    redis: Client
    clock: Clock
    carts: CartDesk
    owner: OrderOwner
    secrets: Sequence[str]
    is_https: bool


class ActRequest(BaseModel):
    """``request_id`` is made once per click, so that a click that is sent twice counts once."""

    model_config = ConfigDict(extra="forbid")
    by: str = Field(min_length=1, max_length=64)
    request_id: str = Field(pattern=r"^[A-Za-z0-9_-]{8,100}$")


def page_routes(parts: PageParts) -> APIRouter:
    """The page's routes."""
    page = BranchPage("handoffs", STATIC, FILES, secrets=parts.secrets, is_https=parts.is_https)
    router = page.router()

    def admitted(branch: Branch, agiza_branch_key: Annotated[str, Cookie()] = "") -> str:
        return page.admit(branch, agiza_branch_key)

    @router.get("/{branch}/matters")
    async def matters(branch: Annotated[str, Depends(admitted)]) -> Response:
        now = parts.clock.now()
        try:
            found = await matters_of(parts.pool, parts.redis, branch, now)
        except UNAVAILABLE:
            raise HTTPException(503, "the database does not answer") from None
        return JSONResponse({"branch": branch, "now": now.isoformat(), "matters": found}, headers=HEADERS)

    @router.post("/{branch}/matters/{matter_id}/{action}", dependencies=[Depends(page.from_page)])
    async def act(
        request: Request, branch: Annotated[str, Depends(admitted)], matter_id: MatterId, action: Act, body: ActRequest
    ) -> dict[str, Any]:
        try:
            return await _act(parts, branch, matter_id, action, body)
        except UNAVAILABLE:
            raise HTTPException(503, "the database does not answer; try again") from None
        except OrdersAway:
            raise HTTPException(503, "the order system does not answer; try again") from None

    return router


async def _act(parts: PageParts, branch: str, matter_id: str, action: Act, body: ActRequest) -> dict[str, Any]:
    log.info("handoff_page_action", branch_id=branch, matter_id=matter_id, action=action)
    if action == "take":
        async with parts.pool.connection() as conn:
            order_call = await order_call_of(conn, branch, matter_id)
        if order_call is not None:  # first, for it may be away: then nothing is taken
            await parts.owner.own(order_call, branch, by=body.by)
        async with transaction(parts.pool) as conn:
            name = await take(conn, branch, matter_id, body.by, parts.clock.now())
        if name is None:
            raise HTTPException(404, "no such hand-off")
        return {"taken_by": name}
    if action == "close":
        async with transaction(parts.pool) as conn:
            is_closed = await close(conn, branch, matter_id, body.by, parts.clock.now())
        if not is_closed:
            raise HTTPException(404, "nothing is open here")
        return {"closed_by": body.by}
    async with parts.pool.connection() as conn:
        call_id = await call_of(conn, branch, matter_id)
    if call_id is None:
        raise HTTPException(404, "no such matter")
    status, answer = await parts.carts.act(call_id, branch, action, by=body.by, request_id=body.request_id)
    if status != 200:
        raise HTTPException(status if status in (404, 503) else 502, answer.get("detail", "the order system refused"))
    return {name: answer[name] for name in ("status", "code", "message", "order_number") if name in answer}
