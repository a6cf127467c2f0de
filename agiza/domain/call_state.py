"""The words of call control: what the carrier says, what we answer, and what we remember of a call between the two.

The rules that join them are in `agiza.domain.call_control`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from agiza.domain.handoff import HandoffState


class Edge(StrEnum):
    """What one request of the carrier says about the call."""

    RINGING = "ringing"
    ANSWERED = "answered"
    STREAM_STARTED = "stream_started"
    STREAM_ENDED = "stream_ended"
    NEXT = "next"
    """The carrier ran the Redirect after our Stream."""
    DIAL_ENDED = "dial_ended"
    AFTER_DIAL = "after_dial"
    """The carrier ran the Redirect after our Dial."""
    COMPLETED = "completed"
    OTHER = "other"


class Channel(StrEnum):
    """At which of our URLs the request arrived, which decides how surely its answer is carried out."""

    VOICE = "voice"
    NEXT = "next"
    AFTER_DIAL = "after_dial"
    STATUS = "status"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Callback:
    """One request of the carrier, understood. `dial_connected` is None when it does not say.

    `attempt` is the number of the Dial whose Redirect was run, from the signed URL.
    """

    edge: Edge
    channel: Channel
    carrier_state: str = ""
    is_active: bool | None = None
    duration_s: int | None = None
    dial_connected: bool | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class DialTarget:
    """A contact of the branch who can be rung."""

    contact_id: str
    phone: str


@dataclass(frozen=True, slots=True)
class Handoff:
    """The hand-off of this call as escalation has recorded it. No `target`: nobody was on duty."""

    handoff_id: str
    state: HandoffState
    target: DialTarget | None


CallOutcome: TypeAlias = Literal["placed", "no_order", "handoff", "dropped"]


@dataclass(frozen=True, slots=True)
class Desk:
    """What surrounds the call at this moment.

    `contacts` are all of the branch's, in the order in which they should be rung. `can_order` is False when nothing
    could take an order now, so that no Stream may be offered. `outcome` is the bridge's report of the last leg, once
    it has come. `token_used`: the media socket was opened, whatever the carrier has told us about it.
    """

    branch_phone: str
    caller: str | None
    is_open: bool
    can_order: bool
    contacts: tuple[DialTarget, ...]
    outcome: CallOutcome | None = None
    token_used: bool = False


class Phase(StrEnum):
    """Where a call stands, from the first request of the carrier to the last."""

    NEW = "new"
    OFFERED = "offered"
    """A Stream was answered; no word yet that it started."""
    STREAMING = "streaming"
    DIALLING = "dialling"
    CLOSING = "closing"
    """The answer said goodbye or hung up; the carrier has not yet reported the end."""
    ENDED = "ended"


class Phrase(StrEnum):
    """What the carrier's own voice says to the caller."""

    CONNECTING = "connecting"
    CONNECTING_INSTEAD = "connecting_instead"
    """The ordering line does not work; a person will take the order."""
    CLOSED = "closed"
    NOBODY_ANSWERED = "nobody_answered"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class ServedDial:
    """The Dial that this call was answered with, and to which request."""

    target: DialTarget
    phrase: Phrase
    attempt: int
    handoff_id: str | None
    served_at: datetime
    channel: Channel
    edge: Edge
    certainty: int


@dataclass(frozen=True, slots=True)
class CallState:
    """What is remembered of a call. `epoch` counts its legs; `farewell` is what the closing answer says, if any."""

    phase: Phase = Phase.NEW
    epoch: int = 0
    offered_at: datetime | None = None
    dial: ServedDial | None = None
    farewell: Phrase | None = None


# --- answers -------------------------------------------------------------------------------------------------------


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
class Close:
    """Say `phrase`, if any, and hang up."""

    phrase: Phrase | None = None


Answer: TypeAlias = Silent | OfferStream | DialPerson | Close


# --- what others are told ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """The call was answered with its first Stream."""


@dataclass(frozen=True, slots=True)
class DialServed:
    contact_id: str
    handoff_id: str | None
    attempt: int


@dataclass(frozen=True, slots=True)
class DialEnded:
    handoff_id: str | None
    connected: bool
    carrier_state: str


@dataclass(frozen=True, slots=True)
class HungUp:
    duration_s: int | None


CallEvent: TypeAlias = Started | DialServed | DialEnded | HungUp


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request, the call after it, and what happened, in order."""

    answer: Answer
    call: CallState
    events: tuple[CallEvent, ...] = field(default=())


# --- at rest -------------------------------------------------------------------------------------------------------


def call_to_json(call: CallState) -> dict[str, Any]:
    """Plain JSON for a database column."""
    dial = call.dial
    return {
        "phase": call.phase.value,
        "epoch": call.epoch,
        "offered_at": call.offered_at.isoformat() if call.offered_at else None,
        "farewell": call.farewell.value if call.farewell else None,
        "dial": dial
        and {
            "contact_id": dial.target.contact_id,
            "phone": dial.target.phone,
            "phrase": dial.phrase.value,
            "attempt": dial.attempt,
            "handoff_id": dial.handoff_id,
            "served_at": dial.served_at.isoformat(),
            "channel": dial.channel.value,
            "edge": dial.edge.value,
            "certainty": dial.certainty,
        },
    }


def call_from_json(stored: Mapping[str, Any]) -> CallState:
    """What `call_to_json` gave."""
    dial = stored["dial"]
    return CallState(
        phase=Phase(stored["phase"]),
        epoch=stored["epoch"],
        offered_at=datetime.fromisoformat(stored["offered_at"]) if stored["offered_at"] else None,
        farewell=Phrase(stored["farewell"]) if stored["farewell"] else None,
        dial=dial
        and ServedDial(
            target=DialTarget(dial["contact_id"], dial["phone"]),
            phrase=Phrase(dial["phrase"]),
            attempt=dial["attempt"],
            handoff_id=dial["handoff_id"],
            served_at=datetime.fromisoformat(dial["served_at"]),
            channel=Channel(dial["channel"]),
            edge=Edge(dial["edge"]),
            certainty=dial["certainty"],
        ),
    )
