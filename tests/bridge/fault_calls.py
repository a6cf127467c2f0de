"""Callers whose model goes wrong: what they said, what they heard and when, and how long they heard nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from bridge_world import Line, World, until

from agiza.contracts.events import CallEnded
from services.bridge.session.stuck import NUDGE_GREETING
from simulators.live_api.brain import Prompted, UserWords
from simulators.live_api.conversation import Conversation
from simulators.live_api.faults import Faults
from simulators.live_api.stage import TurnInterrupted
from simulators.live_api.tool_calls import ToolRequest
from simulators.speech.marked import encode

GREETING = "Hello, what would you like?"
ANSWER = "I have added one burger."
STORY = "Well, " + "let me tell you a story. " * 12
SILENCE_S_MAX = 5.0
WINDOW_BYTES = 640
HEARD_PEAK = 300
REACHED_S_MAX = 30
ASKED_AGAIN_S = 14
STALL_STEP_S = 0.02
STEPS_OF_A_SILENCE = 4
"""What ends it goes from one timer to the next: the model's or the session's, the socket's, the pacer's, the line's."""
End = Literal["goes_on", "person", "either"]


@dataclass(frozen=True)
class Row:
    """One fault and where its call ends. ``at_once``: from the connection on; else after the first exchange.

    ``either``: the model's connection is lost. A person today, or the call goes on where the model is had again.
    """

    name: str
    faults: Faults
    ends: End
    at_once: bool = False
    barges_in: bool = False
    tool_calls_max: int = 6
    """A busy machine may cut the caller's words in two, and so cancel a call: fewer are no fault."""


class FaultyBrain:
    """A waiter who adds a burger. What the caller says first is the name of what goes wrong from then on."""

    def __init__(self, later: Mapping[str, Faults]) -> None:
        self._later = later

    async def run(self, talk: Conversation) -> None:
        talk.beacon()  # a session that takes over from another one does not hear the line's own
        talk.remember(True)
        while True:
            event = await talk.next_event()
            try:
                match event:
                    case Prompted(text) if text.startswith("[Say to the caller now: "):
                        await talk.say(text.removeprefix("[Say to the caller now: ").removesuffix("]"))
                    case Prompted(text) if "Your first sentence broke off" in text:
                        await talk.say("I am an automated assistant, what would you like?")
                    case Prompted(text) if text == NUDGE_GREETING or self._is_opening(talk, text):
                        await talk.clock.sleep(0.6)  # for the beacon, which says that this caller speaks text
                        await talk.say(GREETING)
                    case Prompted():
                        await talk.say("Sorry. " + ANSWER)
                    case UserWords(text) if text in self._later:
                        try:
                            await talk.say("Go ahead.")
                            await talk.end_turn()
                        finally:  # also for a caller who goes ahead before that is over
                            for name in self._later[text].model_fields_set:
                                setattr(talk.faults, name, getattr(self._later[text], name))
                    case UserWords(text) if "story" in text:
                        await talk.say(STORY)
                    case UserWords(text) if "burger" in text:
                        (result,) = await talk.call_tools([ToolRequest("addItem", {"name": "chicken-burger"})])
                        is_pending = result.response.get("status") == "pending"
                        await talk.say("I am still waiting for the kitchen." if is_pending else ANSWER)
                await talk.end_turn()
            except TurnInterrupted:
                pass

    @staticmethod
    def _is_opening(talk: Conversation, text: str) -> bool:
        """Nothing was said yet, neither here nor in a session before this one."""
        return "Do not greet again" not in text and not any(role == "model" for role, _ in talk.history)


