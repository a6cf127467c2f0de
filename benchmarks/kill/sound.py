"""The audio of both sides: turns of the model that bear their sign, callers who speak over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from benchmarks.bridge.gauge import FRAME_BYTES, FRAME_MS, MARK_BYTES
from benchmarks.bridge.sound import MODEL_RATE, UTTERANCE_MS, Utterance, audio, hiss, speech, utterance, voice
from benchmarks.kill.turns import SPOKEN_OVER_MS, Turn

SPEECH_MS: Final = 1_000
"""Shorter than the time after which the bridge stops the agent by itself."""
MM_HM_MS: Final = 200
MM_HM_AT_MS: Final = 1_600
LATE_MS: Final = 40
_QUIETEST: Final = 1_500
"""Lowered by 14 dB, as the bridge does while somebody speaks over the agent, it is still far from zero."""
_RAMP_MS: Final = 10
"""A resampler answers a jump with a few samples of the other sign."""


def signed(sign: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    """The buzz of ``make bench-bridge`` with all its samples on one side of zero, at the model's rate."""
    strength = _QUIETEST + np.abs(voice(UTTERANCE_MS, MODEL_RATE).astype(float)) * 0.8
    ramp = np.minimum(1.0, np.arange(1, len(strength) + 1) / (_RAMP_MS * MODEL_RATE // 1000))
    samples: np.ndarray[Any, np.dtype[np.int16]] = (sign * strength * ramp * ramp[::-1]).astype("<i2")
    return samples


@dataclass(frozen=True, slots=True)
class Sayings:
    """What the model sends. By sign: a turn to its end, one whose end is left out, and a message that comes late."""

    whole: Mapping[int, Utterance]
    open_ended: Mapping[int, Utterance]
    late: Mapping[int, bytes]


def sayings(part_ms: int) -> Sayings:
    """All of it, with audio in parts of ``part_ms``."""
    sounds = {sign: signed(sign).tobytes() for sign in (-1, 1)}
    whole = {sign: utterance(part_ms, pcm) for sign, pcm in sounds.items()}
    middle = UTTERANCE_MS // 2 * MODEL_RATE // 1000 * 2
    return Sayings(
        whole=whole,
        open_ended={sign: replace(said, steps=said.steps[:-1]) for sign, said in whole.items()},
        late={sign: audio(pcm[middle : middle + LATE_MS * MODEL_RATE // 1000 * 2]) for sign, pcm in sounds.items()},
    )


class CallerVoice:
    """What follows the mark in each frame of a caller, from the first audio of a turn on."""

    def __init__(self) -> None:
        self.quiet = _bodies(hiss(UTTERANCE_MS * 2).tobytes())
        self._speech = _bodies(speech(SPEECH_MS).tobytes())

    def during(self, turn: Turn) -> list[bytes]:
        """They begin to speak a little before the model yields, and say "mm-hm" over one that is heard to its end."""
        if turn.cut_ms is None:
            return self._over(self._speech[: MM_HM_MS // FRAME_MS], MM_HM_AT_MS)
        return self._over(self._speech, turn.cut_ms - SPOKEN_OVER_MS)

    def _over(self, spoken: list[bytes], at_ms: int) -> list[bytes]:
        at = at_ms // FRAME_MS
        return [*self.quiet[:at], *spoken, *self.quiet[at + len(spoken) :]]


def _bodies(pcm: bytes) -> list[bytes]:
    return [pcm[at + MARK_BYTES : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
