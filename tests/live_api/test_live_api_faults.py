"""Every fault switch, by what a client sees of it."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simulators.live_api.faults import Close, Faults, GoAway
from simulators.speech.marked import encode
from tests.live_api.raw_client import (
    PROMPT,
    RawClient,
    audio_parts,
    content,
    dialled,
    kinds,
    serving,
    silence,
    speech,
    transcript,
)

TALK: list[object] = ["wait_for_prompt", {"say": "Welcome to the grill, what can I get you?"}]
AGAIN: list[object] = ["wait_for_prompt", {"say": "Still here."}]
ADD: dict[str, Any] = {"call": {"name": "addItem", "args": {"name": "soda"}}}
ORDER: list[object] = ["wait_for_prompt", ADD, {"say": "Added."}]


async def one_turn(faults: Faults, setup: dict[str, Any], steps: list[object] | None = None) -> RawClient:
    """A client that prompted and saw one turn; its socket is closed."""
    async with serving(steps or TALK, faults=faults) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        await client.turn()
        return client


# --- connection -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 429, 503])
async def test_reject_upgrade_status(status: int) -> None:
    async with serving(TALK, faults=Faults(reject_upgrade_status=status)) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(server):
                pass
        assert refused.value.response.status_code == status


async def test_setup_never_reads_on_and_says_nothing(setup: dict[str, Any]) -> None:
    async with (
        serving(TALK, faults=Faults(setup_never=True)) as server,
        dialled(server, setup, complete=False) as client,
    ):
        for _ in range(300):  # more than any queue on the way: the server must still be reading
            await client.send({"realtimeInput": {"text": "hello?"}})
        await (await client.socket.ping())
        assert server.sessions[0].messages_out == 0


async def test_setup_delay(setup: dict[str, Any]) -> None:
    async with serving(TALK, faults=Faults(setup_delay_ms=2_000)) as server:
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with dialled(server, setup):
            assert loop.time() - started >= 2.0 / 25


async def test_close_after_setup_with_any_code_and_reason(setup: dict[str, Any]) -> None:
    faults = Faults(close=Close(after_ms=100, code=1008, reason="The operation was aborted."))
    async with serving(TALK, faults=faults) as server, dialled(server, setup) as client:
        assert await client.closed() == (1008, "The operation was aborted.")
        assert server.sessions[0].setup["model"] == setup["model"]


async def test_go_away_then_deadline(setup: dict[str, Any]) -> None:
    faults = Faults(go_away=GoAway(after_ms=500, time_left_ms=5_000))
    async with (
        serving([*TALK, {"pause": 1}, {"say": "Last words."}], faults=faults) as server,
        dialled(server, setup) as client,
    ):
        await client.until(lambda message: message == {"goAway": {"timeLeft": "5s"}})
        await client.send(PROMPT)
        assert transcript(await client.turn()).startswith("Welcome")
        assert await client.closed() == (1011, "Deadline expired before operation could complete.")


async def test_go_away_followed_by_silence(setup: dict[str, Any]) -> None:
    faults = Faults(go_away=GoAway(time_left_ms=5_000, silent=True))
    async with serving(TALK, faults=faults) as server, dialled(server, setup) as client:
        await client.until(lambda message: "goAway" in message)
        await client.send(PROMPT)
        assert (await client.closed())[0] == 1011
        assert client.messages[-1] == {"goAway": {"timeLeft": "5s"}}


async def test_tcp_reset(setup: dict[str, Any]) -> None:
    async with serving(TALK, faults=Faults(tcp_reset_after_ms=100)) as server, dialled(server, setup) as client:
        with pytest.raises(ConnectionClosed) as lost:
            await client.receive()
        assert lost.value.rcvd is None
        assert client.socket.close_code == 1006


async def test_slow_pong(setup: dict[str, Any]) -> None:
    async with serving(TALK, faults=Faults(slow_pong_ms=5_000)) as server, dialled(server, setup) as client:
        latency = await (await client.socket.ping())
        assert latency >= 5.0 / 25
        await client.send(PROMPT)
        assert kinds(await client.turn())[-1] == "turnComplete"


async def test_refuse_handle(setup: dict[str, Any]) -> None:
    async with (
        serving(TALK) as server,
        dialled(server, {**setup, "sessionResumption": {}}) as client,
    ):
        handle = (await client.receive())["sessionResumptionUpdate"]["newHandle"]
        server.next_faults(Faults(refuse_handle=True))
        async with dialled(server, {**setup, "sessionResumption": {"handle": handle}}, complete=False) as second:
            assert (await second.closed())[0] == 1007


async def test_ignore_handle_gives_a_fresh_context(setup: dict[str, Any]) -> None:
    resuming = {**setup, "sessionResumption": {}}
    async with (
        serving([*TALK, *AGAIN]) as server,
        dialled(server, resuming) as client,
    ):
        await client.send(PROMPT)
        await client.turn()
        handle = (await client.receive())["sessionResumptionUpdate"]["newHandle"]
        server.next_faults(Faults(ignore_handle=True))
        async with dialled(server, {**setup, "sessionResumption": {"handle": handle}}) as second:
            await second.send(PROMPT)
            assert transcript(await second.turn()).startswith("Welcome")
        assert server.sessions[1].resumed_from is None


# --- silence ----------------------------------------------------------------------------------------------------


async def nothing_comes(client: RawClient) -> bool:
    """Whether the server, although alive, has sent no message by the time a ping comes back twice."""
    for _ in range(2):
        await (await client.socket.ping())
    try:
        async with asyncio.timeout(0.2):
            await client.receive()
    except TimeoutError:
        return True
    return False


async def test_stall_after_the_users_turn_for_good(setup: dict[str, Any]) -> None:
    steps = [{"wait_for_text": None}, {"say": "Yes."}]
    del setup["inputAudioTranscription"]
    async with (
        serving(steps, faults=Faults(stall_after=frozenset({"user_turn"}))) as server,
        dialled(server, setup) as client,
    ):
        await client.send({"realtimeInput": {"text": "a soda"}})
        assert await nothing_comes(client)


async def test_stall_after_the_users_turn_until_content_comes(setup: dict[str, Any]) -> None:
    faults = Faults(stall_after=frozenset({"user_turn"}), stall_ends="on_content")
    steps = [{"wait_for_text": None}, {"say": "Yes."}, *AGAIN]
    async with serving(steps, faults=faults) as server, dialled(server, setup) as client:
        await client.send({"realtimeInput": {"text": "a soda"}})
        assert await nothing_comes(client)
        await client.send(PROMPT)
        assert "Still here." in transcript(await client.turn())


async def test_stall_after_a_tool_response(setup: dict[str, Any]) -> None:
    async with (
        serving(ORDER, faults=Faults(stall_after=frozenset({"tool_response"}))) as server,
        dialled(server, setup) as client,
    ):
        await client.send(PROMPT)
        await client.answer(await client.tool_call(), {"status": "ok"})
        assert await nothing_comes(client)
        assert server.sessions[0].tool_calls[0].response == {"status": "ok"}


async def test_stall_after_an_interruption(setup: dict[str, Any]) -> None:
    steps = ["wait_for_prompt", {"say": "On and on and on. " * 20}, "wait_for_speech", {"say": "Yes?"}]
    faults = Faults(stall_after=frozenset({"interrupted"}))
    async with serving(steps, faults=faults, speed=2.0) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        await client.until(lambda message: "modelTurn" in content(message))
        await client.speak(speech(0.4) + silence(0.7))
        assert kinds(await client.turn())[-2:] == ["interrupted", "turnComplete"]
        assert await nothing_comes(client)


async def test_empty_turn_then_normal(setup: dict[str, Any]) -> None:
    async with serving([*TALK, *AGAIN], faults=Faults(empty_turns=1)) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        assert kinds(await client.turn()) == ["generationComplete", "turnComplete"]
        await client.send(PROMPT)
        assert transcript(await client.turn()) == "Still here."


async def test_near_silent_turn(setup: dict[str, Any]) -> None:
    client = await one_turn(Faults(near_silent_turns=1), setup)
    pcm = np.frombuffer(b"".join(audio_parts(client.messages)), "<i2")
    assert len(pcm) > 24_000
    assert np.abs(pcm).max() <= 1


async def test_rejected_turn(setup: dict[str, Any]) -> None:
    client = await one_turn(Faults(rejected_turns=1), setup)
    assert content(client.messages[-1])["turnCompleteReason"] == "RESPONSE_REJECTED"
    assert audio_parts(client.messages) == []


async def test_phantom_interruption_within_and_after_a_turn(setup: dict[str, Any]) -> None:
    client = await one_turn(Faults(phantom_interrupted="before_turn_complete"), setup)
    assert kinds(client.messages)[-2:] == ["interrupted", "turnComplete"]
    async with (
        serving(TALK, faults=Faults(phantom_interrupted="after_turn_complete")) as server,
        dialled(server, setup) as client,
    ):
        await client.send(PROMPT)
        assert "interrupted" not in kinds(await client.turn())
        assert await client.receive() == {"serverContent": {"interrupted": True}}


async def test_an_unyielding_model_is_stopped_by_a_text_only(setup: dict[str, Any]) -> None:
    steps = ["wait_for_prompt", {"say": "On and on and on. " * 20}, "wait_for_text", {"say": "Yes?"}]
    async with serving(steps, faults=Faults(unyielding=True), speed=2.0) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        await client.until(lambda message: "modelTurn" in content(message))
        await client.speak(speech(0.4) + silence(0.7))
        assert "interrupted" not in kinds(client.messages)
        text = {"turns": [{"role": "user", "parts": [{"text": "Stop."}]}], "turnComplete": True}
        await client.send({"clientContent": text})
        assert kinds(await client.turn())[-2:] == ["interrupted", "turnComplete"]


# --- function calls ---------------------------------------------------------------------------------------------


async def ordered(faults: Faults, setup: dict[str, Any], answers: int = 1) -> RawClient:
    """A client that answered so many toolCall messages and saw the turn's end."""
    async with serving(ORDER, faults=faults) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        for _ in range(answers):
            await client.answer(await client.tool_call(), {"status": "ok"})
        await client.until(lambda message: "usageMetadata" in message)
        return client


