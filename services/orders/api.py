"""Internal HTTP of the orders service: tool calls when the stream is slow, and menus by version.

Every route needs the internal bearer token. What others read and say stands in :mod:`services.orders.public_api`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from pydantic import SecretStr

from agiza.contracts.envelope import ContractError, Received, decode
from agiza.contracts.events import CallTakenOver, ToolCalled
from agiza.runtime.http import bearer
from agiza.runtime.postgres import UNAVAILABLE
from services.orders.catalog import Catalog, MenuNotFound
from services.orders.store import CartElsewhere

AnswerCalls = Callable[[Received], Awaitable[bytes]]
"""Carries out a checked ``tool.called`` or ``call.taken_over`` and gives the answer as CloudEvents JSON."""

Version = Annotated[int, Path(ge=1, le=2**31 - 1)]
Slug = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


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
