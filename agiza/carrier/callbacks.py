"""What the carrier sent, in one shape.

    parse_callback(body, content_type) -> CarrierPost
    understand(post, channel, attempt) -> Callback        for agiza.domain.call_control

The carrier's pages, samples and live requests disagree about field names and spellings. Names seen in live
requests are read first, documented aliases after them; the state is found by searching its text, so that
``StreamStopped``, ``stream-stopped`` and ``stream_error`` are all understood. Bodies are forms; JSON is read as well,
flat or in the event envelope (``{"kind", "data": {...}}``).

Exceptions::

    CallbackRefused     the body cannot be read at all; says why, never what was in it
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from agiza.carrier.tokens import CALL_ID
from agiza.domain.call_state import Callback, Channel, Edge
from agiza.domain.phone import is_e164

BODY_BYTES_MAX: Final = 65_536
FIELDS_MAX: Final = 200
STATE_CHARS_MAX: Final = 64

SESSION_NAMES: Final = ("sessionId", "session_id", "callSid", "CallSid", "callId", "CallId", "call_id")
CALLER_NAMES: Final = ("callerNumber", "caller_number", "From", "from")
DIALLED_NAMES: Final = ("destinationNumber", "destination_number", "To", "to", "clientDialedNumber")
STATE_NAMES: Final = (
    "callSessionState", "streamEvent", "streamStatus", "callStatus", "CallStatus", "state", "status", "event",
    "kind", "event_kind",
)  # fmt: skip
DIAL_NAMES: Final = ("dialStatus", "dialCallStatus", "DialCallStatus", "lastBridgeHangupCause")
TALK_NAMES: Final = ("dialDurationInSeconds", "dialCallDuration", "DialCallDuration")
DURATION_NAMES: Final = ("durationInSeconds", "duration_seconds", "callDuration", "CallDuration", "duration")
ACTIVE_NAMES: Final = ("isActive", "is_active")
DIGITS_NAMES: Final = ("Digits", "dtmfDigits")
DIGITS_CHARS_MAX: Final = 32

_FAILED_WORDS: Final = (
    "busy", "noanswer", "noreply", "fail", "timeout", "reject", "unreachable", "cancel", "unauthori", "unallocated",
    "notfound", "nouserresponse", "unavailable",
)  # fmt: skip
_ENDED_WORDS: Final = ("complet", "hangup", "hungup", "ended", "terminat", "disconnect")


class CallbackRefused(ValueError):
    """The body is not a request of the carrier."""

    retryable = False


@dataclass(frozen=True, slots=True)
class CarrierPost:
    """One request of the carrier, read but not yet judged. What it did not say is None.

    ``pii_caller`` is E.164, or None when the number is withheld. ``states`` are the texts that may tell the state, the
    likeliest first.
    """

    call_id: str | None = None
    pii_caller: str | None = None
    dialled: str | None = None
    states: tuple[str, ...] = ()
    is_active: bool | None = None
    duration_s: int | None = None
    dial_status: str | None = None
    talk_s: int | None = None
    direction: str | None = None
    digits: str | None = None


def parse_callback(body: bytes, content_type: str) -> CarrierPost:
    """The request in one shape. Unknown fields are ignored, odd values count as not said.

    Raises :class:`CallbackRefused` for a body that is neither a form nor a JSON object, or too large.
    """
    if len(body) > BODY_BYTES_MAX:
        raise CallbackRefused(f"more than {BODY_BYTES_MAX} bytes")
    is_json = "json" in content_type.lower() or body.lstrip()[:1] == b"{"
    fields = _json_fields(body) if is_json else _form_fields(body)
    caller = _number(_first(fields, CALLER_NAMES))
    session = _first(fields, SESSION_NAMES)
    return CarrierPost(
        call_id=session if session and CALL_ID.fullmatch(session) else None,
        pii_caller=caller,
        dialled=_number(_first(fields, DIALLED_NAMES)),
        states=tuple(fields[name][:STATE_CHARS_MAX] for name in STATE_NAMES if fields.get(name)),
        is_active=_flag(_first(fields, ACTIVE_NAMES)),
        duration_s=_whole(_first(fields, DURATION_NAMES)),
        dial_status=_first(fields, DIAL_NAMES),
        talk_s=_whole(_first(fields, TALK_NAMES)),
        direction=_first(fields, ("direction",)),
        digits=_first(fields, DIGITS_NAMES),
    )


def understand(post: CarrierPost, channel: Channel, attempt: int | None = None, leg: int | None = None) -> Callback:
    """The request as call control wants it. ``attempt`` and ``leg`` are the numbers of Dial and Stream in the URL."""
    edge, state = _edge(post)
    # A Redirect's target is fetched as a verb; only when the request clearly speaks of something else is it that.
    if channel is Channel.NEXT and edge in (Edge.RINGING, Edge.ANSWERED, Edge.STREAM_ENDED, Edge.OTHER):
        edge = Edge.NEXT
    if channel is Channel.AFTER_DIAL and edge not in (Edge.COMPLETED, Edge.STREAM_STARTED):
        edge = Edge.AFTER_DIAL
    return Callback(
        edge=edge,
        channel=channel,
        carrier_state=state,
        is_active=post.is_active,
        duration_s=post.duration_s,
        dial_connected=_dial_connected(post),
        talk_s=post.talk_s,
        attempt=attempt,
        leg=leg,
        digits=post.digits[:DIGITS_CHARS_MAX] if post.digits else None,
    )


# --- states --------------------------------------------------------------------------------------------------------


def _edge(post: CarrierPost) -> tuple[Edge, str]:
    """The edge and the text that told it."""
    first = post.states[0] if post.states else ""
    if post.is_active is False:
        return Edge.COMPLETED, first
    for text in post.states:
        edge = _edge_of_text(text)
        if edge is not Edge.OTHER:
            return edge, text
    return Edge.OTHER, first


def _edge_of_text(text: str) -> Edge:
    word = _squeeze(text)
    if "stream" in word:
        if _has(word, ("stop", "end", "error", "fail", "disconnect", "clos", "complet", "refused", "timeout")):
            return Edge.STREAM_ENDED
        return Edge.STREAM_STARTED if _has(word, ("start", "connect", "open")) else Edge.OTHER
    if "recording" in word or "supervision" in word:
        return Edge.OTHER
    if word.startswith(("dial", "bridge")):
        is_over = _has(word, _FAILED_WORDS) or _has(word, _ENDED_WORDS) or word.endswith(("end", "done"))
        return Edge.DIAL_ENDED if is_over else Edge.OTHER
    if word == "callfailed" or _has(word, _ENDED_WORDS):
        return Edge.COMPLETED
    if _has(word, _FAILED_WORDS):
        return Edge.DIAL_ENDED
    if _has(word, ("ringing", "incoming", "initiated", "callstarted")):
        return Edge.RINGING
    return Edge.ANSWERED if _has(word, ("answered", "inprogress")) else Edge.OTHER


def _dial_connected(post: CarrierPost) -> bool | None:
    """What the request says about a Dial; None when nothing."""
    if post.talk_s:
        return True
    texts = [_squeeze(text) for text in (post.dial_status or "", *post.states) if text]
    if any(_has(text, _FAILED_WORDS) for text in texts if "stream" not in text):
        return False
    if post.dial_status is not None:
        return _has(_squeeze(post.dial_status), ("complet", "answered", "success", "normalclearing")) or None
    if any(text in ("dialcompleted", "dialanswered", "bridgecompleted") for text in texts):
        return True
    return None


def _squeeze(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())


def _has(word: str, parts: tuple[str, ...]) -> bool:
    return any(part in word for part in parts)


# --- fields --------------------------------------------------------------------------------------------------------


def _form_fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=FIELDS_MAX)
    except ValueError as error:  # also what a broken encoding raises
        raise CallbackRefused("neither a form nor JSON") from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value.strip())
    return fields


def _json_fields(body: bytes) -> dict[str, str]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise CallbackRefused("broken JSON") from error
    if not isinstance(parsed, dict):
        raise CallbackRefused("JSON, but not an object")
    fields: dict[str, str] = {}
    for name, value in _plain_values(parsed):
        fields.setdefault(name, value.strip())
    return fields


def _plain_values(parsed: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Texts, numbers and booleans of the object and of the event inside its envelope, the inner ones first."""
    for inner in ("data", "payload"):
        if isinstance(parsed.get(inner), dict):
            yield from _plain_values({k: v for k, v in parsed[inner].items() if k not in ("data", "payload")})
    for name, value in list(parsed.items())[:FIELDS_MAX]:
        if isinstance(value, bool):
            yield name, "1" if value else "0"
        elif isinstance(value, str | int | float):
            yield name, str(value)


def _first(fields: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((fields[name] for name in names if fields.get(name)), None)


def _number(text: str | None) -> str | None:
    """E.164, or None for a withheld or unreadable number. A ``+`` that a form turned into a blank is put back."""
    if text is None:
        return None
    digits = re.sub(r"[\s().-]", "", text)
    digits = digits.removeprefix("00")
    number = digits if digits.startswith("+") else f"+{digits}"
    return number if number.isascii() and is_e164(number) else None


def _flag(text: str | None) -> bool | None:
    return {"1": True, "true": True, "0": False, "false": False}.get((text or "").lower())


def _whole(text: str | None) -> int | None:
    if text is None or not re.fullmatch(r"\d{1,9}(\.\d*)?", text, re.ASCII):
        return None
    return int(text.partition(".")[0])
