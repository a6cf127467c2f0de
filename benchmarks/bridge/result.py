"""What is known of a bridge after it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.bridge.subjects import Subject

KNEE_MS_MAX: Final = 20.0
LOAD_SHARE_MAX: Final = 0.9
"""A load side that is busier than this would measure itself."""


@dataclass(frozen=True, slots=True)
class Row:
    """One bridge with N calls. Latencies in milliseconds, medians of the windows."""

    subject: str
    calls: int
    cpu_ms: float
    """Per call and second."""
    up_p50: float
    up_p99: float
    down_p50: float
    down_p99: float
    memory_mb: float
    """Per call, above the idle process."""
    lost_up: int
    """Frames of callers, in all windows."""
    short_down: int
    utterances: int
    dropped: int
    """Calls that ended although nobody hung up."""
    load_share: float
    """Of its core that the load side used itself."""
    load_late_p99: float

    @property
    def calls_per_core(self) -> float:
        return 1000 / self.cpu_ms

    @property
    def is_whole(self) -> bool:
        """Whether no call and no audio was lost."""
        return not (self.lost_up or self.short_down or self.dropped)

    @property
    def is_load_fit(self) -> bool:
        return self.load_share <= LOAD_SHARE_MAX

    @property
    def is_within_knee(self) -> bool:
        return self.is_whole and self.up_p99 <= KNEE_MS_MAX and self.down_p99 <= KNEE_MS_MAX


@dataclass(frozen=True, slots=True)
class Result:
    """All rows of one bridge. ``knee`` is None where it was not looked for, 0 where the smallest N was too much."""

    subject: Subject
    rows: Sequence[Row]
    knee: int | None
    knee_is_bound: bool = False
    """The load side or the plan ended before the bridge did: the knee is at least this."""

    def at(self, calls: int) -> Row | None:
        return next((row for row in self.rows if row.calls == calls), None)
