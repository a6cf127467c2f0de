"""When a kitchen has been silent about an order for too long, when that is over, and who may take the order.

    alarm_due(state, placed_at, now, kitchen) -> Alarm | None      alarm_after(alarm, state) -> Alarm | None

An order has one alarm at a time: the first word that is missing. With the word the alarm is over; the next word may be
missing then, which is another alarm. An order that a person has taken is watched no more.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from agiza.domain.menu_model import Kitchen
from agiza.domain.orders import OrderState

Word = Literal["received", "accepted"]


class Alarm(StrEnum):
    """The word that was missing when its time was over."""

    NOT_RECEIVED = "not_received"
    NOT_ACCEPTED = "not_accepted"

    @property
    def missing(self) -> Word:
        return "received" if self is Alarm.NOT_RECEIVED else "accepted"


WAITING = frozenset({OrderState.PLACED, OrderState.RECEIVED})
"""States in which an order waits for a word of its kitchen."""

OWNABLE = WAITING | {OrderState.REJECTED}
"""States in which somebody has to see to an order: nobody makes it, and its customer does not know."""


def alarm_due(state: OrderState, placed_at: datetime, now: datetime, kitchen: Kitchen) -> Alarm | None:
    """The alarm of an order that was placed then and has this state now; None while there is time."""
    waited = now - placed_at
    if state is OrderState.PLACED and _is_over(kitchen.received_seconds, waited):
        return Alarm.NOT_RECEIVED
    if state in WAITING and _is_over(kitchen.accepted_seconds, waited):
        return Alarm.NOT_ACCEPTED
    return None


def alarm_after(alarm: Alarm | None, state: OrderState) -> Alarm | None:
    """What is left of an alarm when the order goes to `state`."""
    if state is OrderState.RECEIVED and alarm is Alarm.NOT_ACCEPTED:
        return alarm
    return None


def _is_over(seconds: int, waited: timedelta) -> bool:
    return seconds > 0 and waited >= timedelta(seconds=seconds)
