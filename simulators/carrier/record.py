"""What one simulated call leaves behind: plain data, ready for assertions and for JSON.

All `..._ms` times count from the first POST of the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

Party: TypeAlias = Literal["nobody", "carrier", "agent", "staff", "customer"]
EndedBy: TypeAlias = Literal[
    "caller",
    "document_end",
    "hangup",
    "reject",
    "stream_end",
    "carrier_message",
    "rest",
    "staff",
    "limit",
    "refused",
    "not_answered",
]
DialOutcome: TypeAlias = Literal[
    "answered", "busy", "no_answer", "rejected", "unauthorised", "unallocated", "caller_gone"
]

ANSWER_CHARS_KEPT = 4_000


@dataclass(slots=True)
class Post:
    """One request to the application and its answer."""

    url: str
    kind: Literal["voice", "redirect", "status", "events", "digits", "dial"]
    state: str
    at_ms: int
    status: int | None = None
    latency_ms: float = 0.0
    verbs: tuple[str, ...] = ()
    answer: str = ""
    error: str | None = None


@dataclass(slots=True)
class Kill:
    """One killAudio: when it arrived, when it took effect, and how much unplayed sound it recalled."""

    at_ms: int
    done_ms: int | None = None
    dropped_ms: float = 0.0
    ahead_ms: float = 0.0


@dataclass(slots=True)
class StreamRecord:
    url: str
    started_ms: int
    ended_ms: int | None = None
    refused: str | None = None
    ended_by: Literal["bridge", "carrier", None] = None
    close_code: int | None = None
    frames_sent: int = 0
    frames_dropped: int = 0
    bytes_received: int = 0
    ahead_ms_max: float = 0.0
    kills: list[Kill] = field(default_factory=list)
    texts_ignored: list[str] = field(default_factory=list)


@dataclass(slots=True)
class HeardSegment:
    """An uninterrupted stretch of sound in the caller's ear, from one party."""

    party: Party
    start_ms: int
    end_ms: int


@dataclass(slots=True)
class DialRecord:
    number: str
    caller_id: str
    at_ms: int
    outcome: DialOutcome | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    staff_heard_ms: int = 0
    caller_heard_ms: int = 0


@dataclass(slots=True)
class Meeting:
    """Being in a room together with the leg of `number`; `heard_ms` is the sound that came from there."""

    number: str
    from_ms: int
    until_ms: int | None = None
    heard_ms: int = 0


@dataclass(slots=True)
class RoomRecord:
    """One stay in a conference room and whom it was shared with; `left_ms` is None for as long as it lasts."""

    room: str
    entered_ms: int
    left_ms: int | None = None
    met: list[Meeting] = field(default_factory=list)


@dataclass(slots=True)
class TalkLine:
    """One thing said, as the caller's mind knows it: by itself, or by the agent as it understood it."""

    who: Literal["caller", "agent"]
    text: str
    at_ms: int


@dataclass(slots=True)
class CallRecord:
    """One call. Of an outbound one, `to_number` is the callee's, `ring_outcome` what became of ringing it, and
    "caller" (in what was heard and who ended it) is the person who picked up."""

    session_id: str
    from_number: str
    to_number: str
    posts: list[Post] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    streams: list[StreamRecord] = field(default_factory=list)
    heard: list[HeardSegment] = field(default_factory=list)
    dials: list[DialRecord] = field(default_factory=list)
    rooms: list[RoomRecord] = field(default_factory=list)
    talk: Sequence[TalkLine] = ()
    wavs: dict[str, Path] = field(default_factory=dict)
    answered_ms: int | None = None
    ended_ms: int | None = None
    ended_by: EndedBy | None = None
    direction: Literal["inbound", "outbound"] = "inbound"
    client_request_id: str | None = None
    ring_outcome: DialOutcome | None = None

    @property
    def staff_reached(self) -> list[str]:
        """The numbers where a person picked up, in order; a person reached twice stands there twice."""
        return [dial.number for dial in self.dials if dial.outcome == "answered"]

    @property
    def duration_s(self) -> int:
        """Whole seconds from answer to end, as the carrier counts them."""
        if self.answered_ms is None or self.ended_ms is None:
            return 0
        return max(0, round((self.ended_ms - self.answered_ms) / 1000))

    @property
    def silence_ms_max(self) -> int:
        """The longest time between answer and end in which the caller heard nothing."""
        if self.answered_ms is None or self.ended_ms is None:
            return 0
        edges = [self.answered_ms, *(ms for part in self.heard for ms in (part.start_ms, part.end_ms)), self.ended_ms]
        return max(edges[i + 1] - edges[i] for i in range(0, len(edges), 2))

    def heard_from(self, party: Party) -> int:
        """Milliseconds of sound heard from one party."""
        return sum(part.end_ms - part.start_ms for part in self.heard if part.party == party)

    def to_json(self) -> dict[str, Any]:
        # Any: the values are whatever JSON can hold, nested.
        plain = asdict(self)
        plain["wavs"] = {name: str(path) for name, path in self.wavs.items()}
        plain["staff_reached"] = self.staff_reached
        plain["duration_s"] = self.duration_s
        plain["silence_ms_max"] = self.silence_ms_max
        return plain
