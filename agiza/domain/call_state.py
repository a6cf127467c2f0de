"""The words of call control: what the carrier says, what surrounds a call, and what we remember of it.

What we answer is in `agiza.domain.call_answers`, the rules that join them in `agiza.domain.call_control`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from agiza.domain.handoff import HandoffState


class CallKind(StrEnum):
    """Who rang whom, and what for."""

    INBOUND = "inbound"
    """A customer rang the branch."""
    RING_BACK = "ring_back"
    """We rang a customer whose line was lost: they go on with the agent and their cart."""
    STAFF_BRIDGE = "staff_bridge"
    """We rang a person of the branch, who hears why and is then connected with the customer's phone."""
    STAFF_JOIN = "staff_join"
    """We rang a person of the branch while the agent still talks; they wait in a room for the customer."""
    CUSTOMER_JOIN = "customer_join"
    """We rang a customer who was lost on the way to the room in which a person waits."""
    STAFF_ALARM = "staff_alarm"
    """We rang a person of the branch about an order that nobody has taken; a key takes it."""


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
    """One request of the carrier, understood. `dial_connected` and `talk_s`, how long a Dial's people
    talked, are None when it does not say.

    `attempt` is the number of the Dial whose Redirect was run, `leg` the leg whose Stream the URL was given with; both
    come from the signed URL and are None where it says nothing. `digits` are keys that were pressed.
    """

    edge: Edge
    channel: Channel
    carrier_state: str = ""
    is_active: bool | None = None
    duration_s: int | None = None
    dial_connected: bool | None = None
    talk_s: int | None = None
    attempt: int | None = None
    leg: int | None = None
    digits: str | None = None


@dataclass(frozen=True, slots=True)
class DialTarget:
    """Somebody who can be rung: a contact of the branch, or the customer of an outbound call."""

    contact_id: str
    phone: str
    on_duty: bool = True


@dataclass(frozen=True, slots=True)
class Handoff:
    """The hand-off of this call as escalation has recorded it. No `target`: nobody was on duty.

    `room`: the person has picked up already and waits there. `ringing`: the contact whose phone rings at this moment
    by another call of ours, so that it would be busy.
    """

    handoff_id: str
    state: HandoffState
    target: DialTarget | None
    room: str | None = None
    ringing: str | None = None


@dataclass(frozen=True, slots=True)
class Outbound:
    """What an outbound call of ours was placed for.

    `customer` is who is to be connected with a person who picked up; `room` is where the two meet instead. `is_open`
    is False when the matter has been settled meanwhile, for instance by a person. `reason` is why a person is needed,
    and `order_number` the order that nobody has taken.
    """

    outbound_id: str
    is_open: bool
    customer: DialTarget | None = None
    room: str | None = None
    reason: str = "caller_asked"
    order_number: int | None = None


CallOutcome: TypeAlias = Literal["placed", "no_order", "handoff", "dropped"]


@dataclass(frozen=True, slots=True)
class Desk:
    """What surrounds the call at this moment.

    `contacts` are all of the branch's who may be dialled, in the order in which they should be rung. `can_order` is
    False when nothing could take an order now, so that no Stream may be offered. `outcome` is the bridge's report of
    the last leg, once it has come. `token_used`: the media socket was opened, whatever the carrier has told us about
    it. `can_rejoin`: the last leg was lost by us and not by the model, so another Stream would help. `may_dial` is
    False while dialling is switched off or has been too much. `can_call_back`: the customer's number is known and may
    be rung, the branch calls back, and somebody is there to do it. `is_watched`: should the carrier ask nothing more,
    escalation ends this call and rings the customer. `is_welcome` is False for a number that calls without end.
    `outbound` is there for calls that we placed.
    """

    branch_phone: str
    caller: str | None
    is_open: bool
    can_order: bool
    contacts: tuple[DialTarget, ...]
    outcome: CallOutcome | None = None
    token_used: bool = False
    can_rejoin: bool = False
    may_dial: bool = True
    can_call_back: bool = False
    is_watched: bool = False
    is_welcome: bool = True
    outbound: Outbound | None = None


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
    TRYING_NEXT = "trying_next"
    """The next person is rung. A carrier that does not say how a Dial ended leaves it open whether they talked, so
    this must also make sense to somebody who has been helped."""
    CONNECTING_INSTEAD = "connecting_instead"
    """The ordering line does not work; a person will take the order."""
    CLOSED = "closed"
    NOBODY_ANSWERED = "nobody_answered"
    UNAVAILABLE = "unavailable"
    CALLBACK_PROMISED = "callback_promised"
    """Nobody could come to the phone; the branch rings this number back."""
    TOO_MANY_CALLS = "too_many_calls"
    STAFF_CONNECTING = "staff_connecting"
    """To a person of the branch who picked up: who waits and why; now you are connected."""
    STAFF_SETTLED = "staff_settled"
    """To a person of the branch: the matter is settled already."""
    STAFF_MISSED = "staff_missed"
    """To a person of the branch: the customer did not pick up."""
    ORDER_WAITS = "order_waits"
    """To a person of the branch: nobody has taken an order; press 1 to take it."""
    ORDER_TAKEN = "order_taken"
    """To a person of the branch who pressed 1."""
    ORDER_LEFT = "order_left"
    """To a person of the branch who pressed nothing."""
    ORDER_SETTLED = "order_settled"
    """To a person of the branch: the order was taken meanwhile, or needs nobody any more."""


@dataclass(frozen=True, slots=True)
class ServedDial:
    """The Dial that this call was answered with, to which request, and whether it was served once more.

    With `room` it is the way into that room; then `target` is who waits there, if that is a person of the branch.
    """

    target: DialTarget | None
    phrase: Phrase
    attempt: int
    handoff_id: str | None
    served_at: datetime
    channel: Channel
    edge: Edge
    certainty: int
    room: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class CallState:
    """What is remembered of a call. `epoch` counts its legs; `farewell` is what the closing answer says, if any.

    `tried` are the contacts that were rung before the present Dial. `picked_up`: the carrier has said that whom we rang
    picked up.
    """

    phase: Phase = Phase.NEW
    kind: CallKind = CallKind.INBOUND
    epoch: int = 0
    offered_at: datetime | None = None
    dial: ServedDial | None = None
    farewell: Phrase | None = None
    tried: tuple[str, ...] = ()
    picked_up: bool = False
