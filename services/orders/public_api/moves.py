"""What a POS says of an order: ``POST /v1/orders/{order_id}/state``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from agiza.domain.orders import OrderState, unknown_word
from agiza.runtime.http import trace_header
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import Connection, transaction
from agiza.runtime.traces import Trace
from services.orders import moves, store_moves
from services.orders.counts import count_moves
from services.orders.moves import Moved, NotMoved, Told
from services.orders.public_api import once
from services.orders.public_api.access import OrderWriter, Parts, parts_of
from services.orders.public_api.keys import KeyHolder
from services.orders.public_api.once import Answer
from services.orders.public_api.orders import no_order
from services.orders.public_api.problems import Problem, PublicRoute
from services.orders.public_api.shapes import IdempotencyKey, Order, OrderId, Word

log = get_logger(__name__)


class WordRoute(PublicRoute):
    """A route that is told a kitchen's word. One that is none is recorded: a POS set up wrongly must be seen."""

    def on_invalid(self, request: Request, error: RequestValidationError) -> None:
        """Log and count a word that is not ours. What is no order's id is not repeated."""
        errors = error.errors()
        unknown = next((each for each in errors if each["type"] == "union_tag_invalid"), None)
        if unknown is None or any(each["loc"][0] == "path" for each in errors):
            return
        parts_of(request).metrics.add("order_words_unknown_total")
        log.warning(
            "order_word_unknown",
            order_id=request.path_params["order_id"],
            key_id=request.state.key_id,
            word=unknown_word(str(unknown["ctx"]["tag"])),
        )


router = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=WordRoute)


@router.post("/{order_id}/state", response_model=Order)
async def say_state(
    order_id: OrderId,
    word: Annotated[Word, Body()],
    request: Request,
    parts: Parts,
    holder: OrderWriter,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Say where the order is. The same word again changes nothing and is answered with the order as it stands."""
    told = _told(word)
    traceparent = str(Trace.continued(trace_header(request)))
    digest = once.digest_of("state", order_id, word.model_dump(mode="json"))
    moved: Moved | None = None
    async with transaction(parts.pool) as conn:

        async def carry_out() -> Answer:
            nonlocal moved
            moved, answer = await _carry_out(conn, parts, holder, order_id, told, traceparent)
            return answer

        answer = await once.carried_out_once(conn, holder.key_id, idempotency_key, digest, carry_out)
    if moved is not None and moved.steps:
        parts.wake()
        count_moves(parts.metrics, moved, parts.clock.now())
    return once.response(answer)


async def _carry_out(
    conn: Connection, parts: Parts, holder: KeyHolder, order_id: str, told: Told, traceparent: str
) -> tuple[Moved | None, Answer]:
    outcome = await moves.tell(
        conn,
        order_id,
        told,
        branches=holder.branches,
        said_by=holder.key_id,
        now=parts.clock.now(),
        traceparent=traceparent,
    )
    if outcome is None:
        raise no_order(order_id)
    order = outcome.order
    if isinstance(outcome, NotMoved):
        log.info("order_move_refused", order_id=order_id, branch_id=order.branch_id, state=order.state, told=told.state)
        return None, Answer(409, _refusal(outcome, told).body())
    if outcome.steps:
        log.info("order_moved", order_id=order_id, branch_id=order.branch_id, state=told.state, key_id=holder.key_id)
    row = await store_moves.read_order(conn, order_id, holder.branches)
    assert row is not None, "its row is locked by us"
    body: dict[str, Any] = jsonable_encoder(Order.model_validate(row))
    return outcome, Answer(200, body)


def _told(word: Word) -> Told:
    return Told(
        state=OrderState(word.state),
        eta_minutes=getattr(word, "eta_minutes", None),
        reason=getattr(word, "reason", None),
        note=getattr(word, "note", None),
    )


def _refusal(outcome: NotMoved, told: Told) -> Problem:
    state = outcome.order.state
    words = [following.value for following in outcome.allowed]
    then = f"what it may be now is {', '.join(words)}" if words else "nothing moves it any more"
    detail = f"order {outcome.order.number} is {state.value}, so it cannot be {told.state.value}: {then}"
    return Problem("move-not-allowed", detail, state=state.value, allowed=words)
