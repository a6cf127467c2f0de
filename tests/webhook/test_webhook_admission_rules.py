"""The rule of admission and what is read from heartbeats, without any server; and when a bridge counts as alive."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import redis.asyncio
from webhook_desk import beat

from agiza.contracts.streams import BRIDGES_SEEN, bridge_key
from agiza.runtime.clock import StoppedClock
from agiza.runtime.metrics import Metrics
from services.webhook.admission_rules import Counts, Limits, Verdict, judge, judge_room
from services.webhook.fleet import Beat, Fleet, Room, read_beat, room_of

ROOM = Room(bridges=2, free_slots=10, sessions=80)
FIRST = Counts(leases=1, of_caller=1, of_branch=1, of_day=1)


@pytest.mark.parametrize(
    ("limits", "room", "counts", "verdict"),
    [
        (Limits(), ROOM, FIRST, "admitted"),
        (Limits(), ROOM, Counts(leases=10, of_caller=99, of_branch=99, of_day=9999, day_minutes=9999), "admitted"),
        (Limits(), Room(), FIRST, "no_bridge"),
        (Limits(), replace(ROOM, is_model_up=False), FIRST, "model_down"),
        (Limits(), ROOM, replace(FIRST, leases=11), "no_slot"),
        (Limits(model_sessions=90), ROOM, FIRST, "admitted"),
        (Limits(model_sessions=90), ROOM, replace(FIRST, leases=2), "model_quota"),
        (Limits(caller_calls=6), ROOM, replace(FIRST, of_caller=6), "admitted"),
        (Limits(caller_calls=6), ROOM, replace(FIRST, of_caller=7), "caller_limit"),
        (Limits(caller_calls=6), Room(), replace(FIRST, of_caller=7), "caller_limit"),
        (Limits(branch_calls=3), ROOM, replace(FIRST, of_branch=3), "admitted"),
        (Limits(branch_calls=3), ROOM, replace(FIRST, of_branch=4), "branch_limit"),
        (Limits(day_calls=100), ROOM, replace(FIRST, of_day=101), "day_limit"),
        (Limits(day_minutes=60), ROOM, replace(FIRST, day_minutes=59.9), "admitted"),
        (Limits(day_minutes=60), ROOM, replace(FIRST, day_minutes=60.0), "day_limit"),
    ],
)
def test_first_reason_against_a_call(limits: Limits, room: Room, counts: Counts, verdict: Verdict) -> None:
    assert judge(limits, room, counts) == verdict


def test_model_quota_of_ninety_is_full_at_eighty_one() -> None:
    limits = Limits(model_sessions=90)
    assert judge_room(limits, replace(ROOM, sessions=80), leases=1) == "admitted"
    assert judge_room(limits, replace(ROOM, sessions=81), leases=1) == "model_quota"


def test_another_leg_is_not_asked_about_caller_branch_and_day() -> None:
    strict = Limits(caller_calls=1, branch_calls=1, day_calls=1, day_minutes=1)
    assert judge_room(strict, ROOM, leases=1) == "admitted"
    assert judge_room(strict, Room(), leases=1) == "no_bridge"


def test_room_is_the_sum_of_bridges_that_take_calls() -> None:
    one, full, leaving = Beat(3, 10, False, False), Beat(12, 10, False, True), Beat(5, 10, True, True)
    assert room_of([one, full, leaving]) == Room(bridges=2, free_slots=7, sessions=20, is_model_up=True)
    assert room_of([one, leaving]) == Room(bridges=1, free_slots=7, sessions=8, is_model_up=False)
    assert room_of([leaving]) == Room(bridges=0, free_slots=0, sessions=5, is_model_up=True)


@pytest.mark.parametrize("text", [None, "", "{", "3", "[]", "{}", '{"calls": 1}', '{"calls":1e999,"slots":1}'])
def test_what_is_no_heartbeat_is_no_bridge(text: str | None) -> None:
    assert read_beat(text) is None


def test_bridge_that_says_nothing_of_the_model_has_no_trouble_with_it() -> None:
    assert read_beat('{"calls": 1, "slots": 7, "draining": false}') == Beat(1, 7, False, True)
    assert read_beat(json.dumps(beat(1, 7, model_ok=False))) == Beat(1, 7, False, False)


@pytest.mark.integration
async def test_bridge_lives_while_its_time_goes_on(redis_url: str, metrics: Metrics, clock: StoppedClock) -> None:
    async with redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as client:
        fleet = Fleet(client, metrics, clock)
        assert (await fleet.look()).bridges == 0
        seen = 17.0  # whatever the bridge's clock shows

        async def say(bridge_id: str, **said: int) -> None:
            await client.set(bridge_key(bridge_id), json.dumps(beat(**said)))
            await client.zadd(BRIDGES_SEEN, {bridge_id: seen})

        await say("b1", calls=1, slots=5)
        assert await fleet.look() == Room(bridges=1, free_slots=4, sessions=1)
        clock.advance(3.1)
        assert (await fleet.look()).bridges == 0, "its key is still there, but it does not beat"
        seen += 1
        await say("b1", calls=2, slots=5)
        await client.zadd(BRIDGES_SEEN, {"b2": seen})
        assert await fleet.look() == Room(bridges=1, free_slots=3, sessions=2), "b2 has no key"
        clock.advance(2.9)
        await client.set(bridge_key("b1"), json.dumps(beat(model_ok=False)))
        assert not (await fleet.look()).is_model_up
        assert metrics.value("model_breaker_open") == 1
        await client.delete(bridge_key("b1"))
        assert await fleet.look() == Room()
        assert metrics.value("model_breaker_open") == 0
