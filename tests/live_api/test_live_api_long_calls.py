"""What happens on the way of a longer conversation: changed instructions, second tries, a full context."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.live_api.context import Context, Handles, Saved
from simulators.live_api.protocol import ProtocolError
from simulators.live_api.setup import Endpoint, parse_setup
from tests.live_api.raw_client import PROMPT, content, dialled, kinds, serving, silence, speech, transcript

ADD = {"name": "addItem", "args": {"name": "soda"}}


async def test_a_context_update_is_taken_where_the_model_has_it(setup: dict[str, Any]) -> None:
    update = {"contextUpdate": {"systemInstruction": {"parts": [{"text": "New rules."}]}, "tools": {"tools": []}}}
    async with serving(["wait_for_prompt", {"say": "Fine."}]) as server:
        async with dialled(server, setup) as client:
            await client.send(update)
            await client.send(PROMPT)
            assert transcript(await client.turn()) == "Fine."
        older = {"model": "models/gemini-3.1-flash-live-preview"}
        async with dialled(server, older) as client:
            await client.send(update)
            assert (await client.closed())[0] == 1007


async def test_an_interrupted_sentence_can_be_repeated(setup: dict[str, Any]) -> None:
    steps = ["wait_for_prompt", {"say": "Hear me out. " * 20, "on_interrupt": "repeat"}]
    async with serving(steps, speed=4.0) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        await client.until(lambda message: "modelTurn" in content(message))
        await client.speak(speech(0.4) + silence(0.7))
        assert "interrupted" in kinds(await client.turn())
        assert transcript(await client.turn()).count("Hear me out.") == 20


async def test_a_cancelled_call_can_be_tried_again(setup: dict[str, Any]) -> None:
    steps = ["wait_for_prompt", {"call": ADD, "on_cancel": "retry"}, {"say": "Added."}]
    async with serving(steps) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        first = await client.tool_call()
        await client.speak(speech(0.5) + silence(0.7))
        second = await client.tool_call()
        assert first[0]["id"] != second[0]["id"]
        await client.answer(second, {"status": "ok"})
        assert transcript(await client.turn()) == "Added."
        assert [call.cancelled for call in server.sessions[0].tool_calls] == [True, False]


async def test_an_interrupting_answer_of_a_background_call_stops_the_speech(setup: dict[str, Any]) -> None:
    steps = [
        "wait_for_prompt",
        {"call": {"name": "escalate"}},
        {"say": "Let me tell you about our specials. " * 20},
        {"wait_for_result": "escalate"},
        {"say": "They are here."},
    ]
    async with serving(steps, speed=4.0) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        calls = await client.tool_call()
        await client.until(lambda message: "modelTurn" in content(message))
        await client.answer(calls, {"status": "ok"}, scheduling="INTERRUPT")
        assert "interrupted" in kinds(await client.turn())
        assert transcript(await client.turn()) == "They are here."


async def test_a_full_context_without_a_window_ends_the_session(setup: dict[str, Any]) -> None:
    setup["systemInstruction"] = {"parts": [{"text": "x"}]}
    words = "word " * 110_000  # more than the model's context on its own
    turn = {"role": "user", "parts": [{"text": words}]}
    async with serving(["wait_for_prompt", {"say": "Oh."}]) as server, dialled(server, setup) as client:
        await client.send({"clientContent": {"turns": [turn], "turnComplete": True}})
        code, reason = await client.closed()
        assert code == 1007
        assert "context" in (reason or "")


def test_a_sliding_window_forgets_audio_first_and_then_the_oldest_turns() -> None:
    window = {"triggerTokens": 1_000, "slidingWindow": {"targetTokens": 400}}
    body = {"model": "models/gemini-3.8-live", "contextWindowCompression": window}
    setup = parse_setup(body, Endpoint(vertex=False, version="v1beta"))
    context = Context(audio_s=30.0)
    for number in range(10):
        context.add("user", f"{number:04d}" * 30)
    assert context.tokens > 1_000
    context.compress(setup)
    assert context.tokens == 400
    assert len(context.history) == 10
    for number in range(30):
        context.add("model", f"{number:04d}" * 30)
    context.compress(setup)
    assert context.tokens <= 400
    assert context.audio_s == 0
    assert context.history[-1].text == "0029" * 30


def test_handles_expire_and_give_copies() -> None:
    handles = Handles()
    memory = ["said"]
    handle = handles.issue(Saved("s", "m", Context(), memory, text_caller=False, issued_s=100.0))
    memory.append("later")
    found = handles.find(handle, 7_300.0)
    assert found is not None
    assert found.memory == ["said"]
    assert handles.find(handle, 7_300.1) is None
    assert handles.find("other", 100.0) is None


def test_a_setup_that_is_no_setup_names_the_place() -> None:
    with pytest.raises(ProtocolError) as refused:
        parse_setup({"model": "models/gemini-3.8-live", "tools": ["f"]}, Endpoint(vertex=False, version="v1beta"))
    assert refused.value.code == 1007
