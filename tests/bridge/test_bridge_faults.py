"""What goes wrong inside one call stays in it, and it ends all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from bridge_world import open_world, until

from agiza.contracts.events import CallEnded, HandoffRequested, ToolCalled, ToolCancelled
from agiza.runtime import redis_users
from services.bridge.session import CallSession
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from simulators.live_api.faults import Faults

pytestmark = pytest.mark.integration

GREETING: list[object] = ["wait_for_prompt", {"say": "Hello, what would you like?"}]


@pytest.mark.interpreted
async def test_a_fault_in_one_call_ends_that_call_only(
    redis_url: str, redis_urls: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = CallSession.handle

    def broken(session: CallSession, event: i.Input, now: int) -> list[a.Action]:
        if session._leg.facts.call_id == "HD_broken" and isinstance(event, i.CallerAudio):
            raise RuntimeError("a bug")
        return sound(session, event, now)

    monkeypatch.setattr(CallSession, "handle", broken)
    async with open_world(redis_url, redis_urls["bridge"], GREETING) as world:
        broken_line = await world.call(call_id="HD_broken")
        line = await world.call(call_id="HD_sound")
        assert await broken_line.until_closed() == 1001
        ended = await world.around.ended()
        assert (ended.call_id, ended.outcome, ended.reason) == ("HD_broken", "dropped", "bridge_fault")
        await line.until_heard("what would you like")
        assert world.process.metrics.value("unexpected_error_total", where="call") == 1


@pytest.mark.interpreted
async def test_a_session_that_cannot_even_end_is_reported(
    redis_url: str, redis_urls: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(session: CallSession, event: i.Input, now: int) -> list[a.Action]:
        raise RuntimeError("a bug")

    monkeypatch.setattr(CallSession, "handle", broken)
    async with open_world(redis_url, redis_urls["bridge"], GREETING) as world:
        line = await world.call()
        assert await line.until_closed() == 1011
        assert (await world.around.ended()).reason == "bridge_fault"


async def test_without_its_menu_a_call_goes_to_a_person(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], GREETING) as world:
        line = await world.call(menu_version=2)
        assert await line.until_closed() == 1000
        assert (await world.around.ended()).reason == "model_no_menu"
        assert not world.live.sessions


async def test_a_menu_is_fetched_once(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], GREETING) as world:
        for line in [await world.call() for _ in range(3)]:
            await line.until_heard("what would you like")
        assert world.around.menus_asked == 1


async def test_the_caller_hangs_up_while_a_function_runs(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    steps: list[object] = [*GREETING, {"call": {"name": "placeOrder"}}, {"say": "Placed."}]
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        world.around.deaf = world.around.http_deaf = True
        line = await world.call()
        await until(lambda: bool(world.around.of_type(ToolCalled)))
        await line.hang_up()
        await world.around.ended()
        kinds = [type(event) for event in world.around.events]
        assert kinds.index(ToolCalled) < kinds.index(CallEnded), "in the order in which they happened"


async def test_a_caller_who_speaks_during_a_function_cancels_it(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    steps: list[object] = [*GREETING, {"call": {"name": "addItem"}}, {"wait_for_text": "wait"}, {"say": "Yes?"}]
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        world.around.deaf = world.around.http_deaf = True
        line = await world.call()
        await until(lambda: bool(world.around.of_type(ToolCalled)))
        line.say("wait wait")
        await until(lambda: bool(world.around.of_type(ToolCancelled)))
        (cancelled,) = world.around.of_type(ToolCancelled)
        assert cancelled.ids == (world.around.of_type(ToolCalled)[0].calls[0].id,)
        await asyncio.sleep(2.6)
        assert not world.live.sessions[0].ignored_responses, "a cancelled call is not answered"


async def test_orders_that_never_answer_end_with_a_person(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    steps: list[object] = [*GREETING, {"call": {"name": "addItem"}}, {"say": "One moment please."},
                           "wait_for_prompt", {"say": "I am calling Ann."}]  # fmt: skip
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        world.around.deaf = world.around.http_deaf = True
        line = await world.call()
        await line.until_heard("One moment")
        assert await line.until_closed(30) == 1000
        ended = await world.around.ended()
        assert ended.outcome == "handoff"
        assert [tool.status for tool in ended.pii_tool_calls] == ["pending"]
        assert world.around.of_type(HandoffRequested)[0].reason == "technical"
        assert "I am calling Ann." in line.texts


async def test_a_repeated_function_call_is_carried_out_once(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    steps: list[object] = [*GREETING, {"call": {"name": "addItem"}}, {"say": "Added."}]
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        world.live.next_faults(Faults(duplicate_tool_call=True, function_call_in_model_turn=True))
        line = await world.call()
        await line.until_heard("Added")
        assert len(world.around.of_type(ToolCalled)) == 1
        assert not world.live.sessions[0].ignored_responses


async def test_a_lost_redis_costs_the_record_and_not_the_call(
    redis_url: str, redis_urls: Mapping[str, str], redis_passwords: Mapping[redis_users.User, str]
) -> None:
    steps: list[object] = [*GREETING, {"call": {"name": "addItem"}}, {"say": "Added."}]
    async with open_world(redis_url, redis_urls["bridge"], steps) as world:
        line = await world.call()
        await world.redis.execute_command("ACL", "SETUSER", "bridge", "clearselectors", "-hset", "-rpush")
        try:
            await line.until_heard("Added")
        finally:
            rules = redis_users.rules("bridge", redis_passwords["bridge"])
            await world.redis.execute_command("ACL", "SETUSER", "bridge", *rules)
        assert world.around.http_ids, "the function call went over HTTP"
        assert not world.around.stream_ids
        assert world.process.health.phase == "ready", "no part of the bridge gave up"
