"""A model that owes the caller something and does not give it: reminded once, then given up."""

from __future__ import annotations

from typing import Final, Literal

from services.bridge.session.facts import Limits
from services.bridge.session.playback import Playback

NUDGE: Final = (
    "[The caller has spoken and is waiting for you. Answer them. If you did not understand, ask them to repeat it.]"
)
NUDGE_GREETING: Final = "[The caller has not heard you yet. Greet them now.]"
NUDGE_FAILED: Final = (
    "[The caller has not heard your last answer. Say it again, in other words. If you had nothing to say, ask them how "
    "to go on.]"
)


_EARLY_ANSWER_MS: Final = 1_000
"""Who speaks over the agent's last words answers them."""


class StuckWatch:
    """What the model owes, since when, and what is to be done about it.

    It owes an answer to a caller who spoke, to the results of functions, to an interruption, to a text of ours, and the
    rest of a turn that it began. Voice that is heard over the agent's own is an answer to nothing yet, except over its
    last words; it counts when the model let itself be interrupted by it. A function call is a sign of life, but nothing
    that a caller hears.
    """

    def __init__(self, limits: Limits, playback: Playback) -> None:
        self._limits = limits
        self._playback = playback
        self._voiced_ms = 0
        self._over_agent_ms = 0
        self._owed_since: int | None = None
        self._touched_at = 0
        self._agent_ends_at = 0.0
        self._in_turn = False
        self._failed_at: int | None = None
        self._nudge_early_ms = 0
        self._nudged = False
        self._renewed = False

    # -- what happens ----------------------------------------------------------------------------------------------

    def expect(self, now: int) -> None:
        """The model was given something that it has to answer: the opening, results, a text."""
        if self._owed_since is None:
            self._owed_since = now
        self._touched_at = now

    def on_step(self, now: int) -> None:
        """The model called a function."""
        self._touched_at = now

    def on_caller_speech(self, voiced_ms: int, now: int) -> None:
        """The caller spoke until now."""
        if now < self._agent_ends_at - _EARLY_ANSWER_MS:
            self._over_agent_ms += voiced_ms
        else:
            self._voiced_ms += voiced_ms
        if self._voiced_ms >= self._limits.stuck_voice_ms:
            self._owed_since = self._touched_at = now
            self._failed_at = None
        elif self._owed_since is not None:
            self._touched_at = now  # whoever speaks does not wait for an answer to what was before

    def on_interrupted(self, now: int, *, in_vain: bool) -> None:
        """The model stopped. ``in_vain``: nothing was being said, so it may have stopped for nothing."""
        self._agent_ends_at = min(self._agent_ends_at, now)
        self._in_turn = False
        self._voiced_ms += self._over_agent_ms
        self._over_agent_ms = 0
        self.expect(now)
        if in_vain and self._voiced_ms < self._limits.stuck_voice_ms:
            self._fail(now, self._limits.phantom_nudge_ms)

    def on_agent_audio(self) -> None:
        """The model speaks and is heard. To be called when the audio is queued."""
        self._voiced_ms = self._over_agent_ms = 0
        self._owed_since = self._failed_at = None
        self._nudged = self._renewed = False
        self._in_turn = True
        self._agent_ends_at = self._playback.ends_at

    def on_generation_completed(self) -> None:
        """It has said all of its turn."""
        self._in_turn = False

    def on_turn_over(self, now: int, *, failed: bool, awaits_caller: bool = False) -> bool:
        """The turn is over. ``failed``: with nothing that the caller could hear, and no function called; the answer
        tells whether it was owed, since a stray end behind a good turn is nothing."""
        self._in_turn = False
        if awaits_caller:
            self._owed_since = self._failed_at = None
            self._voiced_ms = 0
        elif failed and self._owed_since is not None:
            self._fail(now, self._limits.failed_nudge_ms)
            return True
        return False

    # -- what is due -----------------------------------------------------------------------------------------------

    @property
    def owed_since(self) -> int | None:
        """Since when the caller waits for the model, or None. What plays at that time may last longer."""
        if self._owed_since is None and self._in_turn:
            return int(self._agent_ends_at)
        return self._owed_since

    @property
    def is_waited_for(self) -> bool:
        """The caller has said something that the model has not answered."""
        return self._voiced_ms >= self._limits.stuck_voice_ms

    def next_due(self, *, unheard: bool = False) -> int | None:
        """When :meth:`due` will have something. ``unheard``: the agent was never heard yet. Another deadline is set for
        that; the model is reminded before it after a failure, and when the caller has spoken."""
        nudge_at, stuck_at = self._nudge_at(unheard=unheard), self._stuck_at()
        if unheard:
            return nudge_at
        return min((at for at in (nudge_at, stuck_at) if at is not None), default=None)

    def due(self, now: int, *, unheard: bool = False) -> Literal["nudge", "nudge_failed", "stuck"] | None:
        """What is to be done now. Each is said once."""
        nudge_at, stuck_at = self._nudge_at(unheard=unheard), self._stuck_at()
        if nudge_at is not None and now >= nudge_at:
            self._nudged = True
            return "nudge" if self._failed_at is None else "nudge_failed"
        if not unheard and stuck_at is not None and now >= stuck_at:
            return "stuck"
        return None

    @property
    def is_renewed(self) -> bool:
        """The model that is waited for is another one already."""
        return self._renewed

    def begin_anew(self, now: int) -> None:
        """Another model session takes over what is owed; the caller waits since before."""
        self._owed_since = self.owed_since
        self._renewed = self._nudged = True
        self._in_turn = False
        self._failed_at = None
        self._touched_at = now

    def give_up(self) -> None:
        """Nothing is owed any more: somebody else takes over, or the model begins anew."""
        self._owed_since = self._failed_at = None
        self._voiced_ms = self._over_agent_ms = 0
        self._nudged = self._renewed = self._in_turn = False

    def _fail(self, now: int, nudge_early_ms: int) -> None:
        self._failed_at, self._nudge_early_ms = now, nudge_early_ms

    def _waits_from(self) -> int | None:
        since = self.owed_since
        return None if since is None else max(since, self._touched_at, int(self._agent_ends_at))

    def _nudge_at(self, *, unheard: bool) -> int | None:
        waits_from = self._waits_from()
        if self._nudged or waits_from is None:
            return None
        nudge_at: int | None = waits_from + self._limits.nudge_ms
        if unheard:
            nudge_at = waits_from + self._limits.unheard_nudge_ms if self.is_waited_for else None
        if self._failed_at is not None:
            early_at = self._failed_at + self._nudge_early_ms
            return early_at if nudge_at is None else min(nudge_at, early_at)
        return nudge_at

    def _stuck_at(self) -> int | None:
        waits_from = self._waits_from()
        return None if waits_from is None else waits_from + self._limits.stuck_ms
