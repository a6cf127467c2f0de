"""Every switch of the simulated carrier, in frozen objects. The defaults are a well-behaved carrier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from .callbacks import BodyKind, SignatureKind
from .caller import Caller
from .playback import PlaybackOptions


class Voice(Protocol):
    """Anything that can say a sentence: complete S16LE mono PCM at `rate`. May be slow; it is called in a thread."""

    @property
    def rate(self) -> int: ...

    def synthesize(self, text: str) -> bytes: ...


class StreamEnd(StrEnum):
    """What the carrier does when our side closes the media socket; real carriers were seen or read to do all four."""

    ASK_VOICE_URL = "R1"
    """POST StreamStopped and run the answer."""
    NEXT_VERB = "R2"
    """Run the verb after the Stream."""
    SILENCE = "R3"
    """Keep the leg, fetch nothing; the caller sits in silence until somebody hangs up."""
    HANG_UP = "R4"
    """End the call at once."""


SocketClose: TypeAlias = Literal["1000", "1006", "reset", "half_open"]
MetadataShape: TypeAlias = Literal["flat", "nested", "late", "absent"]
DialTail: TypeAlias = Literal["on_failure", "always"]
CompletedMode: TypeAlias = Literal["once", "twice", "before_socket_close", "missing"]
EventShape: TypeAlias = Literal["raw", "enveloped", "both"]


@dataclass(frozen=True, slots=True)
class MediaOptions:
    """How the media socket behaves. All lengths are counted in 20 ms frames unless the name says otherwise."""

    connect_limit_s: float = 10.0
    metadata: MetadataShape = "flat"
    coalesce_frames: int = 1
    coalesce_when_late: bool = True
    short_first_frame: bool = False
    odd_pair: bool = False
    brace_first_byte: bool = False
    empty_frame_every: int = 0
    stall_at_frame: int | None = None
    stall_frames: int = 0
    buffer_ms: int = 2_000
    close_on_hang_up: SocketClose = "1000"
    unconnected_leg_s: float = 1.0


@dataclass(frozen=True, slots=True)
class StaffAnswers:
    """Picks up after `after_s`, says `says` in the carrier's voice (or a tone), talks for `talk_s`, hangs up."""

    after_s: float = 1.0
    says: str = "Hello, this is the restaurant, how can I help you?"
    talk_s: float = 2.0


@dataclass(frozen=True, slots=True)
class StaffBusy:
    after_s: float = 0.2


@dataclass(frozen=True, slots=True)
class StaffRejects:
    after_s: float = 0.5


@dataclass(frozen=True, slots=True)
class StaffAbsent:
    """Rings until whoever rings it gives up."""


@dataclass(frozen=True, slots=True)
class CustomerAnswers:
    """Picks up after `after_s`; a new `caller` talks each time, and hangs up when it likes."""

    caller: Callable[[], Caller]
    after_s: float = 1.0


StaffScript: TypeAlias = StaffAnswers | StaffBusy | StaffRejects | StaffAbsent
PhoneScript: TypeAlias = StaffScript | CustomerAnswers


@dataclass(frozen=True, slots=True)
class CarrierSettings:
    """One simulated carrier with one number's routing.

    `our_numbers` may be dialled and shown as caller id; a call's own destination always is one of them. `staff` maps
    E.164 numbers to what happens there, `staff_default` covers all others (None: the number does not exist).
    `customers` are further phones, which the application rings back; they stand before `staff`.

    `ring_scale` shortens (or lengthens) how long a phone rings before the carrier gives up, and nothing else.
    `conference_tail` says what happens to a leg whose room was closed by another one.
    """

    voice_url: str
    events_url: str | None = None
    our_numbers: frozenset[str] = frozenset()
    signing_secret: str | None = None
    signature: SignatureKind = "signed"
    body: BodyKind = "form"
    stream_end: StreamEnd = StreamEnd.ASK_VOICE_URL
    answer_limit_s: float = 5.0
    repeated_states: frozenset[str] = frozenset()
    stream_started_posted: bool = True
    status_answer_executed: bool = False
    stream_refused: Literal["next_verb", "silence", "hang_up"] = "next_verb"
    redirect_moves_callback: bool = False
    dial_tail: DialTail = "on_failure"
    dial_completed_posted: bool = False
    completed: CompletedMode = "once"
    event_shape: EventShape = "both"
    events_repeated: bool = False
    event_retry_s: tuple[float, ...] = (0.2, 0.5, 1.0)
    ringback: bool = True
    digits: str = ""
    play_files: Mapping[str, Path] = field(default_factory=dict)
    staff: Mapping[str, StaffScript] = field(default_factory=dict)
    staff_default: StaffScript | None = None
    customers: Mapping[str, PhoneScript] = field(default_factory=dict)
    ring_scale: float = 1.0
    conference_tail: Literal["next_verb", "hang_up"] = "next_verb"
    outbound_first_state: Literal["Answered", "Ringing"] = "Answered"
    outbound_ring_s: float = 30.0
    outbound_cause_posted: bool = True
    media: MediaOptions = field(default_factory=MediaOptions)
    playback: PlaybackOptions = field(default_factory=PlaybackOptions)
    voice: Voice | None = None
    record_dir: Path | None = None
    call_limit_s: float = 900.0
    verbs_max: int = 100
    ca_file: Path | None = None
