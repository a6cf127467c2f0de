"""The delivery engine on a real database against real servers: who gets what, in which order, when again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from captured_logs import Logged
from orders_webhooks import BRANCH, HERE, QUICK, Got, Receiver, Sending, receiving, sending
from servers import Database
from standardwebhooks import Webhook

from agiza.runtime.clock import StoppedClock
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool, open_pool, transaction
from agiza.runtime.redis_clients import RedisClients
from services.orders.webhooks.engine import WebhookEngine
from services.orders.webhooks.health import AT_ONCE_MAX, FAILURES_TO_OPEN
from services.orders.webhooks.schedule import TICKET_AGES_S
from services.orders.webhooks.sending import open_sender
from services.orders.webhooks.store_deliveries import retry
from services.orders.webhooks.store_endpoints import Change, change_endpoint

pytestmark = pytest.mark.integration


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    async with open_pool(database.urls["agiza_orders"], service="orders", size_max=12) as opened:
        yield opened


@pytest.fixture
async def send(pool: Pool, redis: RedisClients, clock: StoppedClock, metrics: Metrics) -> AsyncIterator[Sending]:
    async with sending(pool, redis, clock, metrics) as opened:
        yield opened


@pytest.fixture
async def till() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def test_an_event_reaches_each_endpoint_that_takes_it_and_no_other(send: Sending, till: Receiver) -> None:
    shop = send.shop
    everything = await shop.add(f"{till.url}/all")
    every_branch = await shop.add(f"{till.url}/chain", branches=["*"])
    await shop.add(f"{till.url}/elsewhere", branches=["karen"])
    await shop.add(f"{till.url}/received", types=["agiza.order.received"])
    paused = await shop.add(f"{till.url}/paused")
    disabled = await shop.add(f"{till.url}/disabled")
    await shop.rows("UPDATE webhook_endpoints SET state = 'paused' WHERE endpoint_id = %s RETURNING 1", paused)
    await shop.rows("UPDATE webhook_endpoints SET state = 'disabled' WHERE endpoint_id = %s RETURNING 1", disabled)
    event_id = await shop.ticket()
    assert await send.drain() == 2
    assert sorted(got.path for got in till.got) == ["/all", "/chain"]
    assert await shop.states(everything) == await shop.states(every_branch) == {event_id: "delivered"}
    assert await shop.states(paused) == {event_id: "pending"}
    assert await shop.states(disabled) == {}


async def test_a_delivery_is_what_the_reference_library_accepts_and_the_feed_says(
    send: Sending, till: Receiver
) -> None:
    endpoint = await send.shop.add(till.url)
    event_id = await send.shop.ticket()
    await send.drain()
    [got] = till.got
    [(secret,)] = await send.shop.rows("SELECT secret FROM webhook_endpoints WHERE endpoint_id = %s", endpoint)
    till_clock = got.headers["webhook-timestamp"]
    assert int(till_clock) == int(send.shop.clock.now().timestamp())
    hook = Webhook(secret)
    assert hook.sign(got.id, send.shop.clock.now(), got.body.decode()) == got.headers["webhook-signature"]
    assert got.id == event_id == got.event["id"]
    assert got.event["timestamp"] == got.event["time"]
    assert got.headers["content-type"] == "application/json"
    assert "cookie" not in got.headers


async def test_within_an_order_the_next_waits_for_the_one_before_and_other_orders_do_not(
    send: Sending, till: Receiver
) -> None:
    async def refuse_first(got: Got) -> int:
        return 500 if got.order == ("a", 1) and len(till.got) < 3 else 204

    till.answer = refuse_first
    endpoint = await send.shop.add(till.url)
    for order in ("a", "a", "b", "b", "a"):
        await send.shop.ticket(order)
    await send.drain()
    assert [got.order for got in till.got] == [("a", 1), ("b", 3), ("b", 4)]
    await send.after(2)
    assert [got.order for got in till.got[3:]] == [("a", 1), ("a", 2), ("a", 5)]
    assert set((await send.shop.states(endpoint)).values()) == {"delivered"}


async def test_what_follows_an_expired_delivery_goes_on(send: Sending, till: Receiver) -> None:
    async def refuse_tickets(got: Got) -> int:
        return 500 if got.event["type"].endswith("cancel_requested") else 204

    till.answer = refuse_tickets
    endpoint = await send.shop.add(till.url)
    ticket = await send.shop.ticket()
    record = await send.shop.record()
    tried = await send.drain()
    for wait_s in (2, 3, 5, 10, 20, 20, *[60] * 14):
        assert (await send.shop.states(endpoint))[record] == "pending"
        tried += await send.after(wait_s)
    tried += await send.after(60)  # the breaker's pause
    assert tried == len(TICKET_AGES_S) + 1
    assert [got.id for got in till.got] == [ticket] * 21 + [record]
    assert await send.shop.states(endpoint) == {ticket: "expired", record: "delivered"}


async def test_a_ticket_behind_a_record_that_failed_does_not_wait_for_the_records_hours(
    send: Sending, till: Receiver
) -> None:
    till.says(500)
    endpoint = await send.shop.add(till.url)
    record = await send.shop.record()
    assert [await send.drain(), await send.after(6)] == [1, 1]  # the next attempt would be after five minutes
    ticket = await send.shop.ticket()
    behind = await send.shop.record()
    assert [await send.drain(), await send.after(2), await send.after(2), await send.after(2)] == [1, 1, 0, 1]
    assert {got.id for got in till.got} == {record}
    till.says(204)
    await send.after(5)
    assert [got.id for got in till.got[-3:]] == [record, ticket, behind]
    assert set((await send.shop.states(endpoint)).values()) == {"delivered"}


async def test_orders_begin_in_the_order_of_their_numbers(send: Sending, till: Receiver) -> None:
    await send.shop.add(till.url)
    for number in range(40):
        await send.shop.ticket(f"order-{number}")
    gate = asyncio.Event()

    async def wait(_: Got) -> int:
        if till._at_once == AT_ONCE_MAX:
            gate.set()
        await gate.wait()
        return 204

    till.answer = wait
    await send.drain()
    numbers = [got.order[1] for got in till.got]
    assert sorted(numbers) == list(range(1, 41))
    assert set(numbers[:AT_ONCE_MAX]) == set(range(1, AT_ONCE_MAX + 1))
    assert till.most_at_once == AT_ONCE_MAX


async def test_a_record_is_tried_again_after_the_standards_steps(send: Sending, till: Receiver) -> None:
    till.says(500, 500, 204)
    await send.shop.add(till.url)
    await send.shop.record()
    assert [await send.drain(), await send.after(4.9), await send.after(0.2)] == [1, 0, 1]
    assert [await send.after(299), await send.after(1.1)] == [0, 1]
    ids = {got.id for got in till.got}
    assert len(ids) == 1
    stamps = [int(got.headers["webhook-timestamp"]) for got in till.got]
    assert stamps == sorted(set(stamps))
    kept = await send.shop.rows("SELECT attempt, status, error FROM webhook_attempts ORDER BY attempt_id")
    assert kept == [(1, 500, "status"), (2, 500, "status"), (3, 204, None)]


async def test_an_endpoint_that_is_down_is_tried_by_one_delivery_at_a_time(
    send: Sending, till: Receiver, logged: Logged
) -> None:
    till.says(500)
    endpoint = await send.shop.add(till.url)
    for number in range(50):
        await send.shop.ticket(f"order-{number}")
    first = await send.drain()
    assert FAILURES_TO_OPEN <= first < AT_ONCE_MAX + FAILURES_TO_OPEN
    assert [await send.after(0.5), await send.after(0.6), await send.after(1), await send.after(1.1)] == [0, 1, 0, 1]
    [(failures, open_until)] = await send.shop.rows(
        "SELECT failures, open_until FROM webhook_endpoints WHERE endpoint_id = %s", endpoint
    )
    assert failures == first + 2
    assert open_until > send.shop.clock.now()
    assert logged.events("webhook_endpoint_down")
    till.says(204)
    await send.after(60)
    assert len({got.id for got in till.got}) == 50
    assert set((await send.shop.states(endpoint)).values()) == {"delivered"}
    assert logged.events("webhook_endpoint_back")
    again = await send.shop.rows("SELECT failures, failing_since, open_until FROM webhook_endpoints")
    assert again == [(0, None, None)]


async def test_a_ticket_that_is_late_raises_an_alarm_once_and_the_alarm_ends(
    send: Sending, till: Receiver, logged: Logged
) -> None:
    till.says(500)
    await send.shop.add(till.url)
    await send.shop.ticket()
    await send.drain()
    await send.engine.watch()
    await send.after(59)
    await send.engine.watch()
    assert not logged.events("webhook_ticket_late")
    await send.after(1)
    for _ in range(3):
        await send.engine.watch()
    assert len(logged.events("webhook_ticket_late")) == 1
    assert send.metrics.value("webhook_endpoints_total", what="ticket_late") == 1
    assert send.metrics.value("webhook_tickets_late_total", branch=BRANCH) == 1
    assert await send.shop.rows("SELECT alarm_since FROM webhook_endpoints") == [(send.shop.clock.now(),)]
    till.says(204)
    await send.after(60)
    await send.engine.watch()
    assert await send.shop.rows("SELECT alarm_since FROM webhook_endpoints") == [(None,)]


async def test_what_waits_too_long_at_a_paused_endpoint_is_given_up_by_its_class(send: Sending, till: Receiver) -> None:
    endpoint = await send.shop.add(till.url)
    ticket, record = await send.shop.ticket("a"), await send.shop.record("b")
    async with transaction(send.shop.pool) as conn:
        await change_endpoint(conn, endpoint, Change(state="paused"), send.shop.clock.now())
    await send.after(920)
    await send.engine.watch()
    assert await send.shop.states(endpoint) == {ticket: "pending", record: "pending"}
    await send.after(20)
    await send.engine.watch()
    assert await send.shop.states(endpoint) == {ticket: "expired", record: "pending"}
    assert till.got == []


async def test_what_waits_for_its_next_attempt_can_be_sent_at_once(send: Sending, till: Receiver) -> None:
    till.says(500, 204)
    endpoint = await send.shop.add(till.url)
    event_id = await send.shop.record()
    await send.drain()
    async with transaction(send.shop.pool) as conn:
        assert await retry(conn, endpoint, send.shop.clock.now(), event_id="another") == 0
        assert await retry(conn, endpoint, send.shop.clock.now()) == 1
    await send.drain()
    assert await send.shop.states(endpoint) == {event_id: "delivered"}


async def test_an_endpoint_that_hangs_keeps_nobody_else_waiting(
    pool: Pool, redis: RedisClients, clock: StoppedClock, metrics: Metrics, till: Receiver
) -> None:
    let_go = asyncio.Event()

    async def hang(got: Got) -> int:
        if got.path == "/hangs":
            await let_go.wait()
        return 204

    till.answer = hang
    async with sending(pool, redis, clock, metrics, timeout_s=30) as send:
        await send.shop.add(f"{till.url}/hangs")
        await send.shop.add(f"{till.url}/well")
        for number in range(60):
            await send.shop.ticket(f"order-{number}")
        await send.engine.beat()
        draining = asyncio.create_task(send.engine.drain())
        stopping = asyncio.Event()
        async with asyncio.timeout(30):
            await asyncio.sleep(0)
            draining.cancel()
            await asyncio.gather(draining, return_exceptions=True)
            running = asyncio.create_task(send.engine.run(stopping))
            while sum(got.path == "/well" for got in till.got) < 60:  # noqa: ASYNC110 - a server's ledger
                await asyncio.sleep(0.01)
            assert sum(got.path == "/hangs" for got in till.got) == 0
            let_go.set()
            stopping.set()
            await running


async def test_two_replicas_share_the_endpoints_and_one_takes_over_from_the_other(
    pool: Pool, redis: RedisClients, clock: StoppedClock, metrics: Metrics, send: Sending, till: Receiver
) -> None:
    for number in range(6):
        await send.shop.add(f"{till.url}/{number}")
    await send.engine.beat()
    assert len(send.engine.lanes) == 6
    async with open_sender(HERE) as sender:
        other = WebhookEngine(pool, sender, clock=clock, metrics=metrics, limits=QUICK, name="other")
        await other.beat()
        assert other.lanes == frozenset()
        await send.engine.beat()
        await other.beat()
        assert len(send.engine.lanes) == len(other.lanes) == 3
        assert not send.engine.lanes & other.lanes
        await send.shop.ticket()
        assert await send.engine.drain() == await other.drain() == 3
        await send.shop.rows(
            "UPDATE webhook_endpoints SET lane_until = now() - interval '1 second' WHERE lane_holder = %s RETURNING 1",
            send.engine.name,
        )
        await send.shop.rows("DELETE FROM webhook_senders WHERE sender = %s RETURNING 1", send.engine.name)
        await other.beat()
        assert len(other.lanes) == 6
        await send.shop.ticket("order-2")
        assert await send.engine.drain() == 0  # it believes still, the rows know better
        assert await other.drain() == 6
    assert len(till.got) == 12
    assert till.got[0].event["branchid"] == BRANCH
