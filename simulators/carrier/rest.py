"""The part of the carrier's REST interface that live calls need.

With a bearer key, JSON, errors as `{"error": {"code", "message", "request_id"}}`:

    POST /v1/calls                {"from", "to": [one], "voice_callback_url", "client_request_id"?, "caller_id"?}
                                  -> 201 {"call_id", "session_id", "status": "ringing", "client_request_id"?}
    GET  /v1/calls                ?status&direction&session_id&limit&cursor -> {"data", "next_cursor"}
    GET  /v1/calls/{id}           POST /v1/calls/{id}/hangup          GET /v1/wallet

Ids are the call's own or its session's. An `Idempotency-Key` or `client_request_id` that was seen before gives the
first answer again and rings nobody; a key with another body is a conflict. Numbers and their routing: `numbers.py`.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Protocol

from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from .carrier import Carrier, LiveCall
from .dialling import phone_of
from .fields import E164
from .numbers import NumbersDesk, add_numbers
from .refusals import RestRefused


class PlaceRequest(BaseModel):
    from_number: str = Field(alias="from", max_length=32)
    to_numbers: list[Annotated[str, Field(max_length=32)]] = Field(alias="to", min_length=1, max_length=1)
    voice_callback_url: str = Field(default="", max_length=2_048)
    client_request_id: str | None = Field(default=None, min_length=1, max_length=5_000)
    caller_id: str | None = Field(default=None, max_length=32)


@dataclass(slots=True)
class RestFaults:
    """How many of the next requests that place a call go wrong, each kind in turn; a test may change them any time."""

    limited: int = 0
    retry_after_s: int = 1
    failing: int = 0
    """500, and nothing was placed."""
    lost: int = 0
    """500, though the call was placed: the answer got lost."""


class Desk(Protocol):
    """What the routes need: one carrier's desk, or that of several (`exchange.py`)."""

    wallet_minor: int
    numbers: NumbersDesk | None

    def place(self, asked: PlaceRequest, key: str | None) -> dict[str, str]: ...

    def calls(self) -> Iterable[LiveCall]: ...

    def known_call(self, call_id: str) -> LiveCall: ...


@dataclass(slots=True)
class RestDesk:
    """What the interface remembers between requests: the purse, the faults to come, the keys that were used."""

    carrier: Carrier
    wallet_minor: int
    faults: RestFaults
    numbers: NumbersDesk | None = None
    _by_key: dict[str, tuple[PlaceRequest, dict[str, str]]] = field(default_factory=dict)
    _by_client_id: dict[str, dict[str, str]] = field(default_factory=dict)

    def place(self, asked: PlaceRequest, key: str | None) -> dict[str, str]:
        """The answer to a request for a call. Nothing is awaited in here: equal requests cannot overtake each other."""
        if self.faults.limited > 0:
            self.faults.limited -= 1
            after = {"Retry-After": str(self.faults.retry_after_s)}
            raise RestRefused(429, "rate_limited", "Too many requests.", after)
        if self.faults.failing > 0:
            self.faults.failing -= 1
            raise RestRefused(500, "internal_error", "Something went wrong.")
        answer = self._known(asked, key) or self._ring(asked)
        if key is not None:
            self._by_key.setdefault(key, (asked, answer))
        if asked.client_request_id is not None:
            self._by_client_id.setdefault(asked.client_request_id, answer)
        if self.faults.lost > 0:
            self.faults.lost -= 1
            raise RestRefused(500, "internal_error", "Something went wrong.")
        return answer

    def _known(self, asked: PlaceRequest, key: str | None) -> dict[str, str] | None:
        if key in self._by_key:
            first, answer = self._by_key[key]
            if first != asked:
                raise RestRefused(409, "idempotency.conflict", "The key was used for another request.")
            return answer
        return self._by_client_id.get(asked.client_request_id or "")

    def _ring(self, asked: PlaceRequest) -> dict[str, str]:
        [to_number] = asked.to_numbers
        if not E164.match(asked.from_number) or not E164.match(to_number):
            raise RestRefused(422, "calls.invalid_number", "Numbers are written in E.164.")
        if not self.carrier.owns(asked.from_number) or not self.carrier.owns(asked.caller_id or asked.from_number):
            raise RestRefused(403, "calls.number_not_owned", "The workspace does not have this number.")
        if phone_of(self.carrier.settings, to_number) is None:
            raise RestRefused(422, "calls.unknown_number", "Nobody has this number.")
        if not asked.voice_callback_url.startswith(("http://", "https://")):
            raise RestRefused(422, "calls.voice_callback_url_missing", "A call needs a voice_callback_url.")
        if (asked.client_request_id or "").startswith(("mcp:", "broadcast:")):
            raise RestRefused(422, "calls.invalid_client_request_id", "The id begins with a reserved word.")
        if self.wallet_minor <= 0:
            raise RestRefused(402, "wallet.insufficient_funds", "The wallet is empty.")
        live = self.carrier.place(
            asked.from_number, to_number, asked.voice_callback_url, client_request_id=asked.client_request_id
        )
        answer = {"call_id": live.call_id, "session_id": live.record.session_id, "status": "ringing"}
        return answer | ({"client_request_id": asked.client_request_id} if asked.client_request_id else {})

    def calls(self) -> Iterable[LiveCall]:
        return list(self.carrier.calls.values())

    def known_call(self, call_id: str) -> LiveCall:
        calls = self.carrier.calls
        live = calls.get(call_id) or next((live for live in calls.values() if live.call_id == call_id), None)
        if live is None:
            raise RestRefused(404, "calls.not_found", "No call has this id.")
        return live


