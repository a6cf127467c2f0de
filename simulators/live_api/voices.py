"""Voices of the model. The simulator itself needs no speech library: a tone of the right length is enough for it."""

from __future__ import annotations

from typing import Literal, Protocol, get_args

import numpy as np

from simulators.live_api.protocol import OUTPUT_RATE
from simulators.speech.voices import EspeakVoice, MarkedVoice, PiperVoice

VoiceName = Literal["tone", "marked", "espeak", "piper"]
VOICE_NAMES: tuple[VoiceName, ...] = get_args(VoiceName)

_TONE_HZ = 220.0
_TONE_S_PER_CHARACTER = 0.06


class Voice(Protocol):
    """`synthesize` may take its time: it runs in a thread. S16LE mono at `rate`."""

    @property
    def rate(self) -> int: ...

    def synthesize(self, text: str) -> bytes: ...


class ToneVoice:
    """A hum as long as the text would take to say: for tests of timing, with no words in it."""

    rate = OUTPUT_RATE

    def synthesize(self, text: str) -> bytes:
        at = np.arange(round(len(text) * _TONE_S_PER_CHARACTER * self.rate)) / self.rate
        return (np.sin(2 * np.pi * _TONE_HZ * at) * 6_000).astype("<i2").tobytes()


def voice_named(name: VoiceName) -> Voice:
    """Raises when the voice's library is not installed."""
    if name == "tone":
        return ToneVoice()
    if name == "marked":
        return MarkedVoice(OUTPUT_RATE)
    return EspeakVoice(OUTPUT_RATE) if name == "espeak" else PiperVoice(OUTPUT_RATE)
