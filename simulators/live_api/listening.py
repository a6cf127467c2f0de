"""The caller's audio on its way in: any declared rate becomes 16 kHz, then speech and marked text are found in it."""

from __future__ import annotations

import numpy as np
import soxr

from simulators.live_api.protocol import INPUT_RATE, AudioInput
from simulators.live_api.setup import ActivityDetection
from simulators.live_api.vad import SpeechDetector, SpeechEnd, SpeechStart
from simulators.speech.marked import BEACON, MarkedDecoder

_SLICE_BYTES = INPUT_RATE * 40 // 1000 * 2

Heard = SpeechStart | SpeechEnd | str
"""A committed start, a committed end, or a text that was carried as marked PCM (the beacon included)."""


class Listener:
    """One per session. Speech that turns out to be marked text ends with it, whatever still hums on."""

    def __init__(self, detection: ActivityDetection, *, hears_marked: bool = True) -> None:
        self._detector = None if detection.disabled else SpeechDetector(detection)
        self._marked = MarkedDecoder(INPUT_RATE) if hears_marked else None
        self._rate = INPUT_RATE
        self._resampler: soxr.ResampleStream | None = None
        self._odd = b""

    @property
    def speaking(self) -> bool:
        return self._detector is not None and self._detector.speaking

    def resample(self, audio: AudioInput) -> bytes:
        """16 kHz S16LE; half a sample at the end waits for the next piece."""
        if audio.rate != self._rate:
            self._rate = audio.rate
            self._odd = b""
            self._resampler = (
                None if audio.rate == INPUT_RATE else soxr.ResampleStream(audio.rate, INPUT_RATE, 1, dtype="int16")
            )
        pcm = self._odd + audio.pcm
        whole = len(pcm) & ~1
        pcm, self._odd = pcm[:whole], pcm[whole:]
        if self._resampler is None:
            return pcm
        samples: bytes = self._resampler.resample_chunk(np.frombuffer(pcm, dtype="<i2")).astype("<i2").tobytes()
        return samples

    def hear(self, pcm16k: bytes) -> list[Heard]:
        """What is found, in the order of the audio, however much of it comes at once."""
        return [
            event
            for at in range(0, len(pcm16k), _SLICE_BYTES)
            for event in self._hear_slice(pcm16k[at : at + _SLICE_BYTES])
        ]

    def _hear_slice(self, pcm16k: bytes) -> list[Heard]:
        found: list[Heard] = []
        if self._detector is not None:
            found += self._detector.feed(pcm16k)
        for text in [] if self._marked is None else self._marked.feed(pcm16k):
            ended = [] if self._detector is None else self._detector.cut()
            # A beacon is no speech of the caller: whoever waits for speech must not be satisfied by it.
            found += [text] if text == BEACON else [*ended, text]
        return found

    def flush(self) -> list[Heard]:
        """audioStreamEnd: speech that is under way ends here."""
        return [] if self._detector is None else list(self._detector.flush())
