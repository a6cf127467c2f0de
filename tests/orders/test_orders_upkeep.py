"""The upkeep of orders: feeds that Redis lost come back by themselves, old rows go, live work does not wait."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
import pytest
from orders_desk import Desk, fc
from redis.asyncio import Redis

from agiza.contracts import streams
from agiza.runtime import outbox_upkeep
from agiza.runtime.clock import Clock
from agiza.runtime.metrics import Metrics
from agiza.runtime.outbox import OutboxRelay
from agiza.runtime.outbox_upkeep import is_whole, trim_feed
from agiza.runtime.redis_clients import RedisClients, open_redis
from services.orders import upkeep as module
from services.orders.upkeep import Upkeep, forget_results

pytestmark = pytest.mark.integration

BRANCH = "westlands"
FEED = streams.orders_stream(BRANCH)


@pytest.fixture
def upkeep(desk: Desk, redis: RedisClients, metrics: Metrics) -> Upkeep:
    return Upkeep(desk.pool, redis.commands, metrics)


def write(desk: Desk, count: int) -> None:
    """So many more events of the branch in the outbox."""
    desk.run(
        "INSERT INTO outbox (event_id, branch_id, type, version, pii_event)"
        f" SELECT gen_random_uuid()::text, '{BRANCH}', 'agiza.test', 1, '{{}}' FROM generate_series(1, {count})"
    )


async def publish(desk: Desk, redis: RedisClients, count: int) -> None:
    """So many more events of the branch, numbered and on its stream."""
    write(desk, count)
    relay = OutboxRelay(desk.pool, redis.commands, clock=Clock(), metrics=desk.metrics)
    while await relay.relay_once():
        pass


async def feed(admin: Redis) -> list[int]:
    return [int(id.partition("-")[0]) for id, _ in await admin.xrange(FEED)]


@pytest.mark.parametrize("harm", ["emptied", "end lost", "hole", "emptied and gone on"])
async def test_feed_that_redis_lost_is_written_anew(
    desk: Desk, redis: RedisClients, admin: Redis, upkeep: Upkeep, harm: str
) -> None:
    await publish(desk, redis, 4)
    await upkeep.look_after_feeds()
    assert desk.metrics.value("outbox_rebuilt_total", branch=BRANCH) == 0
    if harm == "hole":
        await admin.xdel(FEED, "2-0")
    elif harm == "end lost":
        kept = await admin.xrange(FEED, count=3)
        await admin.delete(FEED)
        for id, fields in kept:
            await admin.xadd(FEED, fields, id=id)
    else:
        await admin.flushdb()
    if harm == "emptied and gone on":
        await publish(desk, redis, 1)
    assert not await is_whole(desk.pool, redis.commands, BRANCH)
    await upkeep.look_after_feeds()
    assert await feed(admin) == ([1, 2, 3, 4, 5] if harm == "emptied and gone on" else [1, 2, 3, 4])
    assert await is_whole(desk.pool, redis.commands, BRANCH)
    assert desk.metrics.value("outbox_rebuilt_total", branch=BRANCH) == 1


@pytest.mark.parametrize("harm", ["end lost", "emptied"])
async def test_reader_who_went_on_behind_a_hole_is_given_what_was_in_it(
    desk: Desk, redis: RedisClients, admin: Redis, upkeep: Upkeep, harm: str
) -> None:
    """Redis lost events that this reader had not seen, and it read what was published after that."""

    async def read(count: int = 10) -> list[int]:
        answer = await redis.commands.xreadgroup("kitchen", "cook", {FEED: ">"}, count=count)
        ids = [id for _, entries in answer or [] for id, _ in entries]
        for id in ids:
            await redis.commands.xack(FEED, "kitchen", id)
        return [int(id.partition("-")[0]) for id in ids]

    await publish(desk, redis, 4)
    await admin.xgroup_create(FEED, "kitchen", id="0")
    assert await read(2) == [1, 2]
    kept = await admin.xrange(FEED, count=2) if harm == "end lost" else []
    await admin.delete(FEED)
    for id, fields in kept:
        await admin.xadd(FEED, fields, id=id)
    await admin.xgroup_create(FEED, "kitchen", id="2-0" if kept else "0", mkstream=True)
    await publish(desk, redis, 1)
    assert await read() == [5]
    await upkeep.look_after_feeds()
    assert await read() == ([3, 4, 5] if kept else [1, 2, 3, 4, 5])


@pytest.mark.parametrize("kept", [2, 0], ids=["end lost", "emptied"])
async def test_nothing_is_published_behind_a_hole(
    desk: Desk, redis: RedisClients, admin: Redis, upkeep: Upkeep, kept: int
) -> None:
    """The relay meets the loss before the upkeep does: readers get what was lost first, then what is new."""
    await publish(desk, redis, 4)
    left = await admin.xrange(FEED, count=kept) if kept else []
    await admin.delete(FEED)
    for id, fields in left:
        await admin.xadd(FEED, fields, id=id)
    await admin.xgroup_create(FEED, "kitchen", id=f"{kept}-0", mkstream=True)
    relay = OutboxRelay(desk.pool, redis.commands, clock=Clock(), metrics=desk.metrics, on_cut_off=upkeep.rebuild_feed)
    write(desk, 1)
    while await relay.relay_once():
        pass
    assert await feed(admin) == [1, 2, 3, 4, 5]
    assert desk.metrics.value("outbox_rebuilt_total", branch=BRANCH) == 1
    [[_, read]] = await redis.commands.xreadgroup("kitchen", "cook", {FEED: ">"})
    assert [id for id, _ in read] == [f"{number}-0" for number in range(kept + 1, 6)]
    write(desk, 1)
    while await relay.relay_once():
        pass
    assert await feed(admin) == [1, 2, 3, 4, 5, 6]
    assert desk.metrics.value("outbox_rebuilt_total", branch=BRANCH) == 1


async def test_feed_whose_beginning_was_trimmed_or_forgotten_is_whole(
    desk: Desk, redis: RedisClients, admin: Redis, upkeep: Upkeep, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(desk, redis, 10)
    monkeypatch.setattr(outbox_upkeep, "ENTRIES_KEPT", 6)
    await trim_feed(redis.commands, BRANCH, metrics)
    assert await feed(admin) == [5, 6, 7, 8, 9, 10]
    assert await is_whole(desk.pool, redis.commands, BRANCH)
    monkeypatch.setattr(outbox_upkeep, "ENTRIES_KEPT", 100)
    assert not await is_whole(desk.pool, redis.commands, BRANCH)
    desk.run("DELETE FROM outbox WHERE sequence < 5")
    assert await is_whole(desk.pool, redis.commands, BRANCH), "there is nothing to write it from"


async def test_feed_is_not_trimmed_ahead_of_a_reader(
    desk: Desk, redis: RedisClients, admin: Redis, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_upkeep, "ENTRIES_KEPT", 2)
    await publish(desk, redis, 6)
    await admin.xgroup_create(FEED, "till", id="0")
    await admin.xreadgroup("till", "reader", {FEED: ">"}, count=3)
    await admin.xack(FEED, "till", "1-0", "2-0")
    await trim_feed(redis.commands, BRANCH, metrics)
    assert await feed(admin) == [3, 4, 5, 6]
    monkeypatch.setattr(outbox_upkeep, "UNREAD_MAX", 3)
    await trim_feed(redis.commands, BRANCH, metrics)
    assert await feed(admin) == [4, 5, 6]
    assert metrics.value("stream_trimmed_unread_total", stream=f"orders:{BRANCH}") == 1


async def test_old_inbox_rows_go_in_batches_and_young_ones_stay(
    desk: Desk, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    monkeypatch.setattr(module, "BATCH_PAUSE_S", 0)
    young = desk.event(fc("addItem", fc_id="young", name="fries"))
    first = await desk.answer(young)
    desk.run(
        "INSERT INTO tool_results SELECT call_id, 'old-' || n, tool, args_digest, status, pii_response, cart_version,"
        " now() - interval '7 days 1 minute' FROM tool_results, generate_series(1, 10) AS n"
    )
    await upkeep.clean()
    assert desk.rows("SELECT tool_call_id FROM tool_results") == [("young",)]
    assert desk.metrics.value("rows_forgotten_total", table="inbox") == 10
    assert await desk.answer(young) == first, "a repeat still gets its answer"


async def test_row_in_use_is_left_and_nobody_waits(desk: Desk, upkeep: Upkeep) -> None:
    await desk.ask("addItem", name="fries")
    await desk.ask("getTotal")
    with psycopg.connect(desk.admin_url) as holder:
        holder.execute("SELECT FROM tool_results WHERE tool = 'addItem' FOR UPDATE")
        assert await forget_results(desk.pool, older_than=timedelta(0), limit=10) == 1
    assert await forget_results(desk.pool, older_than=timedelta(0), limit=10) == 1


async def test_upkeep_runs_until_it_is_stopped_and_waits_out_failures(
    desk: Desk, redis: RedisClients, admin: Redis, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEEDS_S", 0.01)
    monkeypatch.setattr(module, "CLEANING_S", 0.01)
    await publish(desk, redis, 2)
    stopping = asyncio.Event()
    async with open_redis("redis://127.0.0.1:1/0", service="orders") as nowhere:
        broken = asyncio.create_task(Upkeep(desk.pool, nowhere.commands, metrics).run(stopping))
        task = asyncio.create_task(Upkeep(desk.pool, redis.commands, metrics).run(stopping))
        await admin.flushdb()
        async with asyncio.timeout(30):
            while await feed(admin) != [1, 2]:  # noqa: ASYNC110 - Redis' state
                await asyncio.sleep(0.01)
        assert not broken.done()
        stopping.set()
        await asyncio.gather(task, broken)
