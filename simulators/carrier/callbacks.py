"""The carrier's side of a voice callback: the fields, the body, the signature.

The signature header is `X-Sautikit-Signature: t=<unix seconds>,v1=<hex>` where `v1` is
HMAC-SHA256(secret, body + "." + t): the body stands first.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlencode

USER_AGENT = "Sautikit-VoiceProxy"
SIGNATURE_HEADER = "X-Sautikit-Signature"
STALE_S = 3_600

BodyKind: TypeAlias = Literal["form", "json"]
SignatureKind: TypeAlias = Literal["signed", "unsigned", "bad", "stale", "body_only"]
CallState: TypeAlias = Literal[
    "Ringing",
    "Answered",
    "StreamStarted",
    "StreamStopped",
    "StreamError",
    "DialCompleted",
    "Completed",
]


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What every callback of one call repeats."""

    session_id: str
    caller_number: str
    destination_number: str
    direction: Literal["inbound", "outbound"] = "inbound"
    client_request_id: str | None = None

    @property
    def local_number(self) -> str:
        """Ours."""
        return self.destination_number if self.direction == "inbound" else self.caller_number

    @property
    def remote_number(self) -> str:
        """The person's; empty when withheld."""
        return self.caller_number if self.direction == "inbound" else self.destination_number


def callback_fields(facts: CallFacts, state: CallState, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The fields of one callback, in the order in which the carrier writes them; `extra` comes last."""
    return {
        "sessionId": facts.session_id,
        "callerNumber": facts.caller_number,
        "destinationNumber": facts.destination_number,
        "direction": facts.direction,
        "isActive": "0" if state == "Completed" else "1",
        "callSessionState": state,
        **({} if facts.client_request_id is None else {"clientRequestId": facts.client_request_id}),
        **(extra or {}),
    }


def encode_body(fields: Mapping[str, object], kind: BodyKind) -> tuple[bytes, str]:
    """The raw body and its content type."""
    if kind == "form":
        return urlencode(fields).encode(), "application/x-www-form-urlencoded"
    return json.dumps(fields, separators=(",", ":")).encode(), "application/json"


def sign(secret: str, body: bytes, unix_s: int) -> str:
    mac = hmac.new(secret.encode(), body + b"." + str(unix_s).encode(), hashlib.sha256)
    return f"t={unix_s},v1={mac.hexdigest()}"


def signature_headers(kind: SignatureKind, secret: str | None, body: bytes, unix_s: int) -> dict[str, str]:
    """The header of a callback under each switch; nothing at all when there is no secret to sign with."""
    if kind == "unsigned" or secret is None:
        return {}
    if kind == "body_only":
        return {SIGNATURE_HEADER: hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
    value = sign(secret, body, unix_s - STALE_S if kind == "stale" else unix_s)
    if kind == "bad":
        value = value[:-1] + ("0" if value[-1] != "0" else "1")
    return {SIGNATURE_HEADER: value}
