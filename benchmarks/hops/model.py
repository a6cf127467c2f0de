"""The model of the hop benchmark: a Live server whose agent ends its own session when the caller's words say how.

    python -m benchmarks.hops.model --ca-file FILE

prints one line with its ``url``. What the caller says begins with a kind (see :mod:`.turns`); the answer repeats it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from benchmarks import model_process
from benchmarks.hops.turns import Kind, long_words
from simulators.live_api import replies
from simulators.live_api.brain import Prompted, UserWords
from simulators.live_api.conversation import Conversation
from simulators.live_api.echo_brain import BEACON_S, reaction
from simulators.live_api.stage import TurnInterrupted
from simulators.live_api.tool_calls import ToolRequest

TOOL = ToolRequest("addItem", {"name": "soda"})
INTO_SENTENCE_S = 0.3
INTO_CALL_S = 0.002
"""The function call has left, and no answer can be there yet."""
PLANNED_S, FORCED_S = 20.0, 0.4


class HopBrain:
    """One conversation after the other, all alike. Words that end a session are acted upon once: marked sound carries
    everything twice, and the next session may hear the second copy."""

    def __init__(self) -> None:
        self._heard: set[str] = set()

    async def run(self, talk: Conversation) -> None:
        later: set[asyncio.Task[None]] = set()

        def after(seconds: float, what: Callable[[], None]) -> None:
            later.add(asyncio.create_task(_after(seconds, what)))

        try:
            while True:
                try:
                    match await talk.next_event():
                        case Prompted(text=text):
                            if not talk.resumed:
                                await talk.clock.sleep(0 if talk.text_caller else BEACON_S)
                            talk.beacon()
                            await talk.say(reaction(text))
                            await talk.end_turn()
                        case UserWords(text=text) if text not in self._heard:
                            self._heard.add(text)
                            await _answer(talk, text, after)
                            await talk.end_turn()
                except TurnInterrupted:
                    continue
        finally:
            for task in later:
                task.cancel()


async def _answer(talk: Conversation, text: str, after: Callable[[float, Callable[[], None]], None]) -> None:
    match Kind(text.split()[0]):
        case Kind.PLAIN:
            await talk.say(text)
        case Kind.PLANNED:
            talk.send_raw(replies.go_away(PLANNED_S))
            await talk.say(text)
        case Kind.FORCED:
            after(INTO_SENTENCE_S, lambda: talk.send_raw(replies.go_away(FORCED_S)))
            await talk.say(long_words(text))
        case Kind.BROKEN:
            after(INTO_SENTENCE_S, lambda: talk.close(1011, "Internal error encountered."))
            await talk.say(long_words(text))
        case Kind.ORDER:
            (result,) = await talk.call_tools([TOOL])
            await talk.say(f"{text}: {result.response.get('message')}")
        case Kind.LOST:
            after(INTO_CALL_S, lambda: talk.close(1011, "Internal error encountered."))
            await talk.call_tools([TOOL])
            await talk.say(text)


async def _after(seconds: float, what: Callable[[], None]) -> None:
    await asyncio.sleep(seconds)
    what()


if __name__ == "__main__":
    model_process.run(HopBrain(), __doc__)
