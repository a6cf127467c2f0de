"""Caller audio on its way to the model: a queue that is bounded by time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agiza.runtime.metrics import Metrics
from services.bridge.legs.audio import BYTES_PER_MS

CHUNK_MS: Final = 40
CHUNK_MS_MAX: Final = 200
"""What has piled up goes in larger pieces."""
KEPT_MS_MAX: Final = 2_000


class Uplink:
    """16 kHz S16LE mono. Exists before the model session does, so that nothing the caller says at first is lost."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._audio = bytearray()
        self.listener: Callable[[], None] | None = None
        """Called when there is a chunk to :meth:`take`; nothing is lost while there is nobody."""

    def push(self, pcm: bytes) -> None:
        """Append whole samples. When the model stalls, the oldest are dropped and counted."""
        self._audio += pcm
        surplus = len(self._audio) - KEPT_MS_MAX * BYTES_PER_MS
        if surplus > 0:
            del self._audio[:surplus]
            self._metrics.add("voice_frames_dropped_total", direction="up")
        if self.listener is not None and len(self._audio) >= CHUNK_MS * BYTES_PER_MS:
            self.listener()

    def take(self) -> bytes:
        """The next chunk, or nothing when less than :data:`CHUNK_MS` is there."""
        if len(self._audio) < CHUNK_MS * BYTES_PER_MS:
            return b""
        chunk = bytes(self._audio[: CHUNK_MS_MAX * BYTES_PER_MS])
        del self._audio[: len(chunk)]
        return chunk
