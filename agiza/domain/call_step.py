"""What the steps of call control share: the case that is judged, and the limits in time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from agiza.domain.call_answers import CallEvent, Close, Decision, Silent
from agiza.domain.call_state import Callback, CallState, Desk, Edge, Handoff, Phase, Phrase

OFFER_SECONDS = 60
"""As long as the media token in the Stream's URL is good."""
RING_SECONDS = 25
"""How long a contact's phone rings; it stands in the Dial."""
REPEAT_SECONDS = 10
"""A request that comes again within this time is a repetition and gets its answer again."""
STALE_SECONDS = 2
"""So soon after a new leg, a request that names none is still about the one before."""
ECHO_SECONDS = 0.25
"""So soon after a Dial, a word about a Dial is the echo of the one before: no phone is rung and declined by then."""
TALK_SECONDS_MIN = 3
"""A call that the carrier reports as over sooner than this after the Dial was given up, not answered."""
STAFF_TALK_SECONDS_MIN = 5
"""A person of the branch who was rung and has hung up sooner than this has talked with nobody."""
LEGS_MAX = 3
"""A call that lost this many bridges goes to a person."""
DIALS_MAX = 4
"""As many people are rung for one caller."""


@dataclass(frozen=True, slots=True)
class Case:
    """One request with everything that its answer depends on."""

    call: CallState
    handoff: Handoff | None
    callback: Callback
    desk: Desk
    now: datetime

    def silent(self) -> Decision:
        """Nothing to do, nothing to remember."""
        return Decision(Silent(), self.call)

    def close(self, phrase: Phrase | None, *events: CallEvent) -> Decision:
        """Say `phrase` and hang up."""
        return Decision(Close(phrase), replace(self.call, phase=Phase.CLOSING, farewell=phrase), events)

    def offer_is_good(self) -> bool:
        """Whether the present leg's Stream can still be taken: its token has neither expired nor been used."""
        offered_at = self.call.offered_at
        if offered_at is None or self.desk.token_used:
            return False
        return self.now < offered_at + timedelta(seconds=OFFER_SECONDS)

    def is_of_older_leg(self) -> bool:
        """Whether the request's signed URL belongs to a leg that has been replaced."""
        return self.callback.leg is not None and self.callback.leg < self.call.epoch

    def is_repeated(self) -> bool:
        """Whether this is the request that the present Dial answered, once more."""
        served = self.call.dial
        return (
            served is not None
            and (self.callback.channel, self.callback.edge) == (served.channel, served.edge)
            and self.now < served.served_at + timedelta(seconds=REPEAT_SECONDS)
        )


Step: TypeAlias = Callable[[Case], Decision]


def row(phase: Phase, **steps: Step) -> dict[tuple[Phase, Edge], Step]:
    """One phase's part of a table of steps."""
    return {(phase, Edge(name)): step for name, step in steps.items()}
