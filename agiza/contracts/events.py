"""Every event that crosses a process border, declared once.

Each class has a literal ``type`` and an integer ``version``. A new optional field keeps the version; anything
else is a new version with an upgrade step in :mod:`agiza.contracts.envelope` and a new golden file under
``tests/contracts/golden``. Field names that start with ``pii_`` hold a caller's words, name or number and may
go nowhere but to the people who serve that caller.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from agiza.contracts import streams
from agiza.contracts.arguments import cleaned

CallIdField = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{4,64}$")]
SlugField = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
ToolName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
ToolCallId = Annotated[str, StringConstraints(min_length=1, max_length=128)]

TOOL_CALLS_MAX = 32
"""More function calls than this in one model message is a runaway model, not an order."""
SUMMARY_CHARS_MAX = 500

ReadBackOutcome = Literal["none", "playing", "completed", "cut"]
EscalationReason = Literal[
    "caller_asked",
    "allergy_or_medical",
    "payment",
    "complaint",
    "not_understood",
    "abuse",
    "special_request",
    "high_value",
    "order_not_accepted",
    "technical",
    "callback",
]
"""Why a person is needed. ``callback``: nobody could come, and the caller wants to be rung back."""
CallbackOffer = Literal["none", "offered", "number_needed", "promised"]
OutboundKind = Literal["ring_back", "staff_bridge", "staff_join", "customer_join"]
OutboundStep = Literal["answered", "connected", "unanswered", "missed", "ended"]
Resumed = Literal["none", "leg", "ring_back", "redial"]
"""Where a leg's cart comes from: nowhere, an earlier leg, the lost call that is rung back, the caller's last call."""
TakeOverStatus = Literal["ok", "superseded", "elsewhere"]
CallOutcome = Literal["placed", "no_order", "handoff", "dropped"]


class Part(BaseModel):
    """A piece of an event. Unknown fields are ignored, so that a newer sender may add optional ones."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Part):
    """What all events share. The class decides its stream; ``branch_id`` and ``call_id`` go to the envelope."""

    type: ClassVar[str]
    version: ClassVar[int]

    branch_id: SlugField
    call_id: CallIdField | None = None

    def stream(self) -> str:
        """Name of the stream or channel on which this event travels."""
        raise NotImplementedError


class FunctionCall(Part):
    """One function call of the model, as the model wrote it. Nothing in it can be trusted."""

    id: ToolCallId
    name: ToolName
    args: Annotated[dict[str, Any], AfterValidator(cleaned)] = Field(default_factory=dict)


class ReadBackEvidence(Part):
    """What the bridge knows about the playing of a priced read-back.

    ``caller_speech_ms`` is caller speech by the local voice detector since the read-back began, or since the
    agent asked again.
    """

    quote_id: str
    outcome: ReadBackOutcome
    played_ms: int = Field(ge=0)
    caller_speech_ms: int = Field(ge=0)


class ToolCalled(Event):
    """The model called functions; ``orders`` carries them out in this order and answers with ToolAnswered."""

    type: ClassVar = "agiza.tool.called"
    version: ClassVar = 1

    call_id: CallIdField
    menu_version: int = Field(ge=1)
    leg_epoch: int = Field(ge=0)
    calls: tuple[FunctionCall, ...] = Field(min_length=1, max_length=TOOL_CALLS_MAX)
    cart_version_told: int | None = Field(default=None, ge=0)
    deadline_ms: int = Field(description="Unix time in ms after which a mutation must not be applied any more")
    reply_to: str = Field(description="Pub/Sub channel for the answer", max_length=128)
    language: str = Field(default="en", max_length=16)
    read_back: ReadBackEvidence | None = None

    def stream(self) -> str:
        return streams.tools_stream(self.call_id)


class ToolCancelled(Event):
    """The model cancelled function calls. One that is not yet applied never will be."""

    type: ClassVar = "agiza.tool.cancelled"
    version: ClassVar = 1

    call_id: CallIdField
    leg_epoch: int = Field(ge=0)
    ids: tuple[ToolCallId, ...] = Field(min_length=1, max_length=TOOL_CALLS_MAX)
    reply_to: str = Field(max_length=128)

    def stream(self) -> str:
        return streams.tools_stream(self.call_id)


