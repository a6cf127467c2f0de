"""Everything a session can ask of the driver. Frozen; carried out in order, without waiting for the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from services.bridge.session.inputs import JsonObject, ToolRequest, ToolResult, UsageReported
from services.bridge.session.said import Said, part_heard
from services.bridge.session.seed import Seed

CueName = Literal[
    "one_moment", "still_here", "are_you_there", "say_again", "connecting", "long_call", "call_back", "goodbye"
]
"""The sentences that are kept as sound, to be heard without the model."""
ReadBackOutcome = Literal["none", "playing", "completed", "cut"]
Outcome = Literal["placed", "no_order", "handoff", "dropped"]
Speaker = Literal["caller", "agent"]


@dataclass(frozen=True, slots=True)
class ConnectModel:
    """Open a model session with the branch's instruction and tools, when the one before is closed.

    ``handle`` goes on from where it was given; ``seed`` is what a session within a call is told of it in any case. The
    attempt begins after ``delay_ms`` and may take ``timeout_ms``. Answered by ModelReady or ModelClosed of this
    ``generation``.
    """

    generation: int = 1
    handle: str | None = None
    seed: Seed | None = None
    delay_ms: int = 0
    timeout_ms: int = 6_000


@dataclass(frozen=True, slots=True)
class RequestGreeting:
    """Make the model speak first. Never after anything was heard of the agent."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """Make the model of a session within a call speak now; ``text`` stands in brackets, as in TellModel."""

    text: str


@dataclass(frozen=True, slots=True)
class SendCallerAudio:
    """To the model: S16LE mono, 16 kHz."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class PlayAudio:
    """To the caller, after everything queued before: S16LE mono at ``rate`` Hz."""

    pcm: bytes
    rate: int
    generation: int


@dataclass(frozen=True, slots=True)
class PlayCue:
    """To the caller, after everything queued before: a sentence that was rendered beforehand, as a whole."""

    language: str
    name: CueName


@dataclass(frozen=True, slots=True)
class EndUtterance:
    """No more audio of this utterance: push out what resampler and carrier hold back."""

    generation: int


@dataclass(frozen=True, slots=True)
class FlushPlayback:
    """Drop all unplayed audio at once, here and at the carrier. Audio of older generations is dead.

    ``barge_in``: because the caller spoke, and not because the agent has something more urgent to say.
    ``by_session``: they went on speaking, and the model has not stopped yet.
    """

    generation: int
    barge_in: bool = True
    by_session: bool = False


@dataclass(frozen=True, slots=True)
class Duck:
    """Lower the agent's voice: the caller speaks over it. Always followed by :class:`Unduck`, if the call lasts."""


@dataclass(frozen=True, slots=True)
class Unduck:
    """Bring the agent's voice back."""


@dataclass(frozen=True, slots=True)
class ReadBackState:
    """What is known of the playing of a priced read-back. ``asked_again``: the caller was asked once more since, and
    ``caller_speech_ms`` counts from then."""

    quote_id: str
    outcome: ReadBackOutcome
    played_ms: int
    caller_speech_ms: int
    asked_again: bool = False


@dataclass(frozen=True, slots=True)
class PublishTools:
    """Ask ``orders`` to carry out these calls in this order. ``deadline_in_ms`` counts from now."""

    request_id: str
    calls: tuple[ToolRequest, ...]
    cart_version_told: int | None
    read_back: ReadBackState | None
    deadline_in_ms: int


@dataclass(frozen=True, slots=True)
class AskToolsOverHttp:
    """Send the very event of this request over HTTP as well."""

    request_id: str


