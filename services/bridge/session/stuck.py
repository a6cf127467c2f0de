"""A model that does nothing though the caller has spoken: it is reminded once, then a person is needed."""

from __future__ import annotations

from typing import Final, Literal

from services.bridge.session.facts import Limits
from services.bridge.session.playback import Playback

NUDGE: Final = (
    "[The caller has spoken and is waiting for you. Answer them. If you did not understand, ask them to repeat it.]"
)


class StuckWatch:
    """Counts from when the caller fell silent, and anew from each function call and its answer.

    Voice that is heard over the agent's own is an answer to nothing yet; it counts when the model let itself be
    interrupted by it.
    """

    def __init__(self, limits: Limits, playback: Playback) -> None:
        self._limits = limits
        self._playback = playback
        self._voiced_ms = 0
        self._over_agent_ms = 0
        self._since = 0
        self._nudged = False

    def on_caller_speech(self, voiced_ms: int, now: int) -> None:
        """The caller spoke until now."""
        self._since = now
        if self._playback.is_playing(now):
            self._over_agent_ms += voiced_ms
        else:
            self._voiced_ms += voiced_ms

    def on_interrupted(self) -> None:
        """The model stopped for what the caller says."""
        self._voiced_ms += self._over_agent_ms
        self._over_agent_ms = 0

    def on_agent_audio(self) -> None:
        """The model answers."""
        self._voiced_ms = self._over_agent_ms = 0
        self._nudged = False

    def on_step(self, now: int) -> None:
        """The model called a function, or got an answer."""
        self._since = now

    def next_due(self) -> int | None:
        """When :meth:`due` will have something."""
        if self._voiced_ms < self._limits.stuck_voice_ms:
            return None
        wait_ms = self._limits.stuck_ms if self._nudged else self._limits.nudge_ms
        return max(self._since, int(self._playback.ends_at)) + wait_ms

    def due(self, now: int) -> Literal["nudge", "stuck"] | None:
        """What is to be done now. Each is said once."""
        at = self.next_due()
        if at is None or now < at:
            return None
        if not self._nudged:
            self._nudged = True
            return "nudge"
        self.on_agent_audio()
        return "stuck"
