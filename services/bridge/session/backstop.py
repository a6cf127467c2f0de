"""Asking for a person where the model should have, and did not.

A reason is *raised* by what the caller said or by what a function answered. The model gets its own turn first: when it
has finished a spoken turn after that, the turn was heard, and still nobody was asked for, the session asks. A reason
that was asked for is settled; it counts again only when the caller says it again after a person was rung in vain.
Where nobody was on duty it stays settled: asking once more would bring the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agiza.contracts.events import EscalationReason
from services.bridge.session.concerns import concerns_in
from services.bridge.session.playback import Playback

INSULTS_MAX: Final = 2
"""The first one may have been meant for somebody in the room."""

SUMMARIES: Final[Mapping[EscalationReason, str]] = {
    "caller_asked": "The caller asked for a person.",
    "allergy_or_medical": "The caller spoke of an allergy or of their health. Please check before anything is made.",
    "payment": "The caller has a question about a payment.",
    "abuse": "The caller became abusive.",
    "not_understood": "The assistant could not understand the caller.",
    "high_value": "The caller wants more than the assistant may take down.",
    "order_not_accepted": "The kitchen did not take the caller's order.",
    "technical": "The assistant does not work properly in this call.",
}
"""What the person reads. No words of the caller: who asks here has not understood them."""


class Backstop:
    """The raised and the settled reasons of one leg."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._raised: dict[EscalationReason, bool] = {}  # whether the model has had its turn since
        self._settled: set[EscalationReason] = set()
        self._insults = 0

    def hear(self, text: str) -> None:
        """A complete turn of the caller."""
        for reason in concerns_in(text):
            if reason == "abuse":
                self._insults += 1
                if self._insults < INSULTS_MAX:
                    continue
            self.raise_(reason)

    def raise_(self, reason: EscalationReason) -> None:
        """There is a reason for a person."""
        if reason not in self._settled:
            self._raised.setdefault(reason, False)

    def on_turn_over(self) -> None:
        """The model has finished a spoken turn, uninterrupted."""
        self._raised = dict.fromkeys(self._raised, True)

    def next_due(self) -> int | None:
        """When :meth:`take` will have something: not before the model's turn was heard."""
        return int(self._playback.ends_at) + 1 if any(self._raised.values()) else None

    def take(self, now: int) -> EscalationReason | None:
        """The reason to ask for a person now."""
        due = self.next_due()
        if due is None or now < due:
            return None
        return next(reason for reason, has_had_turn in self._raised.items() if has_had_turn)

    def on_asked(self) -> None:
        """A person was asked for, by whomever: all that was raised is said with it."""
        self._settled.update(self._raised)
        self._raised.clear()
        self._insults = 0

    def on_nobody_came(self) -> None:
        """A person was rung in vain."""
        self._settled.clear()
