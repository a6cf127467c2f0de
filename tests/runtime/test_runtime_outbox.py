"""The outbox relay: numbers without a gap, in the order of cause and effect, whatever runs at the same time."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import psycopg
import pytest
from captured_logs import Logged
from redis.asyncio import Redis
from servers import Database

from agiza.contracts import streams
from agiza.contracts.envelope import Stamp, decode, to_envelope
from agiza.contracts.events import OrderCancelRequested
from agiza.runtime.clock import Clock
from agiza.runtime.metrics import Metrics
from agiza.runtime.outbox import FeedEvent, OutboxRelay, entry_id, with_sequence
from agiza.runtime.outbox_upkeep import forget_published, rebuild_stream
from agiza.runtime.postgres import Connection, Pool, open_pool, transaction
from agiza.runtime.redis_clients import RedisClients, open_redis
from agiza.runtime.traces import Trace

pytestmark = pytest.mark.integration

BRANCH = "westlands"
STREAM = streams.orders_stream(BRANCH)


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    async with open_pool(database.urls["agiza_orders"], service="orders", size_max=12) as opened:
        yield opened


@pytest.fixture
def relay(pool: Pool, orders: RedisClients, metrics: Metrics) -> OutboxRelay:
    return OutboxRelay(pool, orders.commands, clock=Clock(), metrics=metrics)


async def write(connection: Connection, order_id: str, number: int, branch: str = BRANCH) -> str:
    """One order event, as a service writes it: in the transaction of its change."""
    event = OrderCancelRequested(branch_id=branch, call_id="HD_1", order_id=order_id, order_number=number)
    stamp = Stamp(str(uuid.uuid4()), "/agiza/orders", Clock().now(), str(Trace.new()))
    await connection.execute(
        "INSERT INTO outbox (event_id, branch_id, type, version, pii_event) VALUES (%s, %s, %s, %s, %s)",
        (stamp.id, branch, event.type, event.version, json.dumps(to_envelope(event, stamp))),
    )
    return stamp.id


async def write_one(pool: Pool, number: int, branch: str = BRANCH) -> str:
    async with transaction(pool) as connection:
        return await write(connection, "order", number, branch)


async def entries(client: Redis, stream: str = STREAM) -> list[tuple[str, int]]:
    """(entry id, order number) of the stream."""
    found = await client.xrange(stream)
    return [(id, decode(fields["event"]).event.order_number) for id, fields in found]  # type: ignore[attr-defined]


async def until_length(client: Redis, length: int) -> None:
    async with asyncio.timeout(30):
        while await client.xlen(STREAM) < length:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.01)


async def drain(relay: OutboxRelay) -> None:
    while await relay.relay_once():
        pass


async def test_events_are_numbered_and_published(
    pool: Pool, relay: OutboxRelay, orders: RedisClients, metrics: Metrics
) -> None:
    for number in (1, 2):
        await write_one(pool, number)
    await write_one(pool, 1, "kilimani")
    await drain(relay)
    assert await entries(orders.commands) == [("1-0", 1), ("2-0", 2)]
    assert await entries(orders.commands, streams.orders_stream("kilimani")) == [("1-0", 1)]
    [(_, fields), _] = await orders.commands.xrange(STREAM)
    assert decode(fields["event"]).envelope.sequence == f"{1:020d}"
    assert metrics.value("outbox_published_total", branch=BRANCH) == 2
    await write_one(pool, 3)
    await drain(relay)
    assert (await entries(orders.commands))[-1] == ("3-0", 3)
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM outbox WHERE published_at IS NULL")
        assert await cursor.fetchone() == (0,)


async def test_rolled_back_events_take_no_number(pool: Pool, relay: OutboxRelay, orders: RedisClients) -> None:
    await write_one(pool, 1)
    async with transaction(pool) as connection:
        await write(connection, "order", 99)
        raise psycopg.Rollback
    await write_one(pool, 2)
    await drain(relay)
    assert await entries(orders.commands) == [("1-0", 1), ("2-0", 2)]


async def test_event_that_commits_late_is_not_skipped(pool: Pool, relay: OutboxRelay, orders: RedisClients) -> None:
    """The classic trap: position 1 becomes visible after position 2 was published."""
    async with transaction(pool) as slow:
        await write(slow, "slow", 1)
        await write_one(pool, 2)
        await drain(relay)
        assert await entries(orders.commands) == [("1-0", 2)]
    await drain(relay)
    assert await entries(orders.commands) == [("1-0", 2), ("2-0", 1)]


async def test_effect_follows_cause_although_its_transaction_is_older(
    pool: Pool, relay: OutboxRelay, orders: RedisClients
) -> None:
    """The older transaction waits for the order's lock and writes second: its event must come second as well."""
    async with pool.connection() as setup:
        await setup.execute("INSERT INTO order_counters VALUES (%s, '2026-03-06', 0)", (BRANCH,))
    lock = "UPDATE order_counters SET last_number = last_number + 1 WHERE branch_id = %s"
    async with pool.connection() as older, pool.connection() as younger, older.transaction():
        await older.execute("SELECT pg_current_xact_id()")  # its transaction id is taken first
        async with younger.transaction():
            await younger.execute(lock, (BRANCH,))
            await write(younger, "same", 1)
        await older.execute(lock, (BRANCH,))
        await write(older, "same", 2)
    await drain(relay)
    assert await entries(orders.commands) == [("1-0", 1), ("2-0", 2)]


