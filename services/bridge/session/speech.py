"""The agent's speech: turns, utterances, what is stale, what is flushed.

A *turn* is all that the model sends between two turn ends; an *utterance* is its audio up to the point where the
model says that no more will come. Neither says anything about playing, which lags behind by seconds.
"""

from __future__ import annotations

from typing import Final

from services.bridge.session.actions import Action, Complain, EndUtterance, FlushPlayback, PlayAudio
from services.bridge.session.facts import Limits
from services.bridge.session.playback import Playback
from services.bridge.session.readback import ReadBackWatch
from services.bridge.session.said import Cut

_CARRIER_LAG_MS: Final = 200
"""The carrier plays up to this much later than our clock says, so an interruption just after the end still counts."""


class AgentSpeech:
    """Follows the model's output and keeps the play clock and the read-back evidence."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._has_audio = False
        self._utterance_open = False
        self._stale_until: int | None = None
        self._discarded = False
        self._flushed_at: float | None = None
        self._turn_from_ms = 0.0
        self._turn_ms = 0.0
        self._cut: Cut | None = None
        self.playback = Playback()
        self.read_back = ReadBackWatch(self.playback)
        self.turn_open = False

    def begin_turn(self) -> bool:
        """The model sent something of a turn. True when it is the first of it."""
        is_first = not self.turn_open
        if is_first:
            self._turn_from_ms, self._turn_ms = self.playback.queued_ms, 0.0
        self.turn_open = True
        return is_first

    def is_stale(self, now: int) -> bool:
        """True for audio of a turn that the caller has already interrupted."""
        return self._stale_until is not None and now < self._stale_until

    def on_audio(self, pcm: bytes, rate: int, now: int) -> list[Action]:
        """Audio of the present turn."""
        if self.is_stale(now):
            return [Complain("stale_audio")]
        self._stale_until = None
        self._discarded = False
        self._has_audio = self._utterance_open = True
        self.read_back.on_audio(now)
        self._turn_ms += self.playback.queue(len(pcm), rate, now)
        self.read_back.on_audio_queued()
        return [PlayAudio(pcm, rate, self.playback.generation)]

    def on_generation_completed(self) -> list[Action]:
        """All audio of the turn is here."""
        self.read_back.on_turn_over()
        return self._end_utterance()

    def on_interrupted(self, now: int) -> list[Action]:
        """The model yielded. Without anything audible there is nothing to flush: some interruptions are phantoms."""
        actions: list[Action] = []
        if (self._has_audio and self.turn_open and not self._discarded) or self._is_audible(now):
            actions.append(FlushPlayback(self._drop_unplayed(now)))
        if self.turn_open:
            self._stale_until = now + self._limits.stale_audio_ms
        return actions

    def discard(self, now: int) -> list[Action]:
        """The caller goes on speaking, and the model has not yielded: drop what is unplayed, and what it still sends
        of this turn. Nothing where nothing is audible."""
        if not self.playback.is_playing(now):
            return []
        if self.turn_open:
            self._discarded = True
            self._stale_until = now + self._limits.discarded_ms
        return [FlushPlayback(self._drop_unplayed(now), by_session=True)]

    def told_to_stop(self, now: int) -> None:
        """The model was told to stop: its answer must not be taken for the turn that it stops."""
        if self._discarded:
            self._stale_until = now + self._limits.stale_audio_ms

    def cut_short(self, now: int) -> list[Action]:
        """Drop what is unplayed of finished turns: something more urgent is to be said. What the model is still
        saying it breaks off by itself, when it is told."""
        if self.turn_open or not self.playback.is_playing(now):
            return []
        return [FlushPlayback(self._drop_unplayed(now), barge_in=False)]

    def take_cut(self) -> Cut | None:
        """Once after each cut: how much of the turn was played. None where nothing of the agent's was cut."""
        cut, self._cut = self._cut, None
        return cut

    @property
    def is_unyielding(self) -> bool:
        """True while a turn goes on whose audio the session dropped."""
        return self._discarded and self.turn_open

    @property
    def is_cut(self) -> bool:
        """True when the present turn was interrupted."""
        return self._stale_until is not None

    @property
    def is_generating(self) -> bool:
        """True while more audio of this turn is to come."""
        return self.turn_open and self._utterance_open

    def on_model_lost(self) -> list[Action]:
        """The model session is gone, whatever it was saying. What is queued is still played."""
        self.read_back.on_model_lost()
        return self.on_turn_completed()[1]

    def on_turn_completed(self) -> tuple[bool, list[Action]]:
        """The turn is over. The flag says whether anything was said in it."""
        said_something = self._has_audio
        self._has_audio = self.turn_open = self._discarded = False
        self._stale_until = None
        self.read_back.on_turn_over()
        return said_something, self._end_utterance()

    def _is_audible(self, now: int) -> bool:
        return now < self.playback.ends_at + _CARRIER_LAG_MS and self.playback.ends_at != self._flushed_at

    def _drop_unplayed(self, now: int) -> int:
        """The new generation."""
        self.read_back.on_interrupted(now)
        heard_ms = max(0.0, self.playback.played_ms(now) - self._turn_from_ms)
        self._cut = Cut(round(heard_ms), round(self._turn_ms))
        self.playback.flush(now)
        self._flushed_at = self.playback.ends_at
        self._utterance_open = False
        return self.playback.generation

    def _end_utterance(self) -> list[Action]:
        if not self._utterance_open:
            return []
        self._utterance_open = False
        return [EndUtterance(self.playback.generation)]
