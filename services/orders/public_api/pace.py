"""How often one key may ask: a bucket of requests that fills up again by the second."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

BUCKETS_MAX: Final = 2000
"""So many keys are kept in mind; the one that was quiet for longest is forgotten, with a full bucket."""


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """``burst`` requests at once, ``per_second`` in the long run; of each key and each replica."""

    per_second: float = 20.0
    burst: int = 100


class Pace:
    """Counts requests by key."""

    def __init__(self, limits: PaceLimits) -> None:
        self._limits = limits
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key_id: str, now_s: float) -> int:
        """0 when this request may pass, and is counted; else whole seconds after which the next one will."""
        left, seen_s = self._buckets.pop(key_id, (float(self._limits.burst), now_s))
        left = min(self._limits.burst, left + max(0.0, now_s - seen_s) * self._limits.per_second)
        passes = left >= 1
        self._buckets[key_id] = (left - 1 if passes else left, now_s)
        while len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        return 0 if passes else max(1, math.ceil((1 - left) / self._limits.per_second))
