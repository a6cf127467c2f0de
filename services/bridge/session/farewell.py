"""The end of a conversation that the agent ended: its last words are played before the socket is closed."""

from __future__ import annotations

from services.bridge.session.facts import Limits
from services.bridge.session.playback import Playback


class Farewell:
    """Begun by ``endCall``. Over when the goodbye was played: the model may say it before or after its call."""

    def __init__(self, limits: Limits, playback: Playback) -> None:
        self._limits = limits
        self._playback = playback
        self._begun_at: int | None = None
        self._touched_at = 0
        self._turn_over = False

    def begin(self, now: int) -> None:
        """``endCall`` was answered."""
        self._begun_at = self._touched_at = now
        self._turn_over = False

    def cancel(self) -> None:
        """The caller went on talking."""
        self._begun_at = None

    def on_audio(self, now: int) -> None:
        """More is being said."""
        self._touched_at = now
        self._turn_over = False

    def on_turn_over(self) -> None:
        """The model has nothing more to say."""
        self._turn_over = True

    def next_due(self) -> int | None:
        """When the socket is to be closed, as far as is known now."""
        if self._begun_at is None:
            return None
        played = int(self._playback.ends_at) + self._limits.close_tail_ms
        # Without a turn's end the model may still begin to speak: a short wait, from its last sign of life.
        quiet = played if self._turn_over else max(played, self._touched_at + self._limits.farewell_quiet_ms)
        return min(max(quiet, self._begun_at), self._begun_at + self._limits.farewell_ms)
