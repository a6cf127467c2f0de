"""The caller speaks over the agent: make way at once, and stop when they go on.

A model yields late, or not at all. So the agent is *ducked* (its voice lowered) as soon as the caller's own voice is
heard over it, and comes back when they fall silent: a "mm-hm" costs a moment of volume and not a word. Only a caller
who goes on talking makes the session *discard* what is unplayed, as the model's own interruption does.
"""

from __future__ import annotations

from typing import Final, Literal

from services.bridge.session.facts import Limits

UNYIELDING: Final = (
    "[The caller spoke while you did, and what you said from then on was not heard. Stop, and answer what they said.]"
)

VOICED_SHARE_MIN: Final = 0.4
"""Of a quick talker whose consonants no detector hears."""

Step = Literal["duck", "discard"]
Due = Literal["unduck", "tell"]


class Ducking:
    """Follows the caller's own voice. What is to be done is returned as words; whoever asks carries it out."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._run_from = 0
        self._run_ms = 0
        self._voice_at = 0
        self._tell_from: int | None = None
        self.is_ducked = False

    def on_own_voice(self, own_ms: int, now: int, *, agent_heard: bool, reading_back: bool) -> Step | None:
        """The caller's own voice, until now. ``agent_heard``: over the agent's. ``reading_back``: over a total, which
        is stopped later than other words: to cut it off costs one more question."""
        if self._tell_from is not None:
            self._tell_from = now
        if not agent_heard:
            if self.is_ducked:
                self._voice_at = now  # the agent may begin again while they still speak
            return None
        if self._run_ms == 0 or now - own_ms - self._voice_at > self._limits.sustained_pause_ms:
            self._run_from, self._run_ms = now - own_ms, 0
        self._voice_at = now
        self._run_ms += own_ms
        wanted_ms = self._limits.sustained_reading_ms if reading_back else self._limits.sustained_ms
        long_ms = now - self._run_from
        return "discard" if long_ms >= wanted_ms and self._run_ms >= long_ms * VOICED_SHARE_MIN else "duck"

    def begin(self) -> bool:
        """The agent's voice is to be low. False where it is already."""
        was_ducked, self.is_ducked = self.is_ducked, True
        return not was_ducked

    def on_flushed(self) -> bool:
        """All unplayed audio was dropped, by whomever. True when a duck ends with it."""
        was_ducked, self.is_ducked = self.is_ducked, False
        self._run_ms = 0
        return was_ducked

    def on_discarded(self, now: int) -> None:
        """It was dropped although the model goes on."""
        self._tell_from = now

    def on_yielded(self) -> None:
        """The model stopped, or its turn is over."""
        self._tell_from = None

    def next_due(self) -> int | None:
        """When :meth:`due` will have something."""
        times = []
        if self.is_ducked:
            times.append(self._voice_at + self._limits.duck_release_ms)
        if self._tell_from is not None:
            times.append(self._tell_from + self._limits.unyielding_ms)
        return min(times, default=None)

    def due(self, now: int) -> list[Due]:
        """What is to be done now. Each is said once."""
        steps: list[Due] = []
        if self.is_ducked and now >= self._voice_at + self._limits.duck_release_ms:
            self.is_ducked = False
            steps.append("unduck")
        if self._tell_from is not None and now >= self._tell_from + self._limits.unyielding_ms:
            self._tell_from = None
            steps.append("tell")
        return steps