@dataclass
class Story:
    """One call as its caller knows it."""

    row: Row
    call_id: str
    line: Line
    opened_at: float
    said: list[tuple[float, float]] = field(default_factory=list)
    ended_at: float = 0.0

    def say(self, text: str) -> None:
        began = asyncio.get_running_loop().time()
        self.said.append((began, began + len(encode(text, 16_000)) / 32_000))
        self.line.say(text)

    def has_heard(self, text: str) -> bool:
        return any(text in heard for heard in self.line.texts)

    @property
    def is_closed(self) -> bool:
        return self.line.socket.close_code is not None

    @property
    def greetings(self) -> int:
        return sum(GREETING in heard for heard in self.line.texts)

    def silence(self) -> tuple[float, float]:
        """The longest time in which neither side was heard, from the open socket to the end of the story: its
        beginning and its end."""
        longest, quiet_from = (self.opened_at, self.opened_at), self.opened_at
        for began, ended in [*sorted([*self.said, *self._played()]), (self.ended_at, self.ended_at)]:
            gap = (quiet_from, min(began, self.ended_at))
            longest = max(longest, gap, key=lambda each: each[1] - each[0])
            quiet_from = max(quiet_from, ended)
        return longest

    def _played(self) -> list[tuple[float, float]]:
        """When what can be heard of the audio is played: each piece when it arrives, or behind the one before."""
        played, clock, offset = [], 0.0, 0
        for arrived_at, size in self.line.arrivals:
            clock = max(clock, arrived_at)
            for start in range(offset, offset + size, WINDOW_BYTES):
                window = np.frombuffer(self.line.heard[start : min(start + WINDOW_BYTES, offset + size)], "<i2")
                ends = clock + len(window) / 16_000
                if len(window) and int(np.abs(window.astype(np.int32)).max()) > HEARD_PEAK:
                    played.append((clock, ends))
                clock = ends
            offset += size
        return played


class Stalls:
    """What a busy machine takes away from everybody in this process: caller, bridge and model alike."""

    def __init__(self) -> None:
        self._late: list[tuple[float, float]] = []

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + STALL_STEP_S
            await asyncio.sleep(STALL_STEP_S)
            self._late.append((due, loop.time() - due))

    def within_s(self, began: float, ended: float) -> float:
        """Seconds that a silence in this time may have been longer for it: each of its few steps, as late as the
        latest timer was."""
        return STEPS_OF_A_SILENCE * max((late for at, late in self._late if began <= at <= ended), default=0.0)


@contextlib.asynccontextmanager
async def watched_stalls() -> AsyncIterator[Stalls]:
    stalls = Stalls()
    watching = asyncio.create_task(stalls.watch())
    try:
        yield stalls
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def call(world: World, row: Row, dialling: asyncio.Lock) -> Story:
    """Place a call and live through it: it ends with the answer, or with the stream that the bridge leaves."""
    call_id = f"HD_{row.name.replace(' ', '_')}"
    async with dialling:  # the server gives queued faults to whoever connects next
        if row.at_once:
            world.live.next_faults(row.faults)
        line = await world.call(call_id=call_id)
        story = Story(row, call_id, line, asyncio.get_running_loop().time())
        await until(lambda: not world.live._queued)
    await _reached(story, "what would you like")
    if not row.at_once:
        story.say(row.name)
        await _reached(story, "Go ahead")
    if row.barges_in:
        story.say("a story")
        before = len(line.heard)
        await until(lambda: len(line.heard) > before + 32_000 or story.is_closed)
        story.say("stop, a burger")
    else:
        story.say("a burger")
    await _reached(story, ANSWER, ASKED_AGAIN_S)
    if not (story.has_heard(ANSWER) or story.is_closed):  # another model session asks for it again
        story.say("a burger")
        await _reached(story, ANSWER)
    story.ended_at = asyncio.get_running_loop().time()
    if not story.is_closed:
        await asyncio.sleep(0.3)
        await line.hang_up()
    return story


async def _reached(story: Story, text: str, seconds: float = REACHED_S_MAX) -> None:
    """A call that goes nowhere is judged, not waited for."""
    with contextlib.suppress(TimeoutError):
        await until(lambda: story.has_heard(text) or story.is_closed, seconds)


def report_of(world: World, story: Story) -> CallEnded | None:
    ended = [event for event in world.around.of_type(CallEnded) if event.call_id == story.call_id]
    return ended[0] if ended else None
