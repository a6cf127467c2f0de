"""The carrier's side of a call that is interrupted again and again."""

from __future__ import annotations

import json
from typing import Final

from benchmarks.bridge import wire
from benchmarks.bridge.caller import Caller
from benchmarks.bridge.gauge import Gauge
from benchmarks.bridge.sound import UTTERANCE_MS
from benchmarks.kill.ear import Ear, Log
from benchmarks.kill.sound import CallerVoice
from benchmarks.kill.turns import Turn

_KILL: Final = {"type": "killAudio"}


class InterruptedCaller(Caller):
    """Speaks over the agent as the turn says; what arrives is for its :class:`~benchmarks.kill.ear.Ear`."""

    def __init__(self, index: int, voice: CallerVoice, gauge: Gauge, log: Log) -> None:
        super().__init__(index, voice.quiet, gauge, 0.0)
        self.ear = Ear(index, log, UTTERANCE_MS)
        self._voice = voice

    def step(self) -> None:
        """20 ms have passed: the carrier plays, and sends the next frame."""
        self.ear.tick(self._time())
        super().step()

    def begin(self, turn: Turn) -> None:
        """The model writes the first audio of a turn now."""
        self.ear.begin(turn, self._time())
        self.is_listening = True
        self._spoken_to_at = self.frames_sent
        self._bodies = self._voice.during(turn)

    def _take(self, kind: int, payload: bytes, now: float) -> None:
        if kind == wire.BINARY:
            self.ear.take(payload, now)
        elif kind == wire.TEXT and json.loads(payload) == _KILL:
            self.ear.kill(now)
