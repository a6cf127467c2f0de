"""The model's side: it breaks off most of its turns, as the real server does when it has heard the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from benchmarks.bridge.caller import Caller
from benchmarks.bridge.gauge import Gauge
from benchmarks.bridge.model import ModelConnection
from benchmarks.bridge.sound import TURN_COMPLETE, message
from benchmarks.kill.caller import InterruptedCaller
from benchmarks.kill.sound import Sayings
from benchmarks.kill.turns import Turn, turn_of

LATE_AFTER_S: Final = 0.03
"""So long after an interruption one more message with audio of the old turn comes."""
TURN_OVER_AFTER_S: Final = 0.03
"""And so long after that the turn is over."""
_INTERRUPTED: Final = message({"serverContent": {"interrupted": True}})


class InterruptingModel(ModelConnection):
    """One model session. An interrupted turn has no ``generationComplete``."""

    def __init__(self, callers: Mapping[int, Caller], sayings: Sayings, gauge: Gauge) -> None:
        super().__init__(callers, sayings.whole[1], gauge)
        self._sayings = sayings
        self._number = 0
        self._loop = asyncio.get_running_loop()

    def _begin_turn(self, now: float) -> None:
        caller = self._caller
        if caller is None:  # nothing of them has arrived yet, so nobody knows who it is
            return
        assert isinstance(caller, InterruptedCaller)
        turn = turn_of(caller.index, self._number)
        self._number += 1
        self._said = (self._sayings.whole if turn.cut_ms is None else self._sayings.open_ended)[turn.sign]
        self._step = 0
        self._speaks_at = now + turn.next_after_ms / 1000
        caller.begin(turn)
        if turn.cut_ms is not None:
            self._loop.call_later(turn.cut_ms / 1000, self._interrupt, caller, turn)

    def _interrupt(self, caller: InterruptedCaller, turn: Turn) -> None:
        if caller.closed.is_set() or not self._write():
            return
        self._step = len(self._said.steps)
        caller.ear.interrupt(self._time())
        self._write(_INTERRUPTED)
        self._loop.call_later(LATE_AFTER_S, self._send_late, turn)

    def _send_late(self, turn: Turn) -> None:
        if self._write(self._sayings.late[turn.sign]):
            self._loop.call_later(TURN_OVER_AFTER_S, self._write, TURN_COMPLETE)

    def _write(self, data: bytes = b"") -> bool:
        """False when the session is over."""
        if not self.is_set_up or self._transport is None or self._transport.is_closing():
            return False
        if data:
            self._transport.write(data)
        return True
