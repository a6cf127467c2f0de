"""Which event goes to which part."""

from __future__ import annotations

from dataclasses import dataclass

from agiza.contracts.events import (
    CallbackPromised,
    CallDialEnded,
    CallDialServed,
    CallEnded,
    CallHungUp,
    HandoffRequested,
    OutboundMoved,
)
from agiza.runtime import postgres
from agiza.runtime.consumer import Delivery, Done, Outcome
from agiza.runtime.publisher import PublishFailed
from services.escalation.desk import Desk
from services.escalation.outbound import OutboundCalls
from services.escalation.rescuer import Rescuer


@dataclass(frozen=True, slots=True)
class Listeners:
    """Handlers of ``agiza:handoffs`` and ``agiza:calls`` for the group ``escalation``."""

    desk: Desk
    rescuer: Rescuer
    outbound: OutboundCalls

    async def handoffs(self, delivery: Delivery) -> Outcome:
        """A bridge asks for a person."""
        event = delivery.received.event
        if isinstance(event, HandoffRequested):
            await self.desk.requested(delivery.received, event)
        return Done()

    async def calls(self, delivery: Delivery) -> Outcome:
        """The webhook says what the carrier did, the bridges how their legs ended."""
        match delivery.received.event:
            case CallDialServed() as served:
                await self.desk.dial_served(served)
            case CallDialEnded() as ended:
                await self.desk.dial_ended(ended)
            case CallEnded() as left:
                await self.rescuer.leg_ended(left)
            case CallHungUp() as hung_up:
                await self.rescuer.hung_up(hung_up)
            case CallbackPromised() as promised:
                await self.rescuer.callback_promised(promised)
            case OutboundMoved() as moved:
                await self.outbound.heard(moved)
            case _:  # calls that started
                pass
        return Done()


def is_away(error: BaseException) -> bool:
    """Whether the same event should be tried again until it succeeds."""
    return postgres.is_away(error) or isinstance(error, PublishFailed)
