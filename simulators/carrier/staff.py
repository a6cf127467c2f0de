"""A staff phone: rings as its script says, and when answered is bridged with the caller both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import assert_never

from .record import DialOutcome, DialRecord, Party
from .recorder import Track
from .settings import StaffAbsent, StaffAnswers, StaffBusy, StaffRejects, StaffScript
from .sounds import FRAME_MS, FrameQueue, is_sound


async def ring(script: StaffScript | None, timeout_s: float) -> DialOutcome:
    """What becomes of ringing this phone for at most `timeout_s`; returns when it is known."""
    match script:
        case None:
            return "unallocated"
        case StaffAbsent():
            await asyncio.sleep(timeout_s)
            return "no_answer"
        case StaffAnswers(after_s=after_s):
            outcome: DialOutcome = "answered"
        case StaffBusy(after_s=after_s):
            outcome = "busy"
        case StaffRejects(after_s=after_s):
            outcome = "rejected"
        case _:
            assert_never(script)
    if after_s >= timeout_s:
        await asyncio.sleep(timeout_s)
        return "no_answer"
    await asyncio.sleep(after_s)
    return outcome


class StaffCall:
    """The bridge of a caller and an answered staff phone; a `Route` for the caller's line.

    The person says their line first, stays for `talk_s` after it, then hangs up (`ended`).
    """

    party: Party = "staff"

    def __init__(
        self, script: StaffAnswers, speech: bytes, record: DialRecord, track: Track, now_ms: Callable[[], int]
    ) -> None:
        self._speech = FrameQueue(speech)
        self._record = record
        self._track = track
        self._left_ms = round(script.talk_s * 1000)
        self._now_ms = now_ms
        self.ended = asyncio.Event()

    def hear(self) -> bytes:
        if not self._speech:
            self._left_ms -= FRAME_MS
            if self._left_ms <= 0:
                self.ended.set()
        frame = self._speech.take()
        if is_sound(frame):
            self._record.caller_heard_ms += FRAME_MS
        return frame

    def say(self, frame: bytes) -> None:
        self._track.write(frame)
        if is_sound(frame):
            self._record.staff_heard_ms += FRAME_MS
