"""Internal routes about the cart of one call: how a leg begins, and what staff do with it afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from agiza.domain.staff_orders import StaffAction
from agiza.runtime.http import bearer
from agiza.runtime.postgres import UNAVAILABLE
from services.orders.catalog import MenuNotFound
from services.orders.opening import Openings
from services.orders.staff import NoCart, StaffAnswer, StaffCounter

CallId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{4,64}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]

Tell = Callable[[StaffAnswer], Awaitable[None]]
"""Wakes the relay and shows the cart, after the commit."""


class OpenRequest(BaseModel):
    """A leg begins."""

    model_config = ConfigDict(extra="ignore")
    branch_id: Slug
    leg_epoch: int = Field(ge=0, le=999)
    language: str = Field(default="en", max_length=16)


class StaffRequest(BaseModel):
    """A person acts. ``request_id`` makes a repetition harmless; ``by`` is who, for the log."""

    model_config = ConfigDict(extra="forbid")
    branch_id: Slug
    by: str = Field(min_length=1, max_length=64)
    request_id: str = Field(pattern=r"^[A-Za-z0-9_-]{8,100}$")


def call_routes(token: SecretStr, openings: Openings, counter: StaffCounter, tell: Tell) -> APIRouter:
    """``POST /internal/calls/{call_id}/open | staff/place | staff/discard``."""
    router = APIRouter(prefix="/internal/calls", dependencies=[Depends(bearer(token))])

    @router.post("/{call_id}/open")
    async def open_call(call_id: CallId, request: OpenRequest) -> dict[str, Any]:
        """With which cart this leg begins. A cart that a lost call left open moves to this call."""
        try:
            opening = await openings.open(call_id, request.branch_id, request.leg_epoch)
            return asdict(opening.in_language(request.language))
        except MenuNotFound as error:
            raise HTTPException(422, str(error)) from None
        except UNAVAILABLE:
            raise HTTPException(503, "the database does not answer; begin without a cart") from None

    @router.post("/{call_id}/staff/{action}")
    async def staff(call_id: CallId, action: StaffAction, request: StaffRequest) -> dict[str, Any]:
        """Place the cart as an order, or drop it. What is refused says why, with the cart as it stands."""
        try:
            answer = await counter.act(call_id, request.branch_id, action, by=request.by, request_id=request.request_id)
        except (NoCart, MenuNotFound) as error:
            raise HTTPException(404, str(error)) from None
        except UNAVAILABLE:
            raise HTTPException(503, "the database does not answer; send the same request again") from None
        await tell(answer)
        return answer.response

    return router
