"""Webhooks, set up and looked after by those whom they reach: ``/v1/webhooks``.

An endpoint is there for a key that sees all of its branches; to every other key it does not exist. Deliveries carry
what callers have said, so ``webhooks:write`` is as strong as ``orders:read``: its holder may have them sent anywhere.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import Connection, transaction
from services.orders.public_api import once
from services.orders.public_api.access import (
    ApiParts,
    Parts,
    WebhookReader,
    WebhookWriter,
    must_see,
    no_branch,
)
from services.orders.public_api.keys import KeyHolder
from services.orders.public_api.once import Answer
from services.orders.public_api.problems import Problem, PublicRoute
from services.orders.public_api.shapes import BranchFilter, IdempotencyKey, PageSize
from services.orders.public_api.webhook_shapes import (
    ChangedWebhook,
    NewWebhook,
    Rotation,
    Webhook,
    WebhookCursor,
    WebhookDeleted,
    WebhookId,
    Webhooks,
    WebhookSecret,
)
from services.orders.webhooks import store_endpoints as store
from services.orders.webhooks.endpoints import (
    EVERY_BRANCH,
    EndpointRefused,
    Reason,
    check_branches,
    check_types,
    check_url,
    former_until,
    new_endpoint_id,
    new_secret,
)
from services.orders.webhooks.store_endpoints import Change, EndpointRow, NewEndpoint

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=PublicRoute)

Work = Callable[[Connection, EndpointRow], Awaitable[Answer]]
_log: Final = get_logger(__name__)


@router.post("", response_model=WebhookSecret)
async def create_webhook(
    wanted: Annotated[NewWebhook, Body()],
    parts: Parts,
    holder: WebhookWriter,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Have events sent to a URL from now on. The secret that signs them is in this answer, and nowhere else."""
    digest = once.digest_of("webhook", wanted.model_dump(mode="json"))
    async with transaction(parts.pool) as conn:
        await _must_see_all(conn, holder, wanted.branches)
        answer = await once.carried_out_once(
            conn, holder.key_id, idempotency_key, digest, lambda: _create(conn, parts, holder, wanted)
        )
    return once.response(answer)


@router.get("", response_model=Webhooks)
async def list_webhooks(
    parts: Parts,
    holder: WebhookReader,
    branch_id: BranchFilter = None,
    limit: PageSize = 50,
    cursor: WebhookCursor = None,
) -> dict[str, Any]:
    """The endpoints of the key, newest first; with ``branch_id``, those that get its events."""
    if branch_id is not None:
        must_see(holder, branch_id)
    async with parts.pool.connection() as conn:
        if cursor is not None and await store.read_endpoint(conn, cursor, holder.branches) is None:
            raise no_webhook(cursor)
        rows = await store.list_endpoints(conn, holder.branches, branch_id=branch_id, before=cursor, limit=limit + 1)
    shown = rows[:limit]
    return {"webhooks": [_shown(row) for row in shown], "next": shown[-1].endpoint_id if len(rows) > limit else None}


@router.get("/{webhook_id}", response_model=Webhook)
async def read_webhook(webhook_id: WebhookId, parts: Parts, holder: WebhookReader) -> dict[str, Any]:
    """One endpoint, and how it fares."""
    async with parts.pool.connection() as conn:
        return _shown(await found(conn, webhook_id, holder))


