"""Sharing streams: who reads what, and what becomes of the order when a process joins, leaves, dies or sleeps."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from agiza.contracts import streams
from agiza.contracts.events import ToolCancelled
from agiza.runtime.clock import Clock
from agiza.runtime.consumer import Delivery, Done, Limits, Outcome, StreamConsumer
from agiza.runtime.leases import Leases
from agiza.runtime.metrics import Metrics
from agiza.runtime.publisher import Publisher
from agiza.runtime.redis_clients import RedisClients, open_redis
from agiza.runtime.traces import Trace

ALL = [streams.tools_stream_of(number) for number in range(streams.TOOL_PARTITIONS)]
CALLS = {streams.tools_stream(call): call for call in (f"HD_{number}" for number in range(400))}
"""One call for each stream."""
WORKER = Path(__file__).parent / "share_worker.py"
LIFE_MS = 1500


# --- readers on a real Redis


class Replica:
    """A consumer in this process; ``handled`` is what it did."""

    def __init__(self, clients: RedisClients, name: str, handled: list[tuple[str, int]]) -> None:
        self._stopping = asyncio.Event()
        self._handled = handled
        self.metrics = Metrics()
        self.consumer = StreamConsumer(
            clients, streams=ALL, group="orders", handler=self._note, clock=Clock(), metrics=self.metrics,
            limits=Limits(60_000, 0.1, batch=5, block_ms=100, pause_s=(0.01, 0.05)),
            exclusive=True, lease_life_ms=LIFE_MS, consumer=name,
        )  # fmt: skip
        self.task = asyncio.create_task(self.consumer.run(self._stopping))

    async def _note(self, delivery: Delivery) -> Outcome:
        event = delivery.received.event
        assert isinstance(event, ToolCancelled)
        await asyncio.sleep(0)
        self._handled.append((delivery.stream, event.leg_epoch))
        return Done()

    @property
    def part(self) -> int:
        assert self.consumer.share is not None
        return sum(self.consumer.share.seat(stream).is_ours for stream in ALL)

    async def stop(self) -> None:
        self._stopping.set()
        await self.stop_when_told()

    async def stop_when_told(self) -> None:
        await asyncio.wait_for(self.task, 30)


async def until(condition: Callable[[], Any], *, within_s: float = 60) -> None:
    async with asyncio.timeout(within_s):
        while True:
            result = condition()
            if await result if asyncio.iscoroutine(result) else result:
                return
            await asyncio.sleep(0.02)


class Traffic:
    """Numbered events on every stream, 1, 2, 3 ..., as long as the context lasts."""

    def __init__(self, url: str, pause_s: float) -> None:
        self._url = url
        self._pause_s = pause_s
        self._is_over = False
        self.sent = 0

    async def __aenter__(self) -> Traffic:
        self._task = asyncio.create_task(self._send())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_over = (
            True  # no cancellation: one that meets a time limit of the Redis client may be lost on Python 3.11
        )
        await self._task

    async def _send(self) -> None:
        async with open_redis(self._url, service="test") as clients:
            publisher = Publisher(clients.commands, source="/test", clock=Clock(), metrics=Metrics())
            while not self._is_over:
                self.sent += 1
                for call_id in CALLS.values():
                    await publisher.publish(
                        ToolCancelled(
                            branch_id="westlands", call_id=call_id, leg_epoch=self.sent, ids=("f1",),
                            reply_to=streams.replies_channel("b1"),
                        ),
                        Trace.new(),
                    )  # fmt: skip
                await asyncio.sleep(self._pause_s)


def assert_in_order(handled: list[tuple[str, int]]) -> int:
    """Each stream's entries were handled in order and without a hole, repeats aside; returns the last number of all."""
    last: Counter[str] = Counter()
    for stream, number in handled:
        assert number <= last[stream] + 1, f"{stream}: {number} came after {last[stream]}"
        last[stream] = max(last[stream], number)
    return min(last[stream] for stream in ALL)


@pytest.mark.integration
async def test_replicas_come_and_go_and_share_equally(orders: RedisClients, redis_url: str, admin: Redis) -> None:
    handled: list[tuple[str, int]] = []
    async with Traffic(redis_url, 0.3) as traffic:
        first = Replica(orders, "first", handled)
        await until(lambda: first.part == 16)
        second = Replica(orders, "second", handled)
        await until(lambda: (first.part, second.part) == (8, 8))
        third = Replica(orders, "third", handled)
        await until(lambda: sorted((first.part, second.part, third.part)) == [5, 5, 6])
        await first.stop()
        await until(lambda: (second.part, third.part) == (8, 8))
        await until(lambda: assert_in_order(handled) > 3)
    await until(lambda: assert_in_order(handled) >= traffic.sent - 1)
    await second.stop()
    await until(lambda: third.part == 16)
    await third.stop()
    # a deliberate hand-over repeats nothing: every entry once
    assert max(Counter(handled).values()) == 1
    assert third.metrics.value("stream_partitions_held", group="orders") == 0
    assert not await admin.exists(*(streams.lease_key(stream) for stream in ALL)), "a stop leaves no lease behind"
    assert not await admin.zrange(streams.members_key("orders"), 0, -1)


