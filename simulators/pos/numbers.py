"""Which numbers of a branch's feed are held, and which are missing in between. Pure.

    held = Held(); held.add(1); held.add(4)
    held.gaps() == [Gap(2, 3)]

A feed counts 1, 2, 3 without a hole, so a hole here is a message that did not come, or did not come yet.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that are missing, from ``first`` to ``last``, both of them too."""

    first: int
    last: int


class Held:
    """A set of numbers, kept as ranges: a year of orders is one range."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._ranges: list[tuple[int, int]] = []
        for number in numbers:
            self.add(number)

    def __contains__(self, number: int) -> bool:
        at = self._at(number)
        return at >= 0 and number <= self._ranges[at][1]

    def add(self, number: int) -> None:
        """Hold this number; holding it twice is holding it."""
        self.add_range(number, number)

    def add_range(self, first: int, last: int) -> None:
        """Hold all of these."""
        kept = []
        for low, high in self._ranges:
            if high + 1 < first or last + 1 < low:
                kept.append((low, high))
            else:
                first, last = min(first, low), max(last, high)
        kept.append((first, last))
        self._ranges = sorted(kept)

    def gaps(self) -> list[Gap]:
        """What is missing between the lowest and the highest number, lowest first."""
        pairs = zip(self._ranges, self._ranges[1:], strict=False)
        return [Gap(before[1] + 1, after[0] - 1) for before, after in pairs]

    @property
    def first(self) -> int:
        """The lowest number; 0 when there is none."""
        return self._ranges[0][0] if self._ranges else 0

    @property
    def last(self) -> int:
        """The highest number; 0 when there is none."""
        return self._ranges[-1][1] if self._ranges else 0

    @property
    def whole_to(self) -> int:
        """The highest number up to which nothing is missing: where a reader goes on. 0 when there is none."""
        return self._ranges[0][1] if self._ranges else 0

    def _at(self, number: int) -> int:
        """The last range that begins at or before this number."""
        return bisect_right(self._ranges, number, key=lambda each: each[0]) - 1
