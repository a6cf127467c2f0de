"""A message as it came: the envelope's few words that a POS needs, and the bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from .errors import Malformed

PLACED: Final = "agiza.order.placed"
CANCEL_REQUESTED: Final = "agiza.order.cancel_requested"
STATES: Final = {
    PLACED: "placed",
    "agiza.order.received": "received",
    "agiza.order.accepted": "accepted",
    "agiza.order.rejected": "rejected",
    "agiza.order.preparing": "preparing",
    "agiza.order.ready": "ready",
    "agiza.order.completed": "completed",
    CANCEL_REQUESTED: "cancel_requested",
    "agiza.order.cancelled": "cancelled",
}
"""The types that move an order. Any other type is kept and otherwise ignored: tomorrow's sender knows more than we."""
NUMBER_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Message:
    """One event. ``sequence`` is its number in the branch's feed; None: not numbered (a test ping)."""

    id: str
    type: str
    branch: str
    sequence: int | None
    body: bytes
    content: dict[str, Any]


def message_of(message_id: str, raw: bytes) -> Message:
    """Open a message. Raises :class:`Malformed`; unknown members are no mistake."""
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        raise Malformed("the body is not JSON") from None
    if not isinstance(event, dict):
        raise Malformed("the body is not a JSON object")
    kind, content = event.get("type"), event.get("data", {})
    if not isinstance(kind, str) or not isinstance(content, dict):
        raise Malformed("the body needs a type, and its data must be an object")
    branch = event.get("branchid", "-")
    if not isinstance(branch, str):
        raise Malformed("branchid is not a text")
    return Message(message_id, kind, branch, _number(event.get("sequence")), raw, content)


def canonical(event: object) -> bytes:
    """The bytes of an event that was read as part of something larger: RFC 8785, as the sender hashes it."""
    return json.dumps(event, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _number(sequence: object) -> int | None:
    if sequence is None:
        return None
    text = str(sequence)
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and 0 < int(text) <= NUMBER_MAX):
        raise Malformed("sequence is not a number")
    return int(text)
