"""The only place where the time is read. Everything below the shell gets ``now`` as an argument."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Wall clock and stopwatch of one process.

    With ``offset`` the whole process lives at another moment, which the demo uses to call a branch inside its
    opening hours (setting AGIZA_NOW). Only ``now`` is moved; ``monotonic`` measures real intervals.
    """

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self._offset = offset

    @classmethod
    def starting_at(cls, moment: datetime | None, set_at: datetime | None = None) -> Clock:
        """A running clock that showed ``moment`` at the real time ``set_at`` (None: now). No moment: the real time."""
        return cls() if moment is None else cls(moment - (set_at or datetime.now(UTC)))

    def now(self) -> datetime:
        """Aware moment in UTC."""
        return datetime.now(UTC) + self._offset

    def at(self, moment: datetime) -> datetime:
        """What this clock would show at a moment that another machine has read from its own real clock."""
        return moment.astimezone(UTC) + self._offset

    def monotonic(self) -> float:
        """Seconds of a stopwatch that never goes back. Only differences mean something."""
        return time.monotonic()


class StoppedClock(Clock):
    """A clock that moves only when told to: for tests and simulations."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        if moment.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        self._moment = moment.astimezone(UTC)
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        """The moment it was set to, plus all advances."""
        return self._moment

    def at(self, moment: datetime) -> datetime:
        """The moment at which it stands: other machines' clocks do not move it."""
        return self._moment

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass. It never goes back."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._moment += timedelta(seconds=seconds)
        self._elapsed_s += seconds
