"""The people of a case: the caller who wants a person, and the customer who is rung back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from simulators.carrier.caller import Moment
from simulators.carrier.hearing import TurnEar
from simulators.carrier.record import TalkLine
from simulators.carrier.sounds import FRAME_MS, LINE_RATE, SILENCE, FrameQueue, is_sound, tone
from simulators.speech import marked

WISH = "I would like to speak to a person please"
RING_ME_BACK = "yes please, ring me back"
BYE = "all right, goodbye"

PAUSE_MS = 400
DECODE_FRAMES = 5
PATIENCE_MS = 20_000
"""Longer than the silence that fails a case, so that a stranded caller is seen."""
AFTER_GOODBYE_MS = 2_500
CUSTOMER_TALKS_MS = 2_500
CUSTOMER_WAITS_MS = 30_000


@dataclass(slots=True)
class Gate:
    """Lets the callers of one batch ask at the same moment, so that their jobs are in the worker together."""

    greeted: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)


class Asker:
    """Greeted, asks for a person when the gate is open, and answers what the agent offers.

    To an offer of ringing back the answer is yes, to any other word that nobody can come it is goodbye. Who has heard a
    goodbye, or nothing at all for long, hangs up. Words travel as marked sound.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._mouth = FrameQueue()
        self._ear = TurnEar()
        self._decoder = marked.MarkedDecoder(LINE_RATE)
        self._unread = bytearray()
        self._news: list[str] = []
        self._talk: list[TalkLine] = []
        self._quiet_ms = 0
        self._said: set[str] = set()
        self._is_greeted = False
        self._has_heard_goodbye = False

    async def prepare(self) -> None:
        return None

    def talk(self) -> Sequence[TalkLine]:
        return tuple(self._talk)

    def tick(self, moment: Moment) -> bytes | None:
        heard = is_sound(moment.heard)
        self._quiet_ms = 0 if heard or self._mouth else self._quiet_ms + FRAME_MS
        if self._quiet_ms >= (AFTER_GOODBYE_MS if self._has_heard_goodbye else PATIENCE_MS):
            return None
        if self._mouth:
            return self._mouth.take()
        if moment.party != "agent":
            return SILENCE
        self._listen(moment)
        self._ear.feed(heard)
        if not self._said:
            self._say(marked.BEACON, moment)
        elif self._ear.has_finished(PAUSE_MS):
            self._consider(moment)
        return self._mouth.take() if self._mouth else SILENCE

    def _listen(self, moment: Moment) -> None:
        self._unread += moment.heard
        if len(self._unread) < DECODE_FRAMES * len(SILENCE):
            return
        for text in self._decoder.feed(bytes(self._unread)):
            if text != marked.BEACON:
                self._news.append(text)
                self._talk.append(TalkLine("agent", text, moment.at_ms))
                self._has_heard_goodbye = self._has_heard_goodbye or "goodbye" in text.casefold()
        self._unread.clear()

    def _consider(self, moment: Moment) -> None:
        """The agent has finished."""
        if not self._is_greeted:
            self._is_greeted = True
            self._gate.greeted += 1
            self._news.clear()
        if WISH not in self._said:
            if self._gate.opened.is_set():
                self._say(WISH, moment)
            return
        words = " ".join(self._news).casefold()
        self._news.clear()
        if is_offer(words) and RING_ME_BACK not in self._said:
            self._say(RING_ME_BACK, moment)
        elif (is_refusal(words) or RING_ME_BACK in self._said) and words and not self._has_heard_goodbye:
            self._say(BYE, moment)

    def _say(self, text: str, moment: Moment) -> None:
        if text in self._said:
            return
        self._said.add(text)
        self._ear.reset()
        if text != marked.BEACON:
            self._talk.append(TalkLine("caller", text, moment.at_ms))
        self._mouth.add(marked.encode(text, LINE_RATE))


def is_offer(words: str) -> bool:
    """Whether the agent asks if the caller would like to be rung back."""
    return "ring you back" in words and "?" in words


def is_refusal(words: str) -> bool:
    """Whether the agent says that nobody can come."""
    return "nobody" in words


class Customer:
    """Is rung back: hums while somebody is there, for a little while, then hangs up."""

    _hum = tone(300, FRAME_MS)

    def __init__(self) -> None:
        self._left_ms = CUSTOMER_TALKS_MS
        self._waited_ms = 0

    async def prepare(self) -> None:
        return None

    def talk(self) -> Sequence[TalkLine]:
        return ()

    def tick(self, moment: Moment) -> bytes | None:
        if moment.party not in ("staff", "customer"):
            self._waited_ms += FRAME_MS
            return SILENCE if self._waited_ms < CUSTOMER_WAITS_MS else None
        self._left_ms -= FRAME_MS
        return self._hum if self._left_ms > 0 else None
