"""The model of the matrix: a Live server of its own process whose agent does little else than ask for a person.

    python -m benchmarks.escalation_matrix.model --ca-file FILE

prints one line with its ``url``, then one line per thing that is measured: ``{"event": "asked", "branch": ..., "at":
Unix seconds, "sentence_ms": ...}``. It greets, waits for a caller who wants a person, calls ``escalate`` (twice at once
for a branch whose name says "doubled"), says what it is told to, has a caller rung back who wishes so, and says
goodbye when nobody can come.
"""

from __future__ import annotations

import contextlib
import json
import re
import time

from agiza.contracts.tools import END_CALL, ESCALATE
from benchmarks import model_process
from simulators.live_api.brain import Event, Prompted, ToolsAnswered, UserWords
from simulators.live_api.conversation import Conversation
from simulators.live_api.directions import direction
from simulators.live_api.offline.turns import Say, ToolResults
from simulators.live_api.protocol import OUTPUT_RATE
from simulators.live_api.stage import TurnInterrupted
from simulators.live_api.tool_calls import ToolRequest
from simulators.speech.voices import MarkedVoice

GREETING = "Hello, this is an automated assistant. How can I help?"
GOODBYE = "Thank you for calling. Goodbye."
SAYINGS_MAX = 3
SUMMARY = "The caller wants a person. Nothing was ordered."

_BRANCH = re.compile(r"^BRANCH (.+?);", re.MULTILINE)


def report(event: str, branch: str, **fields: object) -> None:
    """One line for whoever measures."""
    print(json.dumps({"event": event, "branch": branch, "at": time.time(), **fields}), flush=True)


class CaseBrain:
    """One conversation after the other, all alike."""

    async def run(self, talk: Conversation) -> None:
        found = _BRANCH.search(talk.instruction)
        branch = found[1] if found else ""
        await _until(talk, Prompted)
        await talk.learn_caller()
        await _say(talk, GREETING)
        told: set[str] = set()
        while True:
            match await talk.next_event():
                case UserWords(text=text) if "person" in text:
                    told.clear()
                    await _ask(talk, branch, "caller_asked", twice="doubled" in branch)
                case UserWords(text=text) if "ring me back" in text:
                    told.clear()
                    await _ask(talk, branch, "callback", twice=False)
                case Prompted(text=text) if isinstance(order := direction(text), Say):
                    await _say(talk, order.text)
                case Prompted(text=text) if isinstance(order := direction(text), ToolResults):
                    for late in order.results:
                        await _say(talk, str(late.response.get("message", "")))
                case UserWords(text=text) if "goodbye" in text:
                    await _say(talk, GOODBYE)
                    await talk.call_tools([ToolRequest(END_CALL)])
                    await talk.end_turn()
                case ToolsAnswered(result=result) if result.name == ESCALATE:
                    message = str(result.response.get("message", ""))
                    if message not in told:  # two calls at once have the same answer
                        told.add(message)
                        await _tell(talk, branch, message)
                case _:
                    pass


async def _ask(talk: Conversation, branch: str, reason: str, *, twice: bool) -> None:
    """The function is not waited for: its answers come as events."""
    request = ToolRequest(ESCALATE, {"reason": reason, "summary": SUMMARY})
    report("asked", branch, reason=reason)
    with contextlib.suppress(TurnInterrupted):
        await talk.call_tools([request] * (2 if twice else 1))
        await talk.end_turn()


async def _tell(talk: Conversation, branch: str, message: str) -> None:
    sentence = MarkedVoice(OUTPUT_RATE).synthesize(message)
    report("told", branch, sentence_ms=len(sentence) * 1000 // (2 * OUTPUT_RATE))
    await _say(talk, message)


async def _say(talk: Conversation, text: str) -> None:
    """Say it to the end: a caller's beacon, or a word of theirs, may cut off the first attempt."""
    for _ in range(SAYINGS_MAX):
        with contextlib.suppress(TurnInterrupted):
            await talk.say(text)
            await talk.end_turn()
            return


async def _until(talk: Conversation, *kinds: type[Event]) -> None:
    while not isinstance(await talk.next_event(), kinds):
        pass


if __name__ == "__main__":
    model_process.run(CaseBrain(), __doc__)
