"""The turns of a benchmark call, and what the caller's ear says about them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

BACK = ("again", "News")
"""What the agent says in place of an answer that broke off."""


class Kind(StrEnum):
    """First word of the caller, and what becomes of the model session in that turn."""

    PLAIN = "plain"
    ORDER = "order"
    """A function is called and answered."""
    PLANNED = "planned"
    """The end is announced with time to spare: the hop is made after this answer."""
    FORCED = "forced"
    """The end is announced in the middle of a sentence, with no time left."""
    BROKEN = "broken"
    """The session is closed in the middle of a sentence."""
    LOST = "lost"
    """The session is closed while a function runs."""


@dataclass(slots=True)
class Turn:
    """One turn as the caller heard it. Times are milliseconds of the line; None is what did not happen."""

    kind: Kind
    number: int
    after: Kind | None = None
    """The kind of the turn before."""
    wait_ms: int = 0
    """How long after the agent's last sound the caller begins."""
    said_at: int | None = None
    answer_at: int | None = None
    longest_gap_ms: int = 0
    texts: tuple[str, ...] = ()
    is_complete: bool = False

    @property
    def words(self) -> str:
        return f"{self.kind} {self.number}"

    @property
    def response_ms(self) -> int | None:
        """From the caller's last sound to the agent's first."""
        return None if self.said_at is None or self.answer_at is None else self.answer_at - self.said_at

    def is_answered_by(self, text: str) -> bool:
        """These words end the turn."""
        if self.kind is Kind.LOST:
            return "News" in text or self.words in text
        return self.words in text or (self.kind in (Kind.FORCED, Kind.BROKEN) and any(word in text for word in BACK))


def long_words(words: str) -> str:
    """A sentence of some two seconds that begins so."""
    return f"{words} " + "and so on and so forth, since there is a lot to tell about it, " * 4


def turns_of(planned: int, chance: random.Random, *, first: int = 1) -> list[Turn]:
    """A call with so many planned hops; its turns are numbered from ``first``, so that no two calls say the same.

    Losses are few and far between: more than three in a minute end a call.
    """
    kinds: list[Kind] = [Kind.PLAIN] * 9 + [Kind.ORDER] * 3
    rare = [Kind.LOST, Kind.FORCED, Kind.ORDER, Kind.FORCED, Kind.BROKEN, Kind.FORCED, Kind.LOST, Kind.FORCED]
    step = max(1, planned // len(rare))
    for number in range(planned):
        kinds.append(Kind.PLANNED)
        if number % step == step - 1 and rare:
            kinds += [Kind.PLAIN, rare.pop(0)]
    kinds.append(Kind.PLAIN)
    return [
        Turn(kind, first + place, kinds[place - 1] if place else None, chance.randint(0, 500))
        for place, kind in enumerate(kinds)
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share does not exceed; endless when there is none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("inf")


def added_gaps(turns: Sequence[Turn], after: Kind) -> list[float]:
    """The silence that a hop before these turns has added to the answer: the time above the middle of the turns that
    had none. Never less than nothing."""
    easy = [
        turn.response_ms
        for turn in turns
        if turn.kind in (Kind.PLAIN, Kind.PLANNED) and turn.after is Kind.PLAIN and turn.response_ms is not None
    ]
    usual = percentile(easy, 0.5)
    return [
        max(0.0, turn.response_ms - usual)
        for turn in turns
        if turn.after is after and turn.kind in (Kind.PLAIN, Kind.PLANNED) and turn.response_ms is not None
    ]