async def test_no_gap_and_no_double_under_concurrency(
    pool: Pool, orders: RedisClients, metrics: Metrics, database: Database
) -> None:
    """Ten writers that commit and roll back at random, two relays at work meanwhile."""
    chance = random.Random(7)
    written: list[str] = []
    relays = [OutboxRelay(pool, orders.commands, clock=Clock(), metrics=metrics) for _ in range(2)]
    stopping = asyncio.Event()

    async def writer(name: int, fates: list[tuple[bool, float]]) -> None:
        for number, (commits, delay_s) in enumerate(fates, 1):
            try:
                async with transaction(pool) as connection:
                    event_id = await write(connection, f"order-{name}", number)
                    await asyncio.sleep(delay_s)
                    if not commits:
                        raise RuntimeError
            except RuntimeError:
                continue
            written.append(event_id)
            chance.choice(relays).wake()

    fates = [[(chance.random() < 0.8, chance.random() * 0.01) for _ in range(20)] for _ in range(8)]
    running = [asyncio.create_task(relay.run(stopping)) for relay in relays]
    await asyncio.gather(*(writer(name, fate) for name, fate in enumerate(fates)))
    await until_length(orders.commands, len(written))
    stopping.set()
    await asyncio.gather(*running)
    found = await orders.commands.xrange(STREAM)
    assert [id for id, _ in found] == [entry_id(n) for n in range(1, len(written) + 1)]
    received = [decode(fields["event"]) for _, fields in found]
    assert sorted(item.envelope.id for item in received) == sorted(written)
    last: dict[str, int] = {}
    for item in received:  # each order's own events in the order of their commits
        assert item.event.order_number > last.get(item.event.order_id, 0)  # type: ignore[attr-defined]
        last[item.event.order_id] = item.event.order_number  # type: ignore[attr-defined]
    assert metrics.value("integrity_violation_total") == 0


