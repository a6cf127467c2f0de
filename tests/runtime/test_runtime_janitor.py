"""Trimming of streams: behind all readers, by age and number, and with an alarm where that is not enough."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
from captured_logs import Logged
from redis.asyncio import Redis

from agiza.contracts import streams
from agiza.runtime import janitor
from agiza.runtime.janitor import handled_until, sweep_stream
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import open_redis

pytestmark = pytest.mark.integration

STREAM = streams.CALLS
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
async def client(redis_urls: Mapping[str, str]) -> AsyncIterator[Redis]:
    """With the rights of a service that reads this stream beside another one."""
    async with open_redis(redis_urls["webhook"], service="webhook") as clients:
        yield clients.commands


async def now_ms(client: Redis) -> int:
    return int((await client.time())[0]) * 1000


async def fill(client: Redis, ages_days: list[float], stream: str = STREAM) -> list[str]:
    """Entries of these ages, oldest first; returns their ids."""
    now = await now_ms(client)
    return [
        await client.xadd(stream, {"event": "x"}, id=f"{now - int(age * DAY_MS)}-{n}")
        for n, age in enumerate(ages_days)
    ]


async def ids(client: Redis, stream: str = STREAM) -> list[str]:
    return [id for id, _ in await client.xrange(stream)]


async def read(client: Redis, group: str, *, count: int, acknowledged: int) -> None:
    await client.xgroup_create(STREAM, group, id="0")
    [[_, entries]] = await client.xreadgroup(group, "reader", {STREAM: ">"}, count=count)
    for id, _ in entries[:acknowledged]:
        await client.xack(STREAM, group, id)


async def test_only_what_every_group_has_handled_goes(client: Redis, metrics: Metrics) -> None:
    added = await fill(client, [5, 4, 3, 2, 0])
    await read(client, "webhook", count=5, acknowledged=5)
    await read(client, "escalation", count=3, acknowledged=1)  # two in hand, two unread
    await sweep_stream(client, STREAM, metrics)
    assert await ids(client) == added[1:]
    await client.xack(STREAM, "escalation", *added[1:3])
    await sweep_stream(client, STREAM, metrics)
    assert await ids(client) == added[3:], "the rest was never given to that group"
    await client.xreadgroup("escalation", "reader", {STREAM: ">"})
    await client.xack(STREAM, "escalation", *added)
    await sweep_stream(client, STREAM, metrics)
    assert await ids(client) == added[4:], "younger than a day"


async def test_entry_acknowledged_out_of_order_keeps_the_older_one(client: Redis, metrics: Metrics) -> None:
    added = await fill(client, [5, 4, 3])
    await read(client, "webhook", count=3, acknowledged=0)
    await client.xack(STREAM, "webhook", *added[1:])
    assert await handled_until(client, STREAM) == janitor.entry_number(added[0])
    await sweep_stream(client, STREAM, metrics)
    assert await ids(client) == added


async def test_stream_without_a_reader_is_left_alone(client: Redis, metrics: Metrics) -> None:
    added = await fill(client, [5, 4])
    await sweep_stream(client, STREAM, metrics)
    assert await ids(client) == added
    await client.xgroup_create(STREAM, "webhook", id="0")
    await sweep_stream(client, STREAM, metrics)
    assert await ids(client) == added, "a group that has read nothing yet"
    await sweep_stream(client, streams.CALLS, metrics)


async def test_much_that_was_handled_goes_before_its_day_is_over(
    client: Redis, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "ENTRIES_KEPT", 4)
    added = await fill(client, [0.5, 0.4, 0.3, 0.2, 0.1])
    await read(client, "webhook", count=3, acknowledged=3)
    await sweep_stream(client, STREAM, metrics)
    assert await ids(client) == added[3:]


async def test_too_much_that_nobody_reads_goes_with_an_alarm(
    client: Redis, metrics: Metrics, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "ENTRIES_MAX", 3)
    added = await fill(client, [0.5, 0.4, 0.3, 0.2, 0.1])
    await read(client, "webhook", count=1, acknowledged=0)
    await sweep_stream(client, STREAM, metrics)
    assert await ids(client) == added[2:]
    assert metrics.value("stream_trimmed_unread_total", stream="calls") == 2
    assert logged.events("stream_trimmed_unread")[0]["count"] == 2


async def test_dead_letters_are_kept_for_a_month_and_counted(client: Redis, metrics: Metrics) -> None:
    dead = streams.dead_stream(STREAM)
    await fill(client, [0])
    added = await fill(client, [40, 31, 29, 1], dead)
    await sweep_stream(client, STREAM, metrics)
    assert await ids(client, dead) == added[2:]
    assert metrics.value("stream_dead_entries", stream="calls") == 2


async def test_stream_that_is_not_there_is_no_error(client: Redis, metrics: Metrics) -> None:
    await sweep_stream(client, STREAM, metrics)
