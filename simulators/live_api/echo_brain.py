"""A brain that answers everything with what it heard, numbered: one can hear what a session remembers and was told.

Prompted for the first time it says what it is told to; a caller's words come back as "3: the words". Words with "order"
in them call ``addItem`` first. Answers that come as a note are said as "News: ..."; any other note gets "Here I am
again.". The count lives in the handle, so a session that resumes goes on counting and a fresh one begins at 1.
"""

from __future__ import annotations

from simulators.live_api.brain import Event, Prompted, UserWords
from simulators.live_api.conversation import Conversation
from simulators.live_api.directions import direction
from simulators.live_api.offline.turns import Say, ToolResults
from simulators.live_api.stage import TurnInterrupted
from simulators.live_api.tool_calls import ToolRequest

TOOL = "addItem"
BEACON_S = 0.6
"""A text caller begins with a beacon, which would interrupt the first sentence."""
BACK = "Here I am again."


class EchoBrain:
    """It speaks text to everybody."""

    async def run(self, talk: Conversation) -> None:
        while True:
            event = await talk.next_event()
            try:
                await self._answer(talk, event)
            except TurnInterrupted:
                continue

    async def _answer(self, talk: Conversation, event: Event | None) -> None:
        match event:
            case Prompted(text=text):
                if isinstance(direction(text), Say) and not talk.text_caller:
                    await talk.clock.sleep(BEACON_S)
                talk.beacon()
                await talk.say(reaction(text))
            case UserWords(text=text):
                count = (talk.memory if isinstance(talk.memory, int) else 0) + 1
                talk.remember(count)
                talk.beacon()
                if "order" in text:
                    await talk.call_tools([ToolRequest(TOOL, {"item": text})])
                await talk.say(f"{count}: {text}")
            case _:
                return
        await talk.end_turn()


def reaction(note: str) -> str:
    """What is said to a note in brackets."""
    match direction(note):
        case Say(text=words):
            return words
        case ToolResults(results=results):
            return "News: " + ", ".join(str(result.response.get("message")) for result in results)
        case _:
            return BACK
