"""The model sessions of one leg, one after the other: which state the present one is in, and what follows a loss.

A call outlives its model sessions: each connection of the Live API lasts ten minutes or so, and any may break. This
part decides *whether* and *how* the next session is opened; :mod:`.hops` carries it through the rest of the leg.

    CONNECTING -> LIVE -> DRAINING -> SWITCHING -> LIVE ...          GONE when there is no sense in going on

The ladder: resume by handle, a little later each time; after a refusal a fresh session that is told everything
(reseeded); after eight seconds without any, nothing more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from services.bridge.session.facts import Limits

DELAYS_MS: Final = (100, 500, 1_000, 1_500)
"""Before the first, second, third and every later attempt. The driver spreads them a little."""
QUOTA_DELAY_MS: Final = 2_000
RESUMES_MAX: Final = 3
"""A handle that could not be used so often is not tried again in this absence."""

FATAL: Final = frozenset({"wrong_model", "refused_401", "refused_403", "refused_404", "no_menu"})
"""Nothing that a second attempt could change."""
QUOTA: Final = frozenset({"quota", "refused_429"})
REFUSED: Final = frozenset({"closed_1007", "refused_1007", "setup_timeout"})
"""This setup was not taken, or the handle in it was not."""
DOUBTFUL: Final = frozenset({"closed_1011", "refused_1011", "closed_1008", "refused_1008"})
"""May be the server or the handle: once more by handle, then without."""


class ModelState(StrEnum):
    """Where the model side of a leg is."""

    CONNECTING = "connecting"
    """The first session is not set up yet."""
    LIVE = "live"
    DRAINING = "draining"
    """Its end is announced, or it is old: it is left at the next quiet point, and in any case before its end."""
    SWITCHING = "switching"
    """The session is gone, the next one is not there yet."""
    GONE = "gone"
    """There is none, and there will be none."""


class ModelTrigger(StrEnum):
    """What moves it from state to state."""

    READY = "ready"
    END_ANNOUNCED = "end_announced"
    HOPPED = "hopped"
    """We left it."""
    LOST = "lost"
    GIVEN_UP = "given_up"


TABLE: Final[Mapping[tuple[ModelState, ModelTrigger], ModelState]] = {
    (ModelState.CONNECTING, ModelTrigger.READY): ModelState.LIVE,
    (ModelState.CONNECTING, ModelTrigger.LOST): ModelState.CONNECTING,
    (ModelState.CONNECTING, ModelTrigger.GIVEN_UP): ModelState.GONE,
    (ModelState.LIVE, ModelTrigger.END_ANNOUNCED): ModelState.DRAINING,
    (ModelState.LIVE, ModelTrigger.LOST): ModelState.SWITCHING,
    (ModelState.LIVE, ModelTrigger.GIVEN_UP): ModelState.GONE,
    (ModelState.DRAINING, ModelTrigger.END_ANNOUNCED): ModelState.DRAINING,
    (ModelState.DRAINING, ModelTrigger.HOPPED): ModelState.SWITCHING,
    (ModelState.DRAINING, ModelTrigger.LOST): ModelState.SWITCHING,
    (ModelState.DRAINING, ModelTrigger.GIVEN_UP): ModelState.GONE,
    (ModelState.SWITCHING, ModelTrigger.READY): ModelState.LIVE,
    (ModelState.SWITCHING, ModelTrigger.LOST): ModelState.SWITCHING,
    (ModelState.SWITCHING, ModelTrigger.GIVEN_UP): ModelState.GONE,
}
"""All there is: a pair that is not in it does nothing."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The next session to open. Without a handle it has to be told everything."""

    generation: int
    handle: str | None
    delay_ms: int
    timeout_ms: int


@dataclass(slots=True)
class _Absence:
    """From the loss of a session that worked to the next one that works."""

    since: int
    cause: str
    attempts: int = 0
    resumes: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, word: str) -> int:
        self.counts[word] = self.counts.get(word, 0) + 1
        return self.counts[word]


