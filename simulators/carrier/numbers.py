"""The workspace's numbers, and where their calls go.

    GET   /v1/numbers                {"numbers": [{"id", "e164", "status", "voice_callback_url", "events_url"}]}
    PUT   /v1/numbers/{id}/routing   {"voice_callback_url", "events_url"} -> {"number"}

The real carrier's pages disagree about verb, path and field of the second request. So one `RoutingSpelling` works here,
and all others are refused, or taken without effect when `swallows` is set. The simulated carrier has one voice URL for
all its numbers: whatever was routed last.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from .carrier import Carrier
from .refusals import RestRefused

METHODS = ("PUT", "PATCH")
BODY_BYTES_MAX = 8_192


@dataclass(frozen=True, slots=True)
class RoutingSpelling:
    """Verb, path after the number's id, and the field of the voice URL."""

    method: str = "PUT"
    suffix: str = "/routing"
    voice_name: str = "voice_callback_url"

    @classmethod
    def parse(cls, text: str) -> RoutingSpelling:
        """`PATCH:/routing:voice_url`; the middle may be empty."""
        method, first, rest = text.partition(":")
        suffix, second, voice_name = rest.partition(":")
        if method not in METHODS or not first or not second or suffix not in ("", "/routing") or not voice_name:
            raise ValueError(f"{text!r} is not METHOD:SUFFIX:FIELD, such as PUT:/routing:voice_callback_url")
        return cls(method, suffix, voice_name)


@dataclass(slots=True)
class OwnedNumber:
    """One number. None: not routed."""

    id: str
    e164: str
    voice_callback_url: str | None = None
    events_url: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "e164": self.e164,
            "status": "active",
            "voice_callback_url": self.voice_callback_url,
            "events_url": self.events_url,
        }


class NumbersDesk:
    """All numbers of one carrier. `spelling` (None: no request works), `swallows`, `on_routed` may be set any time."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self.spelling: RoutingSpelling | None = RoutingSpelling()
        self.swallows = False
        self.asked: list[str] = []
        self.on_routed: Callable[[OwnedNumber], None] = lambda number: None
        self.numbers = {
            e164: OwnedNumber(f"number-{at}", e164) for at, e164 in enumerate(sorted(carrier.settings.our_numbers))
        }

    def route(self, number_id: str, suffix: str, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request in any spelling."""
        self.asked.append(f"{method} {suffix} {','.join(body)}")
        spelling = self.spelling
        is_it = spelling is not None and (spelling.method, spelling.suffix) == (method, suffix)
        if spelling is None or not is_it or spelling.voice_name not in body:
            if self.swallows:
                return {"ok": True}
            raise RestRefused(404, "not_found", "There is nothing here.")
        number = next((each for each in self.numbers.values() if each.id == number_id), None)
        if number is None:
            raise RestRefused(404, "numbers.not_found", "No number has this id.")
        voice, events = body[spelling.voice_name], body.get("events_url")
        for url in (voice, events):
            if url is not None and not (isinstance(url, str) and url.startswith(("http://", "https://"))):
                raise RestRefused(422, "numbers.invalid_url", "A URL begins with https://.")
        number.voice_callback_url, number.events_url = voice, events
        if voice is not None:
            # Stream edges go to the events URL only where it is another one.
            separate = events if events != voice else None
            self._carrier.settings = replace(self._carrier.settings, voice_url=voice, events_url=separate)
        self.on_routed(number)
        return {"number": number.to_json()}


def add_numbers(app: FastAPI, desk: NumbersDesk, authorised: Callable[..., Awaitable[None]]) -> None:
    @app.get("/v1/numbers", dependencies=[Depends(authorised)])
    async def numbers() -> dict[str, Any]:
        return {"numbers": [number.to_json() for number in desk.numbers.values()]}

    @app.api_route("/v1/numbers/{number_id}", methods=list(METHODS), dependencies=[Depends(authorised)])
    async def number(number_id: str, request: Request) -> JSONResponse:
        return JSONResponse(desk.route(number_id, "", request.method, await _body(request)))

    @app.api_route("/v1/numbers/{number_id}/routing", methods=list(METHODS), dependencies=[Depends(authorised)])
    async def routing(number_id: str, request: Request) -> JSONResponse:
        return JSONResponse(desk.route(number_id, "/routing", request.method, await _body(request)))


async def _body(request: Request) -> dict[str, Any]:
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > BODY_BYTES_MAX:
            raise RestRefused(413, "request.too_large", "The request is too large.")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise RestRefused(422, "request.invalid", "The request is not of its shape.")
    return body
