"""Whole calls: a real bridge between a carrier's line, a Live server and services on real Redis."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from bridge_world import open_world, until

from agiza.contracts import streams
from agiza.contracts.events import HandoffRequested, ToolCalled
from simulators.live_api.faults import Faults
from simulators.speech.voices import EspeakVoice

pytestmark = pytest.mark.integration

GREETING: list[object] = ["wait_for_prompt", {"say": "Hello, what would you like?"}]
ORDER: list[object] = [
    *GREETING,
    {"wait_for_text": "burger"},
    {"call": {"name": "addItem", "args": {"name": "chicken-burger"}}},
    {"call": {"name": "getTotal"}},
    {"say": "That is 550 shillings, is that right?"},
    {"wait_for_text": "yes"},
    {"call": {"name": "placeOrder"}},
    {"say": "Thank you, goodbye."},
    {"call": {"name": "endCall"}},
    "end_turn",
]


async def test_an_order_from_greeting_to_goodbye(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], ORDER) as world:
        world.around.answers["getTotal"] = {"quote_id": "q1"}
        line = await world.call(call_id="HD_whole1")
        await line.until_heard("what would you like")
        line.say("one chicken burger please")
        await line.until_heard("is that right")
        line.say("yes")
        ended = await world.around.ended()
        assert await line.until_closed() == 1000
        assert (ended.outcome, ended.reason) == ("placed", "goodbye")
        assert [(tool.name, tool.status) for tool in ended.pii_tool_calls] == [
            ("addItem", "ok"), ("getTotal", "ok"), ("placeOrder", "ok"), ("endCall", "ok"),
        ]  # fmt: skip
        assert [turn.who for turn in ended.transcript] == ["agent", "caller", "agent", "caller", "agent"]
        assert ended.transcript[1].pii_text == "one chicken burger please"
        assert line.texts[-1] == "Thank you, goodbye.", "the last words were played before the line was closed"
        place = world.around.of_type(ToolCalled)[-1]
        assert place.read_back is not None
        assert (place.read_back.quote_id, place.read_back.outcome) == ("q1", "completed")
        assert place.read_back.caller_speech_ms >= 200
        assert place.cart_version_told == 2
        assert ended.usage.total_tokens > 0
        assert set(ended.latencies_ms) == {"first_audio", "response", "tool"}
        turns = await world.redis.lrange(streams.session_turns_key("HD_whole1"), 0, -1)
        assert json.loads(turns[1]) == {"who": "caller", "text": "one chicken burger please", "at_ms": pytest.approx(
            ended.transcript[1].at_ms)}  # fmt: skip
        record = await world.redis.hgetall(streams.session_key("HD_whole1"))
        assert (record["phase"], record["cart_version"], record["branch_id"]) == ("ended", "3", "westlands")
        assert await world.redis.zrange(streams.BRIDGES_SEEN, 0, -1) == [record["bridge_id"]]
        assert world.live.sessions[0].problem is None
        assert not world.around.http_ids, "the stream was quick enough"


async def test_what_is_played_is_the_agents_audio_at_16_khz_paced(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    async with open_world(redis_url, redis_urls["bridge"], GREETING) as world:
        line = await world.call()
        await line.until_heard("what would you like")
        began, sent = line.arrivals[0][0], 0
        for at, size in line.arrivals:
            sent += size
            ahead_ms = sent / 32 - (at - began) * 1000
            assert ahead_ms <= 200 + 160, "never further ahead than the lead, give or take this machine"
        await line.hang_up()
        ended = await world.around.ended()
        assert (ended.outcome, ended.reason) == ("dropped", "caller_hung_up")


async def test_barge_in_kills_the_audio(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    steps: list[object] = [*GREETING, {"wait_for_text": "hi"}, {"say": "Well, " + "let me tell you a story. " * 12},
                           {"wait_for_text": "stop"}, {"say": "Sorry."}]  # fmt: skip
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        line = await world.call()
        await line.until_heard("what would you like")
        line.say("hi")
        before = len(line.heard)
        await until(lambda: len(line.heard) > before + 16_000)
        line.say("stop stop stop")
        await line.until_heard("Sorry")
        assert line.kills == 1
        assert not any("story" in text for text in line.texts), "the story was cut off"
        await line.hang_up()
        await world.around.ended()
        assert world.process.metrics.value("voice_bargeins_total") == 1


async def test_a_caller_who_talks_on_stops_a_model_that_does_not_yield(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    steps: list[object] = [*GREETING, {"wait_for_text": "hi"}, {"say": "Well, " + "let me tell you a story. " * 80},
                           "wait_for_prompt", {"say": "Sorry."}]  # fmt: skip
    voice = EspeakVoice(16_000)
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        world.live.next_faults(Faults(unyielding=True))
        line = await world.call()
        await line.until_heard("what would you like")
        line.say("hi")
        before = len(line.heard)
        await until(lambda: len(line.heard) > before + 32_000 * 2)
        line.say_sound(voice.synthesize("No, please wait, I would like to order two chicken burgers"))
        await until(lambda: line.kills == 1)
        assert world.process.metrics.value("voice_ducks_total") >= 1, "it was lowered before it was stopped"
        await line.until_heard("Sorry")
        await line.hang_up()
        ended = await world.around.ended()
        assert world.process.metrics.value("voice_local_discards_total") == 1
        assert world.process.metrics.value("voice_call_complaints_total", kind="model_unyielding") == 1
        assert any(turn.heard_ms is not None and turn.heard_ms >= 1_000 for turn in ended.transcript)


async def test_a_deaf_stream_is_asked_over_http_with_the_same_id(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    steps: list[object] = [*GREETING, {"call": {"name": "addItem"}}, {"say": "Added."}]
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        world.around.deaf = True
        line = await world.call()
        await line.until_heard("Added")
        assert world.around.http_ids == world.around.stream_ids
        assert world.around.authorizations == {f"Bearer {'t' * 40}"}


async def test_a_person(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    steps: list[object] = [
        *GREETING,
        {"wait_for_text": "person"},
        {"call": {"name": "escalate", "args": {"reason": "caller_asked", "summary": "Wants a person."}}},
        {"wait_for_result": "escalate"},
        {"say": "I am calling Ann."},
    ]
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        line = await world.call()
        await line.until_heard("what would you like")
        line.say("a person please")
        assert await line.until_closed() == 1000
        ended = await world.around.ended()
        assert (ended.outcome, ended.reason) == ("handoff", "handoff")
        assert line.texts[-1] == "I am calling Ann.", "the sentence was played before the line was left"


ASKS: list[object] = [
    *GREETING,
    {"wait_for_text": "person"},
    {"call": {"name": "escalate", "args": {"reason": "caller_asked", "summary": "Wants a person."}}},
    {"wait_for_result": "escalate"},
]


async def test_a_person_is_rung_while_the_order_goes_on(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    steps: list[object] = [
        *ASKS,
        {"say": "I am ringing Ann. What would you like meanwhile?"},
        {"wait_for_text": "burger"},
        {"call": {"name": "addItem", "args": {"name": "chicken-burger"}}},
        {"say": "I have added one chicken burger."},
        "wait_for_prompt",
        {"say": "A colleague is on the line now, I am connecting you."},
    ]
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        world.around.words = [{"contact_id": "ann", "message": "I am ringing Ann.", "stay": True}]
        line = await world.call()
        await line.until_heard("what would you like")
        line.say("a person please")
        await line.until_heard("ringing Ann")
        line.say("a chicken burger")
        await line.until_heard("I have added one chicken burger")
        await world.around.order_leave()
        assert await line.until_closed() == 1000
        ended = await world.around.ended()
        assert (ended.outcome, ended.reason) == ("handoff", "handoff")
        assert line.texts[-1].endswith("I am connecting you.")
        assert [(tool.name, tool.status) for tool in ended.pii_tool_calls] == [("escalate", "ok"), ("addItem", "ok")]
        assert world.live.sessions[0].problem is None
        assert world.process.metrics.value("session_escalations_total", reason="caller_asked") == 0
        assert "handoff_leave" in ended.latencies_ms


async def test_ringing_back_is_promised_and_the_call_ends_by_a_goodbye(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    steps: list[object] = [
        *ASKS,
        {"say": "Nobody is here now. Shall we ring you back?"},
        {"wait_for_text": "yes"},
        {"call": {"name": "escalate", "args": {"reason": "callback", "summary": "Wants to be rung back."}}},
        {"wait_for_result": "escalate"},
        {"say": "We ring you back within ten minutes. Goodbye."},
        {"call": {"name": "endCall"}},
        "end_turn",
    ]
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        world.around.words = [
            {"contact_id": None, "message": "Nobody is here now. Shall we ring you back?", "callback": "offered"},
            {"contact_id": None, "message": "We ring you back within ten minutes.", "callback": "promised"},
        ]
        line = await world.call()
        await line.until_heard("what would you like")
        line.say("a person please")
        await line.until_heard("Shall we ring you back")
        line.say("yes please")
        assert await line.until_closed() == 1000
        ended = await world.around.ended()
        assert (ended.outcome, ended.reason) == ("no_order", "goodbye")
        assert [event.reason for event in world.around.of_type(HandoffRequested)] == ["caller_asked", "callback"]
        assert [(tool.name, tool.status) for tool in ended.pii_tool_calls] == [
            ("escalate", "refused"), ("escalate", "ok"), ("endCall", "ok"),
        ]  # fmt: skip


async def test_the_session_asks_for_a_person_where_the_model_does_not(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    steps: list[object] = [
        *GREETING,
        {"wait_for_text": "allergic"},
        {"say": "Our burgers are lovely."},
        "wait_for_prompt",
        {"say": "I am calling Ann."},
    ]
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        line = await world.call()
        await line.until_heard("what would you like")
        line.say("no nuts, I am allergic")
        assert await line.until_closed() == 1000
        (asked,) = world.around.of_type(HandoffRequested)
        assert asked.reason == "allergy_or_medical"
        assert "nuts" not in asked.pii_summary
        assert (await world.around.ended()).outcome == "handoff"
        assert line.texts[-2:] == ["Our burgers are lovely.", "I am calling Ann."]
        assert world.process.metrics.value("session_escalations_total", reason="allergy_or_medical") == 1


async def test_a_model_that_cannot_be_had_ends_the_stream_so_that_a_person_is_dialled(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    async with open_world(redis_url, redis_urls["bridge"], GREETING) as world:
        world.live.next_faults(Faults(reject_upgrade_status=429))
        line = await world.call()
        assert await line.until_closed() == 1000
        ended = await world.around.ended()
        assert (ended.outcome, ended.reason) == ("dropped", "model_refused_429")
        assert world.live.refused == [429], "it is not asked again"
        for _ in range(2):
            world.live.next_faults(Faults(reject_upgrade_status=429))
            again = await world.call()
            assert await again.until_closed() == 1000
        await until(lambda: world.process.metrics.value("model_breaker_open") == 1)


async def test_a_caller_who_hangs_up_at_once_leaves_nothing_behind(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    async with open_world(redis_url, redis_urls["bridge"], GREETING) as world:
        line = await world.call()
        await line.hang_up()
        ended = await world.around.ended()
        assert ended.reason == "caller_hung_up"


async def test_two_callers_at_once_do_not_hear_each_other(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    steps: list[object] = [*GREETING, {"wait_for_text": {}}, {"say": "You said something."}]
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        first, second = await world.call(), await world.call()
        await first.until_heard("what would you like")
        await second.until_heard("what would you like")
        first.say("soda")
        await first.until_heard("You said something")
        assert not any("You said" in text for text in second.texts)


async def test_odd_messages_of_the_model_are_survived(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], GREETING) as world:
        world.live.next_faults(
            Faults(unknown_field=True, unknown_enum=True, unknown_message=True, huge_message_bytes=2_000_000,
                   bundled_parts=True, text_frames=True, late_transcripts=True)
        )  # fmt: skip
        line = await world.call()
        await line.until_heard("what would you like")


async def test_nothing_personal_is_logged(redis_url: str, redis_urls: Mapping[str, str], logged: object) -> None:
    async with open_world(redis_url, redis_urls["bridge"], ORDER) as world:
        line = await world.call()
        await line.until_heard("what would you like")
        line.say("one zebra burger")
        await line.until_heard("is that right")
        await line.hang_up()
        await world.around.ended()
    text = logged.text  # type: ignore[attr-defined]
    assert "call_opened" in text
    assert "call_ended" in text
    for personal in ("zebra", "is that right", "s" * 40, "t" * 40):
        assert personal not in text