class FunctionResult(Part):
    """The answer to one function call, as the model will see it."""

    id: ToolCallId
    name: ToolName
    response: dict[str, Any]


class ToolAnswered(Event):
    """Results of one ToolCalled. Sent on the asking bridge's channel; a lost one is asked for again."""

    type: ClassVar = "agiza.tool.answered"
    version: ClassVar = 1

    call_id: CallIdField
    request_id: str = Field(description="Envelope id of the ToolCalled that this answers")
    leg_epoch: int = Field(ge=0)
    results: tuple[FunctionResult, ...]
    cart_version: int = Field(ge=0)
    reply_to: str = Field(max_length=128)

    def stream(self) -> str:
        return self.reply_to


class CallTakenOver(Event):
    """A later leg holds the call now: ``orders`` refuses every older one and answers with TakeOverAnswered.

    It lies on the partition of the call's tool calls: what the older leg had asked before is carried out before, and
    what it asks after is refused.
    """

    type: ClassVar = "agiza.call.taken_over"
    version: ClassVar = 1

    call_id: CallIdField
    menu_version: int = Field(ge=1)
    leg_epoch: int = Field(ge=1)
    language: str = Field(default="en", max_length=16, description="In which the answer is to be spoken")
    reply_to: str = Field(description="Pub/Sub channel for the answer", max_length=128)

    def stream(self) -> str:
        return streams.tools_stream(self.call_id)


class TakeOverAnswered(Event):
    """The cart with which the new leg goes on. Sent on the asking bridge's channel; a lost one is asked for again.

    ``superseded``: a leg that is later still has the call. ``elsewhere``: the cart goes on in another call. ``lines``
    and ``total`` are spoken words, empty without a cart; ``placed`` has the numbers of the orders placed.
    """

    type: ClassVar = "agiza.call.take_over_answered"
    version: ClassVar = 1

    call_id: CallIdField
    request_id: str = Field(description="Envelope id of the CallTakenOver that this answers")
    leg_epoch: int = Field(ge=1)
    status: TakeOverStatus
    resumed: Resumed = "none"
    cart_version: int = Field(default=0, ge=0)
    lines: str = Field(default="", max_length=4000)
    total: str | None = Field(default=None, max_length=200)
    placed: tuple[int, ...] = ()
    reply_to: str = Field(max_length=128)

    def stream(self) -> str:
        return self.reply_to


class LegSuperseded(Event):
    """Every leg of this call before ``leg_epoch`` is refused from now on: whoever still holds one ends it."""

    type: ClassVar = "agiza.call.leg_superseded"
    version: ClassVar = 1

    call_id: CallIdField
    leg_epoch: int = Field(ge=1)

    def stream(self) -> str:
        return streams.ALL_BRIDGES


class CallStarted(Event):
    """The carrier announced a call and was answered with a Stream."""

    type: ClassVar = "agiza.call.started"
    version: ClassVar = 1

    call_id: CallIdField
    menu_version: int = Field(ge=1)

    def stream(self) -> str:
        return streams.CALLS


class CallDialServed(Event):
    """The webhook answered the carrier with a Dial to this contact of the branch."""

    type: ClassVar = "agiza.call.dial_served"
    version: ClassVar = 1

    call_id: CallIdField
    handoff_id: str | None = None
    contact_id: str | None = Field(default=None, description="Null for the room of somebody who waits there")
    attempt: int = Field(ge=1)

    def stream(self) -> str:
        return streams.CALLS


class CallRejoined(Event):
    """A leg was lost; the call goes on with a new Stream of the next leg epoch."""

    type: ClassVar = "agiza.call.rejoined"
    version: ClassVar = 1

    call_id: CallIdField
    leg_epoch: int = Field(ge=1)

    def stream(self) -> str:
        return streams.CALLS


class CallbackPromised(Event):
    """Nobody could be reached, and the caller was told that the branch rings back."""

    type: ClassVar = "agiza.call.callback_promised"
    version: ClassVar = 1

    call_id: CallIdField
    handoff_id: str | None = None

    def stream(self) -> str:
        return streams.CALLS


