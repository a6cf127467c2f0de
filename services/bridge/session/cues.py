"""Spoken cues: short sentences that are heard without the model, because it is slow, silent or gone.

Which are said when is decided elsewhere (``watch``, ``endings``); here is whether one may be said now. A cue is queued
behind what plays, like the agent's own speech, so it delays an answer that comes meanwhile by its length at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from services.bridge.session.actions import Action, CueName, FlushPlayback, PlayCue
from services.bridge.session.facts import CallFacts, Limits
from services.bridge.session.playback import Playback

CueTimes: TypeAlias = Mapping[str, Mapping[CueName, int]]
"""Milliseconds of each cue, by language and name."""
NO_CUES: Final[CueTimes] = MappingProxyType({})

LANGUAGE_DEFAULT: Final = "en"
FIRM: Final[frozenset[CueName]] = frozenset({"connecting", "long_call", "call_back"})
"""What is decided when they are said: they are not cut off by the caller's voice."""
_MS_BYTES: Final = 32
_CUE_RATE: Final = 16_000


class Cues:
    """The cues of one leg, one at a time. Without ``times`` there are none, and nothing is ever said."""

    def __init__(self, facts: CallFacts, limits: Limits, playback: Playback, times: CueTimes) -> None:
        self._limits = limits
        self._playback = playback
        self._times = times
        self._name: CueName | None = None
        self._ends_at = 0.0
        self._voice_at: int | None = None
        self._over_ms = 0
        self.language = facts.language
        """The call's present language; another one that has no cues is answered in English."""

    def ms(self, name: CueName) -> int | None:
        """How long it is, or None where there is no such cue."""
        return self._times.get(self._spoken(), {}).get(name)

    def may_at(self, name: CueName) -> int | None:
        """The earliest moment at which :meth:`play` says it, as far as is known now; None where there is none.

        Not over anything that plays, not into the caller's words, and not close behind another cue.
        """
        if self.ms(name) is None:
            return None
        since_cue = int(self._ends_at) + self._limits.cue_distance_ms if self._name is not None else 0
        since_voice = self._voice_at + self._limits.cue_after_voice_ms if self._voice_at is not None else 0
        return max(int(self._playback.ends_at) + 1, since_cue, since_voice)

    def play(self, name: CueName, now: int, *, at_once: bool = False) -> list[Action]:
        """Say it; nothing where it may not be said now. ``at_once`` keeps no distance: it follows what plays."""
        ms, earliest = self.ms(name), self.may_at(name)
        if ms is None or earliest is None or (now < earliest and not at_once):
            return []
        self._playback.queue(ms * _MS_BYTES, _CUE_RATE, now)
        self._name, self._ends_at, self._over_ms = name, self._playback.ends_at, 0
        return [PlayCue(self._spoken(), name)]

    def playing(self, now: int) -> CueName | None:
        """The cue that is heard now, or will be behind what plays."""
        return self._name if now < self._ends_at else None

    def on_caller_speech(self, voiced_ms: int, now: int) -> list[Action]:
        """The caller spoke: a cue gives way, unless the agent's own words wait behind it or it is a firm one.

        The model does not know of cues, so it is of no help here.
        """
        self._voice_at = now
        name = self.playing(now)
        if name is None or name in FIRM or self._playback.ends_at > self._ends_at:
            return []
        self._over_ms += voiced_ms
        if self._over_ms < self._limits.stuck_voice_ms:
            return []
        self._playback.flush(now)
        self.on_flushed(now)
        return [FlushPlayback(self._playback.generation)]

    def on_flushed(self, now: int) -> None:
        """What was unplayed has been dropped, a cue with it."""
        self._ends_at = min(self._ends_at, now)

    def _spoken(self) -> str:
        language = self.language.partition("-")[0]
        return language if language in self._times else LANGUAGE_DEFAULT
