"""An ear for one conversation: the caller's audio goes in, what was understood is posted as events."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from simulators.live_api.brain import UserUtterance
from simulators.live_api.conversation import Conversation
from simulators.live_api.protocol import INPUT_RATE
from simulators.speech.ear import EarEvent, Utterance
from simulators.speech.vocabulary import Vocabulary

_WAITING_S_MAX = 20.0  # an ear that falls further behind loses the oldest audio
_WAITING_BYTES_MAX = int(_WAITING_S_MAX * INPUT_RATE) * 2
_UNCLEAR_MS = 600  # shorter sounds without words are coughs and doors


class Hearing(Protocol):
    """What is needed of an ear: 16 kHz S16LE in pieces of any size. The slow part of it stays off the event loop."""

    async def open(self) -> None: ...

    async def hear(self, pcm: bytes) -> list[EarEvent]: ...

    def close(self) -> None: ...


EarMaker = Callable[[Vocabulary], Hearing]


class Ears:
    """Runs one ear behind the conversation, from the first audio on, once somebody has set `wanted`.

    A text caller gets none: vocabularies cost time to learn.
    """

    def __init__(self, talk: Conversation, make_ear: EarMaker, vocabulary: Vocabulary) -> None:
        self._talk = talk
        self._make_ear = make_ear
        self._vocabulary = vocabulary
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._more = asyncio.Event()
        self.wanted = asyncio.Event()

    async def run(self) -> None:
        self._talk.listen(self._take)
        try:
            await self.wanted.wait()
            await self._more.wait()
            if not self._talk.text_caller:
                await self._listen(await asyncio.to_thread(self._make_ear, self._vocabulary))
        finally:
            self._talk.stop_listening(self._take)

    async def _listen(self, ear: Hearing) -> None:
        try:
            await ear.open()
            while not self._talk.text_caller:
                await self._more.wait()
                self._more.clear()
                pcm = b"".join(self._waiting)
                self._waiting.clear()
                self._waiting_bytes = 0
                for event in await ear.hear(pcm):
                    self._report(event)
        finally:
            # Shielded, so that a call that is cut off still gives its recogniser back.
            await asyncio.shield(asyncio.to_thread(ear.close))

    def _report(self, event: EarEvent) -> None:
        """Marked text is left out: it has come already, from the session itself."""
        if not isinstance(event, Utterance) or event.marked:
            return
        if event.text or event.end_ms - event.start_ms >= _UNCLEAR_MS:
            self._talk.post(UserUtterance(event.text, event.alternatives, event.agreed))

    def _take(self, pcm: bytes) -> None:
        self._waiting.append(pcm)
        self._waiting_bytes += len(pcm)
        while self._waiting_bytes > _WAITING_BYTES_MAX:
            self._waiting_bytes -= len(self._waiting.popleft())
        self._more.set()
