"""Every way in which the model can go wrong, through a real bridge: no long silence, one greeting, a defined end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from bridge_world import open_world, until
from fault_calls import (
    ANSWER,
    GREETING,
    SILENCE_S_MAX,
    FaultyBrain,
    Row,
    Stalls,
    Story,
    call,
    report_of,
    watched_stalls,
)

from agiza.contracts.events import CallEnded, ToolCalled
from services.bridge import __main__ as bridge
from services.bridge.session import Limits
from simulators.live_api.faults import Close, Faults, GoAway

pytestmark = [pytest.mark.integration, pytest.mark.alone]

AT_ONCE_MAX = 6
"""Calls at a time: more than a busy machine of two cores can carry would measure the machine."""

CONNECTION = [
    Row("refused", Faults(reject_upgrade_status=429), "person", at_once=True),
    Row("setup never", Faults(setup_never=True), "goes_on", at_once=True),
    Row("setup late", Faults(setup_delay_ms=4_000), "goes_on", at_once=True),
    Row("closed early", Faults(close=Close(after_ms=700)), "goes_on", at_once=True),
    Row("closed in talk", Faults(close=Close(after_ms=1_700, code=1007, reason="no")), "goes_on", at_once=True),
    Row("reset", Faults(tcp_reset_after_ms=1_700), "goes_on", at_once=True),
    Row("go away", Faults(go_away=GoAway(after_ms=500, time_left_ms=1_200)), "goes_on", at_once=True),
    Row("go away silent", Faults(go_away=GoAway(after_ms=500, time_left_ms=4_000, silent=True)), "goes_on",
        at_once=True),
    Row("handle refused", Faults(close=Close(after_ms=1_700), refuse_handle=True), "goes_on", at_once=True),
    Row("handle ignored", Faults(close=Close(after_ms=1_700), ignore_handle=True), "goes_on", at_once=True),
    Row("silent from the start", Faults(stall_after=frozenset({"user_turn"})), "goes_on", at_once=True),
    Row("greeting empty", Faults(empty_turns=1), "goes_on", at_once=True),
    Row("greeting inaudible", Faults(near_silent_turns=1), "goes_on", at_once=True),
    Row("greeting rejected", Faults(rejected_turns=1), "goes_on", at_once=True),
    Row("slow pong", Faults(slow_pong_ms=20_000), "goes_on", at_once=True),
]  # fmt: skip
SILENCE = [
    Row("stalls", Faults(stall_after=frozenset({"user_turn"})), "either"),
    Row("stalls until told", Faults(stall_after=frozenset({"user_turn"}), stall_ends="on_content"), "goes_on"),
    Row("stalls at result", Faults(stall_after=frozenset({"tool_response"})), "either"),
    Row("stalls at result until told", Faults(stall_after=frozenset({"tool_response"}), stall_ends="on_content"),
        "goes_on"),
    Row("stalls interrupted", Faults(stall_after=frozenset({"interrupted"})), "either", barges_in=True),
    Row("stalls interrupted until told",
        Faults(stall_after=frozenset({"interrupted"}), stall_ends="on_content"), "goes_on", barges_in=True),
    Row("turn empty", Faults(empty_turns=1), "goes_on"),
    Row("turns empty", Faults(empty_turns=50), "either"),
    Row("turn inaudible", Faults(near_silent_turns=1), "goes_on"),
    Row("turns inaudible", Faults(near_silent_turns=50), "either"),
    Row("turn rejected", Faults(rejected_turns=1), "goes_on"),
    Row("turns rejected", Faults(rejected_turns=50), "either"),
    Row("phantom in turn", Faults(phantom_interrupted="before_turn_complete"), "goes_on"),
    Row("phantom after turn", Faults(phantom_interrupted="after_turn_complete"), "goes_on"),
]  # fmt: skip
FUNCTIONS = [
    Row("call twice", Faults(duplicate_tool_call=True), "goes_on", tool_calls_max=1),
    Row("call in turn", Faults(function_call_in_model_turn=True), "goes_on", tool_calls_max=1),
    Row("calls repeated", Faults(repeat_calls=5), "goes_on"),
    Row("call withdrawn", Faults(cancel_call="at_once"), "goes_on"),
    Row("call withdrawn running", Faults(cancel_call="while_running"), "goes_on"),
    Row("call withdrawn after", Faults(cancel_call="after_response"), "goes_on", tool_calls_max=1),
    Row("audio behind call", Faults(trailing_audio_ms=800), "goes_on", tool_calls_max=1),
    Row("stray end", Faults(empty_turn_after_tool_response=True), "goes_on", tool_calls_max=1),
    Row("transcripts late", Faults(late_transcripts=True, usage_without_details=True, text_frames=True), "goes_on"),
    Row("things unknown", Faults(unknown_field=True, unknown_enum=True, unknown_message=True), "goes_on"),
    Row("message huge", Faults(huge_message_bytes=1_500_000), "goes_on"),
    Row("delivery odd", Faults(burst_delivery=True, bundled_parts=True), "goes_on"),
]


def judge(story: Story, ended: CallEnded | None, stalls: Stalls) -> list[str]:
    """What is wrong with this call."""
    wrong = []
    began, over = story.silence()
    if over - began > SILENCE_S_MAX + stalls.within_s(began, over):
        wrong.append(f"{over - began:.1f} s of silence")
    if story.greetings > 1:
        wrong.append(f"{story.greetings} greetings")
    if ended is None:
        return [*wrong, "no report"]
    went_on, left = story.has_heard(ANSWER), ended.reason != "caller_hung_up"
    reached_person = left and ended.outcome in ("handoff", "dropped")
    if story.row.ends == "goes_on" and not (went_on and not left):
        wrong.append(f"did not go on: {ended.outcome}, {ended.reason}")
    if story.row.ends == "person" and not reached_person:
        wrong.append(f"no person: {ended.outcome}, {ended.reason}")
    if story.row.ends == "either" and not (went_on or reached_person):
        wrong.append(f"neither went on nor to a person: {ended.outcome}, {ended.reason}")
    return wrong


def _line_of(story: Story, ended: CallEnded | None, stalls: Stalls) -> str:
    """For whoever reads what was measured (pytest -s)."""
    began, over = story.silence()
    outcome, reason = (ended.outcome, ended.reason) if ended else ("-", "-")
    stalled_s = stalls.within_s(began, over)
    return f"{story.row.name:30} silence {over - began:4.1f} s (stalled {stalled_s:.1f})  {outcome:8} {reason:20}"


@pytest.mark.parametrize("rows", [CONNECTION, SILENCE, FUNCTIONS], ids=["connection", "silence", "functions"])
async def test_a_fault_of_the_model_is_no_silence_and_has_an_end(
    redis_url: str, redis_urls: Mapping[str, str], rows: list[Row]
) -> None:
    brain = FaultyBrain({row.name: row.faults for row in rows if not row.at_once})
    dialling, places = asyncio.Lock(), asyncio.Semaphore(AT_ONCE_MAX)
    async with open_world(redis_url, redis_urls["bridge"], brain) as world, watched_stalls() as stalls:

        async def one(row: Row) -> Story:
            async with places:
                return await call(world, row, dialling)

        stories = await asyncio.gather(*(one(row) for row in rows))
        await until(lambda: all(report_of(world, story) for story in stories))
        wrong = {}
        for story in stories:
            ended = report_of(world, story)
            calls = [event for event in world.around.of_type(ToolCalled) if event.call_id == story.call_id]
            print(_line_of(story, ended, stalls), "functions", len(calls))
            found = judge(story, ended, stalls)
            if sum(len(event.calls) for event in calls) > story.row.tool_calls_max:
                found.append(f"{len(calls)} function calls")
            if found:
                wrong[story.row.name] = found
        assert not wrong


async def test_orders_that_do_not_answer_are_no_silence(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    row = Row("orders silent", Faults(), "person")
    async with (
        open_world(redis_url, redis_urls["bridge"], FaultyBrain({row.name: row.faults})) as world,
        watched_stalls() as stalls,
    ):
        world.around.deaf = world.around.http_deaf = True
        story = await call(world, row, asyncio.Lock())
        await until(lambda: report_of(world, story) is not None)
        assert not judge(story, report_of(world, story), stalls), story.line.texts
        assert world.process.metrics.value("voice_cues_total", cue="one_moment") == 1


async def test_a_silent_caller_is_asked_and_left_and_a_dead_line_is_found(
    redis_url: str, redis_urls: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With shorter times: what is said and how it ends, not when."""
    monkeypatch.setattr(bridge, "Limits", lambda: Limits(caller_silent_ms=800, caller_frames_ms=3_000))
    async with open_world(redis_url, redis_urls["bridge"], FaultyBrain({})) as world:
        silent, dead = await world.call(call_id="HD_silent"), await world.call(call_id="HD_dead")
        await dead.until_heard(GREETING)
        dead.fall_silent()
        assert await silent.until_closed(40) == 1000
        assert await dead.until_closed(40) == 1000
        await until(lambda: len(world.around.of_type(CallEnded)) == 2)
        ends = {event.call_id: (event.outcome, event.reason) for event in world.around.of_type(CallEnded)}
        assert ends == {"HD_silent": ("no_order", "goodbye"), "HD_dead": ("dropped", "caller_frames_missing")}
        assert world.process.metrics.value("voice_cues_total", cue="are_you_there") >= 2
        assert world.process.metrics.value("voice_cues_total", cue="goodbye") == 1
        assert silent.texts == [GREETING], "the rest was said without the model"
