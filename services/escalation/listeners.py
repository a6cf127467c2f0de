"""Which event goes to which part of the desk."""

from __future__ import annotations

from agiza.contracts.events import CallDialEnded, CallDialServed, CallHungUp, HandoffRequested
from agiza.runtime import postgres
from agiza.runtime.consumer import Delivery, Done, Outcome
from agiza.runtime.publisher import PublishFailed
from services.escalation.desk import Desk


class Listeners:
    """Handlers of ``agiza:handoffs`` and ``agiza:calls`` for the group ``escalation``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def handoffs(self, delivery: Delivery) -> Outcome:
        """A bridge asks for a person."""
        event = delivery.received.event
        if isinstance(event, HandoffRequested):
            await self._desk.requested(delivery.received, event)
        return Done()

    async def calls(self, delivery: Delivery) -> Outcome:
        """The webhook says what the carrier did."""
        match delivery.received.event:
            case CallDialServed() as served:
                await self._desk.dial_served(served)
            case CallDialEnded() as ended:
                await self._desk.dial_ended(ended)
            case CallHungUp() as hung_up:
                await self._desk.hung_up(hung_up)
            case _:  # calls that started, and the reports of the bridges
                pass
        return Done()


def is_away(error: BaseException) -> bool:
    """Whether the same event should be tried again until it succeeds."""
    return isinstance(error, (*postgres.UNAVAILABLE, PublishFailed))
