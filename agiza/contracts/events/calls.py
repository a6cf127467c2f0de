"""What the carrier tells of a call, and how it was answered."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from agiza.contracts import streams
from agiza.contracts.events.event import CallIdField, Event

OutboundKind = Literal["ring_back", "staff_bridge", "staff_join", "customer_join", "staff_alarm"]
OutboundStep = Literal["answered", "connected", "unanswered", "missed", "ended"]


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