@router.patch("/{webhook_id}", response_model=Webhook)
async def change_webhook(
    webhook_id: WebhookId,
    wanted: Annotated[ChangedWebhook, Body()],
    parts: Parts,
    holder: WebhookWriter,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Another URL, other types, another description; pause it, or go on. With another URL it begins anew."""

    async def work(conn: Connection, row: EndpointRow) -> Answer:
        if wanted.state is not None and row.state == "disabled":
            return not_active(row)
        try:
            if wanted.url is not None:
                check_url(wanted.url, allowed=parts.webhook_hosts)
            types = None if wanted.types is None else check_types(wanted.types)
        except EndpointRefused as error:
            return _refused(error)
        change = Change(wanted.url, wanted.description, types, wanted.state)
        changed = await store.change_endpoint(conn, row.endpoint_id, change, parts.clock.now())
        _log.info("webhook_changed", endpoint_id=row.endpoint_id, key_id=holder.key_id, state=changed.state)
        return Answer(200, _body(changed))

    return await write(parts, holder, webhook_id, idempotency_key, ("change", wanted.model_dump(mode="json")), work)


@router.delete("/{webhook_id}", response_model=WebhookDeleted)
async def delete_webhook(
    webhook_id: WebhookId, parts: Parts, holder: WebhookWriter, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Send nothing any more, and forget the endpoint, its secrets, deliveries and attempts."""

    async def work(conn: Connection, row: EndpointRow) -> Answer:
        await store.delete_endpoint(conn, row.endpoint_id, parts.clock.now())
        _log.info("webhook_deleted", endpoint_id=row.endpoint_id, key_id=holder.key_id)
        return Answer(200, WebhookDeleted(webhook_id=row.endpoint_id).model_dump())

    return await write(parts, holder, webhook_id, idempotency_key, ("delete",), work)


@router.post("/{webhook_id}/rotate", response_model=WebhookSecret)
async def rotate_secret(
    webhook_id: WebhookId,
    parts: Parts,
    holder: WebhookWriter,
    wanted: Annotated[Rotation | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """A new secret, in this answer and nowhere else. Deliveries carry both signatures until the old one ends."""
    how = wanted or Rotation()

    async def work(conn: Connection, row: EndpointRow) -> Answer:
        now = parts.clock.now()
        if row.former_until is not None and row.former_until > now and not how.drop_former:
            detail = (
                f"the secret before is good until {row.former_until.isoformat()}: rotate after that, or send"
                " drop_former, which ends it at once"
            )
            return refusal("rotation-running", detail)
        secret = new_secret(secrets.token_bytes)
        ends = former_until(now, how.former_hours)
        rotated = await store.rotate_secret(conn, row.endpoint_id, secret, ends, now)
        _log.info("webhook_secret_rotated", endpoint_id=row.endpoint_id, key_id=holder.key_id, former_until=ends)
        return _with_secret(rotated, secret)

    return await write(parts, holder, webhook_id, idempotency_key, ("rotate", how.model_dump(mode="json")), work)


@router.post("/{webhook_id}/resume", response_model=Webhook)
async def resume_webhook(
    webhook_id: WebhookId, parts: Parts, holder: WebhookWriter, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Send again to an endpoint that was paused, or disabled because of what it answered. It is tried at once."""

    async def work(conn: Connection, row: EndpointRow) -> Answer:
        resumed = await store.resume_endpoint(conn, row.endpoint_id, parts.clock.now())
        _log.info("webhook_resumed", endpoint_id=row.endpoint_id, key_id=holder.key_id, was=row.state)
        return Answer(200, _body(resumed))

    return await write(parts, holder, webhook_id, idempotency_key, ("resume",), work)


async def write(
    parts: ApiParts,
    holder: KeyHolder,
    webhook_id: str,
    idempotency_key: str | None,
    digested: tuple[Any, ...],
    work: Work,
) -> JSONResponse:
    """Carry out ``work`` on the locked endpoint, once for an Idempotency-Key, in one transaction.

    A repetition is answered before the endpoint is looked for: after a deletion it is not there any more.
    """

    async with transaction(parts.pool) as conn:

        async def carry_out() -> Answer:
            return await work(conn, await found(conn, webhook_id, holder, for_update=True))

        digest = once.digest_of("webhook", webhook_id, *digested)
        answer = await once.carried_out_once(conn, holder.key_id, idempotency_key, digest, carry_out)
    if answer.status == 200:
        parts.wake_webhooks()
    return once.response(answer)


async def found(conn: Connection, webhook_id: str, holder: KeyHolder, *, for_update: bool = False) -> EndpointRow:
    """The endpoint. Raises :class:`Problem` when it is not there for this key."""
    row = await store.read_endpoint(conn, webhook_id, holder.branches, for_update=for_update)
    if row is None:
        raise no_webhook(webhook_id)
    return row


def no_webhook(webhook_id: str) -> Problem:
    """The same answer for an endpoint that does not exist and for somebody else's."""
    return Problem("not-found", f"there is no webhook {webhook_id}")


def refusal(reason: Reason, detail: str, allowed: tuple[str, ...] = ()) -> Answer:
    """What cannot be done so, as an answer that is kept."""
    more: dict[str, Any] = {"allowed": list(allowed)} if allowed else {}
    return Answer(409, Problem("webhook-refused", detail, reason=reason, **more).body())


def not_active(row: EndpointRow) -> Answer:
    """Nothing is sent to it at present."""
    why = f" ({row.state_reason})" if row.state_reason else ""
    return refusal("not-active", f"the webhook is {row.state}{why}: POST /v1/webhooks/{row.endpoint_id}/resume first")


async def _create(conn: Connection, parts: ApiParts, holder: KeyHolder, wanted: NewWebhook) -> Answer:
    secret = new_secret(secrets.token_bytes)
    try:
        check_url(wanted.url, allowed=parts.webhook_hosts)
        new = NewEndpoint(
            endpoint_id=new_endpoint_id(secrets.token_bytes),
            branches=check_branches(wanted.branches),
            url=wanted.url,
            description=wanted.description,
            types=check_types(wanted.types),
            secret=secret,
            made_by=holder.key_id,
        )
        row = await store.add_endpoint(conn, new, parts.clock.now())
    except EndpointRefused as error:
        return _refused(error)
    _log.info("webhook_created", endpoint_id=row.endpoint_id, key_id=holder.key_id, branches=row.branches)
    return _with_secret(row, secret)


async def _must_see_all(conn: Connection, holder: KeyHolder, branches: list[str]) -> None:
    """Raise :class:`Problem` for the first branch that is not there for this key; ``*`` is for one of all."""
    cursor = await conn.execute("SELECT branch_id FROM branches WHERE branch_id = ANY(%s)", (branches,))
    there = {row[0] for row in await cursor.fetchall() if holder.sees(row[0])}
    if holder.branches is None:
        there.add(EVERY_BRANCH)
    for branch in branches:
        if branch not in there:
            raise no_branch(branch)


def _refused(error: EndpointRefused) -> Answer:
    return refusal(error.reason, str(error), error.allowed)


def _with_secret(row: EndpointRow, secret: str) -> Answer:
    return Answer(200, _body(row) | {"secret": None}, shown_once={"secret": secret})


def _body(row: EndpointRow) -> dict[str, Any]:
    body: dict[str, Any] = jsonable_encoder(Webhook.model_validate(_shown(row)))
    return body


def _shown(row: EndpointRow) -> dict[str, Any]:
    return {
        "webhook_id": row.endpoint_id,
        "url": row.url,
        "branches": list(row.branches),
        "types": list(row.types),
        "description": row.description,
        "state": row.state,
        "state_reason": row.state_reason,
        "failing_since": row.failing_since,
        "failures": row.failures,
        "held_until": row.open_until,
        "alarm_since": row.alarm_since,
        "former_secret_until": row.former_until,
        "made_by": row.made_by,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