def add_rest(app: FastAPI, desk: Desk, api_key: str) -> None:
    async def authorised(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {api_key}".encode()):
            raise RestRefused(401, "api_key.invalid", "The API key is not valid.")

    _add_errors(app)
    if desk.numbers is not None:
        add_numbers(app, desk.numbers, authorised)

    @app.post("/v1/calls", status_code=201, dependencies=[Depends(authorised)])
    async def place(asked: PlaceRequest, idempotency_key: Annotated[str | None, Header()] = None) -> dict[str, str]:
        return desk.place(asked, idempotency_key)

    @app.get("/v1/calls", dependencies=[Depends(authorised)])
    async def list_calls(
        status: str | None = None,
        direction: Literal["inbound", "outbound"] | None = None,
        session_id: str | None = None,
        cursor: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=100)] = 25,
    ) -> dict[str, Any]:
        found = [
            live
            for live in desk.calls()
            if status in (None, live.status)
            and direction in (None, live.record.direction)
            and session_id in (None, live.record.session_id)
        ]
        rest = cursor + limit < len(found)
        page = [detail_of(live) for live in found[cursor : cursor + limit]]
        return {"data": page, "next_cursor": str(cursor + limit) if rest else None}

    @app.get("/v1/calls/{call_id}", dependencies=[Depends(authorised)])
    async def get_call(call_id: str) -> dict[str, Any]:
        return {"call": detail_of(desk.known_call(call_id))}

    @app.post("/v1/calls/{call_id}/hangup", dependencies=[Depends(authorised)])
    async def hang_up(call_id: str) -> dict[str, str]:
        live = desk.known_call(call_id)
        live.hang_up.set()
        return {"call_id": live.call_id, "status": "hung_up"}

    @app.get("/v1/wallet", dependencies=[Depends(authorised)])
    async def wallet() -> dict[str, Any]:
        return {"balance_minor": desk.wallet_minor, "currency": "KES"}


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(RestRefused)
    async def refused(request: Request, error: RestRefused) -> JSONResponse:
        envelope = {"code": error.code, "message": error.message, "request_id": uuid.uuid4().hex}
        return JSONResponse({"error": envelope}, status_code=error.status, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        if request.url.path.startswith("/v1/"):
            return await refused(request, RestRefused(422, "request.invalid", "The request is not of its shape."))
        return JSONResponse({"detail": [{"loc": e["loc"], "msg": e["msg"]} for e in error.errors()]}, status_code=422)


def detail_of(live: LiveCall) -> dict[str, Any]:
    """A call as the REST interface shows it."""
    record = live.record
    is_inbound = record.direction == "inbound"

    def moment(at_ms: int | None) -> str | None:
        return None if at_ms is None else datetime.fromtimestamp(live.started_unix_s + at_ms / 1000, UTC).isoformat()

    return {
        "id": live.call_id,
        "session_id": record.session_id,
        "direction": record.direction,
        "client_request_id": record.client_request_id,
        "local_e164": record.to_number if is_inbound else record.from_number,
        "remote_e164": record.from_number if is_inbound else record.to_number,
        "country": "KE",
        "started_at": moment(0),
        "answered_at": moment(record.answered_ms),
        "ended_at": moment(record.ended_ms),
        "duration_seconds": record.duration_s,
        "status": live.status,
        "cost_minor": 0,
        "cost_currency": "KES",
        "events": [{"state": post.state, "at": moment(post.at_ms)} for post in record.posts if post.kind != "events"],
    }
