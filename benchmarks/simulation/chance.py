"""How likely each misfortune is, and the dice."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities of one message, one step or one call; ``..._in_world``: that it happens once in a world."""

    xadd_lost: float = 0.0
    xadd_doubled: float = 0.0
    xadd_late: float = 0.0
    """By up to twelve seconds: behind other messages, and behind its own deadline."""
    reply_lost: float = 0.0
    reply_doubled: float = 0.0
    reply_late: float = 0.0
    opening_lost: float = 0.0
    """Orders does not say with which cart a call begins."""
    news_lost: float = 0.0
    """What all bridges are told, and one does not hear: that a later leg has its call."""
    http_lost: float = 0.0
    ack_lost: float = 0.0
    crash_at_step: float = 0.0
    """Of the replica, between any two steps of a transaction."""
    publish_crash: float = 0.0
    """Of the relay, between sending an event and noting that it was sent."""
    orders_down_in_world: float = 0.0
    redis_tail_in_world: float = 0.0
    redis_empty_in_world: float = 0.0
    redis_down_in_world: float = 0.0
    bridge_crash_in_world: float = 0.0
    split: float = 0.0
    """The carrier has lost the socket and the bridge does not know: two legs of one call at once."""
    close_unseen: float = 0.0
    """A caller hangs up, and the bridge does not see its socket break: the model talks to nobody."""
    callback_doubled: float = 0.0
    token_replayed: float = 0.0
    silent_carrier: float = 0.0
    """It asks nothing after a stream has ended (readings R3 and R4)."""
    hang_up: float = 0.0
    cheat: float = 0.0
    cancel: float = 0.0
    repeat: float = 0.0
    """The model sends a message of function calls twice."""


CALM = Faults()
"""Nothing breaks, and the model is honest."""

ROUGH = Faults(
    xadd_lost=0.03, xadd_doubled=0.03, xadd_late=0.02, reply_lost=0.04, reply_doubled=0.03, reply_late=0.03,
    opening_lost=0.01, news_lost=0.3, http_lost=0.1, ack_lost=0.02, crash_at_step=0.004, publish_crash=0.01,
    orders_down_in_world=0.6,
    redis_tail_in_world=0.6, redis_empty_in_world=0.3, redis_down_in_world=0.4, bridge_crash_in_world=0.7, split=0.05,
    close_unseen=0.2,
    callback_doubled=0.05, token_replayed=0.05, silent_carrier=0.1, hang_up=0.05, cheat=0.1, cancel=0.03, repeat=0.03,
)  # fmt: skip


class Chance:
    """The dice of one world. The same seed throws the same, on every machine and with every hash seed."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def hits(self, probability: float) -> bool:
        """Whether it happens."""
        return probability > 0 and self._random.random() < probability

    def ms(self, least: int, most: int) -> int:
        """A time between the two, any as likely as another."""
        return least + int(self._random.random() * (most - least + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """One of these."""
        return choices[int(self._random.random() * len(choices))]

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """So many different ones."""
        return self._random.sample(choices, count)