class OutboundMoved(Event):
    """A call that we placed came a step further: somebody picked up, or did not, or the two talked."""

    type: ClassVar = "agiza.call.outbound_moved"
    version: ClassVar = 1

    call_id: CallIdField = Field(description="The outbound call itself, as the carrier names it")
    outbound_id: str
    step: OutboundStep
    carrier_state: str = Field(default="", max_length=64)

    def stream(self) -> str:
        return streams.CALLS


class CallDialEnded(Event):
    """The carrier reported how a Dial ended. ``is_last``: nobody else is rung in this call."""

    type: ClassVar = "agiza.call.dial_ended"
    version: ClassVar = 1

    call_id: CallIdField
    handoff_id: str | None = None
    connected: bool
    carrier_state: str = Field(max_length=64)
    is_last: bool = True

    def stream(self) -> str:
        return streams.CALLS


class CallHungUp(Event):
    """The carrier reported the end of the call on the telephone side."""

    type: ClassVar = "agiza.call.hung_up"
    version: ClassVar = 1

    call_id: CallIdField
    duration_s: int | None = Field(default=None, ge=0)

    def stream(self) -> str:
        return streams.CALLS


def _is_nothing(value: object) -> bool:
    """Turns that were heard to the end look as they always did."""
    return value is None


class TranscriptTurn(Part):
    """One turn of the conversation as transcribed. ``at_ms`` counts from the start of the leg.

    ``heard_ms``: of an agent's turn that was cut off, how much of its sound was played; its text may run further.
    """

    who: Literal["caller", "agent"]
    pii_text: Annotated[str, BeforeValidator(cleaned)] = Field(max_length=4000)
    at_ms: int = Field(ge=0)
    heard_ms: int | None = Field(default=None, ge=0, exclude_if=_is_nothing)


class ToolTiming(Part):
    """One function call of the model with what came of it. ``ms`` is from the model's call to our answer."""

    id: Annotated[str, BeforeValidator(cleaned)]
    name: Annotated[str, BeforeValidator(cleaned)]
    args: Annotated[dict[str, Any], AfterValidator(cleaned)]
    status: Annotated[str, BeforeValidator(cleaned)]
    ms: int = Field(ge=0)


class ModelUsage(Part):
    """Tokens by direction and modality, summed over all usage reports of all model sessions of the leg."""

    prompt_tokens: int = 0
    response_tokens: int = 0
    total_tokens: int = 0
    by_modality: dict[str, int] = Field(default_factory=dict)


class CostPart(Part):
    """An amount in millionths of a minor unit of ``currency``, as metered and at most."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    micro_minor: int = Field(ge=0)
    upper_micro_minor: int = Field(ge=0)


class LegCost(Part):
    """What one leg cost the operator. Null where a price is not known. ``telephony`` is the media stream's part."""

    model: CostPart | None = None
    telephony: CostPart | None = None


class CallEnded(Event):
    """The bridge's report of one leg: outcome, transcript, timings, usage. The last event of a leg."""

    type: ClassVar = "agiza.call.ended"
    version: ClassVar = 1

    call_id: CallIdField
    leg_epoch: int = Field(ge=0)
    outcome: CallOutcome
    reason: str = Field(max_length=64)
    duration_ms: int = Field(ge=0)
    transcript: tuple[TranscriptTurn, ...] = ()
    pii_tool_calls: tuple[ToolTiming, ...] = ()
    latencies_ms: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    usage: ModelUsage = ModelUsage()
    cost: LegCost | None = None
    language: str | None = Field(default=None, max_length=16, description="The language that was spoken at the end")

    def stream(self) -> str:
        return streams.CALLS


class HandoffRequested(Event):
    """The agent decided that a person is needed. Answered with HandoffAnswered."""

    type: ClassVar = "agiza.handoff.requested"
    version: ClassVar = 1

    call_id: CallIdField
    leg_epoch: int = Field(ge=0)
    reason: EscalationReason
    pii_summary: Annotated[str, BeforeValidator(cleaned)] = Field(default="", max_length=SUMMARY_CHARS_MAX)
    language: str = Field(default="en", max_length=16)
    reply_to: str = Field(max_length=128)

    def stream(self) -> str:
        return streams.HANDOFFS


