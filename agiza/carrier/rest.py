"""The carrier's REST interface: place a call, look at one, end one, read the wallet, route a number.

    async with CarrierApi(base_url, api_key) as carrier:
        placed = await carrier.place_call(...)

A request is repeated only where a second one cannot do harm: every operation here is a question, a hang-up (idempotent
at the carrier), a setting of one value, or a placed call under an ``Idempotency-Key``. Repeats follow failures to
connect, answers that never came, 5xx and 429; they wait with jitter, honour ``Retry-After`` and end within ``limit_s``
altogether. Any other 4xx is final.

Every failure is a :class:`~agiza.carrier.errors.CarrierApiError` with ``retryable``, ``code`` and ``status``.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, Self
from urllib.parse import quote, urlsplit

import httpx

from agiza.carrier.errors import CarrierApiError, RateLimited, Refused, Unreachable, WalletEmpty
from agiza.carrier.routing import OwnNumber, Routing, RoutingDialect, read_numbers
from agiza.carrier.tokens import CALL_ID

__all__ = [
    "CarrierApi",
    "CarrierApiError",
    "RateLimited",
    "Refused",
    "Unreachable",
    "WalletEmpty",
    "normalise_key",
]

LIMIT_S: Final = 8.0
ATTEMPT_S: Final = 4.0
CONNECT_S: Final = 2.0
ATTEMPTS_MAX: Final = 4
PAUSE_S: Final = 0.25
"""Before the first repeat; it doubles with each."""
RETRY_AFTER_S_MAX: Final = 3_600.0

_CODE: Final = re.compile(r"[a-z0-9_.]{1,64}")
_NAMED: Final = re.compile(r"(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*(?=[^=\s])")
_BEARER: Final = re.compile(r"^bearer(?:\s+|$)", re.IGNORECASE)
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,4096}")

Method = Literal["GET", "POST", "PUT", "PATCH"]


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """What the carrier calls it. Both ids are optional in its answer; either is good for :meth:`CarrierApi.hang_up`."""

    call_id: str | None
    session_id: str | None
    status: str


@dataclass(frozen=True, slots=True)
class CallDetail:
    """A call as the carrier knows it; ``is_over`` is told by its end or by its status."""

    call_id: str | None
    session_id: str | None
    status: str
    is_over: bool
    duration_s: int | None


@dataclass(frozen=True, slots=True)
class Wallet:
    balance_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Time as the retries see it; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random


class CarrierApi:
    """One workspace at the carrier. Safe to share between tasks; close it at the end."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        limit_s: float = LIMIT_S,
        transport: httpx.AsyncBaseTransport | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        """Raises :class:`ValueError` for a URL or a key that cannot be one. ``transport`` replaces the network."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("the carrier's API URL does not start with https:// or http://")
        self._limit_s = limit_s
        self._waiting = waiting or Waiting()
        self._http = httpx.AsyncClient(
            base_url=base_url.rstrip("/"),
            headers={"Authorization": f"Bearer {normalise_key(api_key)}", "Accept": "application/json"},
            timeout=httpx.Timeout(ATTEMPT_S, connect=CONNECT_S),
            transport=transport,
            trust_env=transport is None and not _is_loopback(parts.hostname),
        )

    async def place_call(
        self, *, from_number: str, to_number: str, callback_url: str, request_id: str, caller_id: str | None = None
    ) -> PlacedCall:
        """Have the carrier ring ``to_number``; it returns before anybody picks up.

        ``request_id`` is the call's name on our side. However often it is asked for, the carrier places one call: it is
        both ``Idempotency-Key`` and ``client_request_id``.
        """
        if not CALL_ID.fullmatch(request_id):
            raise ValueError("a request id is 4 to 64 letters, digits, _ or -")
        body: dict[str, Any] = {
            "from": from_number,
            "to": [to_number],
            "voice_callback_url": callback_url,
            "client_request_id": request_id,
        }
        if caller_id is not None:
            body["caller_id"] = caller_id
        # A body that cannot be read is no reason to think that no phone rings.
        answer = _object(await self._request("POST", "/v1/calls", body, {"Idempotency-Key": request_id})) or {}
        return PlacedCall(_text(answer, "call_id"), _text(answer, "session_id"), _text(answer, "status") or "unknown")

    async def get_call(self, call_id: str) -> CallDetail | None:
        """The call of this id (the carrier's own of either kind), or None when it knows none."""
        try:
            answer = _object(await self._request("GET", f"/v1/calls/{_segment(call_id)}"))
        except Refused as error:
            if error.status == 404:
                return None
            raise
        call = answer.get("call", answer) if answer is not None else None
        if not isinstance(call, dict):
            raise Unreachable("unreadable_answer", 200)
        status = _text(call, "status") or "unknown"
        duration = call.get("duration_seconds")
        return CallDetail(
            call_id=_text(call, "id") or _text(call, "call_id"),
            session_id=_text(call, "session_id"),
            status=status,
            is_over=bool(call.get("ended_at")) or status in ("completed", "failed", "hung_up", "busy", "no-answer"),
            duration_s=int(duration) if isinstance(duration, int | float) else None,
        )

    async def hang_up(self, call_id: str) -> bool:
        """End the call of this id, of either kind. True when the carrier knew it; a call that is gone is no error."""
        try:
            await self._request("POST", f"/v1/calls/{_segment(call_id)}/hangup")
        except Refused as error:
            if error.status in (404, 410):
                return False
            raise
        return True

    async def wallet(self) -> Wallet:
        """What calls can still be paid with."""
        answer = _object(await self._request("GET", "/v1/wallet")) or {}
        inner = answer.get("wallet")
        wallet = inner if isinstance(inner, dict) else answer
        balance = wallet.get("balance_minor")
        if isinstance(balance, bool) or not isinstance(balance, int):
            raise Unreachable("unreadable_answer", 200)
        return Wallet(balance, _text(wallet, "currency") or "")

    async def numbers(self) -> tuple[OwnNumber, ...]:
        """The workspace's own numbers with where their calls go."""
        return read_numbers(_object(await self._request("GET", "/v1/numbers")))

    async def set_routing(self, number_id: str, routing: Routing, dialect: RoutingDialect) -> None:
        """One request in one spelling. That it was taken proves nothing: ``agiza.carrier.routing.route`` reads back."""
        path = f"/v1/numbers/{_segment(number_id)}{dialect.suffix}"
        await self._request(dialect.method, path, dialect.body(routing))

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # --- one request, with its repeats ---------------------------------------------------------------------------

    async def _request(
        self, method: Method, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The first 2xx. Raises the error of the last attempt when there is none in time."""
        deadline = self._waiting.now() + self._limit_s
        for attempt in range(ATTEMPTS_MAX):
            left_s = deadline - self._waiting.now()
            try:
                return await self._attempt(method, path, body, headers, min(ATTEMPT_S, left_s))
            except (RateLimited, Unreachable) as error:
                pause_s = PAUSE_S * 2**attempt * (0.5 + self._waiting.jitter())
                if isinstance(error, RateLimited):
                    pause_s = max(pause_s, error.retry_after_s or 0.0)
                # Whoever asks is told at once when the next attempt would come too late for it.
                if attempt == ATTEMPTS_MAX - 1 or self._waiting.now() + pause_s >= deadline:
                    raise
            await self._waiting.sleep(pause_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _attempt(
        self,
        method: Method,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        limit_s: float,
    ) -> httpx.Response:
        try:
            # httpx bounds each read, not the whole exchange: a carrier that drips would hold us for ever.
            async with asyncio.timeout(limit_s):
                response = await self._http.request(method, path, json=body, headers=headers)
        except (httpx.TimeoutException, TimeoutError):
            raise Unreachable("timeout") from None
        except httpx.HTTPError:
            raise Unreachable("not_connected") from None
        if response.is_success:
            return response
        raise _error_of(response)


def normalise_key(pasted: str) -> str:
    """The key itself out of what people paste: ``NAME="key"``, ``Bearer key``, quotes, blanks around it.

    Raises :class:`ValueError` when nothing that fits into a header is left.
    """
    pasted = pasted.strip()
    named = _NAMED.match(pasted)
    key = pasted[named.end() if named else 0 :].strip("'\"").strip()
    key = _BEARER.sub("", key).strip("'\"").strip()
    if not _KEY.fullmatch(key):
        raise ValueError("the carrier's API key is empty or has characters that no key has")
    return key


def _error_of(response: httpx.Response) -> CarrierApiError:
    status = response.status_code
    code = _code(response) or f"http_{status}"
    if status == 402:
        return WalletEmpty(code, status)
    if status == 429:
        return RateLimited(code, status, _retry_after_s(response))
    return Unreachable(code, status) if status >= 500 else Refused(code, status)


def _code(response: httpx.Response) -> str | None:
    """The error's code. Two envelopes are in use; a code that does not look like one is not repeated."""
    answer = _object(response) or {}
    error = answer.get("error")
    code = (error if isinstance(error, dict) else answer).get("code")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def _retry_after_s(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text, re.ASCII):
        return min(float(text), RETRY_AFTER_S_MAX)
    try:
        wanted = parsedate_to_datetime(text).timestamp()
        asked = parsedate_to_datetime(response.headers["date"]).timestamp() if "date" in response.headers else None
    except (ValueError, TypeError):
        return None
    return min(max(0.0, wanted - (time.time() if asked is None else asked)), RETRY_AFTER_S_MAX)


def _object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _text(answer: Mapping[str, Any], name: str) -> str | None:
    value = answer.get(name)
    return value if isinstance(value, str) and value else None


def _segment(carrier_id: str) -> str:
    if not _ID.fullmatch(carrier_id):
        raise ValueError("this is no id of a call or a number")
    return quote(carrier_id, safe="")


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")
