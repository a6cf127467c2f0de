"""How the offline brain carries words, tools and interruptions between a conversation and a policy.

The policy here is a table and the ear hears what it is told; their own tests are elsewhere.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from simulators.live_api.directions import direction, is_direction
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
    ToolRequest,
    ToolResult,
    ToolResults,
)
from simulators.live_api.offline_brain import OfflineBrain
from simulators.live_api.server import LiveServer, LiveServerSettings
from simulators.live_api.voices import voice_named
from simulators.speech.ear import EarEvent, Utterance
from simulators.speech.marked import BEACON, encode
from simulators.speech.vocabulary import Vocabulary
from simulators.speech.voices import PiperVoice
from tests.live_api.raw_client import PROMPT, content, dialled, kinds, silence, speech, transcript

LONG = "On and on and on it goes without an end. " * 20


@dataclass
class TableAgent:
    """Answers by a table and writes down what it was told."""

    setup: AgentSetup
    told: list[AgentInput] = field(default_factory=list)

    def handle(self, turn: AgentInput) -> Sequence[AgentStep]:
        self.told.append(turn)
        match turn:
            case CallStarted():
                return [Say("Karibu.")]
            case Heard(text="burger"):
                return [Say("One moment."), CallTools((ToolRequest("addItem", {"name": "burger"}),))]
            case Heard(text="person"):
                return [CallTools((ToolRequest("escalate"),)), Say("I am calling someone.")]
            case Heard(text="story"):
                return [Say(LONG)]
            case Heard(text=text, agreed=False):
                return [Say(f"Did you say {text}?")]
            case Heard(text=text):
                return [Say(f"You said {text}. That is number {len(self.told)}.")]
            case ToolResults(results=results):
                return [Say(f"{results[0].name} is {results[0].response['status']}.")]
            case Silence():
                return [Say("Are you there?")]
            case Interrupted():
                return []


def heard(text: str, alternatives: tuple[str, ...] = (), *, agreed: bool = True, length_ms: int = 700) -> Utterance:
    return Utterance(text, alternatives, agreed, marked=False, start_ms=0, end_ms=length_ms)


class ToldEar:
    """Hears one utterance for each that it was given, when enough sound has come."""

    def __init__(self, utterances: list[Utterance]) -> None:
        self._utterances = utterances
        self._heard_bytes = 0
        self.has_closed = threading.Event()

    async def open(self) -> None:
        self._heard_bytes = 0

    def close(self) -> None:
        self.has_closed.set()

    async def hear(self, pcm: bytes) -> list[EarEvent]:
        self._heard_bytes += len(pcm)
        count, self._heard_bytes = divmod(self._heard_bytes, 30_000)
        told, self._utterances = self._utterances[:count], self._utterances[count:]
        return list(told)


@dataclass
class Restaurant:
    server: LiveServer
    agents: list[TableAgent]
    ears: list[ToldEar]


@asynccontextmanager
async def restaurant(
    utterances: list[Utterance] | None = None, *, silence_s: float = 1_000.0, speed: float = 25.0
) -> AsyncIterator[Restaurant]:
    agents: list[TableAgent] = []
    ears: list[ToldEar] = []

    def make_agent(setup: AgentSetup) -> TableAgent:
        agents.append(TableAgent(setup))
        return agents[-1]

    def make_ear(vocabulary: Vocabulary) -> ToldEar:
        ears.append(ToldEar(list(utterances or [])))
        return ears[-1]

    brain = OfflineBrain(
        make_agent=make_agent,
        make_ear=make_ear,
        silence_s=silence_s,
    )
    async with LiveServer(LiveServerSettings(brain=brain, speed=speed)) as server:
        yield Restaurant(server, agents, ears)


def server_heard(place: Restaurant) -> list[str]:
    return place.server.sessions[0].said("caller")


async def closed(ear: ToldEar) -> None:
    assert await asyncio.to_thread(ear.has_closed.wait, 20)


async def test_a_greeting_and_an_utterance_with_transcripts(setup: dict[str, Any]) -> None:
    async with restaurant([heard("a soda")]) as place, dialled(place.server, setup) as client:
        await client.send(PROMPT)
        assert transcript(await client.turn()) == "Karibu."
        await client.speak(speech(0.6) + silence(0.8))
        messages = await client.turn()
        assert transcript(messages, "inputTranscription") == "a soda"
        assert transcript(messages) == "You said a soda. That is number 2."
        [agent] = place.agents
        assert agent.setup.instruction == "Take orders."
        assert [declaration["name"] for declaration in agent.setup.declarations] == ["addItem", "escalate"]


async def test_what_the_ears_disagree_about_reaches_the_policy(setup: dict[str, Any]) -> None:
    doubt = heard("a soda", alternatives=("a soda", "a salad"), agreed=False)
    async with restaurant([doubt]) as place, dialled(place.server, setup) as client:
        await client.send(PROMPT)
        await client.turn()
        await client.speak(speech(0.6) + silence(0.8))
        assert transcript(await client.turn()) == "Did you say a soda?"
        assert place.agents[0].told[-1] == Heard("a soda", ("a soda", "a salad"), agreed=False)


async def test_unclear_speech_is_asked_about_and_a_cough_is_not(setup: dict[str, Any]) -> None:
    sounds = [heard("", agreed=False, length_ms=200), heard("", agreed=False)]
    async with restaurant(sounds) as place:
        async with dialled(place.server, setup) as client:
            await client.send(PROMPT)
            await client.turn()
            await client.speak((speech(0.6) + silence(0.8)) * 2)
            assert transcript(await client.turn()) == "Did you say ...?"
            assert server_heard(place) == []
        await closed(place.ears[0])


async def test_a_text_caller_needs_no_ears(setup: dict[str, Any]) -> None:
    async with restaurant() as place, dialled(place.server, setup) as client:
        await client.speak(encode(BEACON, 16_000) + silence(0.2))
        await client.send(PROMPT)
        await client.turn()
        await client.speak(encode("burger", 16_000) + silence(0.3))
        calls = await client.tool_call()
        assert calls[0]["args"] == {"name": "burger"}
        await client.answer(calls, {"status": "ok"})
        messages = await client.turn()
        assert transcript(client.messages).endswith("One moment. addItem is ok.")
        assert kinds(messages)[-1] == "turnComplete"
        assert place.ears == []


async def test_a_non_blocking_answer_is_spoken_about_when_it_comes(setup: dict[str, Any]) -> None:
    async with restaurant() as place, dialled(place.server, setup) as client:
        await client.send(PROMPT)
        await client.turn()
        await client.speak(encode("person", 16_000) + silence(0.3))
        calls = await client.tool_call()
        assert transcript(await client.turn()) == "I am calling someone."
        await client.answer(calls, {"status": "ok"})
        assert transcript(await client.turn()) == "escalate is ok."


async def test_an_interruption_tells_what_was_spoken_and_the_talk_goes_on(setup: dict[str, Any]) -> None:
    async with restaurant(speed=2.0) as place, dialled(place.server, setup) as client:
        await client.speak(encode("story", 16_000) + silence(0.3))
        await client.until(lambda message: "modelTurn" in content(message))
        await client.speak(encode("stop", 16_000) + silence(0.3))
        assert kinds(await client.turn())[-2:] == ["interrupted", "turnComplete"]
        assert transcript(await client.turn()) == " You said stop. That is number 4.".strip()
        told = place.agents[0].told
        assert [type(turn) for turn in told] == [CallStarted, Heard, Interrupted, Heard]
        assert isinstance(told[2], Interrupted)
        assert LONG.startswith(told[2].spoken)
        assert len(told[2].spoken) < len(LONG)


async def test_silence_is_told_and_nudges_count_as_silence(setup: dict[str, Any]) -> None:
    async with restaurant(silence_s=8.0) as place, dialled(place.server, setup) as client:
        await client.send(PROMPT)
        await client.turn()
        assert transcript(await client.turn()) == "Are you there?"
        told = place.agents[0].told[-1]
        assert isinstance(told, Silence)
        assert told.seconds >= 8.0
        nudge = {"role": "user", "parts": [{"text": "[The caller is waiting.]"}]}
        await client.send({"clientContent": {"turns": [nudge], "turnComplete": True}})
        assert transcript(await client.turn()) == "Are you there?"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[Say to the caller now: A colleague is coming.]", Say("A colleague is coming.")),
        ("[The caller is on the line. Say: Hello: welcome.]", Say("Hello: welcome.")),
        ("[The caller is waiting.]", None),
        ("[They would say nothing]", None),
        (
            '[These functions have an answer now; tell the caller: [{"function": "f", "result": {"status": "ok"}}]]',
            ToolResults((ToolResult("f", {"status": "ok"}),)),
        ),
        ("[An answer: [not json]]", None),
        ('[An answer: [{"function": "f"}]]', None),
    ],
)
def test_stage_directions(text: str, wanted: object) -> None:
    assert is_direction(text)
    assert direction(text) == wanted


async def test_directions_are_followed_in_a_conversation(setup: dict[str, Any]) -> None:
    async with restaurant() as place, dialled(place.server, setup) as client:
        await client.send(PROMPT)
        await client.send({"realtimeInput": {"text": " "}})  # some clients send it to set the model going
        assert transcript(await client.turn()) == "Karibu."
        for text, said in (
            ("[Say to the caller now: A colleague is coming.]", "A colleague is coming."),
            ('[Late: [{"function": "addItem", "result": {"status": "ok"}}]]', "addItem is ok."),
        ):
            turn = {"role": "user", "parts": [{"text": text}]}
            await client.send({"clientContent": {"turns": [turn], "turnComplete": True}})
            assert transcript(await client.turn()) == said


async def test_a_resumed_caller_is_not_greeted_again_and_still_speaks_text(setup: dict[str, Any]) -> None:
    setup["sessionResumption"] = {}
    async with restaurant() as place:
        async with dialled(place.server, setup) as client:
            await client.send(PROMPT)
            await client.turn()
            await client.speak(encode("hi", 16_000) + silence(0.3))
            await client.turn()
            handle = (await client.receive())["sessionResumptionUpdate"]["newHandle"]
        async with dialled(place.server, {**setup, "sessionResumption": {"handle": handle}}) as resumed:
            await resumed.speak(encode("again", 16_000) + silence(0.3))
            assert transcript(await resumed.turn()) == "You said again. That is number 3."
        assert place.server.sessions[1].text_caller
        before, after = place.agents
        assert after.told == [*before.told, Heard("again", ("again",))]


async def test_a_session_seeded_with_history_is_not_greeted(setup: dict[str, Any]) -> None:
    setup["historyConfig"] = {"initialHistoryInClientContent": True}
    history = [{"role": "model", "parts": [{"text": "Karibu."}]}]
    async with restaurant() as place, dialled(place.server, setup) as client:
        await client.send({"clientContent": {"turns": history, "turnComplete": True}})
        await client.send(PROMPT)
        await client.speak(encode("hi", 16_000) + silence(0.3))
        assert transcript(await client.turn()) == "You said hi. That is number 2."
        assert place.agents[0].told[0] == CallStarted()


MENU = """Take orders on the phone.
BRANCH Tamu Grill; currency KES; languages en; fulfilment pickup
GREETING Hello, this is the automated assistant of Tamu Grill.
CHOICES
size (size; choose 1; usually regular): regular = regular; large = large, +30.00
ITEMS
# Drinks
coke = coke / cola; 120.00; choices: size
END OF MENU
"""


COKE_TOOLS = [
    {
        "functionDeclarations": [
            {
                "name": "addItem",
                "behavior": "BLOCKING",
                "parameters": {
                    "type": "OBJECT",
                    "properties": {
                        "name": {"type": "STRING", "enum": ["coke"]},
                        "quantity": {"type": "INTEGER"},
                        "modifiers": {"type": "ARRAY", "items": {"type": "STRING", "enum": ["regular", "large"]}},
                    },
                },
            }
        ]
    }
]


@pytest.fixture
def coke_setup(setup: dict[str, Any]) -> dict[str, Any]:
    return {**setup, "systemInstruction": {"parts": [{"text": MENU}]}, "tools": COKE_TOOLS}


async def test_the_real_policy_takes_an_order_from_the_setup_alone(coke_setup: dict[str, Any]) -> None:
    cart = {"lines": [{"id": "l1", "name": "coke", "quantity": 2, "options": [{"id": "large"}], "unit_minor": 15_000}]}
    settings = LiveServerSettings(brain=OfflineBrain(), speed=25)
    async with LiveServer(settings) as server, dialled(server, coke_setup) as client:
        await client.speak(encode(BEACON, 16_000) + silence(0.2))
        await client.send(PROMPT)
        assert "automated assistant of Tamu Grill" in transcript(await client.turn())
        await client.speak(encode("two large cokes please", 16_000) + silence(0.3))
        calls = await client.tool_call()
        assert [call["name"] for call in calls] == ["addItem"]
        assert calls[0]["args"] == {"name": "coke", "quantity": 2, "modifiers": ["large"]}
        await client.answer(calls, {"status": "ok", "code": "added", "message": "", "cart": cart, "cart_version": 1})
        assert transcript(await client.turn())
        assert server.sessions[0].problem is None


@pytest.mark.audio
async def test_a_voice_is_understood_by_the_real_ears(coke_setup: dict[str, Any]) -> None:
    caller = PiperVoice(16_000)
    # Simulated time runs fast and ears do not: nobody may lose patience meanwhile.
    brain = OfflineBrain(silence_s=10_000)
    settings = LiveServerSettings(
        brain=brain, voice=voice_named("espeak"), speed=25, connection_s_max=25 * 600, go_away_s=1
    )
    async with LiveServer(settings) as server, dialled(server, coke_setup) as client:
        await client.send(PROMPT)
        await client.turn()
        await client.speak(await asyncio.to_thread(caller.synthesize, "two large cokes please") + silence(1.5))
        calls = await client.tool_call()
        assert calls[0]["args"] == {"name": "coke", "quantity": 2, "modifiers": ["large"]}
        assert "coke" in transcript(client.messages, "inputTranscription")


@pytest.mark.parametrize("broken", ["agent", "ear"])
async def test_a_part_that_fails_ends_the_session_with_its_reason(setup: dict[str, Any], broken: str) -> None:
    def fail(*_: object) -> Any:
        raise RuntimeError(f"no {broken}")

    class FailingAgent(TableAgent):
        handle = fail  # type: ignore[assignment]

    brain = OfflineBrain(
        make_agent=FailingAgent if broken == "agent" else TableAgent,
        make_ear=fail if broken == "ear" else lambda _: ToldEar([]),
    )
    async with LiveServer(LiveServerSettings(brain=brain)) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        await client.speak(silence(0.1))
        assert (await client.closed())[0] == 1011
        assert server.sessions[0].problem == f"RuntimeError: no {broken}"
