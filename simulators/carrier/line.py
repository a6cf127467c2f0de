"""The caller's line in real time: every 20 ms the caller hears one frame and says one.

Who is on the other side is the line's `route`; the executor changes it while the line keeps ticking. Ticks never
drift: frame n belongs to start + n x 20 ms, and a late loop does all the frames that are due at once.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from .caller import Caller, CallerError, Moment
from .record import Party
from .recorder import Recorder
from .sounds import FRAME_BYTES, FRAME_MS, FRAME_S, SILENCE, FrameQueue

# A process that was stopped for longer than this goes on from now instead of racing through the lost time.
CATCH_UP_S_MAX = 5.0


class Route(Protocol):
    """Whatever the caller's line is connected to. Neither method may block."""

    @property
    def party(self) -> Party: ...

    def hear(self) -> bytes:
        """The next frame for the caller's ear."""

    def say(self, frame: bytes) -> None:
        """The caller's frame of the same 20 ms."""


class Nothing:
    """An open line with nobody on it."""

    party: Party = "nobody"

    def hear(self) -> bytes:
        return SILENCE

    def say(self, frame: bytes) -> None:
        return None


class Announcement:
    """The carrier plays a sound, once or again and again, and does not listen."""

    party: Party = "carrier"

    def __init__(self, pcm: bytes, *, repeat: bool = False) -> None:
        self._pcm = pcm
        self._repeat = repeat
        self._queue = FrameQueue(pcm)
        self.finished = asyncio.Event()

    def hear(self) -> bytes:
        if not self._queue and self._repeat:
            self._queue.add(self._pcm)
        if not self._queue:
            self.finished.set()
        return self._queue.take()

    def say(self, frame: bytes) -> None:
        return None


class Pace:
    """How many frames are due. Pure: time comes in, counts go out."""

    def __init__(self, start_s: float, frame_s: float = FRAME_S) -> None:
        self._start_s = start_s
        self._frame_s = frame_s
        self._done = 0

    def due(self, now_s: float) -> int:
        """Frames whose time has come since the last call; they count as done."""
        if now_s - self.next_s() > CATCH_UP_S_MAX:
            self._start_s = now_s - self._done * self._frame_s
        frames = max(0, int((now_s - self._start_s) / self._frame_s + 1e-9) - self._done)
        self._done += frames
        return frames

    def next_s(self) -> float:
        return self._start_s + (self._done + 1) * self._frame_s


class Line:
    """One caller's line from answer to hang-up."""

    def __init__(self, caller: Caller, recorder: Recorder | None, origin_s: float) -> None:
        self._caller = caller
        self._recorder = recorder
        self.origin_s = origin_s
        self.route: Route = Nothing()

    def now_ms(self) -> int:
        return round((time.monotonic() - self.origin_s) * 1000)

    async def run(self) -> None:
        """Tick until the caller hangs up."""
        pace = Pace(time.monotonic())
        at_ms = self.now_ms()
        while True:
            await asyncio.sleep(max(0.0, pace.next_s() - time.monotonic()))
            for _ in range(pace.due(time.monotonic())):
                if not self._tick(at_ms):
                    return
                at_ms += FRAME_MS

    def _tick(self, at_ms: int) -> bool:
        heard = self.route.hear()
        said = self._caller.tick(Moment(heard, self.route.party, at_ms))
        if said is None:
            return False
        if len(said) != FRAME_BYTES:
            raise CallerError(f"a caller must say {FRAME_BYTES} bytes per tick, not {len(said)}")
        self.route.say(said)
        if self._recorder is not None:
            self._recorder.line_tick(heard, said, self.route.party, at_ms)
        return True
