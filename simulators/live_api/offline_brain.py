"""The offline brain: ears, a dialogue policy and a voice in the place of the model. No network, no menu file.

Everything that it knows of the restaurant comes from the setup message. Hearing runs in its own task, so that a
caller is understood while the agent speaks; a caller who speaks marked PCM needs no ears.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, assert_never

import structlog

from simulators.live_api.brain import (
    Event,
    InstructionChanged,
    Prompted,
    ToolsAnswered,
    UserSpeechEnded,
    UserSpeechStarted,
    UserText,
    UserUtterance,
    UserWords,
)
from simulators.live_api.conversation import Conversation
from simulators.live_api.directions import direction, is_direction
from simulators.live_api.hearing import EarMaker, Ears
from simulators.live_api.offline.agent import OfflineAgent
from simulators.live_api.offline.turns import (
    AgentInput,
    AgentSetup,
    AgentStep,
    CallStarted,
    CallTools,
    Heard,
    Interrupted,
    Say,
    Silence,
    ToolResult,
    ToolResults,
)
from simulators.live_api.offline.vocabulary import vocabulary_of
from simulators.live_api.stage import TurnInterrupted
from simulators.live_api.tool_calls import ToolRequest
from simulators.speech.ear import Ear

log = structlog.get_logger(__name__)

SILENCE_S = 8.0
_UNHEARD_S = 4.0  # an interruption that brings no words: a cough, a door
_STEPS_MAX = 40  # of one answer: a policy that calls tools for ever is stopped

_UNCLEAR = Heard("...", agreed=False)  # somebody spoke, and no recogniser made anything of it


class Agent(Protocol):
    """The dialogue policy: words and tool results in, sentences and tool calls out. Equal inputs give equal steps."""

    def handle(self, turn: AgentInput) -> Sequence[AgentStep]: ...


@dataclass(frozen=True, slots=True)
class Told:
    """What an agent was told so far. Telling it again to a new agent brings the conversation back."""

    turns: tuple[AgentInput, ...] = ()

    def __deepcopy__(self, memo: object) -> Self:
        return self  # nothing in it changes, and a handle is made after every turn


AgentMaker = Callable[[AgentSetup], Agent]


class OfflineBrain:
    """`make_ear` makes one ear per conversation; after `silence_s` of nobody speaking the agent is told."""

    def __init__(
        self,
        *,
        make_agent: AgentMaker | None = None,
        make_ear: EarMaker | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._make_agent = make_agent or OfflineAgent
        self._make_ear = make_ear or Ear
        self._silence_s = silence_s

    async def run(self, talk: Conversation) -> None:
        setup = AgentSetup(talk.instruction, talk.declarations)
        hearing = Ears(talk, self._make_ear, vocabulary_of(setup))
        dialogue = _Dialogue(talk, self._make_agent(setup), self._silence_s, on_voice=hearing.wanted.set)
        ears = asyncio.ensure_future(hearing.run())
        mind = asyncio.ensure_future(dialogue.run())
        try:
            # Either may fail; neither ends by itself while the session lives, but a text caller needs no ears.
            done, _ = await asyncio.wait({ears, mind}, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in (ears, mind):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(ears, mind, return_exceptions=True)


class _Dialogue:
    """Carries events to the agent and its steps to the caller, one answer at a time."""

    def __init__(self, talk: Conversation, agent: Agent, silence_s: float, *, on_voice: Callable[[], None]) -> None:
        self._talk = talk
        self._agent = agent
        self._silence_s = silence_s
        self._on_voice = on_voice
        self._started = talk.resumed
        if talk.resumed:
            on_voice()
        self._quiet_since_s = talk.clock.now()
        self._unheard = False
        self._told: list[AgentInput] = []
        for turn in talk.memory.turns if isinstance(talk.memory, Told) else ():
            self._tell(turn)
        self._late: dict[str, ToolResult] = {}
        self._late_order: list[str] = []

    async def run(self) -> None:
        while True:
            event = await self._talk.next_event(self._patience_s())
            for turn in await self._turns_of(event):
                await self._answer(turn)

    def _patience_s(self) -> float:
        return _UNHEARD_S if self._unheard else self._silence_s

    async def _turns_of(self, event: Event | None) -> Sequence[AgentInput | Say]:
        """What the agent is told about this event; nothing for most of them."""
        match event:
            case None:
                if self._talk.user_speaking or not self._started:
                    return []
                self._unheard = False
                return [Silence(self._talk.clock.now() - self._quiet_since_s)]
            case UserSpeechStarted():
                self._quiet_since_s = self._talk.clock.now()
                return []
            case UserSpeechEnded():
                self._quiet_since_s = self._talk.clock.now()
                self._on_voice()
                return []
            case UserWords(text=text):
                return await self._heard(Heard(text, (text,)))
            case UserUtterance(text=text, alternatives=alternatives, agreed=agreed):
                if not text:
                    return await self._heard(_UNCLEAR)
                self._talk.transcribe(text)
                return await self._heard(Heard(text, alternatives, agreed))
            case UserText(text=text):
                return await self._heard(Heard(text, (text,))) if text.strip() else await self._start()
            case Prompted(text=text):
                return await self._prompted(text)
            case ToolsAnswered(result=result, silent=silent):
                return self._late_result(ToolResult(result.name, result.response), silent=silent)
            case InstructionChanged():
                return []  # the menu of a call is pinned; the rest of the instruction is prose
            case _:
                assert_never(event)

    async def _heard(self, heard: Heard) -> list[AgentInput]:
        self._unheard = False
        return [*await self._start(greet=False), heard]

    async def _prompted(self, text: str) -> Sequence[AgentInput | Say]:
        """The first prompt starts the call. Later ones are the caller's words, a stage direction or an empty nudge."""
        words = text.strip()
        if not self._started:
            first = direction(words) if is_direction(words) else None
            if isinstance(first, Say):  # the words of the opening, which may be another one than the menu's greeting
                return [*await self._start(greet=False), first]
            return await self._start()
        if not words or is_direction(words):
            return [direction(words) or Silence(self._talk.clock.now() - self._quiet_since_s)]
        return [Heard(words, (words,))]

    async def _start(self, *, greet: bool = True) -> list[AgentInput]:
        """CallStarted once. Where the caller spoke first, the agent learns of the start but does not greet."""
        if self._started:
            return []
        self._started = True
        if not await self._talk.learn_caller():
            self._on_voice()
        if greet:
            return [CallStarted()]
        self._tell(CallStarted())
        return []

    def _late_result(self, result: ToolResult, *, silent: bool) -> list[AgentInput]:
        """Answers to NON_BLOCKING calls are collected until those of one message are complete."""
        self._late[result.name] = result
        if not all(name in self._late for name in self._late_order):
            return []
        results = tuple(self._late[name] for name in self._late_order) or (result,)
        self._late.clear()
        self._late_order.clear()
        if silent:
            self._tell(ToolResults(results))
            return []
        return [ToolResults(results)]

    async def _answer(self, turn: AgentInput | Say) -> None:
        """One turn of the model: every step of the agent, with the tools' results in between."""
        steps: deque[AgentStep] = deque([turn] if isinstance(turn, Say) else self._steps(turn))
        if not steps:
            return
        try:
            for _ in range(_STEPS_MAX):
                if not steps:
                    break
                match steps.popleft():
                    case Say(text=text):
                        await self._talk.say(text)
                    case CallTools(requests=requests):
                        results = await self._call([ToolRequest(one.name, dict(one.args)) for one in requests])
                        if results:
                            steps.extendleft(reversed(self._tell(ToolResults(results))))
            else:
                log.warning("offline_agent_stopped", steps=_STEPS_MAX)
            await self._talk.end_turn()
        except TurnInterrupted as interruption:
            self._unheard = True
            self._tell(Interrupted(interruption.spoken))
        self._quiet_since_s = self._talk.clock.now()

    def _tell(self, turn: AgentInput) -> Sequence[AgentStep]:
        self._told.append(turn)
        self._talk.remember(Told(tuple(self._told)))
        return self._agent.handle(turn)

    def _steps(self, turn: AgentInput) -> Sequence[AgentStep]:
        """The agent's steps; of a start, only what the session's history does not have already."""
        steps = self._tell(turn)
        if not isinstance(turn, CallStarted):
            return steps
        said = [text for role, text in self._talk.history if role == "model"]
        return [step for step in steps if not (isinstance(step, Say) and any(step.text in text for text in said))]

    async def _call(self, requests: list[ToolRequest]) -> tuple[ToolResult, ...]:
        """The results of a message whose calls all block; a message with others is answered by events."""
        results = tuple(ToolResult(one.name, one.response) for one in await self._talk.call_tools(requests))
        if len(results) == len(requests):
            return results
        self._late_order = [request.name for request in requests]
        self._late.update({result.name: result for result in results})
        return ()