@pytest.mark.integration
async def test_stop_in_the_moment_of_taking_leaves_nothing_behind(
    orders: RedisClients, admin: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The readers have ended when the answer comes: what was taken then must be given back, and the stop must end."""
    take = Leases.take

    async def take_late(self: Leases, wanted: Any) -> frozenset[str]:
        gained = await take(self, wanted)
        replica._stopping.set()
        for _ in range(50):
            await asyncio.sleep(0)  # the readers hear of the stop first
        return gained

    monkeypatch.setattr(Leases, "take", take_late)
    replica = Replica(orders, "first", [])
    await replica.stop_when_told()
    assert not await admin.exists(*(streams.lease_key(stream) for stream in ALL))


@pytest.mark.integration
async def test_redis_that_lost_its_data_moves_nothing(orders: RedisClients, redis_url: str, admin: Redis) -> None:
    handled: list[tuple[str, int]] = []
    first, second = Replica(orders, "first", handled), Replica(orders, "second", handled)
    await until(lambda: (first.part, second.part) == (8, 8))
    before = {stream: await admin.get(streams.lease_key(stream)) for stream in ALL}
    await admin.flushdb()

    async def all_are_held() -> bool:
        return None not in await admin.mget([streams.lease_key(stream) for stream in ALL])

    await until(all_are_held)
    await until(lambda: (first.part, second.part) == (8, 8))
    assert {stream: await admin.get(streams.lease_key(stream)) for stream in ALL} == before
    await first.stop()
    await second.stop()


# --- real processes


class Processes:
    """Replicas as processes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, name: str) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(WORKER), self._url, name, str(LIFE_MS), stdout=asyncio.subprocess.PIPE
        )
        self.running[name] = process
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"running\n"

    def signal(self, name: str, number: signal.Signals) -> None:
        self.running[name].send_signal(number)

    async def kill(self, name: str) -> None:
        self.running[name].kill()
        await self.running.pop(name).wait()

    async def end(self) -> None:
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
            await process.wait()


@pytest.fixture
async def processes(redis_url: str) -> AsyncIterator[Processes]:
    running = Processes(redis_url)
    yield running
    await running.end()


async def parts(admin: Redis) -> dict[str | None, int]:
    """How many streams each holds, by the leases."""
    return Counter(await admin.mget([streams.lease_key(stream) for stream in ALL]))


async def what_was_handled(admin: Redis) -> tuple[list[tuple[str, int]], Counter[str]]:
    handled: list[tuple[str, int]] = []
    by: Counter[str] = Counter()
    for stream in ALL:
        for line in await admin.lrange(f"handled:{stream}", 0, -1):
            number, name = line.split()
            handled.append((stream, int(number)))
            by[name] += 1
    return handled, by


async def all_handled_up_to(admin: Redis, number: int) -> bool:
    handled, _ = await what_was_handled(admin)
    return len(handled) >= 16 * number and assert_in_order(handled) >= number


async def shared(admin: Redis, **wanted: int) -> bool:
    return await parts(admin) == wanted


@pytest.mark.integration
async def test_killed_replica_is_replaced_and_nothing_lost(processes: Processes, redis_url: str, admin: Redis) -> None:
    async with Traffic(redis_url, 0.1) as traffic:
        for name in ("a", "b"):
            await processes.start(name)
        await until(lambda: shared(admin, a=8, b=8))
        await processes.start("c")
        await until(lambda: _sizes(admin, [5, 5, 6]))
        await processes.kill("b")
        await until(lambda: shared(admin, a=8, c=8))
        reached = traffic.sent
        await until(lambda: all_handled_up_to(admin, reached))
    await until(lambda: all_handled_up_to(admin, traffic.sent - 1))
    _, by = await what_was_handled(admin)
    assert min(by["a"], by["b"], by["c"]) > 0


async def _sizes(admin: Redis, wanted: list[int]) -> bool:
    return sorted((await parts(admin)).values()) == wanted


@pytest.mark.integration
async def test_paused_replica_loses_its_part_and_handles_nothing_more_of_it(
    processes: Processes, redis_url: str, admin: Redis
) -> None:
    """SIGSTOP beyond the life of the leases; awake again it only repeats what it had in hand."""
    async with Traffic(redis_url, 0.1) as traffic:
        for name in ("a", "b"):
            await processes.start(name)
        await until(lambda: shared(admin, a=8, b=8))
        await until(lambda: all_handled_up_to(admin, 5))
        theirs = [stream for stream in ALL if await admin.get(streams.lease_key(stream)) == "a"]
        processes.signal("a", signal.SIGSTOP)
        await until(lambda: shared(admin, b=16))
        reached = traffic.sent
        await until(lambda: all_handled_up_to(admin, reached))  # b has done what a had been given
        asleep = {stream: await admin.llen(f"handled:{stream}") for stream in theirs}
        processes.signal("a", signal.SIGCONT)
        await until(lambda: shared(admin, a=8, b=8))
        reached = traffic.sent
        await until(lambda: all_handled_up_to(admin, reached))
    await until(lambda: all_handled_up_to(admin, traffic.sent - 1))
    handled, _ = await what_was_handled(admin)
    repeated = Counter(handled)
    for stream in theirs:
        again = [number for (of, number), times in repeated.items() if of == stream and times > 1]
        assert len(again) <= 1, f"{stream}: at most the one entry that it had in hand, not {again}"
        assert asleep[stream] > 0
