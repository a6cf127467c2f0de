"""Sends audio little ahead of its playing, so that what has not been heard can still be called back.

The carrier plays nothing until 160 ms have come, then moves audio in lumps of 80 ms; what is less than a lump waits
for more. So the first lump is at least 160 ms, and after an utterance come 160 ms of zeros to push it out.
"""

from __future__ import annotations

from typing import Final

from services.bridge.legs.audio import BYTES_PER_MS
from services.bridge.legs.fader import Fader
from services.bridge.legs.played import Played

LEAD_MS: Final = 200
"""Audio at the carrier that is not played yet, at most."""
FIRST_LUMP_MS: Final = 160
FIRST_LUMP_WAIT_MS: Final = 60
"""A model that starts with crumbs is not waited for any longer."""
FRAME_MS: Final = 60
"""Sent at a time. Fewer and larger frames cost less, and leave less at the carrier just before the next."""
PADDING_MS: Final = 160
AFTER_KILL_MS: Final = 40
"""The carrier clears at its next tick and takes what came just before that along."""
UNDERRUN_MS: Final = 100
"""So long after the carrier ran dry without the end being announced, the zeros are sent all the same."""
_ROUNDING_MS: Final = 0.5


class Pacer:
    """A queue with a play clock. Times are milliseconds of any monotonic clock, given from outside."""

    def __init__(self) -> None:
        self._queue = bytearray()
        self._padding = 0
        self._is_padded = True
        self._ended = False
        self._plays_until = 0.0
        self._waits_since: float | None = None
        self._hold_until = 0.0
        self.fader = Fader()
        self.played = Played()

    def push(self, pcm: bytes, now: float) -> None:
        """Append audio. Padding that is not sent yet gives way to it."""
        if not pcm:
            return
        self._padding = 0
        self._ended = False
        self._is_padded = False
        if not self._queue and self._plays_until <= now:
            self._waits_since = now
        self._queue += pcm

    def end_utterance(self) -> None:
        """Nothing more comes for now."""
        self._ended = True

    def flush(self, now: float) -> int:
        """Drop everything; the carrier is told to do the same. Milliseconds that were not played."""
        dropped = len(self._queue) / BYTES_PER_MS + self.ahead_ms(now)
        self._queue.clear()
        self._padding = 0
        self._is_padded = True
        self._ended = False
        self._waits_since = None
        self._plays_until = now
        self._hold_until = now + AFTER_KILL_MS
        self.fader.reset()
        self.played.stopped(now)
        return round(dropped)

    def ahead_ms(self, now: float) -> float:
        """Sent and not played."""
        return max(0.0, self._plays_until - now)

    def take(self, now: float) -> bytes:
        """What is to be sent now; empty when it is too early."""
        if now < self._hold_until:
            return b""
        self._pad_if_due(now)
        if self._waits_for_lump(now):
            return b""
        self._waits_since = None
        room = LEAD_MS - self.ahead_ms(now)
        pending = len(self._queue) + self._padding
        if pending == 0 or room < min(FRAME_MS, pending / BYTES_PER_MS) - _ROUNDING_MS:
            return b""
        size = round(room) * BYTES_PER_MS
        chunk = bytes(self._queue[:size])
        del self._queue[:size]
        if len(chunk) < size and self._padding:
            zeros = min(self._padding, size - len(chunk))
            self._padding -= zeros
            chunk += bytes(zeros)
        chunk = self.fader.apply(chunk)
        starts_at = max(self._plays_until, now)
        self.played.sent(chunk, starts_at)
        self._plays_until = starts_at + len(chunk) / BYTES_PER_MS
        return chunk

    def next_at(self, now: float) -> float | None:
        """When :meth:`take` should be called again, or None when only new audio changes anything."""
        if not self._queue and not self._padding:
            if self._is_padded:
                return None
            return max(self._hold_until, now if self._ended else self._plays_until + UNDERRUN_MS)
        if self._waits_since is not None and self._waits_for_lump(now):
            return self._waits_since + FIRST_LUMP_WAIT_MS
        pending = (len(self._queue) + self._padding) / BYTES_PER_MS
        return max(self._hold_until, self._plays_until - LEAD_MS + min(FRAME_MS, pending))

    def _waits_for_lump(self, now: float) -> bool:
        return (
            self._waits_since is not None
            and not self._ended
            and len(self._queue) < FIRST_LUMP_MS * BYTES_PER_MS
            and now < self._waits_since + FIRST_LUMP_WAIT_MS
        )

    def _pad_if_due(self, now: float) -> None:
        if self._is_padded:
            return
        runs_dry = not self._queue and now >= self._plays_until + UNDERRUN_MS
        if self._ended or runs_dry:
            self._padding = PADDING_MS * BYTES_PER_MS
            self._is_padded = True
