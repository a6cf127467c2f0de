"""Whether the model can be had, judged by the sessions of this process.

A replica whose model sessions fail one after the other is no good for callers: it says so in its heartbeat, and the
webhook gives them to a person at once. Since no calls come then, no session could show that the model is back: after
a pause calls are let in again, and the first failure closes the door for another pause.
"""

from __future__ import annotations

from collections import deque
from typing import Final

FAILURES_MAX: Final = 3
WITHIN_S: Final = 60.0
PAUSE_S: Final = 30.0


class ModelBreaker:
    """Open means: no calls. Times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._failed_at: deque[float] = deque(maxlen=FAILURES_MAX)
        self._opened_at: float | None = None

    def is_open(self, now: float) -> bool:
        """True while no call should be given to this replica."""
        return self._opened_at is not None and now < self._opened_at + PAUSE_S

    def trial(self) -> ModelTrial:
        """For one model session."""
        return ModelTrial(self)

    def worked(self) -> None:
        """A session was heard: what failed before is forgotten."""
        self._failed_at.clear()
        self._opened_at = None

    def failed(self, now: float) -> None:
        """A session could not be had, or ended before anything was heard of it."""
        self._failed_at.append(now)
        in_a_row = len(self._failed_at) == FAILURES_MAX and now - self._failed_at[0] <= WITHIN_S
        # A call that was under way while the breaker was open does not lengthen the pause.
        if (in_a_row or self._opened_at is not None) and not self.is_open(now):
            self._opened_at = now


class ModelTrial:
    """One session's verdict. The first one counts: a session that was heard has worked, however it ends."""

    def __init__(self, breaker: ModelBreaker) -> None:
        self._breaker = breaker
        self._is_judged = False

    def worked(self) -> None:
        """The agent was heard."""
        if not self._is_judged:
            self._is_judged = True
            self._breaker.worked()

    def failed(self, now: float) -> None:
        """There was no session, or it is gone."""
        if not self._is_judged:
            self._is_judged = True
            self._breaker.failed(now)
