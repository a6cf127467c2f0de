"""Whether anybody could hear a piece of agent audio: one look at its peak, about 5 µs for a third of a second."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from services.bridge.session.inputs import ModelAudio

PEAK_MIN: Final = 100
"""-50 dBFS. Speech is 30 dB above it; what some models send instead of an answer lies below."""


def judged(audio: ModelAudio) -> ModelAudio:
    """The same, marked when it cannot be heard."""
    samples = np.frombuffer(audio.pcm, "<i2", count=len(audio.pcm) // 2)
    if len(samples) and int(samples.max()) < PEAK_MIN and int(samples.min()) > -PEAK_MIN:
        return replace(audio, is_audible=False)
    return audio
