"""A person is needed: asked for, answered, and the stream left for them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from agiza.contracts import streams
from agiza.contracts.arguments import cleaned
from agiza.contracts.events.event import CallIdField, Event

SUMMARY_CHARS_MAX = 500
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
