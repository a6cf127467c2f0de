"""Signed, short-lived words that ride in URLs: the media token and the reference to a call.

    mint_media_token(payload, secret) -> str        check_media_token(token, secrets, now) -> MediaTokenPayload
    sign_call_ref(ref, secret) -> str               check_call_ref(text, secrets) -> CallRef

The carrier signs neither the media socket's upgrade nor, for certain, its callbacks. So what we must know when
it comes back is signed by ourselves and stands in the URL's path (a query string may be cut off on the way).

A media token says which call, branch, menu version and leg a media socket is for. It is valid for
:data:`MEDIA_TOKEN_SECONDS` and for one socket: the bridge spends ``nonce`` before it opens a model session.
Its expiry bounds the first use, not the length of the call.

Exceptions::

    TokenRefused        reason: "malformed", "forged", "expired"
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

MEDIA_TOKEN_SECONDS: Final = 60
"""From the answer to the first media socket."""
TOKEN_CHARS_MAX: Final = 1024
"""Longer ones are refused unread."""

CALL_ID: Final = re.compile(r"[A-Za-z0-9_-]{4,64}")
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?")
_TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

# One secret signs two kinds of words; the purpose in the MAC keeps one from passing as the other.
_MEDIA: Final = b"agiza media token 1\n"
_CALL_REF: Final = b"agiza call reference 1\n"

Reason = Literal["malformed", "forged", "expired"]


class TokenRefused(Exception):
    """The word in the URL is not good. ``reason`` may be logged and counted; the word itself may not."""

    retryable = False

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class MediaTokenPayload:
    """What the bridge needs before it asks anyone. ``exp`` is in Unix seconds, ``trace`` a W3C traceparent.

    ``withheld`` means that the caller's number is unknown, so that nobody can be called back without asking.
    """

    call_id: str
    branch_id: str
    menu_version: int
    epoch: int
    exp: int
    nonce: str
    lang: str
    withheld: bool
    trace: str


@dataclass(frozen=True, slots=True)
class CallRef:
    """Which call a callback URL belongs to, and at which stage the carrier was given that URL."""

    call_id: str
    branch_id: str
    stage: str


def mint_media_token(payload: MediaTokenPayload, secret: str) -> str:
    """A token of URL-safe characters. Raises :class:`ValueError` for a payload that would be refused later."""
    if not _is_sound(payload):
        raise ValueError("a field of the media token is not of its shape")
    body = _encode(json.dumps(asdict(payload), separators=(",", ":"), sort_keys=True).encode())
    return f"{body}.{_encode(_mac(_MEDIA, body, secret))}"


def check_media_token(token: str, secrets: Sequence[str], now: datetime) -> MediaTokenPayload:
    """The payload of a genuine token that has not expired. Any of ``secrets`` may have signed it.

    Raises :class:`TokenRefused`. Says nothing about a second use: that is the bridge's to find out.
    """
    body = _verified(_MEDIA, token, secrets)
    try:
        payload = MediaTokenPayload(**json.loads(_decode(body)))
    except (ValueError, TypeError) as error:
        raise TokenRefused("malformed") from error
    if not _is_sound(payload):
        raise TokenRefused("malformed")
    if now.timestamp() >= payload.exp:
        raise TokenRefused("expired")
    return payload


def sign_call_ref(ref: CallRef, secret: str) -> str:
    """``call.branch.stage.signature``: the last part of a callback URL. It does not expire, the call does."""
    if not (CALL_ID.fullmatch(ref.call_id) and _SLUG.fullmatch(ref.branch_id) and _SLUG.fullmatch(ref.stage)):
        raise ValueError("a part of the call reference is not of its shape")
    body = f"{ref.call_id}.{ref.branch_id}.{ref.stage}"
    return f"{body}.{_encode(_mac(_CALL_REF, body, secret))}"


def check_call_ref(text: str, secrets: Sequence[str]) -> CallRef:
    """The reference in a callback URL. Raises :class:`TokenRefused`."""
    parts = _verified(_CALL_REF, text, secrets).split(".")
    if len(parts) != 3:
        raise TokenRefused("malformed")
    return CallRef(*parts)


def _is_sound(payload: MediaTokenPayload) -> bool:
    texts: tuple[tuple[re.Pattern[str], Any], ...] = (
        (CALL_ID, payload.call_id),
        (_SLUG, payload.branch_id),
        (_NONCE, payload.nonce),
        (_LANGUAGE, payload.lang),
        (_TRACEPARENT, payload.trace),
    )
    # Read back from JSON, a field may be of any type: bool is an int to Python, so types are compared exactly.
    numbers = (payload.menu_version, payload.epoch, payload.exp)
    return (
        all(type(text) is str and pattern.fullmatch(text) for pattern, text in texts)
        and all(type(number) is int and number >= 0 for number in numbers)
        and payload.menu_version >= 1
        and type(payload.withheld) is bool
    )


def _verified(purpose: bytes, token: str, secrets: Sequence[str]) -> str:
    """The signed part of ``token``."""
    if len(token) > TOKEN_CHARS_MAX:
        raise TokenRefused("malformed")
    body, dot, signature = token.rpartition(".")
    if not dot:
        raise TokenRefused("malformed")
    try:
        given = _decode(signature)
    except ValueError as error:
        raise TokenRefused("malformed") from error
    # All secrets are tried, so that the time taken does not tell which one fits.
    fits = [hmac.compare_digest(_mac(purpose, body, secret), given) for secret in secrets]
    if not any(fits):
        raise TokenRefused("forged")
    return body


def _mac(purpose: bytes, body: str, secret: str) -> bytes:
    if not secret:
        raise ValueError("an empty secret signs nothing")
    return hmac.digest(secret.encode(), purpose + body.encode("utf-8", "surrogatepass"), hashlib.sha256)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64url") from error
    if _encode(raw) != text:  # a second spelling of the same bytes would be a second token
        raise ValueError("not canonical base64url")
    return raw
