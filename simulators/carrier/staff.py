"""A staff phone: rings as its script says; who answers it is bridged with a caller, or is the one who is called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import assert_never

from .caller import Moment
from .record import DialOutcome, DialRecord, Party, TalkLine
from .recorder import Track
from .settings import CustomerAnswers, PhoneScript, StaffAbsent, StaffAnswers, StaffBusy, StaffRejects
from .sounds import FRAME_MS, SILENCE, FrameQueue, is_sound

PATIENCE_MS = 60_000


async def ring(script: PhoneScript | None, timeout_s: float) -> DialOutcome:
    """What becomes of ringing this phone for at most `timeout_s`; returns when it is known."""
    match script:
        case None:
            return "unallocated"
        case StaffAbsent():
            await asyncio.sleep(timeout_s)
            return "no_answer"
        case StaffAnswers(after_s=after_s) | CustomerAnswers(after_s=after_s):
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


class StaffCaller:
    """A staff person whom the carrier has called: waits for somebody to talk to, then does as the script says.

    The person says their line when a customer (or a colleague) is there, stays for `talk_s` after it and hangs up.
    Whoever is connected to nobody for `PATIENCE_MS` hangs up as well.
    """

    def __init__(self, script: StaffAnswers, speech: bytes) -> None:
        self._speech = FrameQueue(speech)
        self._left_ms = round(script.talk_s * 1000)
        self._alone_ms = 0
        self._has_met = False

    async def prepare(self) -> None:
        return None

    def tick(self, moment: Moment) -> bytes | None:
        is_with_somebody = moment.party in ("customer", "staff")
        self._has_met = self._has_met or is_with_somebody
        self._alone_ms = 0 if is_with_somebody else self._alone_ms + FRAME_MS
        if self._alone_ms > PATIENCE_MS:
            return None
        if is_with_somebody and self._speech:
            return self._speech.take()
        if self._has_met:
            self._left_ms -= FRAME_MS
        return SILENCE if self._left_ms > 0 else None

    def talk(self) -> Sequence[TalkLine]:
        return ()
