"""What both ends of the load side write down. Times are seconds of one clock: both ends are in one process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

FRAME_BYTES: Final = 640
FRAME_MS: Final = 20
MARK: Final = b"A\0G\0Z\0"
MARK_BYTES: Final = 24
"""``AGZ``, six digits of the frame's number, three of the caller's, each the low byte of a sample: twelve samples of
-50 dBFS at the start of every frame, which nobody hears. They survive base64 of both alphabets, and its first
characters can be read without decoding a message."""


def mark(number: int, caller: int) -> bytes:
    """The first bytes of a caller's frame."""
    samples = bytearray(MARK_BYTES)
    samples[::2] = b"AGZ%06d%03d" % (number, caller)
    return bytes(samples)


def read_mark(pcm: bytes) -> tuple[int, int] | None:
    """Frame number and caller from what :func:`mark` has made; None for anything else."""
    if pcm[: len(MARK)] != MARK:
        return None
    return int(pcm[6:18:2]), int(pcm[18:24:2])


@dataclass(slots=True)
class Gauge:
    """Latencies in seconds, and what was lost. :meth:`reset` begins a window."""

    up: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """How late the load side itself was."""
    lost_up: int = 0
    """Caller frames that the model never got."""
    short_down: int = 0
    """Utterances that were not at the carrier in full when the next one began. Those give no latency either."""
    utterances: int = 0

    def reset(self) -> None:
        """Forget everything."""
        self.up, self.down, self.late = [], [], []
        self.lost_up = self.short_down = self.utterances = 0


def percentile_ms(seconds: Sequence[float], share: float) -> float:
    """In milliseconds; NaN when nothing was measured."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else float("nan")
