"""Whose stream is whose: the rule that shares them out, and the leases by which a process knows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as some
from redis.asyncio import Redis

from agiza.contracts import streams
from agiza.runtime.clock import Clock, StoppedClock
from agiza.runtime.consumer import Done, Limits
from agiza.runtime.leases import Leases
from agiza.runtime.metrics import Metrics
from agiza.runtime.partition_share import PartitionShare, plan
from agiza.runtime.redis_clients import RedisClients
from agiza.runtime.stream_group import StreamGroup
from agiza.runtime.stream_reader import StreamReader

ALL = [streams.tools_stream_of(number) for number in range(streams.TOOL_PARTITIONS)]
ROUNDS_MAX = 8


def held(holders: Mapping[str, str | None], member: str) -> list[str]:
    return [stream for stream, holder in holders.items() if holder == member]


# --- the rule


@some.composite
def situations(draw: some.DrawFn) -> tuple[list[str], dict[str, str | None]]:
    members = draw(some.lists(some.sampled_from("abcdefghijklmnopqrst"), min_size=1, max_size=20, unique=True))
    holder = some.sampled_from([*members, None, "gone"])
    return members, {stream: draw(holder) for stream in ALL}


@given(situations())
def test_any_beginning_ends_in_equal_parts_and_stays_there(
    situation: tuple[list[str], dict[str, str | None]],
) -> None:
    members, holders = situation
    for round_number in range(ROUNDS_MAX):
        moved = False
        for me in members:
            step = plan(me, frozenset(members), holders)
            assert step.give <= set(held(holders, me))
            assert all(holders[stream] is None for stream in step.take)
            moved = moved or bool(step.give or step.take)
            holders.update(dict.fromkeys(step.give), **dict.fromkeys(step.take, me))
        if round_number == 0:  # what a stranger held runs out meanwhile
            holders.update({stream: None for stream, holder in holders.items() if holder == "gone"})
        elif not moved:
            break
    assert not moved, "it does not come to rest"
    counts = [len(held(holders, me)) for me in members]
    assert sum(counts) == len(ALL)
    assert max(counts) - min(counts) <= 1


@given(some.integers(1, 20))
def test_no_more_streams_move_than_a_newcomer_needs(members: int) -> None:
    names = [f"m{number:02}" for number in range(members)]
    holders: dict[str, str | None] = {stream: names[number % members] for number, stream in enumerate(ALL)}
    everybody = frozenset([*names, "a-newcomer"])
    given_away = [stream for me in names for stream in plan(me, everybody, holders).give]
    assert len(given_away) == len(ALL) // (members + 1)


def test_what_is_already_on_its_way_out_is_not_doubled() -> None:
    holders: dict[str, str | None] = dict.fromkeys(ALL, "a")
    first = plan("a", frozenset("ab"), holders)
    assert len(first.give) == 8
    released = sorted(first.give)[:3]
    holders.update(dict.fromkeys(released))
    assert plan("a", frozenset("ab"), holders, first.give).give == first.give - set(released)


def test_one_stream_stays_where_it_is() -> None:
    assert plan("b", frozenset("abc"), {ALL[0]: "b"}) == plan("a", frozenset("abc"), {ALL[0]: "b"})


# --- leases


def leases(clients: RedisClients, owner: str, life_ms: int = 60_000) -> Leases:
    return Leases(clients.commands, streams=ALL, group="orders", owner=owner, life_ms=life_ms)


@pytest.mark.integration
async def test_lease_has_one_holder(orders: RedisClients, admin: Redis) -> None:
    mine, theirs = leases(orders, "me"), leases(orders, "them")
    assert await mine.take(ALL[:2]) == set(ALL[:2])
    assert await theirs.take(ALL[1:3]) == {ALL[2]}
    assert not await theirs.let_go(ALL[0]), "not theirs"
    await admin.pexpire(streams.lease_key(ALL[0]), 5_000)
    assert await mine.prolong(ALL[:3]) == set(ALL[:2])
    assert await admin.pttl(streams.lease_key(ALL[0])) > 50_000
    assert await mine.let_go(ALL[0])
    assert await theirs.take(ALL[:1]) == {ALL[0]}
    assert await mine.prolong(ALL[:2]) == {ALL[1]}


@pytest.mark.integration
async def test_a_lease_that_changes_hands_does_not_keep_the_others_from_being_prolonged(orders: RedisClients) -> None:
    mine = leases(orders, "me")
    await mine.take(ALL[:3])
    for _ in range(50):
        kept, _ = await asyncio.gather(mine.prolong(ALL[:3]), mine.let_go(ALL[2]))
        assert kept >= set(ALL[:2])
        await mine.take(ALL[2:3])


@pytest.mark.integration
async def test_no_read_outlives_the_lease(orders: RedisClients, metrics: Metrics) -> None:
    """What Redis gives to a read that is open when the next reader has begun would be handled out of its order."""
    clock = StoppedClock(Clock().now())
    share = PartitionShare(leases(orders, "me"), ALL, clock, metrics, group="orders", life_ms=1_500)
    await share._tick()
    seat = share.seat(ALL[0])
    group = StreamGroup(orders.commands, orders.blocking, stream=ALL[0], group="orders", consumer="me")
    limits = Limits(60_000, sweep_s=60, block_ms=2_000)
    reader = StreamReader(group, lambda _: Done(), limits, clock, metrics, lambda _: False, seat)
    reader._is_due("sweep", 60)
    assert reader._block_ms() == 1_500
    clock.advance(1.4)
    assert 1 <= reader._block_ms() <= 100
    clock.advance(1)
    assert reader._block_ms() == 1, "and what it is given is left to the next reader"


@pytest.mark.integration
async def test_members_are_those_who_said_lately_that_they_live(orders: RedisClients, admin: Redis) -> None:
    mine, theirs = leases(orders, "me"), leases(orders, "them")
    first = await mine.look()
    assert (first.is_new, first.members) == (True, {"me"})
    await theirs.look()
    await theirs.take(ALL[:1])
    seen = await mine.look()
    assert (seen.is_new, seen.members, seen.holders[ALL[0]]) == (False, {"me", "them"}, "them")
    await admin.zincrby(streams.members_key("orders"), -70_000, "them")
    seen = await mine.look()
    assert (seen.members, seen.holders[ALL[0]]) == ({"me"}, "them"), "struck off, but what they hold is theirs"
    assert (await theirs.look()).is_new
    await theirs.leave()
    assert (await mine.look()).members == {"me"}


@pytest.mark.integration
async def test_belief_ends_with_the_life_of_the_lease(orders: RedisClients, metrics: Metrics) -> None:
    """Judged without asking anybody: what a process that was paused must know before it handles another entry."""
    clock = StoppedClock(Clock().now())
    share = PartitionShare(leases(orders, "me"), ALL, clock, metrics, group="orders", life_ms=60_000)
    await share._tick()
    seat = share.seat(ALL[0])
    assert seat.is_ours
    clock.advance(59)
    assert seat.is_ours
    clock.advance(2)
    assert not seat.is_held
    await share._tick()
    assert seat.is_ours, "nobody had taken it: it goes on"
    assert seat.takings == 1
