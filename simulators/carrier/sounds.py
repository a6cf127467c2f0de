"""Plain sound arithmetic on S16LE mono PCM: frames, levels, tones, changes of rate.

The line of this simulator always runs at `LINE_RATE` in frames of `FRAME_MS`. Whatever else a party uses is
changed at the edge, by `RateChanger` while it streams or by `to_rate` when the sound is complete.
"""

from __future__ import annotations

import math

import numpy as np
import soxr

LINE_RATE = 16_000
FRAME_MS = 20
FRAME_S = FRAME_MS / 1000
FRAME_BYTES = LINE_RATE * FRAME_MS // 1000 * 2
SILENCE = bytes(FRAME_BYTES)
SOUND_FLOOR_DBFS = -45.0
RINGBACK_HZ = 425.0


def level_dbfs(pcm: bytes) -> float:
    """The RMS level of whole samples; -120 for silence or nothing."""
    samples = np.frombuffer(pcm, dtype="<i2", count=len(pcm) // 2)
    if samples.size == 0:
        return -120.0
    wide = samples.astype(np.float32)
    power = float(np.dot(wide, wide)) / samples.size
    return max(-120.0, 10 * math.log10(power / 32768.0**2)) if power > 0 else -120.0


def is_sound(pcm: bytes, floor_dbfs: float = SOUND_FLOOR_DBFS) -> bool:
    """Whether a person would notice this frame at all."""
    return any(pcm) and level_dbfs(pcm) > floor_dbfs


def tone(hz: float, ms: int, rate: int = LINE_RATE, dbfs: float = -20.0) -> bytes:
    """A steady sine with 5 ms ramps, so that it starts and ends without a click."""
    count = rate * ms // 1000
    wave = np.sin(2 * math.pi * hz * np.arange(count) / rate) * 32767 * math.sqrt(2) * 10 ** (dbfs / 20)
    ramp = min(rate * 5 // 1000, count // 2)
    if ramp:
        slope = np.linspace(0.0, 1.0, ramp)
        wave[:ramp] *= slope
        wave[-ramp:] *= slope[::-1]
    return bytes(np.clip(wave, -32768, 32767).astype("<i2").tobytes())


def spoken_tone(text: str, rate: int = LINE_RATE) -> bytes:
    """What stands for a sentence when there is no voice: a tone as long as the sentence would take (60 ms a letter)."""
    return tone(330.0, max(300, min(60 * len(text), 15_000)), rate)


def ringback(rate: int = LINE_RATE) -> bytes:
    """One period of the tone a caller hears while the other side rings: 1 s on, 2 s off."""
    return tone(RINGBACK_HZ, 1_000, rate, -24.0) + bytes(rate * 2 * 2)


def to_rate(pcm: bytes, source: int, target: int) -> bytes:
    """A complete sound at another rate."""
    if source == target or not pcm:
        return pcm
    samples = np.frombuffer(pcm, dtype="<i2", count=len(pcm) // 2)
    return bytes(soxr.resample(samples, source, target).astype("<i2").tobytes())


class RateChanger:
    """A running change of rate: any number of bytes of whole samples in, those that are ready out."""

    def __init__(self, source: int, target: int) -> None:
        self._stream = None if source == target else soxr.ResampleStream(source, target, 1, dtype="int16", quality="MQ")

    def feed(self, pcm: bytes) -> bytes:
        if self._stream is None or not pcm:
            return pcm
        return bytes(self._stream.resample_chunk(np.frombuffer(pcm, dtype="<i2")).astype("<i2").tobytes())


class FrameQueue:
    """Any amount of line sound in, exactly one frame out at a time, silence when there is none."""

    def __init__(self, pcm: bytes = b"") -> None:
        self._bytes = bytearray(pcm)

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, pcm: bytes) -> None:
        self._bytes += pcm

    def clear(self) -> None:
        self._bytes.clear()

    def take(self, size: int = FRAME_BYTES) -> bytes:
        frame = bytes(self._bytes[:size])
        del self._bytes[:size]
        return frame.ljust(size, b"\0")
