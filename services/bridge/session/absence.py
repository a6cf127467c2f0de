"""A caller who says nothing though it is their turn: asked twice whether they are there, then taken leave of."""

from __future__ import annotations

from typing import Final, Literal

from services.bridge.session.facts import Limits
from services.bridge.session.playback import Playback

QUESTIONS_MAX: Final = 2


class Absence:
    """Counts from the caller's last sign of life or the last word that they heard, whichever is later."""

    def __init__(self, limits: Limits, playback: Playback) -> None:
        self._limits = limits
        self._playback = playback
        self._since = 0
        self._voiced_ms = 0
        self._asked = 0

    def on_caller_speech(self, voiced_ms: int, now: int) -> None:
        """The caller spoke. A cough moves the time, a word begins anew."""
        self._since = now
        self._voiced_ms += voiced_ms
        if self._voiced_ms >= self._limits.stuck_voice_ms:
            self._voiced_ms = self._asked = 0

    def on_caller_words(self, now: int) -> None:
        """The model has understood words of the caller, whatever our own ears say."""
        self._since = now
        self._voiced_ms = self._asked = 0

    def next_due(self) -> int:
        """When :meth:`due` will have something."""
        return max(self._since, int(self._playback.ends_at)) + self._limits.caller_silent_ms

    def due(self, now: int) -> Literal["ask", "goodbye"] | None:
        """What is to be done now. To be called while it is the caller's turn."""
        if now < self.next_due():
            return None
        self._since, self._voiced_ms = now, 0
        if self._asked == QUESTIONS_MAX:
            self._asked = 0
            return "goodbye"
        self._asked += 1
        return "ask"