class ModelLife:
    """State, handle and ladder. Times are milliseconds as everywhere in the session; words are those of the legs."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.state = ModelState.CONNECTING
        self.generation = 1
        """Of the present or next session. What an older one says or waits for is void."""
        self._handle: str | None = None
        self._handle_at = 0
        self._handle_is_fresh = False
        self._with_handle = False
        self._away_since: int | None = None
        self._ready_at = 0
        self._is_proven = False
        self._absence: _Absence | None = None
        self._losses: deque[int] = deque(maxlen=limits.model_losses_max + 1)
        self._announced_at = 0
        self._leave_by: int | None = None
        self._cause = ""

    # -- what others look at -------------------------------------------------------------------------------------

    @property
    def is_live(self) -> bool:
        """A session is set up and listens."""
        return self.state in (ModelState.LIVE, ModelState.DRAINING)

    @property
    def has_fresh_handle(self) -> bool:
        """The handle is newer than all that was said and done in this session."""
        return self._handle is not None and self._handle_is_fresh

    @property
    def cause(self) -> str:
        """Why the present absence, or the last one, began."""
        return self._cause

    @property
    def is_resumed(self) -> bool:
        """The present or next session goes on from a handle."""
        return self._with_handle

    @property
    def gives_up_handle_at(self) -> int:
        """When half of the announced time is over: a handle that has not come by then may never come."""
        return (self._announced_at + (self._leave_by or 0)) // 2

    # -- what the session says -----------------------------------------------------------------------------------

    def on_opened(self, now: int) -> Attempt:
        """The leg begins: the first session."""
        self._away_since = now
        self._absence = _Absence(now, "")
        return Attempt(self.generation, None, 0, self._limits.model_setup_ms)

    def on_handle(self, handle: str, now: int) -> None:
        """With this one could go on from here."""
        self._handle, self._handle_at, self._handle_is_fresh = handle, now, True

    def on_sign_of_life(self) -> None:
        """The session said or did something: it works, and it is further than its handle."""
        self._is_proven = True
        self._handle_is_fresh = False

    def on_ready(self, generation: int, now: int) -> int | None:
        """A session is set up. Milliseconds without one, or None when it is not the one that is waited for."""
        if generation != self.generation or self._away_since is None or not self._move(ModelTrigger.READY):
            return None
        away_ms = now - self._away_since
        self._away_since = self._leave_by = None
        self._ready_at = now
        self._is_proven = False
        return away_ms

    def on_end_announced(self, time_left_ms: int, now: int, cause: str) -> None:
        """It will be closed after ``time_left_ms``, or should be left in that time. The earliest end counts."""
        if not self._move(ModelTrigger.END_ANNOUNCED):
            return
        spare_ms = min(self._limits.model_leave_early_ms, time_left_ms // 2)
        leave_by = now + max(time_left_ms - spare_ms, self._limits.model_drain_ms_min)
        if self._leave_by is None or leave_by < self._leave_by:
            self._announced_at, self._leave_by, self._cause = now, leave_by, cause

    def is_too_old(self, now: int) -> bool:
        """It is better left at a quiet point of ours than at an end that may come without a word."""
        return self.state is ModelState.LIVE and now >= self._ready_at + self._limits.model_age_ms

    # -- the next session ----------------------------------------------------------------------------------------

    def leave(self, now: int) -> Attempt | None:
        """Leave a draining session for the next one. None in any other state."""
        if not self._move(ModelTrigger.HOPPED):
            return None
        self._away_since = now
        self._absence = _Absence(now, self._cause)
        return self._next(0, now)

    def may_renew(self, now: int) -> bool:
        """A session lives, and not so many were lost already that another one is no help."""
        recent = [at for at in self._losses if now - at <= self._limits.model_losses_within_ms]
        is_too_many = len(recent) >= self._limits.model_losses_max or self.generation >= self._limits.model_sessions_max
        return self.is_live and not is_too_many

    def renew(self, word: str, now: int) -> Attempt:
        """Leave a session that lives and does nothing; its handle would lead back into the same silence. Only where
        :meth:`may_renew`."""
        self._move(ModelTrigger.LOST)
        self._begin_absence(word, now)
        self._handle = None
        return self._next(0, now)

    def on_lost(self, word: str, now: int) -> Attempt | None:
        """A session is gone, or could not be had. None when there is no sense in another attempt."""
        was_live = self.is_live
        if not self._move(ModelTrigger.LOST):
            return None
        if was_live:
            self._begin_absence(word, now)
        absence = self._absence
        assert absence is not None
        if self._is_hopeless(word, was_live, absence, now):
            self.give_up()
            return None
        delay_ms = QUOTA_DELAY_MS if word in QUOTA else DELAYS_MS[min(absence.attempts, len(DELAYS_MS) - 1)]
        if now + delay_ms >= absence.since + self._limits.model_away_ms:
            self.give_up()
            return None
        return self._next(delay_ms, now)

    def give_up(self) -> None:
        """No more attempts."""
        self._move(ModelTrigger.GIVEN_UP)

    def next_due(self) -> int | None:
        """When :meth:`leave`, :meth:`is_too_old` or the end of patience is to be looked at."""
        match self.state:
            case ModelState.LIVE:
                return self._ready_at + self._limits.model_age_ms
            case ModelState.DRAINING:
                return self._leave_by
            case ModelState.SWITCHING if self._absence is not None:
                return self._absence.since + self._limits.model_away_ms
            case _:
                return None

    # -- steps ---------------------------------------------------------------------------------------------------

    def _move(self, trigger: ModelTrigger) -> bool:
        after = TABLE.get((self.state, trigger))
        if after is None:
            return False
        self.state = after
        return True

    def _begin_absence(self, word: str, now: int) -> None:
        self._losses.append(now)
        self._cause = word
        self._away_since = now
        lived_ms = now - self._ready_at
        if self._absence is None or self._is_proven or lived_ms >= self._limits.model_proven_ms:
            self._absence = _Absence(now, word)

    def _is_hopeless(self, word: str, was_live: bool, absence: _Absence, now: int) -> bool:
        """Also drops a handle that is not worth another attempt."""
        times = absence.count("quota" if word in QUOTA else word)
        if word in FATAL or self._loses_too_often(now):
            return True
        if word in QUOTA:
            self._handle = None
            return times > 1 or self.state is ModelState.CONNECTING
        if word in REFUSED:
            fresh_was_refused = not (was_live or self._with_handle) and word != "setup_timeout"
            self._handle = None
            return fresh_was_refused  # never the same setup again
        if (word in DOUBTFUL and times > 1) or absence.resumes >= RESUMES_MAX:
            self._handle = None
        return False

    def _loses_too_often(self, now: int) -> bool:
        limits = self._limits
        if self.generation >= limits.model_sessions_max:
            return True
        return len(self._losses) > limits.model_losses_max and now - self._losses[0] <= limits.model_losses_within_ms

    def _next(self, delay_ms: int, now: int) -> Attempt:
        absence = self._absence
        assert absence is not None
        if self._handle is not None and now - self._handle_at > self._limits.handle_age_ms:
            self._handle = None
        self.generation += 1
        absence.attempts += 1
        self._with_handle = self._handle is not None
        absence.resumes += self._with_handle
        is_first = self.state is ModelState.CONNECTING
        timeout_ms = self._limits.model_setup_ms if is_first else self._limits.model_hop_setup_ms
        return Attempt(self.generation, self._handle, delay_ms, timeout_ms)
