"""Automatic activity detection on the caller's audio: energy over a floor that follows the line's noise.

Time here is the audio's own: a stream sent faster than real time gives the same events.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from simulators.live_api.protocol import INPUT_RATE
from simulators.live_api.setup import ActivityDetection

FRAME_MS = 20
_FRAME_BYTES = INPUT_RATE * FRAME_MS // 1000 * 2
_QUIETEST_DB = {"HIGH": -45.0, "LOW": -38.0}
_ABOVE_FLOOR_DB = 10.0
# The floor is the quietest frame of the last three seconds: speech has gaps in that time, noise has none.
_FLOOR_BLOCK_FRAMES = 25
_FLOOR_BLOCKS = 6
_FLOOR_START_DB = -60.0
_FLOOR_MAX_DB = -30.0
_RELEASE_MS = 200


@dataclass(frozen=True, slots=True)
class SpeechStart:
    """`offset_ms` counts from the first sample of the stream and is where the speech began."""

    offset_ms: int


@dataclass(frozen=True, slots=True)
class SpeechEnd:
    """`speech_ms` is the length without the closing silence."""

    offset_ms: int
    speech_ms: int


class SpeechDetector:
    """Feed 16 kHz S16LE in pieces of any size; get committed starts and ends, in order and alternating."""

    def __init__(self, detection: ActivityDetection) -> None:
        self._detection = detection
        self._quietest_db = _QUIETEST_DB[detection.start_sensitivity]
        self._block_db: list[float] = []
        self._floors_db = deque([_FLOOR_START_DB] * _FLOOR_BLOCKS, maxlen=_FLOOR_BLOCKS)
        self._floor_db = _FLOOR_START_DB
        self._rest = b""
        self._now_ms = 0
        self._run_start_ms: int | None = None  # where the current run of voiced frames began
        self._last_voiced_ms = 0
        self._released = True  # False after cut(): wait for silence before a new start
        self.speaking = False

    @property
    def now_ms(self) -> int:
        return self._now_ms

    def feed(self, pcm: bytes) -> list[SpeechStart | SpeechEnd]:
        data = self._rest + pcm
        whole = len(data) - len(data) % _FRAME_BYTES
        self._rest = data[whole:]
        if not whole:
            return []
        frames = np.frombuffer(data[:whole], dtype="<i2").reshape(-1, _FRAME_BYTES // 2).astype(np.float64)
        power = np.square(frames).mean(axis=1)
        levels = 10.0 * np.log10(np.maximum(power, 1e-3) / 32768.0**2)
        found: list[SpeechStart | SpeechEnd] = []
        for level in levels.tolist():
            event = self._frame(level)
            if event is not None:
                found.append(event)
        return found

    def flush(self) -> list[SpeechStart | SpeechEnd]:
        """The stream pauses: speech that is under way ends here."""
        self._rest = b""
        if self.speaking:
            return [self._end()]
        self._run_start_ms = None
        return []

    def cut(self) -> list[SpeechStart | SpeechEnd]:
        """End the speech here although sound goes on, and take no new start before a silence."""
        self._released = False
        self._last_voiced_ms = self._now_ms
        return self.flush()

    def _frame(self, level_db: float) -> SpeechStart | SpeechEnd | None:
        voiced = level_db > max(self._quietest_db, self._floor_db + _ABOVE_FLOOR_DB)
        self._follow_noise(level_db)
        start_ms = self._now_ms
        self._now_ms += FRAME_MS
        if voiced:
            self._last_voiced_ms = self._now_ms
            if self._run_start_ms is None:
                self._run_start_ms = start_ms
        silence_ms = self._now_ms - self._last_voiced_ms
        if not self._released:
            self._released = silence_ms >= _RELEASE_MS
            self._run_start_ms = None
            return None
        if self.speaking:
            return self._end() if silence_ms >= max(FRAME_MS, self._detection.silence_duration_ms) else None
        if silence_ms >= 2 * FRAME_MS:  # one quiet frame inside a word does not break the run
            self._run_start_ms = None
        if self._run_start_ms is None:
            return None
        if self._last_voiced_ms - self._run_start_ms < max(FRAME_MS, self._detection.prefix_padding_ms):
            return None
        self.speaking = True
        return SpeechStart(self._run_start_ms)

    def _follow_noise(self, level_db: float) -> None:
        self._block_db.append(level_db)
        if len(self._block_db) == _FLOOR_BLOCK_FRAMES:
            self._floors_db.append(min(self._block_db))
            self._floor_db = min(min(self._floors_db), _FLOOR_MAX_DB)
            self._block_db.clear()

    def _end(self) -> SpeechEnd:
        start_ms = self._last_voiced_ms if self._run_start_ms is None else self._run_start_ms
        self.speaking = False
        self._run_start_ms = None
        return SpeechEnd(self._last_voiced_ms, self._last_voiced_ms - start_ms)
