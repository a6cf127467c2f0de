"""What the caller's ear got of the agent just now, and how loud it was: an echo of it comes back with their voice."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np

from services.bridge.legs.audio import BYTES_PER_MS

KEPT_MS: Final = 1_000
SILENT_DB: Final = -120.0
_FULL_SCALE: Final = 32_768.0


class _Chunk:
    __slots__ = ("ends_at", "level_db", "pcm", "starts_at")

    def __init__(self, pcm: bytes, starts_at: float) -> None:
        self.pcm = pcm
        self.starts_at = starts_at
        self.ends_at = starts_at + len(pcm) / BYTES_PER_MS
        self.level_db: float | None = None


class Played:
    """The last second of agent audio as it was sent, 16 kHz S16LE mono. Nothing is computed until it is asked for."""

    def __init__(self) -> None:
        self._chunks: deque[_Chunk] = deque()

    def sent(self, pcm: bytes, starts_at: float) -> None:
        """This goes to the carrier and will be heard from ``starts_at`` on (milliseconds of the pacer's clock)."""
        self._chunks.append(_Chunk(pcm, starts_at))
        while self._chunks[0].ends_at < starts_at - KEPT_MS:
            self._chunks.popleft()

    def stopped(self, now: float) -> None:
        """What was to be heard after ``now`` will not be."""
        while self._chunks and self._chunks[-1].starts_at >= now:
            self._chunks.pop()

    def loudest_db(self, since: float, until: float) -> float:
        """Level of the loudest chunk heard in this time, in dB below full scale; -120 when there was silence."""
        loudest = SILENT_DB
        for chunk in reversed(self._chunks):
            if chunk.ends_at <= since:
                break
            if chunk.starts_at < until:
                if chunk.level_db is None:
                    chunk.level_db = level_db(chunk.pcm)
                if chunk.level_db > loudest:
                    loudest = chunk.level_db
        return loudest


def level_db(pcm: bytes) -> float:
    """Level (RMS) of S16LE samples, in dB below full scale."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    power = float(samples.dot(samples))
    return 10 * math.log10(power / (len(samples) * _FULL_SCALE**2)) if power > 0 else SILENT_DB
