"""The record of a live call on a real Redis: whose it is, what is written, and what is mended."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis

from agiza.contracts import streams
from agiza.runtime.clock import Clock
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import open_redis
from services.bridge.heartbeat import Heartbeat
from services.bridge.record import TURNS_MAX, RecordWriter
from services.bridge.session import CallFacts
from services.bridge.session import actions as a

pytestmark = pytest.mark.integration

CALL = "HD_record1"
KEY, TURNS = streams.session_key(CALL), streams.session_turns_key(CALL)


def leg(epoch: int = 0, bridge: str = "b1") -> CallFacts:
    return CallFacts(CALL, "westlands", 1, epoch, "en", bridge)


def turn(text: str) -> a.SaveTurn:
    return a.SaveTurn(a.Turn("caller", text, 0))


@dataclass
class Replica:
    """A writer as a bridge has it, with the bridge's rights only."""

    writer: RecordWriter
    redis: Redis

    async def written(self) -> None:
        await self.writer._write_dirty()


@contextlib.asynccontextmanager
async def replica(url: str) -> AsyncIterator[Replica]:
    async with open_redis(url, service="bridge") as clients:
        yield Replica(RecordWriter(clients.commands, Clock(), Metrics()), clients.commands)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client: Redis = Redis.from_url(redis_url, decode_responses=True)
    yield client
    await client.aclose()


async def record(redis: Redis) -> dict[str, str]:
    found: Any = await redis.hgetall(KEY)  # type: ignore[misc]
    return dict(found)


async def lines(redis: Redis) -> list[str]:
    found: Any = await redis.lrange(TURNS, 0, -1)  # type: ignore[misc]
    return [json.loads(line)["text"] for line in found]


async def test_every_write_says_whose_it_is(redis: Redis, redis_urls: Mapping[str, str]) -> None:
    async with replica(redis_urls["bridge"]) as one:
        one.writer.write(leg(), a.SaveRecord({"phase": "talking"}))
        one.writer.write(leg(), turn("two burgers"))
        await one.written()
        found = await record(redis)
        assert {"bridge_id": "b1", "leg_epoch": "0", "phase": "talking"}.items() <= found.items()
        assert int(found["at"]) >= int(found["opened_at"]) > 0
        assert await lines(redis) == ["two burgers"]
        assert 0 < await redis.ttl(KEY) <= 1_800
        await redis.hdel(KEY, "bridge_id")  # type: ignore[misc]
        one.writer.write(leg(), a.SaveRecord({"cart_version": "1"}))
        await one.written()
        assert (await record(redis))["bridge_id"] == "b1"


async def test_handle_is_kept_with_the_cart_that_its_model_knew(redis: Redis, redis_urls: Mapping[str, str]) -> None:
    async with replica(redis_urls["bridge"]) as one:
        one.writer.write(leg(), a.SaveRecord({"handle": "h1"}))
        await one.written()
        assert (await record(redis))["handle_cart"] == "0"
        one.writer.write(leg(), a.SaveRecord({"cart_version": "2"}))
        await one.written()
        assert (await record(redis))["handle_cart"] == "0", "the order came after the handle"
        one.writer.write(leg(), a.SaveRecord({"handle": "h2"}))
        await one.written()
        assert (await record(redis))["handle_cart"] == "2"


async def test_what_changes_at_once_is_one_write(redis: Redis, redis_urls: Mapping[str, str]) -> None:
    async with replica(redis_urls["bridge"]) as one:
        await redis.config_resetstat()
        for number in range(20):
            one.writer.write(leg(), a.SaveRecord({"saying_ms": str(number)}))
        running = asyncio.create_task(one.writer.run())
        await asyncio.sleep(0)
        await one.writer.finish()
        await running
        assert (await record(redis))["saying_ms"] == "19"
        stats: Any = await redis.info("commandstats")
        assert stats["cmdstat_hset"]["calls"] == 1


