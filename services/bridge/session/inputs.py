"""Everything that can happen to a call. Frozen; times are passed beside them, not inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from agiza.contracts.events import CallbackOffer
from agiza.domain.order_news import OrderWord

JsonObject: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Opened:
    """The carrier's media socket is accepted. The first input of every session."""


@dataclass(frozen=True, slots=True)
class CallerAudio:
    """PCM of the caller: S16LE mono, 16 kHz, an even number of bytes."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class CallerSpoke:
    """The local voice detector heard ``voiced_ms`` more of caller speech.

    ``own_ms``: of this, surely the caller's own voice, neither noise nor the agent's echo; None when nobody looked or
    this machine cannot tell. ``answer_ms``: what of it may count as an answer; None when nobody looked.
    """

    voiced_ms: int
    own_ms: int | None = None
    answer_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CarrierClosed:
    """The carrier's socket is gone. Its close code means nothing; it is kept for the log."""

    code: int = 1005


@dataclass(frozen=True, slots=True)
class LanguagesKnown:
    """The branch of this call is known, and so the languages in which its agent may be spoken to.

    ``spoken``: what an earlier leg of this call spoke at last, None where there was none.
    """

    languages: tuple[str, ...]
    spoken: str | None = None


@dataclass(frozen=True, slots=True)
class CartKnown:
    """With this version of the cart the leg begins, and its model is told what is in it. A change that comes late, on
    top of another cart, can then be refused from the first function call on."""

    version: int


@dataclass(frozen=True, slots=True)
class ModelReady:
    """The model session of this generation is set up."""

    generation: int = 1


@dataclass(frozen=True, slots=True)
class ModelClosed:
    """The model session could not be had, or is gone. ``reason`` is a short machine word, see ``legs.live_closes``."""

    reason: str
    generation: int = 1


@dataclass(frozen=True, slots=True)
class ModelAudio:
    """Agent speech: S16LE mono at ``rate`` Hz, in bursts, any even length. ``is_audible``: somebody could hear it."""

    pcm: bytes
    rate: int
    is_audible: bool = True


@dataclass(frozen=True, slots=True)
class ModelInterrupted:
    """The model stopped because the caller spoke. May also come after the turn's end, or for nothing."""


@dataclass(frozen=True, slots=True)
class GenerationCompleted:
    """The model has sent all audio of this turn."""


@dataclass(frozen=True, slots=True)
class TurnCompleted:
    """The model's turn is over.

    ``reason`` is the protocol's word for a turn that ended for more than its end, such as ``RESPONSE_REJECTED`` or
    ``MALFORMED_FUNCTION_CALL``; empty for an ordinary one. ``goes_on``: the model works on by itself, and speaks
    again without being asked. ``awaits_caller``: it said nothing because it expects the caller to go on.
    """

    reason: str = ""
    goes_on: bool = False
    awaits_caller: bool = False


@dataclass(frozen=True, slots=True)
class CallerWords:
    """A fragment of the transcript of the caller. ``language`` is a BCP 47 code, where the model names one."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class AgentWords:
    """A fragment of the transcript of the agent."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """One function call as the model wrote it. Nothing in it can be trusted."""

    id: str
    name: str
    args: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolsRequested:
    """One message of the model with function calls, in its order."""

    calls: tuple[ToolRequest, ...]


@dataclass(frozen=True, slots=True)
class ToolsCancelled:
    """The model no longer waits for these calls and must not be answered."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer to one function call, as the model will see it."""

    id: str
    name: str
    response: JsonObject
    ms: int = field(default=0, compare=False)
    """From the model's call to our answer; only told, never decided upon."""


@dataclass(frozen=True, slots=True)
class ToolsAnswered:
    """Results of one request of ours. May come twice (stream and HTTP), late, or for a request we do not know."""

    request_id: str
    results: tuple[ToolResult, ...]
    cart_version: int


@dataclass(frozen=True, slots=True)
class HandoffAnswered:
    """The hand-off is recorded, or nobody is on duty (``contact_id`` is None). May come several times.

    ``stay``: the person is being rung while the agent goes on. ``callback``: how it stands with ringing back.
    """

    request_id: str
    contact_id: str | None
    message: str
    callback: CallbackOffer = "none"
    stay: bool = False


@dataclass(frozen=True, slots=True)
class LeaveRequested:
    """The escalation service wants the stream left now: a person waits for the caller, or has to be dialled."""


@dataclass(frozen=True, slots=True)
class OrderMoved:
    """The kitchen of an order of this call has spoken, or was silent for too long. May come twice, and late."""

    order_id: str
    order_number: int
    word: OrderWord
    eta_minutes: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class UsageReported:
    """One usage report of the model.

    ``by_modality`` has keys such as ``prompt_audio``, and ``tool_use``, ``thoughts`` and ``cached`` where they were
    named; what was ``cached`` is counted among the prompt's as well.
    """

    prompt_tokens: int = 0
    response_tokens: int = 0
    total_tokens: int = 0
    by_modality: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResumptionOffered:
    """A handle with which another model session could go on from here."""

    handle: str


@dataclass(frozen=True, slots=True)
class GoAwayAnnounced:
    """The model's connection will be closed after ``time_left_ms``."""

    time_left_ms: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """This process must end now (drain limit reached, second SIGTERM, newer leg of the same call)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A deadline was reached. Harmless at any other time."""


Input: TypeAlias = (
    Opened
    | CallerAudio
    | CallerSpoke
    | CarrierClosed
    | LanguagesKnown
    | CartKnown
    | ModelReady
    | ModelClosed
    | ModelAudio
    | ModelInterrupted
    | GenerationCompleted
    | TurnCompleted
    | CallerWords
    | AgentWords
    | ToolsRequested
    | ToolsCancelled
    | ToolsAnswered
    | HandoffAnswered
    | LeaveRequested
    | OrderMoved
    | UsageReported
    | ResumptionOffered
    | GoAwayAnnounced
    | Stopped
    | Tick
)
