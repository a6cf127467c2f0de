"""An ear for one conversation: the caller's audio goes in, what was understood is posted as events."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from simulators.live_api.brain import UserUtterance
from simulators.live_api.conversation import Conversation
from simulators.live_api.protocol import INPUT_RATE
from simulators.speech.vocabulary import Vocabulary

_WAITING_S_MAX = 20.0  # an ear that falls further behind loses the oldest audio
_WAITING_BYTES_MAX = int(_WAITING_S_MAX * INPUT_RATE) * 2


class Ear(Protocol):
    """16 kHz S16LE in pieces of any size; the slow part of `hear` does not run on the event loop."""

    async def hear(self, pcm: bytes) -> Sequence[object]: ...


EarMaker = Callable[[Vocabulary], Ear]
Understood = Callable[[object], UserUtterance | None]


class Ears:
    """Runs one ear behind the conversation, from the first audio on, once somebody has set `wanted`.

    A text caller gets none: vocabularies cost time to learn.
    """

    def __init__(self, talk: Conversation, make_ear: EarMaker, vocabulary: Vocabulary, understood: Understood) -> None:
        self._talk = talk
        self._make_ear = make_ear
        self._vocabulary = vocabulary
        self._understood = understood
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._more = asyncio.Event()
        self.wanted = asyncio.Event()

    async def run(self) -> None:
        self._talk.listen(self._take)
        try:
            await self.wanted.wait()
            await self._more.wait()
            if self._talk.text_caller:
                return
            ear = await asyncio.to_thread(self._make_ear, self._vocabulary)
            while not self._talk.text_caller:
                await self._more.wait()
                self._more.clear()
                pcm = b"".join(self._waiting)
                self._waiting.clear()
                self._waiting_bytes = 0
                for event in await ear.hear(pcm):
                    utterance = self._understood(event)
                    if utterance is not None:
                        self._talk.post(utterance)
        finally:
            self._talk.stop_listening(self._take)

    def _take(self, pcm: bytes) -> None:
        self._waiting.append(pcm)
        self._waiting_bytes += len(pcm)
        while self._waiting_bytes > _WAITING_BYTES_MAX:
            self._waiting_bytes -= len(self._waiting.popleft())
        self._more.set()
