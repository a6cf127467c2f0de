"""Tool calls that died and are sent again: an expired one stays expired, a done one stays done."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from orders_desk import Desk, fc
from redis.asyncio import Redis

from agiza.contracts import streams
from agiza.contracts.envelope import Received
from agiza.runtime import postgres
from agiza.runtime.clock import Clock
from agiza.runtime.consumer import Delivery, Limits, Outcome, Retry, StreamConsumer
from agiza.runtime.dead_letters import DeadLetters
from agiza.runtime.publisher import Publisher
from agiza.runtime.redis_clients import RedisClients
from services.orders.handler import ToolHandler
from services.orders.opening import Openings
from services.orders.taking_over import TakeOvers
from services.orders.wiring import ToolDesk

pytestmark = pytest.mark.integration

CALL = "HD_orders01"
STREAM = streams.tools_stream(CALL)
QUICK = Limits(idle_ms=60_000, sweep_s=0.05, deliveries_max=3, batch=5, block_ms=50, pause_s=(0.01, 0.02))


class Service:
    """The tool calls of ``orders``, from the stream to the database. ``fails`` makes the handler fail meanwhile."""

    def __init__(self, desk: Desk, redis: RedisClients, pool: postgres.Pool | None = None) -> None:
        self.fails = False
        handler = ToolHandler(pool or desk.pool, desk.catalog, desk.clock, desk.metrics)
        openings = Openings(desk.pool, desk.catalog, desk.metrics)
        publisher = Publisher(redis.commands, source="/agiza/orders", clock=desk.clock, metrics=desk.metrics)
        self._desk = ToolDesk(handler, TakeOvers(desk.pool, openings, desk.metrics), publisher, lambda: None)
        self._stopping = asyncio.Event()
        self._consumer = StreamConsumer(
            redis, streams=[STREAM], group="orders", handler=self._handle, limits=QUICK, clock=Clock(),
            metrics=desk.metrics, is_away=postgres.is_away, exclusive=True,
        )  # fmt: skip

    async def _handle(self, delivery: Delivery) -> Outcome:
        return Retry("broken") if self.fails else await self._desk.from_stream(delivery)

    async def __aenter__(self) -> Service:
        self._task = asyncio.create_task(self._consumer.run(self._stopping))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        await asyncio.wait_for(self._task, 30)


async def send(redis: Redis, received: Received) -> None:
    await redis.xadd(STREAM, {"event": received.envelope.model_dump_json(exclude_none=True)})


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.01)


async def quiet(admin: Redis) -> bool:
    groups = await admin.xinfo_groups(STREAM)
    return bool(groups) and groups[0]["pending"] == 0 and groups[0]["lag"] == 0


async def replay_all(admin: Redis) -> None:
    letters = DeadLetters(admin)
    for letter in await letters.oldest(STREAM, limit=10):
        await letters.replay(letter)
    await until(lambda: quiet(admin))


async def test_expired_change_stays_expired_when_it_is_sent_again(
    desk: Desk, redis: RedisClients, admin: Redis
) -> None:
    async with Service(desk, redis) as service:
        service.fails = True
        await send(admin, desk.event(fc("addItem", fc_id="f-late", name="fries")))
        await until(lambda: admin.xlen(streams.dead_stream(STREAM)))
        assert desk.rows("SELECT count(*) FROM tool_results") == [(0,)]
        desk.clock.advance(3600)  # an operator looks at it an hour later
        service.fails = False
        await replay_all(admin)
        await send(admin, desk.event(fc("addItem", fc_id="f-late", name="fries")))  # and a re-ask in time
        await until(lambda: quiet(admin))
    assert desk.rows("SELECT pii_response->>'code' FROM tool_results") == [("expired",)]
    assert desk.rows("SELECT version FROM carts") == [(0,)]


async def test_change_that_was_made_is_not_made_again(desk: Desk, redis: RedisClients, admin: Redis) -> None:
    event = desk.event(fc("addItem", fc_id="f-once", name="fries"))
    async with Service(desk, redis) as service:
        await send(admin, event)
        await until(lambda: quiet(admin))
        service.fails = True
        await send(admin, event)
        await until(lambda: admin.xlen(streams.dead_stream(STREAM)))
        service.fails = False
        before = desk.rows("SELECT version, pii_state FROM carts")
        await replay_all(admin)
    assert desk.rows("SELECT version, pii_state FROM carts") == before
    assert desk.metrics.value("inbox_replay_total", path="stream") == 1


async def test_change_that_is_sent_again_in_time_is_made(desk: Desk, redis: RedisClients, admin: Redis) -> None:
    async with Service(desk, redis) as service:
        service.fails = True
        await send(admin, desk.event(fc("addItem", name="fries")))
        await until(lambda: admin.xlen(streams.dead_stream(STREAM)))
        service.fails = False
        await replay_all(admin)
    assert desk.rows("SELECT status FROM tool_results") == [("ok",)]


async def test_event_that_always_runs_into_a_lock_does_not_hold_up_its_partition(
    desk: Desk, redis: RedisClients, admin: Redis, database: Any
) -> None:
    """The server answers, with a time limit: the event is at fault, not the server. It must not be tried for ever."""
    other = next(f"HD_{n}" for n in range(999) if streams.tools_stream(f"HD_{n}") == STREAM)
    await desk.answer(desk.event(fc("addItem", name="fries")))
    async with postgres.open_pool(database.urls["agiza_orders"], service="orders", statement_timeout_ms=100) as pool:
        with psycopg.connect(desk.admin_url) as holder:
            holder.execute("SELECT FROM carts WHERE call_id = %s FOR UPDATE", (CALL,))
            async with Service(desk, redis, pool):
                await send(admin, desk.event(fc("addItem", name="fries")))
                await send(admin, desk.event(fc("addItem", fc_id="f-other", name="fries"), call_id=other))
                await until(lambda: quiet(admin))
    assert desk.rows("SELECT status FROM tool_results WHERE tool_call_id = 'f-other'") == [("ok",)]
    [letter] = await DeadLetters(admin).newest(STREAM, limit=5)
    assert (letter.reason, letter.deliveries) == ("QueryCanceled", 3)
