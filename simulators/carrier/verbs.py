"""The verbs a voice answer may carry, parsed. One class per verb; a document is a tuple of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Track: TypeAlias = Literal["inbound_track", "outbound_track", "both_tracks"]
StatusEvent: TypeAlias = Literal["stream-started", "stream-stopped", "stream-error"]


@dataclass(frozen=True, slots=True)
class Stream:
    """Fork the call's audio to a WebSocket. Without `connect` the leg ends about a second later."""

    url: str
    connect: bool = False
    track: Track = "inbound_track"
    output_rate: int = 8_000
    bidirectional_rate: int | None = None
    name: str | None = None
    header_metadata: str | None = None
    open_metadata: str | None = None
    status_callback: str | None = None
    status_events: tuple[StatusEvent, ...] = ("stream-started", "stream-stopped", "stream-error")


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    voice: str | None = None
    language: str | None = None
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Play:
    url: str
    loop: int = 1


@dataclass(frozen=True, slots=True)
class GetDigits:
    count_max: int = 1
    timeout_s: int = 5
    finish_on_key: str = "#"
    nested: tuple[Say | Play, ...] = ()


@dataclass(frozen=True, slots=True)
class Dial:
    """Ring one target. `numbers` holds one number, or several that ring together; `sip` excludes both."""

    numbers: tuple[str, ...] = ()
    sip: str | None = None
    caller_id: str | None = None
    timeout_s: int = 60
    record: bool = False


@dataclass(frozen=True, slots=True)
class Conference:
    room: str
    options: dict[str, str | int | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    max_length_s: int = 60
    timeout_s: int = 5
    options: dict[str, str | int | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str
    method: Literal["GET", "POST"] = "POST"


@dataclass(frozen=True, slots=True)
class Reject:
    reason: Literal["rejected", "busy"] = "rejected"


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


Verb: TypeAlias = Stream | Say | Play | GetDigits | Dial | Conference | Record | Redirect | Reject | Hangup
Document: TypeAlias = tuple[Verb, ...]


def verb_name(verb: Verb) -> str:
    """The name as it stands in the XML dialect."""
    return type(verb).__name__