async def test_older_leg_never_goes_over_a_newer_one(redis: Redis, redis_urls: Mapping[str, str]) -> None:
    async with replica(redis_urls["bridge"]) as one, replica(redis_urls["bridge"]) as two:
        one.writer.write(leg(0, "b1"), a.SaveRecord({"phase": "talking", "handle": "h-old"}))
        one.writer.write(leg(0, "b1"), turn("first"))
        await one.written()
        two.writer.write(leg(1, "b2"), a.SaveRecord({"phase": "connecting"}))
        await two.written()
        assert "handle" not in await record(redis), "the older leg's model session is not the new one's"
        one.writer.write(leg(0, "b1"), a.SaveRecord({"phase": "ended"}))
        one.writer.write(leg(0, "b1"), turn("said by nobody"))
        await one.written()
        found = await record(redis)
        assert (found["bridge_id"], found["leg_epoch"], found["phase"]) == ("b2", "1", "connecting")
        assert await lines(redis) == ["first"], "the lines of before stay, those of the fenced leg do not come"


async def test_two_replicas_that_write_in_the_same_moment(redis: Redis, redis_urls: Mapping[str, str]) -> None:
    async with replica(redis_urls["bridge"]) as one, replica(redis_urls["bridge"]) as two:
        for number in range(20):
            one.writer.write(leg(0, "b1"), a.SaveRecord({"phase": f"old {number}"}))
            two.writer.write(leg(1, "b2"), a.SaveRecord({"phase": f"new {number}"}))
            await asyncio.gather(one.written(), two.written())
        found = await record(redis)
        assert (found["bridge_id"], found["leg_epoch"], found["phase"]) == ("b2", "1", "new 19")


async def test_same_process_takes_its_own_call_over(redis: Redis, redis_urls: Mapping[str, str]) -> None:
    async with replica(redis_urls["bridge"]) as one:
        one.writer.write(leg(0), turn("not yet written"))
        one.writer.write(leg(1), a.SaveRecord({"phase": "connecting"}))
        one.writer.write(leg(0), a.SaveRecord({"phase": "ended"}))
        await one.written()
        found = await record(redis)
        assert (found["leg_epoch"], found["phase"]) == ("1", "connecting")
        assert await lines(redis) == ["not yet written"]


async def test_redis_that_lost_everything_gets_it_again(redis: Redis, redis_urls: Mapping[str, str]) -> None:
    async with replica(redis_urls["bridge"]) as one:
        one.writer.write(leg(), a.SaveRecord({"phase": "talking", "handle": "h1"}))
        one.writer.write(leg(), turn("two burgers"))
        await one.written()
        forgotten = []

        def on_forgotten() -> None:
            forgotten.append(True)
            one.writer.look_again()

        heartbeat = Heartbeat(one.redis, "b1", dict, Clock(), on_forgotten)
        await heartbeat._beat()
        await heartbeat._beat()
        assert not forgotten
        await redis.delete(KEY, TURNS, streams.bridge_key("b1"))
        await heartbeat._beat()
        assert forgotten
        await one.written()
        found = await record(redis)
        assert {"phase": "talking", "handle": "h1", "bridge_id": "b1", "leg_epoch": "0"}.items() <= found.items()
        assert await lines(redis) == ["two burgers"]


async def test_look_at_a_redis_that_lost_nothing_doubles_nothing(redis: Redis, redis_urls: Mapping[str, str]) -> None:
    async with replica(redis_urls["bridge"]) as one:
        one.writer.write(leg(), turn("two burgers"))
        await one.written()
        one.writer.look_again()
        await one.written()
        assert await lines(redis) == ["two burgers"]


async def test_what_redis_did_not_take_is_written_later(redis: Redis, redis_urls: Mapping[str, str]) -> None:
    async with replica(redis_urls["bridge"]) as one:
        one.writer.write(leg(), turn("two burgers"))
        await redis.set(KEY, "of another kind")  # the server refuses
        await one.written()
        await redis.delete(KEY)
        await one.written()
        assert await lines(redis) == ["two burgers"]


async def test_lines_are_bounded_and_a_call_that_is_over_is_forgotten(
    redis: Redis, redis_urls: Mapping[str, str]
) -> None:
    async with replica(redis_urls["bridge"]) as one:
        for number in range(TURNS_MAX + 5):
            one.writer.write(leg(), turn(str(number)))
        one.writer.close(leg())
        await one.written()
        assert await lines(redis) == [str(number) for number in range(5, TURNS_MAX + 5)]
        assert not one.writer._kept