def call_ids(client: RawClient) -> list[str]:
    return [call["id"] for message in client.messages for call in message.get("toolCall", {}).get("functionCalls", [])]


async def test_duplicate_tool_call_has_the_same_id(setup: dict[str, Any]) -> None:
    ids = call_ids(await ordered(Faults(duplicate_tool_call=True), setup))
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_function_call_in_the_model_turn_as_well(setup: dict[str, Any]) -> None:
    client = await ordered(Faults(function_call_in_model_turn=True), setup)
    parts = [part for message in client.messages for part in content(message).get("modelTurn", {}).get("parts", [])]
    [inner] = [part["functionCall"] for part in parts if "functionCall" in part]
    assert [inner["id"]] == call_ids(client)


async def test_repeated_calls_have_new_ids(setup: dict[str, Any]) -> None:
    ids = call_ids(await ordered(Faults(repeat_calls=2), setup, answers=3))
    assert len(set(ids)) == 3


async def test_cancellation_at_once(setup: dict[str, Any]) -> None:
    async with (
        serving([*ORDER, *AGAIN], faults=Faults(cancel_call="at_once")) as server,
        dialled(server, setup) as client,
    ):
        await client.send(PROMPT)
        messages = await client.turn()
        assert kinds(messages) == ["toolCall", "toolCallCancellation", "turnComplete"]
        await client.send(PROMPT)
        assert transcript(await client.turn()) == "Still here."


