"""Whether anybody could hear a piece of agent audio: one look at its peak."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.bridge.legs.audio import peaks_at
from services.bridge.session.inputs import ModelAudio

PEAK_MIN: Final = 100
"""-50 dBFS. Speech is 30 dB above it; what some models send instead of an answer lies below."""


def judged(audio: ModelAudio) -> ModelAudio:
    """The same, marked when it cannot be heard. Without a sample nothing is said of it."""
    if len(audio.pcm) < 2 or peaks_at(audio.pcm, PEAK_MIN):
        return audio
    return replace(audio, is_audible=False)
