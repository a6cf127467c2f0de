"""What the carrier gets of the agent around an interruption: no socket and no clock in here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from benchmarks.kill.turns import Turn
from simulators.carrier.playback import Playback

BYTES_PER_MS: Final = 32
TOLD_MIN: Final = 100
"""A sample that is weaker tells nothing of the turn that it belongs to."""
FULL_SHARE: Final = 0.99
"""Of a turn's audio; rounding by a resampler is no loss."""
FLOWING_SHARE: Final = 0.9
"""Of the time since a turn began there must be audio when it is interrupted; as a rule there is 200 ms more."""


@dataclass(slots=True)
class Interruption:
    """One, with the times of what followed it. Seconds; None where nothing of the kind has come."""

    at: float
    """The model wrote that it was interrupted."""
    killed_at: float | None = None
    """The first ``killAudio`` arrived."""
    stale_at: float | None = None
    """The last audio of the interrupted turn arrived."""
    heard_at: float | None = None
    """The carrier has played the last of it, to the end of its 20 ms."""


@dataclass(slots=True)
class Log:
    """Of all calls."""

    interruptions: list[Interruption] = field(default_factory=list)
    stale_after_kill: int = 0
    """Messages with audio of an interrupted turn behind the ``killAudio``."""
    stale_heard: int = 0
    """Frames of 20 ms of the same that the carrier played when it had obeyed."""
    needless_kills: int = 0
    """``killAudio`` without an interruption, or a second one."""
    turns: int = 0
    short_turns: int = 0
    """Turns that were not at the carrier as far as they should have been at their end or their interruption."""
    ahead_ms: dict[int, float] = field(default_factory=dict)
    """By call: the most audio that lay unplayed at the carrier, without what ``killAudio`` cleared."""

    def begin(self) -> None:
        """Times count from now on. What went wrong before stays."""
        self.interruptions = []


class Ear:
    """The carrier's end of one call. Times are seconds of one clock.

    Order of use: :meth:`begin` and :meth:`interrupt` when the model writes; :meth:`take` and :meth:`kill` when
    something arrives; :meth:`tick` every 20 ms. Audio is of an interrupted turn if it comes before the next turn has
    begun, and by its sign after that.
    """

    def __init__(self, call: int, log: Log, whole_ms: float) -> None:
        """``whole_ms``: the audio of a turn that is heard to its end."""
        self._call = call
        self._log = log
        self._whole_ms = whole_ms
        self._playback = Playback()
        self._turn: Turn | None = None
        self._began_at = 0.0
        self._got_bytes = 0
        self._cut: Interruption | None = None
        self._cut_sign = 0
        self._is_between = False
        self._is_killing = False
        self._pushed_ms = 0.0
        self._plays_until = 0.0

    def begin(self, turn: Turn, now: float) -> None:
        """The model writes the first audio of a turn."""
        if self._turn is not None and self._turn.cut_ms is None:
            self._judge(self._whole_ms * FULL_SHARE)
        if not self._is_between:  # the interruption was two turns ago, whose sign this one has
            self._cut = None
        self._turn = turn
        self._began_at = now
        self._got_bytes = 0
        self._is_between = False

    def interrupt(self, now: float) -> None:
        """The model writes that the turn was interrupted."""
        assert self._turn is not None
        self._judge((now - self._began_at) * 1000 * FLOWING_SHARE)
        self._cut, self._cut_sign = Interruption(now), self._turn.sign
        if self._plays_until > now:
            self._cut.heard_at = self._plays_until
        self._is_between = True
        self._log.interruptions.append(self._cut)

    def take(self, pcm: bytes, now: float) -> None:
        """A message with audio has arrived."""
        self._playback.receive(pcm)
        size = len(pcm.rstrip(b"\0"))
        self._note_ahead(is_audible=size > 0)
        if self._is_stale(pcm):
            assert self._cut is not None
            self._cut.stale_at = now
            self._log.stale_after_kill += self._cut.killed_at is not None
        else:
            self._got_bytes += size

    def kill(self, now: float) -> None:
        """``killAudio`` has arrived."""
        if self._cut is not None and self._cut.killed_at is None:
            self._cut.killed_at = now
        else:
            self._log.needless_kills += 1
        self._playback.kill()
        self._is_killing = True
        self._pushed_ms = 0.0

    def tick(self, now: float) -> None:
        """The carrier plays 20 ms."""
        self._note(self._pushed_ms)
        self._pushed_ms = 0.0
        self._is_killing = False
        frame = self._playback.tick()
        if not frame.heard_bytes or not frame.pcm.lstrip(b"\0"):
            return
        self._plays_until = now + self._playback.options.frame_ms / 1000
        if self._is_stale(frame.pcm):
            assert self._cut is not None
            self._cut.heard_at = self._plays_until
            self._log.stale_heard += self._cut.killed_at is not None

    def _is_stale(self, pcm: bytes) -> bool:
        if self._cut is None:
            return False
        if self._is_between:
            return bool(pcm.lstrip(b"\0"))
        samples = np.frombuffer(pcm, "<i2", count=len(pcm) // 2)
        strongest = int(samples.max()) if self._cut_sign > 0 else -int(samples.min())
        return strongest >= TOLD_MIN

    def _note_ahead(self, *, is_audible: bool) -> None:
        """Zeros count when nothing has cleared them before the carrier plays on: the bridge sends some to push out
        what ``killAudio`` is to clear."""
        if self._is_killing:
            return
        if is_audible:
            self._note(self._playback.ahead_ms)
        else:
            self._pushed_ms = self._playback.ahead_ms

    def _note(self, ahead_ms: float) -> None:
        self._log.ahead_ms[self._call] = max(self._log.ahead_ms.get(self._call, 0.0), ahead_ms)

    def _judge(self, wanted_ms: float) -> None:
        self._log.turns += 1
        self._log.short_turns += self._got_bytes < wanted_ms * BYTES_PER_MS
