"""What stands on the wire, byte by byte and in which order, with a raw websocket client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from simulators.live_api.server import PATH as PATH_PATTERN
from simulators.speech.marked import BEACON, MarkedDecoder, encode
from tests.live_api.raw_client import (
    PATH,
    PROMPT,
    audio_parts,
    content,
    dialled,
    kinds,
    serving,
    silence,
    speech,
    transcript,
)

GREETING = "Welcome to the grill, I am a voice assistant."
TALK = ["wait_for_prompt", {"say": GREETING}]
WAIT = [{"wait_for_speech": {"min_ms": 200}}]


# --- transport ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "served"),
    [
        (PATH, True),
        ("/" + PATH, True),  # the SDK's default base URL ends in a slash
        (PATH.replace("v1beta", "v1"), True),
        (PATH.replace("v1beta", "v1alpha"), True),
        (PATH + "Constrained", True),
        ("/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent", True),
        ("/ws/google.cloud.aiplatform.v1alpha.LlmBidiService/BidiGenerateContent", False),
        (PATH.replace("v1beta", "v2"), False),
        (PATH + "/more", False),
        (PATH.removeprefix("/"), False),
    ],
)
def test_the_paths_of_both_apis(path: str, served: bool) -> None:
    assert bool(PATH_PATTERN.fullmatch(path)) is served


async def test_a_wrong_path_is_404_and_v1_can_be_too() -> None:
    async with serving(WAIT, refuses_v1=True) as server:
        for path in ("/ws/elsewhere", PATH.replace("v1beta", "v1")):
            with pytest.raises(InvalidStatus) as refused:
                async with dialled(server, path=path):
                    pass
            assert refused.value.response.status_code == 404
        async with dialled(server, {"model": "models/gemini-3.8-live"}, path="/" + PATH):
            pass
        assert server.refused == [404, 404]


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"x-goog-api-key": "right"}, ""),
        ({"Authorization": "Token right"}, ""),
        ({"Authorization": "Bearer right"}, ""),
        ({}, "?key=right"),
        ({}, "?access_token=right"),
    ],
)
async def test_credentials_are_taken_from_every_documented_place(headers: dict[str, str], query: str) -> None:
    async with serving(WAIT, keys=frozenset({"right"})) as server:
        async with dialled(server, {"model": "models/gemini-3.8-live"}, headers=headers, path=PATH + query):
            pass
        wrong = {name: value.replace("right", "wrong") for name, value in headers.items()}
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(server, headers=wrong, path=PATH + query.replace("right", "wrong")):
                pass
        assert refused.value.response.status_code == 401


async def test_no_deflate_although_the_client_offers_it() -> None:
    async with serving(WAIT) as server, dialled(server, compression="deflate") as client:
        assert client.socket.request is not None
        assert "permessage-deflate" in client.socket.request.headers["Sec-WebSocket-Extensions"]
        assert client.socket.response is not None
        assert "Sec-WebSocket-Extensions" not in client.socket.response.headers


async def test_server_messages_are_binary_indented_camel_case_json(setup: dict[str, Any]) -> None:
    async with serving(TALK) as server, dialled(server, setup) as client:
        assert client.frames == [b'{\n  "setupComplete": {}\n}\n']
        await client.send(PROMPT)
        messages = await client.turn()
        for frame, message in zip(client.frames[1:], messages, strict=True):
            assert isinstance(frame, bytes)
            assert frame.decode() == json.dumps(message, indent=2, ensure_ascii=False) + "\n"
        assert b'"generationComplete": true' in b"".join(map(bytes, client.frames[1:]))  # type: ignore[arg-type]
        assert not any(b"false" in bytes(frame) or b"null" in bytes(frame) for frame in client.frames)  # type: ignore[arg-type]


@pytest.mark.parametrize("as_binary", [True, False])
async def test_text_and_binary_frames_in_snake_case_are_understood(as_binary: bool) -> None:
    message = json.dumps(
        {
            "setup": {
                "model": "models/gemini-3.8-live",
                "generation_config": {"response_modalities": ["AUDIO"], "speechConfig": {}},
                "system_instruction": {"parts": [{"text": "x"}]},
                "outputAudioTranscription": {},
            }
        }
    )
    async with serving(TALK) as server, dialled(server) as client:
        await client.socket.send(message.encode() if as_binary else message)
        assert await client.receive() == {"setupComplete": {}}
        await client.send({"client_content": {"turn_complete": True}})
        assert transcript(await client.turn()) == GREETING


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ("not json", "Invalid JSON payload"),
        ('{"realtimeInput": {"text": "hi"}}', "setup must be the first message"),
        ('{"teapot": {}}', 'Unknown name "teapot"'),
        ("[1]", "Expected an object"),
    ],
)
async def test_anything_but_setup_first_closes_with_1007(first: str, reason: str) -> None:
    async with serving(WAIT) as server, dialled(server) as client:
        await client.socket.send(first)
        code, said = await client.closed()
        assert code == 1007
        assert reason in (said or "")
        assert len((said or "").encode()) <= 123


async def test_a_second_setup_closes(setup: dict[str, Any]) -> None:
    async with serving(WAIT) as server, dialled(server, setup) as client:
        await client.send({"setup": setup})
        assert (await client.closed())[0] == 1007


async def test_vertex_gets_a_session_id_and_its_own_usage_names() -> None:
    vertex = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
    setup = {"model": "projects/p/locations/l/publishers/google/models/gemini-3.8-live"}
    async with serving(TALK) as server, dialled(server, setup, path=vertex, complete=False) as client:
        assert (await client.receive())["setupComplete"]["sessionId"]
        await client.send(PROMPT)
        usage = (await client.turn())[-1]["usageMetadata"]
        assert usage["candidatesTokenCount"] > 0
        assert usage["trafficType"] == "ON_DEMAND"
        assert "responseTokenCount" not in usage


# --- turns ------------------------------------------------------------------------------------------------------


async def test_a_turn_in_order_with_its_parts_and_its_bill(setup: dict[str, Any]) -> None:
    async with serving(TALK) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        messages = await client.turn()
        assert kinds(messages) == ["modelTurn", "generationComplete", "turnComplete"]
        parts = audio_parts(messages)
        assert [len(part) for part in parts[:5]] == [2, 2_400, 7_680, 9_600, 15_360]
        assert all(len(part) == 15_360 for part in parts[4:-1])
        assert transcript(messages) == GREETING
        seconds = sum(map(len, parts)) / 48_000
        usage = messages[-1]["usageMetadata"]
        assert usage["responseTokenCount"] == round(seconds * 25)
        assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["responseTokenCount"]
        assert usage["responseTokensDetails"] == [{"modality": "AUDIO", "tokenCount": usage["responseTokenCount"]}]
        assert all("usageMetadata" not in message for message in messages[:-1])


async def test_transcription_comes_only_when_asked_for() -> None:
    async with serving(TALK) as server, dialled(server, {"model": "models/gemini-3.8-live"}) as client:
        await client.send(PROMPT)
        assert transcript(await client.turn()) == ""


async def test_the_context_is_billed_again_with_every_turn(setup: dict[str, Any]) -> None:
    steps = [*TALK, {"wait_for_speech": {"heard": "a soda please"}}, {"say": "One soda."}]
    async with serving(steps) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        first = (await client.turn())[-1]["usageMetadata"]
        await client.speak(speech(0.6) + silence(0.8))
        messages = await client.turn()
        second = messages[-1]["usageMetadata"]
        assert second["promptTokenCount"] >= first["promptTokenCount"] + first["responseTokenCount"] + 35
        assert transcript(messages, "inputTranscription") == "a soda please"


async def test_speech_interrupts_the_turn(setup: dict[str, Any]) -> None:
    steps = ["wait_for_prompt", {"say": "This goes on and on. " * 40}, *WAIT, {"say": "Yes?"}]
    async with serving(steps, speed=1.0) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        await client.until(lambda message: "modelTurn" in content(message))
        await client.speak(speech(0.4) + silence(0.7))
        messages = await client.turn()
        assert kinds(messages)[-2:] == ["interrupted", "turnComplete"]
        assert "generationComplete" not in kinds(messages)
        after = messages.index({"serverContent": {"interrupted": True}})
        assert audio_parts(messages[after:]) == []
        assert transcript(await client.turn()) == "Yes?"
        said = server.sessions[0].transcript
        assert said[0].interrupted
        assert len(said[0].text) < 20 * 40


async def test_speech_after_generation_complete_still_interrupts(setup: dict[str, Any]) -> None:
    steps = ["wait_for_prompt", {"say": "A sentence of some length, still being played."}, *WAIT, {"say": "Yes?"}]
    async with serving(steps, speed=1.0) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        await client.until(lambda message: content(message).get("generationComplete"))
        await client.speak(speech(0.4) + silence(0.7))
        assert kinds(await client.turn()) == ["interrupted", "turnComplete"]


async def test_no_interruption_when_the_setup_says_so(setup: dict[str, Any]) -> None:
    setup["realtimeInputConfig"] = {"activityHandling": "NO_INTERRUPTION"}
    async with serving(TALK, speed=4.0) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        await client.until(lambda message: "modelTurn" in content(message))
        await client.speak(speech(0.4) + silence(0.7))
        assert kinds(await client.turn()) == ["modelTurn", "generationComplete", "turnComplete"]


async def test_client_content_interrupts_too(setup: dict[str, Any]) -> None:
    steps = ["wait_for_prompt", {"say": "This goes on and on. " * 40}, "wait_for_prompt", {"say": "Right."}]
    async with serving(steps, speed=1.0) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        await client.until(lambda message: "modelTurn" in content(message))
        await client.send(
            {
                "clientContent": {
                    "turns": [{"role": "user", "parts": [{"text": "Stop."}]}],
                }
            }
        )
        assert kinds(await client.turn())[-2:] == ["interrupted", "turnComplete"]
        await client.send(PROMPT)
        assert transcript(await client.turn()) == "Right."


@pytest.mark.parametrize("turn", [{"parts": [{"text": "x"}]}, {"role": "system", "parts": [{"text": "x"}]}])
async def test_client_content_needs_a_role_it_knows(setup: dict[str, Any], turn: dict[str, Any]) -> None:
    async with serving(WAIT) as server, dialled(server, setup) as client:
        await client.send({"clientContent": {"turns": [turn], "turnComplete": True}})
        code, reason = await client.closed()
        assert code == 1007
        assert "role" in (reason or "")


async def test_initial_history_is_taken_without_an_answer(setup: dict[str, Any]) -> None:
    setup["historyConfig"] = {"initialHistoryInClientContent": True}
    history = [{"role": "user", "parts": [{"text": "A soda."}]}, {"role": "model", "parts": [{"text": "One soda."}]}]
    async with serving(TALK) as server, dialled(server, setup) as client:
        await client.send({"clientContent": {"turns": history, "turnComplete": True}})
        await client.send(PROMPT)
        usage = (await client.turn())[-1]["usageMetadata"]
        assert len(server.sessions[0].said("agent")) == 1
        async with dialled(server, {**setup, "historyConfig": {}}) as fresh:
            await fresh.send(PROMPT)
            assert usage["promptTokenCount"] > (await fresh.turn())[-1]["usageMetadata"]["promptTokenCount"]


async def test_blank_text_starts_the_model_on_a_history_that_waits_for_an_answer(setup: dict[str, Any]) -> None:
    """As Pipecat begins: without this, its conversations would never start."""
    setup["historyConfig"] = {"initialHistoryInClientContent": True}
    history = [{"role": "user", "parts": [{"text": "Greet the caller."}]}]
    async with serving(TALK) as server, dialled(server, setup) as client:
        await client.send({"clientContent": {"turns": history, "turnComplete": True}})
        await client.send({"realtimeInput": {"text": " "}})
        assert transcript(await client.turn()) == GREETING


async def test_manual_activity_replaces_detection(setup: dict[str, Any]) -> None:
    setup["realtimeInputConfig"] = {"automaticActivityDetection": {"disabled": True}}
    async with serving([*WAIT, {"say": "Yes?"}]) as server, dialled(server, setup) as client:
        await client.send({"realtimeInput": {"activityStart": {}}})
        await client.speak(silence(0.4))
        await client.send({"realtimeInput": {"activityEnd": {}}})
        assert transcript(await client.turn()) == "Yes?"
        await client.send({"realtimeInput": {"audioStreamEnd": True}})
        assert (await client.closed())[0] == 1007


async def test_manual_activity_is_refused_while_detection_is_on(setup: dict[str, Any]) -> None:
    async with serving(WAIT) as server, dialled(server, setup) as client:
        await client.send({"realtimeInput": {"activityStart": {}}})
        assert (await client.closed())[0] == 1007


async def test_audio_stream_end_ends_the_speech(setup: dict[str, Any]) -> None:
    async with serving([*WAIT, {"say": "Yes?"}]) as server, dialled(server, setup) as client:
        await client.speak(speech(0.5))
        await client.send({"realtimeInput": {"audioStreamEnd": True}})
        assert transcript(await client.turn()) == "Yes?"


async def test_activity_is_reported_on_request(setup: dict[str, Any]) -> None:
    setup["explicitVadSignal"] = True
    async with serving([*WAIT, {"say": "Yes?"}]) as server, dialled(server, setup) as client:
        await client.speak(silence(1.0) + speech(0.5) + silence(0.7))
        signals = [message["voiceActivity"] for message in await client.turn() if "voiceActivity" in message]
        assert signals == [
            {"type": "ACTIVITY_START", "audioOffset": "1s"},
            {"type": "ACTIVITY_END", "audioOffset": "1.500s"},
        ]


@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
async def test_any_declared_rate_is_heard(setup: dict[str, Any], rate: int) -> None:
    steps = [{"wait_for_text": "two burgers"}, {"say": "Two burgers."}]
    async with serving(steps) as server, dialled(server, setup) as client:
        await client.speak(encode("two burgers", rate) + silence(0.5, rate), rate)
        messages = await client.turn()
        assert transcript(messages, "inputTranscription") == "two burgers"
        assert transcript(messages) == "Two burgers."


async def test_a_text_caller_is_answered_in_text(setup: dict[str, Any]) -> None:
    async with serving(TALK) as server, dialled(server, setup) as client:
        await client.speak(encode(BEACON, 16_000) + silence(0.2))
        await client.send(PROMPT)
        pcm = b"".join(audio_parts(await client.turn()))
        assert MarkedDecoder(24_000).feed(pcm + silence(0.2, 24_000)) == [GREETING]
        assert server.sessions[0].text_caller


# --- function calls ---------------------------------------------------------------------------------------------

ADD = {"call": {"name": "addItem", "args": {"name": "burger", "quantity": 2}}, "expect": {"status": "ok"}}


async def test_a_blocking_call_waits_for_its_answer(setup: dict[str, Any]) -> None:
    steps = ["wait_for_prompt", {"say": "A moment."}, ADD, {"say": "Total {addItem.total_words}."}]
    async with serving(steps) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        calls = await client.tool_call()
        assert [(call["name"], call["args"]) for call in calls] == [("addItem", {"name": "burger", "quantity": 2})]
        assert "turnComplete" not in kinds(client.messages)
        await client.answer(calls, {"status": "ok", "total_words": "eleven hundred"})
        messages = await client.turn()
        assert transcript(messages).strip() == "Total eleven hundred."
        assert messages[-1]["usageMetadata"]["toolUsePromptTokenCount"] > 0
        record = server.sessions[0].tool_calls[0]
        assert record.response == {"status": "ok", "total_words": "eleven hundred"}
        assert record.ms is not None


async def test_several_calls_in_one_message_are_all_waited_for(setup: dict[str, Any]) -> None:
    both = {"call": [{"name": "addItem", "args": {"name": "soda"}}, {"name": "addItem", "args": {"name": "fries"}}]}
    async with serving(["wait_for_prompt", both, {"say": "Both."}]) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        calls = await client.tool_call()
        assert len({call["id"] for call in calls}) == 2
        await client.answer(calls[1:], {"status": "ok"})
        await client.answer(calls[:1], {"status": "ok"})
        assert transcript(await client.turn()) == "Both."


async def test_new_speech_cancels_a_blocking_call(setup: dict[str, Any]) -> None:
    steps = ["wait_for_prompt", ADD, {"say": "Never said."}, *WAIT, {"say": "Go on."}]
    async with serving(steps) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        calls = await client.tool_call()
        await client.speak(speech(0.5) + silence(0.7))
        messages = await client.turn()
        assert kinds(messages) == ["interrupted", "toolCallCancellation", "turnComplete"]
        assert messages[1] == {"toolCallCancellation": {"ids": [calls[0]["id"]]}}
        await client.answer(calls, {"status": "ok"})
        assert transcript(await client.turn()) == "Go on."
        record = server.sessions[0]
        assert record.tool_calls[0].cancelled
        assert record.ignored_responses == [calls[0]["id"]]


async def test_a_non_blocking_call_lets_the_conversation_go_on(setup: dict[str, Any]) -> None:
    steps = [
        "wait_for_prompt",
        {"call": {"name": "escalate", "args": {"reason": "asked"}}},
        {"say": "I am calling someone."},
        {"wait_for_result": {"name": "escalate"}, "expect": {"status": "ok"}},
        {"say": "They are coming."},
    ]
    async with serving(steps) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        calls = await client.tool_call()
        assert transcript(await client.turn()) == "I am calling someone."
        await client.answer(calls, {"status": "ok"}, scheduling="WHEN_IDLE")
        assert transcript(await client.turn()) == "They are coming."


async def test_branches_follow_the_status(setup: dict[str, Any]) -> None:
    steps = [
        "wait_for_prompt",
        {"call": {"name": "addItem"}, "when": {"ask": [{"say": "Which size?"}], "ok": [{"say": "Done."}]}},
    ]
    for status, expected in (("ask", "Which size?"), ("ok", "Done.")):
        async with serving(steps) as server, dialled(server, setup) as client:
            await client.send(PROMPT)
            await client.answer(await client.tool_call(), {"status": status})
            assert transcript(await client.turn()) == expected


async def test_a_broken_expectation_closes_and_says_where(setup: dict[str, Any]) -> None:
    async with serving(["wait_for_prompt", ADD]) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        await client.answer(await client.tool_call(), {"status": "refused"})
        assert await client.closed() == (1011, "Internal error encountered.")
        assert server.sessions[0].problem == "BrainError: step 2: expected status 'ok', got 'refused'"


async def test_scheduling_where_the_model_has_none_closes(setup: dict[str, Any]) -> None:
    setup["model"] = "models/gemini-3.1-flash-live-preview"
    setup["tools"] = [{"functionDeclarations": [{"name": "addItem"}]}]
    async with serving(["wait_for_prompt", ADD]) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        await client.answer(await client.tool_call(), {"status": "ok"}, scheduling="SILENT")
        assert (await client.closed())[0] == 1007


async def test_extended_thinking_reports_its_status(setup: dict[str, Any]) -> None:
    setup["model"] = "models/gemini-3.8-live-extended-thinking"
    setup["generationConfig"]["thinkingConfig"] = {"thinkingLevel": "LOW"}
    setup["tools"] = []
    async with serving(TALK) as server, dialled(server, setup) as client:
        await client.send(PROMPT)
        messages = await client.turn()
        assert content(messages[0])["interactionStatus"] == "IN_PROGRESS"
        assert content(messages[-1])["interactionStatus"] == "IDLE"


# --- resumption ---------------------------------------------------------------------------------------------------


async def test_handles_come_at_quiet_points_and_bring_the_conversation_back(setup: dict[str, Any]) -> None:
    setup["sessionResumption"] = {}
    steps = [*TALK, {"wait_for_text": "soda"}, {"say": "One soda."}, {"wait_for_text": "yes"}, {"say": "Placed."}]
    async with serving(steps) as server:
        async with dialled(server, setup) as client:
            first = await client.receive()
            assert first["sessionResumptionUpdate"]["resumable"] is True
            await client.send(PROMPT)
            messages = await client.turn()
            assert messages[0] == {"sessionResumptionUpdate": {}}
            await client.receive()
            await client.speak(encode("a soda", 16_000) + silence(0.3))
            await client.turn()
            handle = (await client.receive())["sessionResumptionUpdate"]["newHandle"]
        async with dialled(server, {**setup, "sessionResumption": {"handle": handle}}) as resumed:
            await resumed.speak(encode("yes", 16_000) + silence(0.3))
            assert transcript(await resumed.turn()) == "Placed."
        assert server.sessions[1].resumed_from == handle
        assert server.sessions[1].usage[0]["promptTokenCount"] > server.sessions[0].usage[-1]["promptTokenCount"]


async def test_an_old_handle_restores_its_own_moment(setup: dict[str, Any]) -> None:
    setup["sessionResumption"] = {}
    steps = [*TALK, {"wait_for_text": None}, {"say": "Second."}]
    async with serving(steps) as server:
        async with dialled(server, setup) as client:
            await client.send(PROMPT)
            await client.turn()
            after_greeting = (await client.receive())["sessionResumptionUpdate"]["newHandle"]
            await client.speak(encode("hi", 16_000) + silence(0.3))
            await client.turn()
        async with dialled(server, {**setup, "sessionResumption": {"handle": after_greeting}}) as resumed:
            await resumed.speak(encode("hi", 16_000) + silence(0.3))
            assert transcript(await resumed.turn()) == "Second."


async def test_a_handle_of_a_live_session_is_refused(setup: dict[str, Any]) -> None:
    setup["sessionResumption"] = {}
    async with serving(TALK) as server, dialled(server, setup) as client:
        handle = (await client.receive())["sessionResumptionUpdate"]["newHandle"]
        resumption = {**setup, "sessionResumption": {"handle": handle}}
        async with dialled(server, resumption, complete=False) as second:
            assert (await second.closed())[0] == 1011


async def test_unknown_handles_and_other_models_are_refused(setup: dict[str, Any]) -> None:
    setup["sessionResumption"] = {}
    async with serving(TALK) as server:
        async with dialled(server, setup) as client:
            handle = (await client.receive())["sessionResumptionUpdate"]["newHandle"]
        other = {"model": "models/gemini-3.1-flash-live-preview", "sessionResumption": {"handle": handle}}
        for broken in ({**setup, "sessionResumption": {"handle": "made-up"}}, other):
            async with dialled(server, broken, complete=False) as second:
                assert (await second.closed())[0] == 1007


async def test_an_old_connection_is_told_to_go_and_then_closed(setup: dict[str, Any]) -> None:
    async with serving(WAIT, connection_s_max=20.0, go_away_s=5.0) as server, dialled(server, setup) as client:
        assert await client.closed() == (1011, "Deadline expired before operation could complete.")
        assert client.messages[-1] == {"goAway": {"timeLeft": "5s"}}
