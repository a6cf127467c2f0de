"""Caller audio on its way to the model: a queue that is bounded by time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from agiza.runtime.metrics import Metrics
from services.bridge.legs.audio import BYTES_PER_MS

CHUNK_MS: Final = 40
CHUNK_MS_MAX: Final = 200
"""What has piled up goes in larger pieces."""
KEPT_MS_MAX: Final = 2_000
_CHUNK_BYTES: Final = CHUNK_MS * BYTES_PER_MS
_CHUNK_BYTES_MAX: Final = CHUNK_MS_MAX * BYTES_PER_MS
_KEPT_BYTES_MAX: Final = KEPT_MS_MAX * BYTES_PER_MS


class Uplink:
    """16 kHz S16LE mono. Exists before the model session does, so that nothing the caller says at first is lost."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self.listener: Callable[[], None] | None = None
        """Called when there is a chunk to :meth:`take`; nothing is lost while there is nobody."""

    def push(self, pcm: bytes) -> None:
        """Append whole samples. When the model stalls, the oldest are dropped and counted."""
        self._pieces.append(pcm)
        self._size += len(pcm)
        if self._size > _KEPT_BYTES_MAX:
            self._drop(self._size - _KEPT_BYTES_MAX)
        if self.listener is not None and self._size >= _CHUNK_BYTES:
            self.listener()

    def take(self) -> bytes:
        """The next chunk, or nothing when less than :data:`CHUNK_MS` is there."""
        size = self._size
        if size < _CHUNK_BYTES:
            return b""
        if len(self._pieces) == 1 and size <= _CHUNK_BYTES_MAX:  # the rule: it goes as it came
            self._size = 0
            return self._pieces.popleft()
        audio = b"".join(self._pieces)
        chunk, rest = audio[:_CHUNK_BYTES_MAX], audio[_CHUNK_BYTES_MAX:]
        self._pieces.clear()
        if rest:
            self._pieces.append(rest)
        self._size = len(rest)
        return chunk

    def _drop(self, surplus: int) -> None:
        self._metrics.add("voice_frames_dropped_total", direction="up")
        kept = b"".join(self._pieces)[surplus:]
        self._pieces.clear()
        self._pieces.append(kept)
        self._size = len(kept)
