"""PCM between the two legs: S16LE mono. Resampling with a memory, odd bytes carried over."""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr

CARRIER_RATE: Final = 16_000
BYTES_PER_MS: Final = CARRIER_RATE * 2 // 1000
_QUALITY: Final = "HQ"
_GLANCE: Final = 16


def peaks_at(pcm: bytes, level: int) -> bool:
    """Whether any S16LE sample is so far from zero. Of what is loud every sixteenth sample is looked at and no more:
    this is asked about every piece of audio of every call, and a call of numpy costs as much as all of them."""
    samples = memoryview(pcm)[: len(pcm) & ~1].cast("h")
    if not samples:
        return False
    few = samples[::_GLANCE].tolist()
    if max(few) >= level or min(few) <= -level:
        return True
    every = np.frombuffer(samples, "<i2")
    return int(every.max()) >= level or int(every.min()) <= -level


class Evened:
    """Makes whole samples of a byte stream that was cut anywhere."""

    def __init__(self) -> None:
        self._odd = b""

    def feed(self, chunk: bytes) -> bytes:
        """The whole samples so far; an odd last byte waits for the next chunk."""
        if self._odd or len(chunk) % 2:
            chunk = self._odd + chunk
            cut = len(chunk) & ~1
            chunk, self._odd = chunk[:cut], chunk[cut:]
        return chunk


class Resampler:
    """From any rate to the carrier's. However the input is cut, the output is that of one piece.

    The filter holds back some 20-40 ms until :meth:`flush`, which also forgets everything.
    """

    def __init__(self) -> None:
        self._rate = CARRIER_RATE
        self._stream: soxr.ResampleStream | None = None
        self._even = Evened()

    def feed(self, pcm: bytes, rate: int) -> bytes:
        """What can be played of this, at the carrier's rate."""
        head = b""
        if rate != self._rate:
            head = self.flush()
            self._rate = rate
        pcm = self._even.feed(pcm)
        if rate == CARRIER_RATE:
            return head + pcm
        if self._stream is None:
            self._stream = soxr.ResampleStream(rate, CARRIER_RATE, 1, dtype="int16", quality=_QUALITY)
        resampled: bytes = self._stream.resample_chunk(np.frombuffer(pcm, "<i2").reshape(-1, 1)).tobytes()
        return head + resampled

    def flush(self) -> bytes:
        """The end of the utterance."""
        self._even = Evened()
        if self._stream is None:
            return b""
        tail: bytes = self._stream.resample_chunk(np.zeros((0, 1), "<i2"), last=True).tobytes()
        self._stream = None
        return tail

    def reset(self) -> None:
        """Forget what is held back: it will not be played."""
        self._even = Evened()
        self._stream = None
