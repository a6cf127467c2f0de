"""Virtual time: what happens next, and when."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final

Deed = Callable[[], None]
STEPS_MAX: Final = 50_000_000
"""More steps than this in one world is a loop without end."""


class Agenda:
    """Deeds in the order of their time; of those at the same time the one that was noted first comes first."""

    def __init__(self) -> None:
        self.now = 0
        """Milliseconds since the world began."""
        self._deeds: list[tuple[int, int, Deed]] = []
        self._noted = 0

    def after(self, ms: float, deed: Deed) -> None:
        """Do this so much later."""
        self.at(self.now + int(ms), deed)

    def at(self, when: int, deed: Deed) -> None:
        """Do this then, or at once when that has passed."""
        self._noted += 1
        heapq.heappush(self._deeds, (max(when, self.now), self._noted, deed))

    def run(self, until: int | None = None) -> None:
        """Let time pass until nothing is left to do, or until this moment."""
        for _ in range(STEPS_MAX):
            if not self._deeds or (until is not None and self._deeds[0][0] > until):
                break
            self.now, _, deed = heapq.heappop(self._deeds)
            deed()
        else:
            raise RuntimeError("the world does not come to rest")
        if until is not None:
            self.now = max(self.now, until)
