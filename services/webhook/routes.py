"""The carrier's URLs, and the routes that show calls to those who hold the internal token."""

from __future__ import annotations

import asyncio
import hmac
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from pydantic import SecretStr
from starlette.requests import ClientDisconnect

from agiza.carrier.callbacks import CallbackRefused, parse_callback
from agiza.carrier.documents import CONTENT_TYPES, CarrierFormat, Document, render
from agiza.carrier.signature import SIGNATURE_HEADER, SignaturePolicy, is_allowed, judge_signature
from agiza.carrier.tokens import CALL_ID, TokenRefused
from agiza.carrier.urls import Urls
from agiza.domain.call_state import Channel
from agiza.runtime.clock import Clock
from agiza.runtime.http import bearer
from agiza.runtime.logs import bound, get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import UNAVAILABLE, Pool
from services.webhook.replays import Replays, digest_of
from services.webhook.store_shown import list_calls, show_call
from services.webhook.switchboard import Switchboard

LIST_MAX: Final = 200
BODY_S: Final = 5.0

log = get_logger(__name__)


_KINDS: Final = {
    Channel.NEXT: "next",
    Channel.STATUS: "status",
    Channel.AFTER_DIAL: "dial",
    Channel.VOICE: "outbound",
}
"""What a signed URL of each kind must have been made for."""


class CarrierDoor:
    """Lets in who knows the path and, where asked for, signs; reads the body; hands the rest to the switchboard."""

    def __init__(
        self,
        *,
        switchboard: Switchboard,
        urls: Urls,
        form: CarrierFormat,
        policy: SignaturePolicy,
        signing_secrets: tuple[str, ...],
        replays: Replays,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._switchboard = switchboard
        self._urls = urls
        self._form = form
        self._policy: SignaturePolicy = policy if signing_secrets else "off"
        self._secrets = signing_secrets
        self._replays = replays
        self._clock = clock
        self._metrics = metrics

    async def answer(self, request: Request, path_token: str, channel: Channel, ref: str | None = None) -> Response:
        """The response to one request of the carrier."""
        with self._metrics.timed("webhook_answer_seconds", callback=channel.value):
            try:
                document = await self._document(request, path_token, channel, ref)
            except HTTPException as refusal:
                self._metrics.add("webhook_requests_total", callback=channel.value, verdict=str(refusal.status_code))
                raise
        first = type(document[0]).__name__.lower() if document else "empty"
        self._metrics.add("webhook_requests_total", callback=channel.value, verdict="accepted")
        self._metrics.add("webhook_answers_total", answer=first)
        return Response(render(document, self._form), media_type=CONTENT_TYPES[self._form])

    async def _document(self, request: Request, path_token: str, channel: Channel, ref: str | None) -> Document:
        if not hmac.compare_digest(path_token.encode("utf-8", "surrogateescape"), self._urls.path_token.encode()):
            raise HTTPException(404)
        signed = self._signed(channel, ref)
        body = await _body(request)
        digest = self._check_signature(request, body, channel)
        try:
            post = parse_callback(body, request.headers.get("content-type", ""))
        except CallbackRefused as error:
            log.warning("callback_refused", channel=channel.value, reason=str(error))
            raise HTTPException(400, "not a callback") from None
        if post.call_id is None and (signed is None or channel is Channel.VOICE):
            # Events about something else than a call are taken and forgotten, lest they be delivered again and again.
            if channel is Channel.EVENTS:
                return ()
            log.warning("callback_without_call", channel=channel.value)
            raise HTTPException(400, "no session")
        is_ours = signed is not None and channel is Channel.VOICE
        with bound(call_id=signed[0] if signed and not is_ours else post.call_id):
            is_replay = digest is not None and await self._replays.is_known(digest)
            document = await self._switchboard.answer(
                post,
                channel,
                signed=signed,
                outbound_id=signed[0] if signed and is_ours else None,
                is_replay=is_replay,
            )
            if is_replay:
                log.info("request_repeated", channel=channel.value)
        if digest is not None:
            self._replays.answered(digest)
        return document

    def _signed(self, channel: Channel, ref: str | None) -> tuple[str, str, int] | None:
        if ref is None:
            return None
        kind = _KINDS[channel]
        try:
            call, number = self._urls.read(ref, kind)
        except TokenRefused as refused:
            log.warning("callback_url_refused", channel=channel.value, reason=refused.reason)
            raise HTTPException(404) from None
        return call.call_id, call.branch_id, number

    def _check_signature(self, request: Request, body: bytes, channel: Channel) -> str | None:
        """What stands for this request if its signature is good."""
        if self._policy == "off":
            return None
        header = request.headers.get(SIGNATURE_HEADER)
        verdict = judge_signature(body, header, self._secrets, self._clock.now())
        if verdict != "good":
            log.warning("signature_not_good", channel=channel.value, verdict=verdict, policy=self._policy)
        if not is_allowed(verdict, self._policy):
            raise HTTPException(401, "signature")
        return digest_of(body, header) if verdict == "good" and header else None


async def _body(request: Request) -> bytes:
    """The whole body, which a sender may not take as long as it likes to send."""
    try:
        async with asyncio.timeout(BODY_S):
            return await request.body()
    except TimeoutError:
        raise HTTPException(408, "the body did not come") from None
    except ClientDisconnect:
        raise HTTPException(400, "the body broke off") from None


def carrier_routes(door: CarrierDoor) -> APIRouter:
    """What the carrier is given as URLs: ``voice`` (and perhaps ``events``) in its console, the others by us."""
    router = APIRouter(prefix="/carrier/{path_token}", include_in_schema=False)

    @router.post("/voice")
    async def voice(request: Request, path_token: str) -> Response:
        return await door.answer(request, path_token, Channel.VOICE)

    @router.post("/events")
    async def events(request: Request, path_token: str) -> Response:
        return await door.answer(request, path_token, Channel.EVENTS)

    @router.post("/next/{ref}")
    async def next_verbs(request: Request, path_token: str, ref: str) -> Response:
        return await door.answer(request, path_token, Channel.NEXT, ref)

    @router.post("/after-dial/{ref}")
    async def after_dial(request: Request, path_token: str, ref: str) -> Response:
        return await door.answer(request, path_token, Channel.AFTER_DIAL, ref)

    @router.post("/status/{ref}")
    async def status(request: Request, path_token: str, ref: str) -> Response:
        return await door.answer(request, path_token, Channel.STATUS, ref)

    @router.post("/outbound/{ref}")
    async def outbound(request: Request, path_token: str, ref: str) -> Response:
        return await door.answer(request, path_token, Channel.VOICE, ref)

    return router


def call_routes(token: SecretStr, pool: Pool) -> APIRouter:
    """What became of calls."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(bearer(token))])

    @router.get("/calls/{call_id}")
    async def call(call_id: Annotated[str, Path(pattern=f"^{CALL_ID.pattern}$")]) -> dict[str, Any]:
        """One call with its transcript, tool calls, timings and usage; ``outcome`` is null until it is known."""
        try:
            async with pool.connection() as conn:
                shown = await show_call(conn, call_id)
        except UNAVAILABLE:
            raise HTTPException(503, "the database does not answer") from None
        if shown is None:
            raise HTTPException(404, "no such call")
        return shown

    @router.get("/calls")
    async def calls(limit: Annotated[int, Query(ge=1, le=LIST_MAX)] = 50) -> dict[str, Any]:
        """The newest calls, without what was said."""
        try:
            async with pool.connection() as conn:
                return {"calls": await list_calls(conn, limit)}
        except UNAVAILABLE:
            raise HTTPException(503, "the database does not answer") from None

    return router
