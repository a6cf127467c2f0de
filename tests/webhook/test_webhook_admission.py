"""Who is given to the agent, and that everybody else reaches a person, as the carrier sees it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from test_webhook_legs import matter, outbound, report
from webhook_desk import CALLER, Start, Webhook, beat, noon, posted, until

from agiza.contracts import streams
from agiza.runtime.clock import Clock

pytestmark = pytest.mark.integration

FRONT = ["+254700000001"]
STREAM = ["Stream", "Redirect"]
KILIMANI = "+254709000003"


@pytest.mark.parametrize(
    ("bridges", "verdict"),
    [
        ({}, "no_bridge"),
        ({"b1": beat(draining=True)}, "no_bridge"),
        ({"b1": beat(model_ok=False), "b2": beat(model_ok=False)}, "model_down"),
        ({"b1": beat(calls=5, slots=5), "b2": beat(calls=9, slots=9)}, "no_slot"),
    ],
)
async def test_without_a_bridge_that_can_the_branch_is_rung(
    webhook: Webhook, bridges: dict[str, dict[str, object]], verdict: str
) -> None:
    await webhook.bridges.say(**bridges)
    await webhook.bridges.are_seen()
    answer = await webhook.voice("Ringing")
    assert answer.verbs == ["Say", "Dial", "Redirect", "Say", "Hangup"]
    assert answer.dialled == FRONT
    metrics = webhook.process.metrics
    assert metrics.value("admission_total", verdict=verdict) == 1
    assert metrics.value("model_breaker_open") == (1 if verdict == "model_down" else 0)
    assert (await webhook.voice("Ringing")).body == answer.body
    assert metrics.value("admission_total", verdict=verdict) == 1, "a repeated request is not judged anew"


async def test_one_bridge_with_the_model_is_enough(webhook: Webhook) -> None:
    await webhook.bridges.say(b1=beat(model_ok=False), b2=beat())
    assert (await webhook.voice("Ringing")).verbs == STREAM


async def test_bridge_that_has_just_come_is_seen_before_a_caller_is_sent_away(webhook: Webhook) -> None:
    await webhook.bridges.say()
    await webhook.bridges.are_seen()
    await webhook.bridges.say(b2=beat())
    assert (await webhook.voice("Ringing")).verbs == STREAM


async def test_last_slot_is_given_once(webhook: Webhook) -> None:
    await webhook.bridges.say(b1=beat(calls=4, slots=5))
    answers = await asyncio.gather(*(webhook.voice("Ringing", f"HD_at_once{n}") for n in range(6)))
    assert sorted(answer.verbs[0] for answer in answers) == ["Say"] * 5 + ["Stream"]
    winner = next(n for n, answer in enumerate(answers) if answer.verbs == STREAM)

    async def is_alone() -> bool:
        held: list[str] = await webhook.redis.zrange(streams.ADMISSION_LEASES, 0, -1)
        return held == [f"HD_at_once{winner}"]

    await until(is_alone)
    assert (await webhook.voice("Ringing", f"HD_at_once{winner}")).verbs == STREAM, "its repetition is no second call"
    await webhook.voice("Completed", f"HD_at_once{winner}")

    async def is_free() -> bool:
        return not await webhook.redis.exists(streams.ADMISSION_LEASES)

    await until(is_free)
    assert (await webhook.voice("Ringing", "HD_after_it")).verbs == STREAM


async def test_lease_ends_soon_after_the_stream_began(webhook: Webhook) -> None:
    async def left_s() -> float:
        until_s = await webhook.redis.zscore(streams.ADMISSION_LEASES, "HD_7c21e04ab9f3")
        return float(until_s) - webhook.process.clock.now().timestamp()

    await webhook.voice("Ringing")
    assert 10 < await left_s() <= 15
    await webhook.voice("StreamStarted")

    async def is_short() -> bool:
        return await left_s() <= 2

    await until(is_short)


async def test_number_that_calls_without_end_is_told_so(start_webhook: Start) -> None:
    async with start_webhook(noon(), agiza_calls_per_caller=2) as webhook:
        assert (await webhook.voice("Ringing", "HD_one1")).verbs == STREAM
        assert (await webhook.voice("Ringing", "HD_two2")).verbs == STREAM
        for again in ("HD_one1", "HD_two2"):
            assert (await webhook.voice("Ringing", again)).verbs == STREAM
        third = await webhook.voice("Ringing", "HD_three")
        assert third.verbs == ["Say", "Hangup"]
        assert "many calls from this number" in (third.xml[0].text or "")
        assert (await webhook.voice("Ringing", "HD_other", callerNumber="+254711000002")).verbs == STREAM
        assert (await webhook.voice("Ringing", "HD_hidden", callerNumber="anonymous")).verbs == STREAM
        keys = [key async for key in webhook.redis.scan_iter(f"{streams.ADMISSION_PREFIX}*")]
        assert not any(CALLER[1:] in key for key in keys)


async def test_leg_after_a_lost_one_is_not_counted_against_the_caller(start_webhook: Start) -> None:
    limits = {"agiza_calls_per_caller": 1, "agiza_calls_per_branch": 1, "agiza_calls_per_day": 1}
    async with start_webhook(noon(), **limits) as webhook:
        first = await webhook.voice("Ringing")
        await webhook.voice("StreamStarted")
        await report(webhook, "dropped", "bridge_stopped")
        again = await webhook.post(first.redirect, posted("Answered"))
        assert again.verbs == STREAM
        assert again.xml[0].attrib["url"] != first.xml[0].attrib["url"]


async def test_leg_for_which_no_bridge_is_left_is_a_person(webhook: Webhook) -> None:
    first = await webhook.voice("Ringing")
    await webhook.voice("StreamStarted")
    await report(webhook, "dropped", "bridge_stopped")
    await webhook.bridges.say()
    assert (await webhook.post(first.redirect, posted("Answered"))).dialled == FRONT
    assert webhook.process.metrics.value("admission_total", verdict="no_bridge") == 1


async def test_branch_takes_so_many_calls_at_once(start_webhook: Start) -> None:
    async with start_webhook(noon(), agiza_calls_per_branch=1) as webhook:
        first = await webhook.voice("Ringing", "HD_one1")
        assert first.verbs == STREAM
        assert (await webhook.voice("Ringing", "HD_two2")).dialled == FRONT
        assert (await webhook.voice("Ringing", "HD_elsewhere", destinationNumber=KILIMANI)).verbs == STREAM
        await webhook.voice("StreamStarted", "HD_one1")
        await webhook.rows("UPDATE calls SET outcome = 'handoff', end_reason = 'handoff' WHERE call_id = 'HD_one1'")
        assert (await webhook.post(first.redirect, posted("StreamStopped", "HD_one1"))).dialled == FRONT

        async def is_free() -> bool:
            return not await webhook.redis.exists(streams.calls_of_branch_key("westlands"))

        await until(is_free)
        assert (await webhook.voice("Ringing", "HD_three")).verbs == STREAM, (
            "who talks with a person has left the agent"
        )


async def test_model_quota_is_shared_by_all_branches(start_webhook: Start) -> None:
    async with start_webhook(noon(), agiza_model_sessions=10) as webhook:
        await webhook.bridges.say(b1=beat(calls=5), b2=beat(calls=3, draining=True))
        assert (await webhook.voice("Ringing", "HD_ninth")).verbs == STREAM
        assert (await webhook.voice("Ringing", "HD_tenth", destinationNumber=KILIMANI)).verbs[0] == "Say"
        assert webhook.process.metrics.value("admission_total", verdict="model_quota") == 1


async def test_budget_of_the_day(start_webhook: Start) -> None:
    async with start_webhook(noon(), agiza_calls_per_day=2) as webhook:
        verbs = [(await webhook.voice("Ringing", f"HD_call{n}")).verbs[0] for n in range(4)]
        assert verbs == ["Stream", "Stream", "Say", "Say"]
        assert await webhook.redis.zcard(streams.calls_of_day_key("2026-03-06")) == 2


async def test_minutes_with_the_model_are_a_budget_too(start_webhook: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.webhook.admission.MINUTES_EVERY_S", 0.1)
    async with start_webhook(noon(), agiza_minutes_per_day=30) as webhook:
        now = webhook.process.clock.now()
        await webhook.rows(
            "INSERT INTO calls (call_id, branch_id, menu_version, stage, traceparent, started_at, duration_ms) VALUES"
            " ('HD_yesterday', 'westlands', 1, 'ended', '', %s::timestamptz - interval '1 day', 9000000),"
            " ('HD_ended1', 'westlands', 1, 'ended', '', %s::timestamptz - interval '1 hour', 1200000)",
            now,
            now,
        )
        await asyncio.sleep(0.3)
        assert (await webhook.voice("Ringing", "HD_within")).verbs == STREAM
        await webhook.rows(
            "INSERT INTO calls (call_id, branch_id, menu_version, stage, traceparent, started_at) VALUES"
            " ('HD_live01', 'westlands', 1, 'streaming', '', %s::timestamptz - interval '11 minutes')",
            now,
        )
        numbers = iter(range(1000))

        async def is_spent() -> bool:
            return (await webhook.voice("Ringing", f"HD_above{next(numbers)}")).verbs[0] == "Say"

        await until(is_spent)
        assert webhook.process.metrics.value("admission_total", verdict="day_limit") == 1


async def test_closed_branch_counts_nobody(start_webhook: Start) -> None:
    night = Clock.starting_at(datetime(2026, 3, 6, 0, 30, tzinfo=UTC))
    async with start_webhook(night, agiza_calls_per_caller=1, agiza_calls_per_day=1) as webhook:
        for n in range(3):
            closed = await webhook.voice("Ringing", f"HD_night{n}")
            assert closed.verbs == ["Say", "Hangup"]
            assert "closed" in (closed.xml[0].text or "")
        assert [key async for key in webhook.redis.scan_iter(f"{streams.ADMISSION_PREFIX}*")] == []


async def test_customer_whom_we_ring_is_not_counted_as_a_caller(start_webhook: Start) -> None:
    async with start_webhook(noon(), agiza_calls_per_caller=1) as webhook:
        assert (await webhook.voice("Ringing")).verbs == STREAM
        path = await matter(webhook, kind="ring_back")
        assert (await webhook.post(path, outbound("Answered"))).verbs == STREAM


async def test_redis_that_refuses_is_as_good_as_none(webhook: Webhook) -> None:
    await webhook.redis.execute_command("ACL", "SETUSER", "webhook", "-zadd")
    try:
        assert (await webhook.voice("Ringing")).dialled == FRONT
    finally:
        await webhook.redis.execute_command("ACL", "SETUSER", "webhook", "+zadd")
    assert webhook.process.metrics.value("admission_total", verdict="no_redis") == 1
