"""Internal route by which escalation says that somebody who was rung looks after a call's orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, SecretStr, StringConstraints

from agiza.runtime.clock import Clock
from agiza.runtime.http import bearer
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import UNAVAILABLE, Pool, transaction
from agiza.runtime.traces import Trace
from services.orders.call_api import CallId, Slug
from services.orders.ownership import own_of_call

log = get_logger(__name__)


class OwnRequest(BaseModel):
    """``by`` is who, as the others at the branch know them."""

    model_config = ConfigDict(extra="forbid")
    branch_id: Slug
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


def owner_routes(token: SecretStr, pool: Pool, clock: Clock, wake: Callable[[], None]) -> APIRouter:
    """``POST /internal/calls/{call_id}/orders/own``."""
    router = APIRouter(prefix="/internal/calls", dependencies=[Depends(bearer(token))])

    @router.post("/{call_id}/orders/own")
    async def own_orders(call_id: CallId, request: OwnRequest) -> dict[str, Any]:
        """Orders that are owned already stay with their owner; said again, nothing changes."""
        try:
            async with transaction(pool) as conn:
                owned = await own_of_call(conn, call_id, request.branch_id, request.by, clock.now(), str(Trace.new()))
        except UNAVAILABLE:
            raise HTTPException(503, "the database does not answer; send the same request again") from None
        for each in owned:
            log.info("order_owned", order_id=each.order.order_id, branch_id=request.branch_id, side="staff")
        if owned:
            wake()
        return {"owned": [each.order.number for each in owned]}

    return router