async def test_cancellation_while_the_call_runs(setup: dict[str, Any]) -> None:
    faults = Faults(cancel_call="while_running", cancel_after_ms=500)
    async with serving(ORDER, faults=faults) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        calls = await client.tool_call()
        messages = await client.turn()
        assert messages[0] == {"toolCallCancellation": {"ids": [calls[0]["id"]]}}
        await client.answer(calls, {"status": "ok"})
        await (await client.socket.ping())
        assert server.sessions[0].ignored_responses == [calls[0]["id"]]


async def test_cancellation_after_the_response(setup: dict[str, Any]) -> None:
    client = await ordered(Faults(cancel_call="after_response"), setup)
    [cancelled] = [m["toolCallCancellation"]["ids"] for m in client.messages if "toolCallCancellation" in m]
    assert cancelled == call_ids(client)
    assert "Added." in transcript(client.messages)


async def test_trailing_audio_after_the_tool_call(setup: dict[str, Any]) -> None:
    client = await ordered(Faults(trailing_audio_ms=200), setup)
    at = next(number for number, message in enumerate(client.messages) if "toolCall" in message)
    assert len(audio_parts(client.messages[at + 1 : at + 2])[0]) == 24_000 // 5 * 2


async def test_empty_turn_complete_after_the_tool_response(setup: dict[str, Any]) -> None:
    client = await ordered(Faults(empty_turn_after_tool_response=True), setup)
    completes = [message for message in client.messages if content(message).get("turnComplete")]
    assert completes[0] == {"serverContent": {"turnComplete": True}}
    assert len(completes) == 2