class HandoffAnswered(Event):
    """The hand-off is recorded (``contact_id`` set) or nobody is on duty (``contact_id`` null).

    ``callback`` says how it stands with ringing back: offered to the caller, a number has to be asked for first, or
    promised. ``stay``: the agent goes on talking until LeaveRequested, since the person is rung meanwhile.
    """

    type: ClassVar = "agiza.handoff.answered"
    version: ClassVar = 1

    call_id: CallIdField
    request_id: str
    handoff_id: str | None
    contact_id: str | None
    message: str = Field(max_length=500, description="What the agent may tell the caller")
    callback: CallbackOffer = "none"
    stay: bool = False
    reply_to: str = Field(max_length=128)

    def stream(self) -> str:
        return self.reply_to


class LeaveRequested(Event):
    """Order to the bridge to leave the carrier's stream now, so that the call can be moved to a person."""

    type: ClassVar = "agiza.handoff.leave_requested"
    version: ClassVar = 1

    call_id: CallIdField
    handoff_id: str
    reply_to: str = Field(max_length=128)

    def stream(self) -> str:
        return self.reply_to


class CartChanged(Event):
    """The cart of a live call changed. For screens; provisional and not numbered."""

    type: ClassVar = "agiza.cart.changed"
    version: ClassVar = 1

    cart_id: str
    cart_version: int = Field(ge=0)
    cart: dict[str, Any]

    def stream(self) -> str:
        return streams.carts_channel(self.branch_id)


class TicketOption(Part):
    """An option of a ticket line, defaults included; ``chosen`` is False for a default that nobody touched.

    ``quantity`` is per unit of the line; ``price_minor`` is for one.
    """

    id: str
    name: str
    group: str
    quantity: int = Field(ge=1)
    price_minor: int = 0
    chosen: bool = True


class TicketPart(Part):
    """The item that an option of a combo brings, with that item's own options, as the kitchen makes it."""

    item: str
    name: str
    kitchen: str
    quantity: int = Field(ge=1)
    options: tuple[TicketOption, ...] = ()


class TicketLine(Part):
    """One line of an order. ``unit_minor`` includes the options; ``kitchen`` is the kitchen's wording."""

    item: str
    name: str
    kitchen: str
    quantity: int = Field(ge=1)
    options: tuple[TicketOption, ...] = ()
    parts: tuple[TicketPart, ...] = ()
    unit_minor: int
    total_minor: int


class OrderPlaced(Event):
    """A confirmed order: the kitchen's ticket. Amounts are minor units of ``currency``."""

    type: ClassVar = "agiza.order.placed"
    version: ClassVar = 1

    order_id: str
    order_number: int = Field(ge=1)
    menu_version: int = Field(ge=1)
    placed_at: str
    fulfilment: Literal["pickup", "delivery", "dine-in"]
    lines: tuple[TicketLine, ...] = Field(min_length=1)
    currency: str
    items_minor: int
    delivery_fee_minor: int = 0
    tax_minor: int
    total_minor: int
    eta_minutes: int | None = None
    supplement_of: str | None = None
    note: str | None = None
    pii_customer_name: str | None = None
    pii_customer_phone: str | None = None
    pii_delivery_address: str | None = None

    def stream(self) -> str:
        return streams.orders_stream(self.branch_id)


class OrderCancelRequested(Event):
    """The caller takes a placed order back; the kitchen has not finished it. Stop making it."""

    type: ClassVar = "agiza.order.cancel_requested"
    version: ClassVar = 1

    order_id: str
    order_number: int = Field(ge=1)

    def stream(self) -> str:
        return streams.orders_stream(self.branch_id)


EVENTS: tuple[type[Event], ...] = (
    ToolCalled, ToolCancelled, ToolAnswered,
    CallTakenOver, TakeOverAnswered, LegSuperseded,
    CallStarted, CallRejoined, CallDialServed, CallDialEnded, CallbackPromised, CallHungUp, CallEnded, OutboundMoved,
    HandoffRequested, HandoffAnswered, LeaveRequested,
    CartChanged, OrderPlaced, OrderCancelRequested,
)  # fmt: skip
"""All events at their current version."""
