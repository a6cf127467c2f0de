"""The caller of the hop benchmark: says the next words a moment after the agent has finished, and keeps the times."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.hops.turns import Turn
from simulators.carrier.caller import Moment
from simulators.carrier.record import TalkLine
from simulators.carrier.sounds import FRAME_MS, LINE_RATE, SILENCE, FrameQueue, is_sound
from simulators.speech import marked

SILENCE_ENDS_MS = 160
"""So much silence after complete words is the end of the agent's turn."""
PATIENCE_MS = 20_000
GREETED = "automated assistant"


class HopCaller:
    """Works its turns off, then hangs up. A turn that is not answered in time is left as it is."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.turns = tuple(turns)
        self.greetings = 0
        self._left = list(turns)
        self._turn: Turn | None = None
        self._mouth = FrameQueue()
        self._decoder = marked.MarkedDecoder(LINE_RATE)
        self._quiet_ms = 0
        self._since_ms = 0
        self._begun = False

    async def prepare(self) -> None:
        return None

    def talk(self) -> Sequence[TalkLine]:
        return ()

    def tick(self, moment: Moment) -> bytes | None:
        if moment.party != "agent":
            return SILENCE
        if not self._begun:
            self._begun = True
            self._mouth.add(marked.encode(marked.BEACON, LINE_RATE))
        self._hear(moment)
        if self._mouth:
            frame = self._mouth.take()
            if self._turn is not None and is_sound(frame):
                self._turn.said_at = moment.at_ms
            return frame
        self._since_ms += FRAME_MS
        return self._consider()

    def _hear(self, moment: Moment) -> None:
        heard, turn = is_sound(moment.heard), self._turn
        if turn is not None and turn.said_at is not None and not self._mouth:
            if heard and turn.answer_at is None:
                turn.answer_at = moment.at_ms
            elif heard and not turn.is_complete:
                turn.longest_gap_ms = max(turn.longest_gap_ms, self._quiet_ms)
        self._quiet_ms = 0 if heard else self._quiet_ms + FRAME_MS
        for text in self._decoder.feed(moment.heard):
            self.greetings += GREETED in text
            if turn is not None:
                turn.texts = (*turn.texts, text)
                turn.is_complete = turn.is_complete or turn.is_answered_by(text)

    def _consider(self) -> bytes | None:
        turn = self._turn
        is_over = self.greetings > 0 if turn is None else turn.is_complete
        is_over = is_over or self._since_ms >= PATIENCE_MS
        next_after_ms = SILENCE_ENDS_MS + (self._left[0].wait_ms if self._left else 0)
        if not is_over or self._quiet_ms < next_after_ms:
            return SILENCE
        if not self._left:
            return None
        self._turn = self._left.pop(0)
        self._since_ms = 0
        self._mouth.add(marked.encode(self._turn.words, LINE_RATE))
        return self._mouth.take()
