"""The agent's volume: lowered while the caller speaks over it, in short ramps, so that nothing clicks."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from services.bridge.legs.audio import BYTES_PER_MS

DUCKED_GAIN: Final = 0.2
"""-14 dB: clearly below the caller's own voice in their ear, and still to be understood."""
DOWN_MS: Final = 40
UP_MS: Final = 160
"""Coming back is slower than going: a voice that jumps up at once startles."""
_FULL: Final = 1.0
_SAMPLES_PER_MS: Final = BYTES_PER_MS // 2


class Fader:
    """Scales 16 kHz S16LE mono. At full volume, which is nearly always, audio passes as it is."""

    def __init__(self) -> None:
        self._gain = _FULL
        self._target = _FULL

    def duck(self) -> None:
        """Go down with the next samples."""
        self._target = DUCKED_GAIN

    def unduck(self) -> None:
        """Come back with the next samples."""
        self._target = _FULL

    def reset(self) -> None:
        """Full volume at once: the next sample has nothing before it."""
        self._gain = self._target = _FULL

    def apply(self, pcm: bytes) -> bytes:
        """The next samples at the volume that is due."""
        if self._gain == self._target == _FULL:
            return pcm
        samples = np.frombuffer(pcm, "<i2")
        gains = self._next_gains(len(samples))
        return np.rint(samples * gains).astype("<i2").tobytes()

    def _next_gains(self, count: int) -> npt.NDArray[np.float64]:
        ramp_ms = DOWN_MS if self._target < self._gain else UP_MS
        step = (_FULL - DUCKED_GAIN) / (ramp_ms * _SAMPLES_PER_MS)
        way = np.arange(1, count + 1) * step
        if self._target < self._gain:
            gains = np.maximum(self._gain - way, self._target)
        else:
            gains = np.minimum(self._gain + way, self._target)
        if count:
            self._gain = float(gains[-1])
        return np.asarray(gains)
