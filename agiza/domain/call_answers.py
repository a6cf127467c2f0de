"""What call control decides: the answer to the carrier, and what others are told."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from agiza.domain.call_state import CallState, DialTarget, Phrase


@dataclass(frozen=True, slots=True)
class Silent:
    """An empty document: go on as you are."""


@dataclass(frozen=True, slots=True)
class OfferStream:
    """Connect the caller with a bridge; the same document, with the same token, as often as it is asked for."""

    epoch: int


@dataclass(frozen=True, slots=True)
class DialPerson:
    """Say `phrase` and ring `target`."""

    target: DialTarget
    phrase: Phrase
    attempt: int


@dataclass(frozen=True, slots=True)
class JoinRoom:
    """Say `phrase` and enter the room in which another leg of ours is or will be."""

    room: str
    phrase: Phrase
    attempt: int


@dataclass(frozen=True, slots=True)
class Close:
    """Say `phrase`, if any, and hang up."""

    phrase: Phrase | None = None


@dataclass(frozen=True, slots=True)
class AskKey:
    """Say `phrase` and wait for a key; who presses none is thanked, and the line is closed."""

    phrase: Phrase


Answer: TypeAlias = Silent | OfferStream | DialPerson | JoinRoom | Close | AskKey


@dataclass(frozen=True, slots=True)
class Started:
    """The call was answered with its first Stream."""


@dataclass(frozen=True, slots=True)
class Rejoined:
    """The leg before `epoch` was lost; the call goes on with a new Stream."""

    epoch: int


@dataclass(frozen=True, slots=True)
class DialServed:
    contact_id: str | None
    handoff_id: str | None
    attempt: int


@dataclass(frozen=True, slots=True)
class DialEnded:
    """`is_last`: nobody else will be rung in this call."""

    handoff_id: str | None
    connected: bool
    carrier_state: str
    is_last: bool = True


@dataclass(frozen=True, slots=True)
class CallbackPromised:
    """The caller was told that the branch rings back."""

    handoff_id: str | None


@dataclass(frozen=True, slots=True)
class HungUp:
    duration_s: int | None


OutboundStep: TypeAlias = Literal["answered", "connected", "unanswered", "missed", "ended"]
"""`unanswered`: who was rung did not pick up; `missed`: the staff did, and the customer did not."""


@dataclass(frozen=True, slots=True)
class OutboundMoved:
    """A call that we placed has come a step further."""

    outbound_id: str
    step: OutboundStep
    carrier_state: str = ""


CallEvent: TypeAlias = Started | Rejoined | DialServed | DialEnded | CallbackPromised | HungUp | OutboundMoved


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request, the call after it, and what happened, in order."""

    answer: Answer
    call: CallState
    events: tuple[CallEvent, ...] = field(default=())
