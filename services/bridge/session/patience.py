"""What a caller hears who waits: nothing for a while, then a cue, and again."""

from __future__ import annotations

from typing import Final

from services.bridge.session.actions import Action, CueName
from services.bridge.session.cues import Cues
from services.bridge.session.facts import Limits
from services.bridge.session.playback import Playback

_IN_TURN: Final[tuple[CueName, ...]] = ("one_moment", "still_here")


class Patience:
    """Counts the cues of one wait; the agent's own words end it.

    ``owed_since`` is when the caller began to wait for the model, ``asked_at`` when it called a function that is not
    answered yet; either may be None.
    """

    def __init__(self, limits: Limits, cues: Cues, playback: Playback) -> None:
        self._limits = limits
        self._cues = cues
        self._playback = playback
        self._said = 0

    def on_agent_audio(self) -> None:
        """The agent can be heard."""
        self._said = 0

    def next_due(self, owed_since: int | None, asked_at: int | None) -> int | None:
        """When :meth:`due` will have something."""
        may_at = self._cues.may_at(self._name)
        if may_at is None or (owed_since is None and asked_at is None):
            return None
        since = min(at for at in (owed_since, asked_at) if at is not None)
        ends_at = int(self._playback.ends_at)
        limits = self._limits
        at = max(since, ends_at) + (limits.cue_again_ms if self._said else limits.cue_ms)
        if asked_at is not None and not self._said:
            at = min(at, max(asked_at + limits.tool_cue_ms, ends_at + limits.tool_cue_ms // 2))
        return max(at, may_at)

    def due(self, owed_since: int | None, asked_at: int | None, now: int) -> list[Action]:
        """The cue that is due now."""
        at = self.next_due(owed_since, asked_at)
        if at is None or now < at:
            return []
        name = self._name
        self._said += 1
        return self._cues.play(name, now)

    @property
    def _name(self) -> CueName:
        return _IN_TURN[self._said % len(_IN_TURN)]
