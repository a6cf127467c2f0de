"""Taking an order that its kitchen has said too little of: ``POST /v1/orders/{order_id}/own``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from agiza.runtime.http import trace_header
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import transaction
from agiza.runtime.traces import Trace
from services.orders import store_moves
from services.orders.ownership import NothingToOwn, own
from services.orders.public_api import once
from services.orders.public_api.access import OrderWriter, Parts
from services.orders.public_api.once import Answer
from services.orders.public_api.orders import no_order
from services.orders.public_api.problems import Problem, PublicRoute
from services.orders.public_api.shapes import IdempotencyKey, Order, OrderId, TakeOrder

log = get_logger(__name__)

router = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=PublicRoute)


@router.post("/{order_id}/own", response_model=Order)
async def take_order(
    order_id: OrderId,
    body: TakeOrder,
    request: Request,
    parts: Parts,
    holder: OrderWriter,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Say who looks after an order that nobody has accepted. The first one stays; everybody is answered with the order
    as it stands."""
    traceparent = str(Trace.continued(trace_header(request)))
    digest = once.digest_of("own", order_id, body.model_dump(mode="json"))
    is_new = False
    async with transaction(parts.pool) as conn:

        async def carry_out() -> Answer:
            nonlocal is_new
            done = await own(conn, order_id, holder.branches, body.by, parts.clock.now(), traceparent)
            if done is None:
                raise no_order(order_id)
            if isinstance(done, NothingToOwn):
                order = done.order
                detail = f"order {order.number} is {order.state.value}: it does not wait for anybody"
                return Answer(409, Problem("nothing-to-own", detail, state=order.state.value).body())
            is_new = done.is_new
            row = await store_moves.read_order(conn, order_id, holder.branches)
            assert row is not None, "its row is locked by us"
            shown: dict[str, Any] = jsonable_encoder(Order.model_validate(row))
            if is_new:
                log.info("order_owned", order_id=order_id, branch_id=done.order.branch_id, key_id=holder.key_id)
            return Answer(200, shown)

        answer = await once.carried_out_once(conn, holder.key_id, idempotency_key, digest, carry_out)
    if is_new:
        parts.wake()
    return once.response(answer)