# --- shape of messages ------------------------------------------------------------------------------------------


async def test_late_transcripts_come_after_turn_complete(setup: dict[str, Any]) -> None:
    async with serving(TALK, faults=Faults(late_transcripts=True)) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        assert transcript(await client.turn()) == ""
        late = await client.until(lambda message: "you?" in transcript([message]))
        assert transcript(late).startswith("Welcome")


async def test_unknown_field_enum_and_message(setup: dict[str, Any]) -> None:
    faults = Faults(unknown_field=True, unknown_enum=True, unknown_message=True)
    async with serving(TALK, faults=faults) as server, dialled(server, setup, complete=False) as client:
        assert list(await client.receive()) == ["setupComplete", "debugAnnotation"]
        assert list(await client.receive()) == ["modelWeather", "debugAnnotation"]
        await client.send(PROMPT)
        last = (await client.turn())[-1]
        assert content(last)["turnCompleteReason"] == "ENOUGH_SAID"


async def test_huge_message(setup: dict[str, Any]) -> None:
    client = await one_turn(Faults(huge_message_bytes=1_200_000), setup)
    assert max(map(len, client.frames)) > 1024 * 1024


async def test_burst_delivery_sends_all_at_once(setup: dict[str, Any]) -> None:
    long = ["wait_for_prompt", {"say": "A very long sentence indeed " * 20}]
    async with (
        serving(long, faults=Faults(burst_delivery=True), speed=1.0) as server,
        dialled(server, setup) as client,
    ):
        started = asyncio.get_running_loop().time()
        await client.send(PROMPT)
        messages = await client.until(lambda message: content(message).get("generationComplete"))
        audio_s = sum(map(len, audio_parts(messages))) / 48_000
        assert audio_s > 30
        assert asyncio.get_running_loop().time() - started < audio_s / 4  # the usual pace


async def test_bundled_parts_share_a_message_with_transcription(setup: dict[str, Any]) -> None:
    client = await one_turn(Faults(bundled_parts=True), setup)
    first = next(content(message) for message in client.messages if "modelTurn" in content(message))
    assert len(first["modelTurn"]["parts"]) == 3
    assert first["outputTranscription"]["text"]
    assert transcript(client.messages) == "Welcome to the grill, what can I get you?"


async def test_text_frames(setup: dict[str, Any]) -> None:
    client = await one_turn(Faults(text_frames=True), setup)
    assert all(isinstance(frame, str) for frame in client.frames)


async def test_usage_without_details(setup: dict[str, Any]) -> None:
    usage = (await one_turn(Faults(usage_without_details=True), setup)).messages[-1]["usageMetadata"]
    assert set(usage) == {"promptTokenCount", "responseTokenCount", "totalTokenCount"}


async def test_a_script_sets_and_unsets_switches_on_the_way(setup: dict[str, Any]) -> None:
    steps = [{"faults": {"text_frames": True}}, *TALK, {"faults": {"text_frames": False}}, *AGAIN]
    async with serving(steps) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        await client.turn()
        text = len(client.frames)
        await client.send(PROMPT)
        await client.turn()
        assert isinstance(client.frames[text - 1], str)
        assert isinstance(client.frames[text], bytes)


async def test_faults_are_one_sessions_own(setup: dict[str, Any]) -> None:
    async with serving(TALK) as server:
        server.next_faults(Faults(empty_turns=1))
        for expected in ("", "Welcome to the grill, what can I get you?"):
            async with dialled(server, setup) as client:
                await client.send(PROMPT)
                assert transcript(await client.turn()) == expected


async def test_marked_words_survive_whatever_chunks_they_come_in(setup: dict[str, Any]) -> None:
    async with serving([{"wait_for_text": "yes"}, {"say": "Good."}]) as server, dialled(server, setup) as client:
        await client.speak(encode("yes please", 16_000) + silence(0.3), chunk_ms=100)
        assert transcript(await client.turn()) == "Good."