async def test_crash_after_publishing_repeats_nothing(
    pool: Pool, relay: OutboxRelay, orders: RedisClients, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entries are in the stream, the commit that says so did not happen."""
    await write_one(pool, 1)
    await write_one(pool, 2)
    original = relay._add_to_stream

    async def add_then_die(branch: str, events: Sequence[FeedEvent]) -> None:
        await original(branch, events)
        raise psycopg.OperationalError("the process died here")

    monkeypatch.setattr(relay, "_add_to_stream", add_then_die)
    with pytest.raises(psycopg.OperationalError):
        await relay.relay_once()
    monkeypatch.undo()
    await write_one(pool, 3)
    await drain(relay)
    assert await entries(orders.commands) == [("1-0", 1), ("2-0", 2), ("3-0", 3)]
    assert metrics.value("integrity_violation_total") == 0


async def test_missing_redis_does_not_hold_up_the_numbers(pool: Pool, metrics: Metrics, orders: RedisClients) -> None:
    numbered: list[int] = []

    async def note(connection: Connection, events: Sequence[FeedEvent]) -> None:
        numbered.extend(event.sequence for event in events)
        assert events[0].event["sequence"] == f"{events[0].sequence:020d}"

    stopping = asyncio.Event()
    async with open_redis("redis://127.0.0.1:1/0", service="orders") as nowhere:
        relay = OutboxRelay(pool, nowhere.commands, clock=Clock(), metrics=metrics, on_numbered=note)
        task = asyncio.create_task(relay.run(stopping))
        for number in (1, 2):
            await write_one(pool, number)
            async with asyncio.timeout(20):
                while len(numbered) < number:
                    relay.wake()
                    await asyncio.sleep(0.01)
        stopping.set()
        await task
    assert numbered == [1, 2]
    await drain(OutboxRelay(pool, orders.commands, clock=Clock(), metrics=metrics, on_numbered=note))
    assert await entries(orders.commands) == [("1-0", 1), ("2-0", 2)]
    assert numbered == [1, 2], "numbers are given once"


async def test_deliveries_exist_exactly_when_the_numbers_do(pool: Pool, orders: RedisClients, metrics: Metrics) -> None:
    async def fail(connection: Connection, events: Sequence[FeedEvent]) -> None:
        raise psycopg.OperationalError("no deliveries table today")

    await write_one(pool, 1)
    with pytest.raises(psycopg.OperationalError):
        await OutboxRelay(pool, orders.commands, clock=Clock(), metrics=metrics, on_numbered=fail).relay_once()
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT count(sequence) FROM outbox")
        assert await cursor.fetchone() == (0,)


async def test_quiet_relay_finds_what_nobody_announced(pool: Pool, relay: OutboxRelay, orders: RedisClients) -> None:
    stopping = asyncio.Event()
    task = asyncio.create_task(relay.run(stopping))
    await asyncio.sleep(0.05)
    await write_one(pool, 1)
    await until_length(orders.commands, 1)
    stopping.set()
    await task


async def test_backlog_is_shown(pool: Pool, metrics: Metrics, orders: RedisClients) -> None:
    await write_one(pool, 1)
    relay = OutboxRelay(pool, orders.commands, clock=Clock(), metrics=metrics)
    await relay.relay_once()
    assert metrics.value("outbox_unpublished") == 1
    assert metrics.observations("outbox_publish_seconds") == 1


async def test_parted_stream_is_reported(
    pool: Pool, relay: OutboxRelay, orders: RedisClients, metrics: Metrics, logged: Logged
) -> None:
    """Postgres was restored from a backup: the stream holds another event under this number."""
    await orders.commands.xadd(STREAM, {"event": json.dumps({"id": "another"})}, id="1-0")
    await write_one(pool, 1)
    await drain(relay)
    assert metrics.value("integrity_violation_total") == 1
    assert logged.events("order_stream_differs")[0]["sequence"] == 1


async def test_stream_can_be_rebuilt_and_readers_keep_their_place(
    pool: Pool, relay: OutboxRelay, orders: RedisClients, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agiza.runtime.outbox_upkeep.PAGE", 2)
    for number in range(1, 6):
        await write_one(pool, number)
    await drain(relay)
    expected = await entries(orders.commands)
    for group in ("till", "screen"):
        await orders.commands.xgroup_create(STREAM, group, id="0")
        await orders.commands.xreadgroup(group, "reader", {STREAM: ">"}, count=3)
    await orders.commands.xack(STREAM, "till", "1-0", "2-0", "3-0")
    await orders.commands.xack(STREAM, "screen", "1-0")
    async with Redis.from_url(redis_url) as admin:
        await admin.xdel(STREAM, "2-0", "5-0")
    assert await rebuild_stream(pool, orders.commands, BRANCH) == 5
    assert await entries(orders.commands) == expected
    for group, ids in (("till", ["2-0", "3-0", "4-0", "5-0"]), ("screen", ["2-0", "3-0", "4-0", "5-0"])):
        [[_, left]] = await orders.commands.xreadgroup(group, "reader", {STREAM: ">"})
        assert [id for id, _ in left] == ids
    async with Redis.from_url(redis_url) as admin:
        await admin.flushdb()
    assert await rebuild_stream(pool, orders.commands, BRANCH) == 5
    assert await entries(orders.commands) == expected
    await write_one(pool, 6)
    await drain(relay)
    assert (await entries(orders.commands))[-1] == ("6-0", 6)


async def test_old_events_are_forgotten_but_never_the_count(
    pool: Pool, relay: OutboxRelay, orders: RedisClients
) -> None:
    for number in (1, 2, 3):
        await write_one(pool, number)
    await drain(relay)
    await write_one(pool, 4)  # not published: stays
    assert await forget_published(pool, older_than=timedelta(days=1), limit=10) == 0
    assert await forget_published(pool, older_than=timedelta(0), limit=1) == 1
    assert await forget_published(pool, older_than=timedelta(0), limit=10) == 1
    await drain(relay)
    assert await forget_published(pool, older_than=timedelta(0), limit=10) == 1
    await write_one(pool, 5)
    await drain(relay)
    assert (await entries(orders.commands))[-1] == ("5-0", 5)


def test_sequence_is_written_as_by_the_envelope() -> None:
    event = OrderCancelRequested(branch_id=BRANCH, call_id="HD_1", order_id="o", order_number=1)
    stamp = Stamp("i", "/agiza/orders", Clock().now(), str(Trace.new()))
    numbered = Stamp(stamp.id, stamp.source, stamp.time, stamp.traceparent, sequence=17)
    assert with_sequence(to_envelope(event, stamp), 17) == {
        **to_envelope(event, numbered),
        "timestamp": stamp.time.isoformat(),  # what Standard Webhooks asks of a body
    }
