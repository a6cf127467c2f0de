"""Who holds a call: a later leg takes it over, and every older one learns of it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from agiza.contracts import streams
from agiza.contracts.events.event import CallIdField, Event

Resumed = Literal["none", "leg", "ring_back", "redial"]
"""Where a leg's cart comes from: nowhere, an earlier leg, the lost call that is rung back, the caller's last call."""
TakeOverStatus = Literal["ok", "superseded", "elsewhere"]


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
