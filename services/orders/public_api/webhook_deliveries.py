"""What becomes of deliveries, for those whom they reach: a test, sending again, deliveries and attempts."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse

from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import Connection
from services.orders.feed.reading import bounds
from services.orders.public_api.access import Parts, WebhookReader, WebhookWriter, must_see, no_branch
from services.orders.public_api.once import Answer
from services.orders.public_api.problems import Problem, PublicRoute
from services.orders.public_api.shapes import BranchFilter, IdempotencyKey, PageSize
from services.orders.public_api.webhook_shapes import (
    AttemptCursor,
    Attempts,
    Deliveries,
    DeliveryCursor,
    DeliveryFilter,
    EventFilter,
    Ping,
    Replay,
    Replayed,
    WebhookId,
)
from services.orders.public_api.webhooks import found, not_active, refusal, write
from services.orders.webhooks import store_self_service as store
from services.orders.webhooks.endpoints import PINGS_MAX, REPLAY_SPAN_MAX
from services.orders.webhooks.store_endpoints import EndpointRow
from services.orders.webhooks.store_self_service import Place

router = APIRouter(prefix="/v1/webhooks/{webhook_id}", tags=["webhooks"], route_class=PublicRoute)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_log: Final = get_logger(__name__)


@router.post("/ping", response_model=Ping)
async def ping_webhook(
    webhook_id: WebhookId, parts: Parts, holder: WebhookWriter, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Send a test delivery, signed like all others, now. Its outcome is among the attempts a moment later."""

    async def work(conn: Connection, row: EndpointRow) -> Answer:
        if row.state != "active":
            return not_active(row)
        if await store.waiting_pings(conn, row.endpoint_id) >= PINGS_MAX:
            return refusal("too-many-pings", f"{PINGS_MAX} pings have no outcome yet: look at the attempts first")
        event_id = str(uuid.uuid4())
        await store.add_ping(conn, row.endpoint_id, event_id=event_id, branch_id=row.branches[0], now=parts.clock.now())
        attempts = f"/v1/webhooks/{row.endpoint_id}/attempts?event_id={event_id}"
        return Answer(200, Ping(webhook_id=row.endpoint_id, event_id=event_id, attempts=attempts).model_dump())

    return await write(parts, holder, webhook_id, idempotency_key, ("ping",), work)


@router.post("/replay", response_model=Replayed)
async def replay_range(
    webhook_id: WebhookId,
    wanted: Annotated[Replay, Body()],
    parts: Parts,
    holder: WebhookWriter,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Send a branch's events of these numbers again, with their old ids: whoever has them ignores them."""

    async def work(conn: Connection, row: EndpointRow) -> Answer:
        if not row.is_for(wanted.branch_id) or not holder.sees(wanted.branch_id):
            raise no_branch(wanted.branch_id)
        if row.state == "disabled":
            return not_active(row)
        there = await bounds(conn, wanted.branch_id)
        if wanted.last < wanted.first or wanted.last - wanted.first >= REPLAY_SPAN_MAX:
            return refusal(
                "range-not-valid", f"'to' is not below 'from', and at most {REPLAY_SPAN_MAX} numbers are named"
            )
        if wanted.first > there.newest:
            return refusal("range-not-valid", f"the newest event of branch {wanted.branch_id} is {there.newest}")
        if wanted.first < there.oldest:
            raise Problem(
                "events-forgotten",
                f"the oldest event of branch {wanted.branch_id} that is left is {there.oldest}",
                oldest=there.oldest,
                newest=there.newest,
            )
        last = min(wanted.last, there.newest)
        counts = await store.replay_range(
            conn,
            row.endpoint_id,
            wanted.branch_id,
            first=wanted.first,
            last=last,
            types=row.types,
            now=parts.clock.now(),
        )
        _log.info(
            "webhook_replayed",
            endpoint_id=row.endpoint_id,
            branch_id=wanted.branch_id,
            key_id=holder.key_id,
            first=wanted.first,
            last=last,
            count=counts.queued,
        )
        told: dict[str, Any] = {
            "webhook_id": row.endpoint_id,
            "branch_id": wanted.branch_id,
            "from": wanted.first,
            "to": last,
            "events": counts.events,
            "queued": counts.queued,
            "waiting": counts.waiting,
            "not_subscribed": counts.not_subscribed,
        }
        return Answer(200, Replayed.model_validate(told).model_dump(by_alias=True))

    return await write(
        parts, holder, webhook_id, idempotency_key, ("replay", wanted.branch_id, wanted.first, wanted.last), work
    )


@router.get("/attempts", response_model=Attempts)
async def list_attempts(
    webhook_id: WebhookId,
    parts: Parts,
    holder: WebhookReader,
    event_id: EventFilter = None,
    limit: PageSize = 50,
    cursor: AttemptCursor = None,
) -> dict[str, Any]:
    """Every request to the endpoint and what came of it, newest first. Kept for 28 days."""
    async with parts.pool.connection() as conn:
        row = await found(conn, webhook_id, holder)
        rows = await store.list_attempts(
            conn, row.endpoint_id, event_id=event_id, before=None if cursor is None else int(cursor), limit=limit + 1
        )
    shown = rows[:limit]
    return {"attempts": shown, "next": str(shown[-1]["attempt_id"]) if len(rows) > limit else None}


@router.get("/deliveries", response_model=Deliveries)
async def list_deliveries(
    webhook_id: WebhookId,
    parts: Parts,
    holder: WebhookReader,
    state: DeliveryFilter = None,
    branch_id: BranchFilter = None,
    event_id: EventFilter = None,
    limit: PageSize = 50,
    cursor: DeliveryCursor = None,
) -> dict[str, Any]:
    """The endpoint's deliveries, those that began last first. ``state=expired`` are those that were given up."""
    if branch_id is not None:
        must_see(holder, branch_id)
    async with parts.pool.connection() as conn:
        row = await found(conn, webhook_id, holder)
        rows = await store.list_deliveries(
            conn,
            row.endpoint_id,
            state=state,
            branch_id=branch_id,
            event_id=event_id,
            after=_place(cursor),
            limit=limit + 1,
        )
    shown = rows[:limit]
    return {"deliveries": shown, "next": _cursor(shown[-1]) if len(rows) > limit else None}


def _cursor(row: dict[str, Any]) -> str:
    return f"{(row['began_at'] - _EPOCH) // _MICROSECOND}-{row['event_id']}"


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    micros, _, event_id = cursor.partition("-")
    return Place(_EPOCH + timedelta(microseconds=int(micros)), event_id)