@dataclass(frozen=True, slots=True)
class PublishToolsCancelled:
    """Tell ``orders`` that the model cancelled these calls."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerTools:
    """One tool response to the model."""

    results: tuple[ToolResult, ...]


@dataclass(frozen=True, slots=True)
class TellModel:
    """Tell the model something that no function call waits for; it reacts with a turn.

    ``text`` stands in brackets: it is a note, not something that the caller said.
    """

    text: str


@dataclass(frozen=True, slots=True)
class RequestHandoff:
    """Ask the escalation service for a person. ``by_session``: not the model but the session wants one."""

    request_id: str
    reason: str
    pii_summary: str
    by_session: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One transcript turn. ``at_ms`` counts from the start of the leg.

    ``heard_ms``: of an agent's turn that was cut off, how much of its sound was played (up to 200 ms less in the
    caller's ear). Its text runs ahead of the sound, so it holds words that were never heard.
    """

    who: Speaker
    pii_text: str
    at_ms: int
    heard_ms: int | None = None
    length_ms: int | None = None
    """Of all its sound that was there when it was cut off."""

    def as_said(self) -> Said:
        """For a model that was not there."""
        if self.heard_ms is None or self.length_ms is None:
            return Said(self.who, self.pii_text)
        return Said(self.who, self.pii_text, part_heard(self.heard_ms, self.length_ms))


@dataclass(frozen=True, slots=True)
class SaveTurn:
    """Append a complete turn to the call's lines."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class SaveRecord:
    """Put these fields into the call's session record."""

    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SpeakLanguage:
    """From now on the call is held in this language: what is published of it says so."""

    language: str


LatencyName = Literal["first_audio", "response", "tool", "handoff_leave"]


@dataclass(frozen=True, slots=True)
class ToolPath:
    """Labels of a tool request's latency. ``tool`` is "several" for more than one call, ``via`` how it was answered."""

    tool: str
    outcome: str
    via: Literal["stream", "http", "none"]


@dataclass(frozen=True, slots=True)
class Observe:
    """A latency was measured. ``path`` comes with ``tool``."""

    name: LatencyName
    ms: int
    path: ToolPath | None = None


HopHow = Literal["resumed", "reseeded"]


@dataclass(frozen=True, slots=True)
class NoteHop:
    """The call goes on with another model session. ``reason`` is why, ``away_ms`` how long there was none."""

    reason: str
    how: HopHow
    away_ms: int


ComplaintKind = Literal[
    "illegal_transition",
    "tool_id_repeated",
    "tool_unknown",
    "tool_slow",
    "tool_overdue",
    "tool_result_missing",
    "stale_audio",
    "model_silent",
    "model_nudged",
    "model_stuck",
    "model_runaway",
    "model_turn_failed",
    "model_inaudible",
    "model_phantom_interruption",
    "caller_silent",
    "call_long",
    "model_unyielding",
    "caller_frames_missing",
    "go_away",
    "model_lost",
    "model_quota",
    "hop_forced",
]


@dataclass(frozen=True, slots=True)
class Complain:
    """Something unusual for log and metrics. ``detail`` holds nothing personal."""

    kind: ComplaintKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ToolTiming:
    """One function call and what came of it. ``ms`` is from the model's call to our answer."""

    id: str
    name: str
    args: JsonObject
    status: str
    ms: int


@dataclass(frozen=True, slots=True)
class CallReport:
    """All that is reported of a leg when it ends."""

    outcome: Outcome
    reason: str
    duration_ms: int
    transcript: tuple[Turn, ...] = ()
    tools: tuple[ToolTiming, ...] = ()
    latencies_ms: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    usage: UsageReported = field(default_factory=UsageReported)
    prompt_tokens_max: int = 0
    language: str | None = None
    """What was spoken at the end."""


@dataclass(frozen=True, slots=True)
class PublishEnded:
    """Publish the report. Must be out before the carrier's socket is closed."""

    report: CallReport


@dataclass(frozen=True, slots=True)
class CloseModel:
    """Close the model session, or stop opening it. What it still says is void."""


@dataclass(frozen=True, slots=True)
class CloseCarrier:
    """Close the carrier's socket. The last action of every session."""

    code: int


Action: TypeAlias = (
    ConnectModel
    | RequestGreeting
    | GoOn
    | SendCallerAudio
    | PlayAudio
    | PlayCue
    | EndUtterance
    | FlushPlayback
    | Duck
    | Unduck
    | PublishTools
    | AskToolsOverHttp
    | PublishToolsCancelled
    | AnswerTools
    | TellModel
    | RequestHandoff
    | SaveTurn
    | SaveRecord
    | SpeakLanguage
    | Observe
    | NoteHop
    | Complain
    | PublishEnded
    | CloseModel
    | CloseCarrier
)
