"""Whole calls over several model sessions: a real bridge and SDK, and a Live server that announces, closes, refuses."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from bridge_world import Line, World, open_world, until

from agiza.contracts.events import HandoffRequested, ToolCalled
from simulators.live_api.echo_brain import EchoBrain
from simulators.live_api.faults import Close, Faults, GoAway

pytestmark = pytest.mark.integration

CART = {"lines": ["one chicken burger"], "total": "KES 550"}


async def greeted(world: World) -> Line:
    line = await world.call()
    await line.until_heard("What would you like")
    return line


async def says(line: Line, words: str, answer: str) -> None:
    line.say(words)
    await line.until_heard(answer)


async def session(world: World, number: int, seconds: float = 20) -> None:
    """That many model sessions were opened, and the newest one is set up."""
    await until(lambda: len(world.live.sessions) == number and bool(world.live.sessions[-1].setup), seconds)


def greetings(line: Line) -> int:
    return sum("automated assistant" in text for text in line.texts)


async def test_an_announced_end_is_not_heard(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], EchoBrain()) as world:
        world.live.next_faults(Faults(go_away=GoAway(after_ms=3_500, time_left_ms=20_000)))
        line = await greeted(world)
        await says(line, "one", "1: one")
        await session(world, 2)
        first, second = world.live.sessions
        assert second.resumed_from == first.handles[-1]
        assert first.close == (1000, ""), "we left, long before its end"
        await says(line, "two", "2: two")
        assert greetings(line) == 1
        assert world.process.metrics.value("model_hops_total", reason="go_away", how="resumed") == 1
        assert line.kills == 0


async def test_a_refused_handle_is_followed_by_a_session_that_is_told_everything(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    async with open_world(redis_url, redis_urls["bridge"], EchoBrain()) as world:
        world.around.answers["addItem"] = {"cart": CART}
        world.live.next_faults(Faults(tcp_reset_after_ms=6_000))
        world.live.next_faults(Faults(refuse_handle=True))
        line = await greeted(world)
        await says(line, "an order", "1: an order")
        await session(world, 3)
        setup = world.live.sessions[2].setup
        assert setup["historyConfig"] == {"initialHistoryInClientContent": True}
        told = setup["systemInstruction"]["parts"][0]["text"]
        assert "THE CALL IS UNDER WAY" in told
        assert "one chicken burger" in told
        await says(line, "two", "1: two")
        said = [turn.text for turn in world.live.sessions[2].transcript]
        assert said[-1] == "1: two"
        assert greetings(line) == 1
        assert world.process.metrics.value("model_hops_total", reason="closed_1006", how="reseeded") == 1


async def test_a_server_that_takes_the_handle_and_forgot_the_call_is_told_of_it(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    async with open_world(redis_url, redis_urls["bridge"], EchoBrain()) as world:
        world.around.answers["addItem"] = {"cart": CART}
        world.live.next_faults(Faults(go_away=GoAway(after_ms=4_500, time_left_ms=20_000)))
        world.live.next_faults(Faults(ignore_handle=True))
        line = await greeted(world)
        await says(line, "an order", "1: an order")
        await session(world, 2)
        told = world.live.sessions[1].setup["systemInstruction"]["parts"][0]["text"]
        assert "one chicken burger" in told
        assert '{"agent": "1: an order"}' in told
        await says(line, "two", "1: two")
        assert greetings(line) == 1


@pytest.mark.parametrize(
    "closes",
    [
        ((1000, ""), (1001, ""), (1011, "Deadline expired before operation could complete.")),
        ((1007, "Request contains an invalid argument."), (1008, "Operation is not implemented, or supported."),
         (1011, "Internal error encountered.")),
    ],
    ids=["orderly", "faulty"],
)  # fmt: skip
async def test_a_call_goes_on_whatever_its_sessions_are_closed_with(
    redis_url: str, redis_urls: Mapping[str, str], closes: tuple[tuple[int, str], ...]
) -> None:
    async with open_world(redis_url, redis_urls["bridge"], EchoBrain()) as world:
        for code, reason in closes:
            world.live.next_faults(Faults(close=Close(after_ms=4_000, code=code, reason=reason)))
        line = await greeted(world)
        for number, (code, _) in enumerate(closes, start=2):
            await says(line, f"before {code}", f": before {code}")
            await session(world, number)
        await says(line, "the end", ": the end")
        assert greetings(line) == 1
        assert [record.close[0] for record in list(world.live.sessions)[:3] if record.close] == [
            code for code, _ in closes
        ]
        assert not world.around.of_type(HandoffRequested)


async def test_a_model_that_does_not_exist_any_more_is_not_asked_again(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    reason = "models/x is not found for API version v1beta, or not supported for bidiGenerateContent."
    async with open_world(redis_url, redis_urls["bridge"], EchoBrain()) as world:
        world.live.next_faults(Faults(close=Close(after_ms=4_000, code=1008, reason=reason)))
        line = await greeted(world)
        assert await line.until_closed() == 1000
        assert (await world.around.ended()).outcome == "handoff"
        assert world.around.of_type(HandoffRequested)[0].reason == "technical"
        assert len(world.live.sessions) == 1


async def test_a_used_up_quota_is_asked_once_more_and_then_a_person(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    reason = "You exceeded your current quota, please check your plan and billing details."
    async with open_world(redis_url, redis_urls["bridge"], EchoBrain()) as world:
        world.live.next_faults(Faults(close=Close(after_ms=4_000, code=1011, reason=reason)))
        world.live.next_faults(Faults(reject_upgrade_status=429))
        line = await greeted(world)
        assert await line.until_closed() == 1000
        assert (await world.around.ended()).outcome == "handoff"
        assert world.live.refused == [429]
        assert world.process.metrics.value("voice_call_complaints_total", kind="model_quota") == 2


async def test_a_setup_that_hangs_costs_three_seconds_and_the_handle(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    async with open_world(redis_url, redis_urls["bridge"], EchoBrain()) as world:
        world.live.next_faults(Faults(go_away=GoAway(after_ms=3_500, time_left_ms=20_000)))
        world.live.next_faults(Faults(setup_never=True))
        line = await greeted(world)
        await says(line, "one", "1: one")
        await session(world, 3)
        assert "handle" not in world.live.sessions[2].setup["sessionResumption"]
        await says(line, "two", "1: two")


async def test_a_result_that_was_under_way_reaches_the_next_session(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    async with open_world(redis_url, redis_urls["bridge"], EchoBrain()) as world:
        world.around.deaf = world.around.http_deaf = True
        world.live.next_faults(Faults(tcp_reset_after_ms=5_000))
        line = await greeted(world)
        line.say("an order")
        await until(lambda: bool(world.around.of_type(ToolCalled)))
        await session(world, 2)
        world.around.deaf = False
        called = world.around.of_type(ToolCalled)[0]
        answer = world.around.answer(world.around.stream_ids[0], called)
        await world.around.publish(answer)
        await line.until_heard("News: Done.")
        assert [record.ignored_responses for record in world.live.sessions] == [[], []], "no id was answered twice"


async def test_a_hop_in_the_middle_of_a_sentence_plays_out_what_is_there(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    """With half a second left the session is left at once; the words that were sent already are heard to their end."""
    async with open_world(redis_url, redis_urls["bridge"], EchoBrain()) as world:
        world.live.next_faults(Faults(go_away=GoAway(after_ms=4_500, time_left_ms=500)))
        line = await greeted(world)
        await says(line, "one", "1: one")
        line.say("a somewhat longer sentence that is still being played")
        await session(world, 2)
        await until(lambda: len(line.texts) >= 3, 30)
        assert greetings(line) == 1
        assert line.kills == 0
