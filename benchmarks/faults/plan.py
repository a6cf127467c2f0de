"""Which fault is struck when: the five kinds in turn, each in all of its forms, strewn among the calls by the seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["replica", "postgres", "redis-cut", "redis-empty", "replies"]

REPLICAS: Final = 2
"""Of orders, so that partitions change hands."""
FORMS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "replica": ("first", "second"),
    "postgres": ("fast", "kill", "immediate", "gone"),
    "redis-cut": ("",),
    "redis-empty": ("",),
    "replies": ("postgres-0", "redis-1", "http", "bridge-redis", "postgres-1", "redis-0", "bridge"),
}
"""``gone`` is a kill after which the server stays away for longer than callers wait. Of the replies, a name is that of
the proxy, and ``bridge`` both that the callers' bridge asks over, for as long: orders does all of it, nobody hears."""
TITLES: Final[Mapping[Kind, str]] = {
    "replica": "`kill -9` of a replica of `orders`",
    "postgres": "Postgres restarted",
    "redis-cut": "Redis killed, started again without its last 2 s",
    "redis-empty": "Redis killed, started again empty",
    "replies": "replies dropped by a proxy, then the connections cut",
}
LONG: Final = frozenset({("postgres", "gone"), ("replies", "bridge")})
LONG_S: Final = (8.5, 10.0)
AFTER_S_MAX: Final = 2.0
AWAY_S: Final[Mapping[Kind, tuple[float, float]]] = {
    "replica": (0.0, 0.5),
    "postgres": (0.0, 2.5),
    "redis-cut": (0.0, 2.0),
    "redis-empty": (0.0, 2.0),
    "replies": (0.3, 3.5),
}
"""From the shortest to the longest time in which what was struck stays away."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. It is struck ``after_s`` after call number ``at_call`` has begun; ``form`` is one of its kind's."""

    kind: Kind
    form: str
    at_call: int
    after_s: float
    away_s: float


def plan(seed: int, calls: int, faults: int) -> list[Fault]:
    """``faults`` faults among calls 1 to ``calls``, in their order. The same arguments give the same plan."""
    chance = random.Random(f"faults {seed}")
    places = sorted(chance.randint(1, calls) for _ in range(faults))
    kinds = tuple(FORMS)
    first = {kind: chance.randrange(len(forms)) for kind, forms in FORMS.items()}
    made = []
    for number, at_call in enumerate(places):
        kind = kinds[number % len(kinds)]
        forms = FORMS[kind]
        form = forms[(first[kind] + number // len(kinds)) % len(forms)]
        away_s = chance.uniform(*(LONG_S if (kind, form) in LONG else AWAY_S[kind]))
        made.append(Fault(kind, form, at_call, chance.uniform(0, AFTER_S_MAX), away_s))
    return made
