"""What integrators are promised of webhooks: the same id for ever, both secrets, 410, Retry-After, a killed sender."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web
from orders_webhooks import SECRET, Got, Receiver, Sending, receiving, sending
from servers import Database
from standardwebhooks import Webhook, WebhookVerificationError

from agiza.runtime.clock import Clock, StoppedClock
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool, open_pool, transaction
from agiza.runtime.redis_clients import RedisClients
from services.orders.upkeep import ATTEMPTS_KEPT, DELIVERIES_KEPT, Upkeep
from services.orders.webhooks.endpoints import new_secret
from services.orders.webhooks.store_endpoints import Change, change_endpoint, resume_endpoint, rotate_secret
from services.orders.webhooks.store_self_service import add_ping, replay_range

pytestmark = pytest.mark.integration

NEWER = new_secret(lambda count: bytes(reversed(range(count))))


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    async with open_pool(database.urls["agiza_orders"], service="orders", size_max=12) as opened:
        yield opened


@pytest.fixture
async def now() -> StoppedClock:
    """Stands at the real time: the reference library refuses what is older than five minutes."""
    return StoppedClock(Clock().now())


@pytest.fixture
async def send(pool: Pool, redis: RedisClients, now: StoppedClock, metrics: Metrics) -> AsyncIterator[Sending]:
    async with sending(pool, redis, now, metrics) as opened:
        yield opened


@pytest.fixture
async def till() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def accepts(secret: str, got: Got) -> bool:
    """Whether the reference library accepts the request."""
    try:
        Webhook(secret).verify(got.body, got.headers)
    except WebhookVerificationError:
        return False
    return True


async def test_while_a_secret_is_replaced_both_are_good_and_then_the_new_one_only(
    send: Sending, till: Receiver, pool: Pool, now: StoppedClock
) -> None:
    endpoint = await send.shop.add(till.url)
    await send.shop.ticket("before")
    await send.drain()
    async with transaction(pool) as conn:
        await rotate_secret(conn, endpoint, NEWER, now.now() + timedelta(seconds=60), now.now())
    await send.shop.ticket("meanwhile")
    await send.drain()
    now.advance(61)
    await send.shop.ticket("after")
    await send.drain()
    assert [(accepts(SECRET, got), accepts(NEWER, got)) for got in till.got] == [
        (True, False),
        (True, True),
        (False, True),
    ]


async def test_a_changed_body_is_refused(send: Sending, till: Receiver) -> None:
    await send.shop.add(till.url)
    await send.shop.ticket()
    await send.drain()
    [got] = till.got
    assert accepts(SECRET, got)
    assert not accepts(SECRET, Got(got.path, got.headers, got.body.replace(b"order-1", b"order-2")))


async def test_410_disables_the_endpoint_and_what_was_left_is_sent_when_it_is_resumed(
    send: Sending, till: Receiver, pool: Pool, now: StoppedClock
) -> None:
    till.says(410)
    endpoint = await send.shop.add(till.url)
    event_id = await send.shop.ticket()
    await send.drain()
    [(state, reason)] = await send.shop.rows("SELECT state, state_reason FROM webhook_endpoints")
    assert state == "disabled"
    assert "410" in reason
    await send.shop.ticket("not-made")
    assert await send.after(120) == 0
    till.says(204)
    async with transaction(pool) as conn:
        await resume_endpoint(conn, endpoint, now.now())
    await send.drain()
    assert await send.shop.states(endpoint) == {event_id: "delivered"}


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_kept_to(send: Sending, till: Receiver, status: int) -> None:
    asked = [web.Response(status=status, headers={"Retry-After": "40"})]

    async def answer(_: Got) -> web.StreamResponse | int:
        return asked.pop() if asked else 204

    till.answer = answer
    endpoint = await send.shop.add(till.url)
    event_id = await send.shop.record()
    assert [await send.drain(), await send.after(39), await send.after(2)] == [1, 0, 1]
    assert await send.shop.states(endpoint) == {event_id: "delivered"}


async def test_paused_means_kept_and_sent_when_resumed(
    send: Sending, till: Receiver, pool: Pool, now: StoppedClock
) -> None:
    endpoint = await send.shop.add(till.url)
    async with transaction(pool) as conn:
        await change_endpoint(conn, endpoint, Change(state="paused"), now.now())
    waiting = [await send.shop.record(f"order-{number}") for number in range(3)]
    assert await send.drain() == 0
    async with transaction(pool) as conn:
        await change_endpoint(conn, endpoint, Change(state="active"), now.now())
    await send.drain()
    assert sorted(got.id for got in till.got) == sorted(waiting)


async def test_a_replay_has_the_same_ids_and_bytes(
    send: Sending, till: Receiver, pool: Pool, now: StoppedClock
) -> None:
    endpoint = await send.shop.add(till.url)
    for order in ("a", "b"):
        await send.shop.ticket(order)
    await send.drain()
    async with transaction(pool) as conn:
        counts = await replay_range(conn, endpoint, "westlands", first=1, last=2, types=(), now=now.now())
    assert (counts.events, counts.queued) == (2, 2)
    await send.drain()
    bodies = {got.id: {other.body for other in till.got if other.id == got.id} for got in till.got}
    assert len(till.got) == 4
    assert [len(each) for each in bodies.values()] == [1, 1]


async def test_a_ping_is_tried_once_and_signed(send: Sending, till: Receiver, pool: Pool, now: StoppedClock) -> None:
    till.says(500)
    endpoint = await send.shop.add(till.url)
    async with transaction(pool) as conn:
        await add_ping(conn, endpoint, event_id="ping-1", branch_id="westlands", now=now.now())
    assert [await send.drain(), await send.after(3600)] == [1, 0]
    [got] = till.got
    assert accepts(SECRET, got)
    assert got.event["type"] == "agiza.ping"
    assert await send.shop.states(endpoint) == {"ping-1": "expired"}


@pytest.mark.parametrize("seed", range(4))
async def test_whoever_dies_at_whatever_moment_nothing_is_lost_and_no_order_is_turned_round(
    pool: Pool, redis: RedisClients, now: StoppedClock, metrics: Metrics, till: Receiver, seed: int
) -> None:
    """Engines are cancelled at random moments, leave nothing in order, and the next one takes over."""
    chance = random.Random(seed)

    async def answer(_: Got) -> int:
        await asyncio.sleep(chance.random() * 0.004)
        return 500 if chance.random() < 0.1 else 204

    till.answer = answer
    async with sending(pool, redis, now, metrics) as first:
        endpoint = await first.shop.add(till.url)
        made = [await first.shop.ticket(f"order-{number % 8}") for number in range(40)]
    for _ in range(8):
        async with sending(pool, redis, now, metrics) as dying:
            work = asyncio.create_task(dying.drain())
            await asyncio.wait([work], timeout=chance.random() * 0.05)
            dead = [work, *dying.engine._sending]
            for task in dead:
                task.cancel()
            await asyncio.gather(*dead, return_exceptions=True)
            await dying.shop.rows("UPDATE webhook_endpoints SET lane_until = now() - interval '1 second' RETURNING 1")
            now.advance(2)
    async with sending(pool, redis, now, metrics) as last:
        for _ in range(40):
            await last.after(20)
            if set((await last.shop.states(endpoint)).values()) == {"delivered"}:
                break
        assert await last.shop.states(endpoint) == dict.fromkeys(made, "delivered")
    assert {got.id for got in till.got} == set(made)
    arrived: dict[str, list[int]] = {}
    for got in till.got:
        order, sequence = got.order
        if sequence not in arrived.setdefault(order, []):
            arrived[order].append(sequence)
    assert all(numbers == sorted(numbers) for numbers in arrived.values())


async def test_old_attempts_and_deliveries_are_forgotten_and_nothing_that_waits(
    send: Sending, till: Receiver, pool: Pool, redis: RedisClients, metrics: Metrics
) -> None:
    till.says(204, 204, 500)
    await send.shop.add(till.url)
    old, young, waiting = [await send.shop.ticket(order) for order in ("old", "young", "waiting")]
    await send.drain()
    states = await send.shop.rows("SELECT event_id, state FROM webhook_deliveries")
    assert sorted(state for _, state in states) == ["delivered", "delivered", "pending"]
    [old, young] = [id for id, state in states if state == "delivered"]
    [waiting] = [id for id, state in states if state == "pending"]
    set_back = "UPDATE webhook_deliveries SET settled_at = settled_at - %s, began_at = began_at - %s"
    await send.shop.rows(f"{set_back} WHERE event_id <> %s RETURNING 1", DELIVERIES_KEPT, DELIVERIES_KEPT, young)
    await send.shop.rows("UPDATE webhook_attempts SET at = at - %s WHERE event_id = %s RETURNING 1", ATTEMPTS_KEPT, old)
    await asyncio.sleep(0.01)
    await Upkeep(pool, redis.commands, metrics).clean()
    left = await send.shop.rows("SELECT event_id FROM webhook_deliveries")
    assert {id for (id,) in left} == {young, waiting}
    tried = await send.shop.rows("SELECT event_id FROM webhook_attempts")
    assert {id for (id,) in tried} == {young, waiting}
