"""When a delivery is tried again, and when it is given up. Pure: time and chance come in.

    next_attempt("ticket", attempts=1, age_s=0.2, chance=0.4)      # 1.8: in so many seconds
    next_attempt("ticket", attempts=23, age_s=900.0, chance=0.4)   # None: given up

Two classes, because an order on its way to a kitchen is worth nothing after a quarter of an hour, and a record of what
became of it still is after three days. A ticket's attempts stand at fixed ages; one that comes late, because its lane
was shut, goes on with the next age. A record's attempts follow each other at growing distances.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Final, Literal

DeliveryClass = Literal["ticket", "record", "ping"]

PING_TYPE: Final = "agiza.ping"
FIRST_TYPE: Final = "agiza.order.placed"
"""Nothing of its order comes before it."""
TICKET_TYPES: Final = (FIRST_TYPE, "agiza.order.cancel_requested", "agiza.order.cancelled")

TICKET_AGES_S: Final[tuple[float, ...]] = (0, 2, 5, 10, 20, 40, *range(60, 901, 60))
"""Dense at first, then each minute, the last one after a quarter of an hour."""
TICKET_ALARM_S: Final = 60.0
"""A ticket that has not arrived by then is told to people."""
RECORD_GAPS_S: Final[tuple[float, ...]] = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""The example of Standard Webhooks 1.0.0: ten attempts in 75 h 35 min."""
JITTER: Final = 0.1
"""A record's distance is up to so much longer or shorter, so that what failed together does not come back together."""
GRACE_S: Final = 30.0
"""The last attempt may be under way for so long when a delivery is too old."""

_NOTHING_LOST_S: Final = 0.05
"""An age that is reached up to so much too early counts as reached."""


def class_of(type_: str) -> DeliveryClass:
    """The class of an event's type."""
    if type_ == PING_TYPE:
        return "ping"
    return "ticket" if type_ in TICKET_TYPES else "record"


def next_attempt(class_: DeliveryClass, *, attempts: int, age_s: float, chance: float) -> float | None:
    """In how many seconds a delivery is tried again that has failed ``attempts`` times; None: it is given up.

    ``age_s`` is the time since it began, ``chance`` is evenly spread over 0 to 1.
    """
    match class_:
        case "ticket":
            return next((age - age_s for age in TICKET_AGES_S if age > age_s + _NOTHING_LOST_S), None)
        case "record":
            if attempts >= len(RECORD_GAPS_S) or age_s >= life_s("record"):
                return None
            return RECORD_GAPS_S[attempts] * (1 + JITTER * (2 * chance - 1))
        case "ping":
            return None


def life_s(class_: DeliveryClass) -> float:
    """How old a delivery may become, tried or not."""
    match class_:
        case "ticket":
            return TICKET_AGES_S[-1] + GRACE_S
        case "record":
            return RECORD_AGES_S[-1] * (1 + JITTER) + GRACE_S
        case "ping":
            return TICKET_AGES_S[-1] + GRACE_S


RECORD_AGES_S: Final[tuple[float, ...]] = tuple(accumulate(RECORD_GAPS_S))
"""The ages of a record's attempts without jitter, when none of them takes any time."""
