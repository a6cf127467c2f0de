"""What the caller hears of the audio that we send: the media module's playout, without clock or socket.

Bytes go into a prebuffer. When it holds 160 ms (the first time) or 80 ms (every later time) all of it moves to the
playout buffer, which has no limit and is drained by one frame per tick. So the last < 80 ms of an utterance stay
stuck until more audio arrives, and only `kill` can recall what was sent in a burst. `kill` takes effect at the next
tick, drops everything queued by then, also what arrived after it, and leaves the prebuffer alone.

Order of use: `receive`, `kill`, `mark` at any time; `tick` every `frame_ms` of line time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal, TypeAlias

MARKS_MAX = 30

MarkEvent: TypeAlias = Literal["playout", "cleared"]


@dataclass(frozen=True, slots=True)
class PlaybackOptions:
    prebuffer_ms: int = 160
    lump_ms: int = 80
    frame_ms: int = 20
    honours_kill: bool = True
    answers_marks: bool = True


@dataclass(frozen=True, slots=True)
class PlayedFrame:
    """One tick: always a whole frame of `pcm`, of which the first `heard_bytes` came from the far side."""

    pcm: bytes
    heard_bytes: int
    dropped_bytes: int
    marks: tuple[tuple[str, MarkEvent], ...]


class Playback:
    """The playout of one connection at `rate` Hz, S16LE mono."""

    def __init__(self, rate: int = 16_000, options: PlaybackOptions | None = None) -> None:
        self.rate = rate
        self.options = options or PlaybackOptions()
        self._frame_bytes = rate * self.options.frame_ms // 1000 * 2
        self._lump_bytes = rate * self.options.lump_ms // 1000 * 2
        self._threshold_bytes = rate * self.options.prebuffer_ms // 1000 * 2
        self._bytes_per_ms = rate * 2 / 1000
        self._odd = b""
        self._held = bytearray()
        self._queue = bytearray()
        self._position = 0
        self._kill_pending = False
        self._marks: deque[tuple[int, str]] = deque()
        self.marks_refused = 0

    @property
    def queued_ms(self) -> float:
        """Audio that will be played without anything more arriving."""
        return len(self._queue) / self._bytes_per_ms

    @property
    def held_ms(self) -> float:
        """Audio stuck in the prebuffer."""
        return len(self._held) / self._bytes_per_ms

    @property
    def ahead_ms(self) -> float:
        """All unplayed audio."""
        return self.queued_ms + self.held_ms

    def receive(self, pcm: bytes) -> None:
        """Take any number of bytes; an odd last byte waits for the next message."""
        pcm = self._odd + pcm
        whole = len(pcm) & ~1
        self._odd = pcm[whole:]
        self._held += pcm[:whole]
        if self._held and len(self._held) >= self._threshold_bytes:
            self._queue += self._held
            self._held.clear()
            self._threshold_bytes = self._lump_bytes

    def kill(self) -> None:
        self._kill_pending = self.options.honours_kill

    def mark(self, name: str) -> None:
        """Ask to be told when all audio received so far was played; beyond 30 outstanding it is dropped."""
        if not self.options.answers_marks:
            return
        if len(self._marks) >= MARKS_MAX:
            self.marks_refused += 1
            return
        self._marks.append((self._position + len(self._queue) + len(self._held), name))

    def clear_marks(self) -> None:
        self._marks.clear()

    def tick(self) -> PlayedFrame:
        dropped = 0
        told: list[tuple[str, MarkEvent]] = []
        if self._kill_pending:
            self._kill_pending = False
            dropped = len(self._queue)
            self._position += dropped
            self._queue.clear()
            told.extend((name, "cleared") for _, name in self._marks)
            self._marks.clear()
        heard = bytes(self._queue[: self._frame_bytes])
        del self._queue[: self._frame_bytes]
        self._position += len(heard)
        while self._marks and self._marks[0][0] <= self._position:
            told.append((self._marks.popleft()[1], "playout"))
        return PlayedFrame(heard.ljust(self._frame_bytes, b"\0"), len(heard), dropped, tuple(told))
