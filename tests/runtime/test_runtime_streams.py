"""Publisher, subscriber and consumer against a real Redis, with the rights of the services."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis as sync_redis
from captured_logs import Logged
from redis.asyncio import Redis

from agiza.contracts import streams
from agiza.contracts.envelope import Received, decode
from agiza.contracts.events import CartChanged, LeaveRequested, OrderPlaced, TicketLine, ToolCancelled
from agiza.runtime.clock import Clock, StoppedClock
from agiza.runtime.consumer import Dead, Delivery, Done, Later, Limits, Outcome, Retry, StreamConsumer
from agiza.runtime.deliveries import Receipt
from agiza.runtime.embedded import embedded_redis
from agiza.runtime.metrics import Metrics
from agiza.runtime.publisher import EventTooLarge, Publisher, PublishFailed, Stamped
from agiza.runtime.redis_clients import RedisClients, answers, open_redis, reread
from agiza.runtime.subscriber import Subscriber
from agiza.runtime.traces import Trace

pytestmark = pytest.mark.integration

CALL = "HD_1"
TOOLS = streams.tools_stream(CALL)
QUICK = Limits(idle_ms=300, sweep_s=0.05, deliveries_max=3, batch=5, block_ms=100, pause_s=(0.01, 0.05))


def cancelled(number: int, call_id: str = CALL) -> ToolCancelled:
    """Any small event of the tool streams, told apart by its epoch."""
    return ToolCancelled(
        branch_id="westlands", call_id=call_id, leg_epoch=number, ids=("f1",), reply_to=streams.replies_channel("b1")
    )


@pytest.fixture
async def bridge(redis_urls: Mapping[str, str]) -> AsyncIterator[RedisClients]:
    async with open_redis(redis_urls["bridge"], service="bridge") as clients:
        yield clients


@pytest.fixture
def publisher(bridge: RedisClients, metrics: Metrics) -> Publisher:
    return Publisher(bridge.commands, source="/agiza/bridge", clock=Clock(), metrics=metrics)


class Reading:
    """A running consumer with a handler that the test gives; notes what was delivered."""

    def __init__(
        self,
        clients: RedisClients,
        metrics: Metrics,
        handle: Callable[[Delivery], Outcome | Awaitable[Outcome]],
        **how: Any,
    ) -> None:
        self.seen: list[tuple[int, int]] = []
        """(number of the event, delivery count) in the order of handling."""
        self._handle = handle
        self._stopping = asyncio.Event()
        how = {"streams": [TOOLS], "group": "orders", "limits": QUICK, "clock": Clock(), **how}
        self.consumer = StreamConsumer(clients, handler=self._note, metrics=metrics, **how)
        self._news = asyncio.Condition()
        self.task: asyncio.Task[None] | None = None

    async def _note(self, delivery: Delivery) -> Outcome:
        event = delivery.received.event
        assert isinstance(event, ToolCancelled)
        self.seen.append((event.leg_epoch, delivery.deliveries))
        try:
            outcome = self._handle(delivery)
            return outcome if isinstance(outcome, Outcome) else await outcome
        finally:
            async with self._news:
                self._news.notify_all()

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.seen]

    async def __aenter__(self) -> Reading:
        self.task = asyncio.create_task(self.consumer.run(self._stopping))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        self._stopping.set()
        assert self.task is not None
        await asyncio.wait_for(self.task, 20)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(condition)


async def eventually(condition: Callable[[], Any], *, within_s: float = 20) -> Any:
    async with asyncio.timeout(within_s):
        while True:
            if result := await condition():
                return result
            await asyncio.sleep(0.01)


async def nothing_pending(admin: Redis) -> bool:
    return bool((await admin.xpending(TOOLS, "orders"))["pending"] == 0)


# --- publisher


async def test_event_goes_to_its_stream_as_cloudevent(publisher: Publisher, admin: Redis, metrics: Metrics) -> None:
    trace = Trace.new()
    event_id = await publisher.publish(cancelled(1), trace)
    [(_, fields)] = await admin.xrange(TOOLS)
    received = decode(fields["event"])
    assert received.event == cancelled(1)
    assert (received.envelope.id, received.envelope.source) == (event_id, "/agiza/bridge")
    assert received.envelope.traceparent.split("-")[1] == trace.trace_id
    assert received.envelope.traceparent != str(trace)
    assert metrics.value("stream_published_total", type="agiza.tool.cancelled") == 1


async def test_same_stamped_event_can_be_sent_again(publisher: Publisher, admin: Redis) -> None:
    stamped = publisher.stamp(cancelled(1), str(Trace.new()))
    await publisher.send(stamped)
    await publisher.send(stamped)
    entries = await admin.xrange(TOOLS)
    assert [decode(fields["event"]).envelope.id for _, fields in entries] == [stamped.id, stamped.id]


async def test_order_events_do_not_leave_without_the_outbox(publisher: Publisher) -> None:
    line = TicketLine(item="soda", name="soda", kitchen="SODA", quantity=1, unit_minor=100, total_minor=100)
    order = OrderPlaced(
        branch_id="westlands", call_id=CALL, order_id="o", order_number=1, menu_version=1, fulfilment="pickup",
        placed_at="2026-03-06T09:00:00Z", lines=(line,), currency="KES", items_minor=100, tax_minor=14, total_minor=100,
    )  # fmt: skip
    with pytest.raises(ValueError, match="outbox"):
        await publisher.publish(order, Trace.new())


async def test_oversized_event_is_refused_before_it_is_sent(publisher: Publisher, admin: Redis) -> None:
    big = CartChanged(branch_id="westlands", cart_id="c", cart_version=1, cart={"x": "y" * 600_000})
    with pytest.raises(EventTooLarge):
        await publisher.publish(big, Trace.new())


async def test_missing_redis_is_one_clear_failure(metrics: Metrics, clock: StoppedClock) -> None:
    async with open_redis("redis://127.0.0.1:1/0", service="bridge") as clients:
        publisher = Publisher(clients.commands, source="/agiza/bridge", clock=clock, metrics=metrics)
        with pytest.raises(PublishFailed):
            await publisher.publish(cancelled(1), Trace.new())
        with pytest.raises(PublishFailed):
            await publisher.send_last([publisher.stamp(cancelled(1), Trace.new())], Receipt(TOOLS, "orders", "1-0"))
        assert not await answers(clients.commands)
    assert metrics.value("stream_publish_failed_total", type="agiza.tool.cancelled", reason="ConnectionError") == 2


# --- subscriber


async def test_answers_reach_the_bridge_that_asked(
    bridge: RedisClients, orders: RedisClients, metrics: Metrics, logged: Logged, admin: Redis
) -> None:
    heard: list[Received] = []
    stopping = asyncio.Event()

    def listen(received: Received) -> None:
        heard.append(received)
        if len(heard) == 1:
            raise RuntimeError("one bad message")

    subscriber = Subscriber(bridge.subscriber, [streams.replies_channel("b1")], listen, metrics)
    task = asyncio.create_task(subscriber.run(stopping))
    await asyncio.wait_for(subscriber.listening.wait(), 20)
    sender = Publisher(orders.commands, source="/agiza/orders", clock=Clock(), metrics=metrics)
    for reply_to in ("b1", "b2", "b1"):
        await sender.publish(
            LeaveRequested(
                branch_id="westlands", call_id=CALL, handoff_id="h", reply_to=streams.replies_channel(reply_to)
            ),
            Trace.new(),
        )
    await admin.publish(streams.replies_channel("b1"), "not an event")
    await eventually(lambda: _as_async(len(heard) == 2 and logged.events("message_not_understood")))
    stopping.set()
    await task
    assert not subscriber.listening.is_set()
    assert len(logged.events("listener_failed")) == 1


async def _as_async(value: object) -> object:
    return value


async def test_subscription_is_made_again_after_a_lost_connection(
    bridge: RedisClients, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    heard: list[Received] = []
    stopping = asyncio.Event()
    subscriber = Subscriber(bridge.subscriber, [streams.replies_channel("b1")], heard.append, metrics)
    task = asyncio.create_task(subscriber.run(stopping))
    await asyncio.wait_for(subscriber.listening.wait(), 20)
    await admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await eventually(lambda: _as_async(not subscriber.listening.is_set()))
    await asyncio.wait_for(subscriber.listening.wait(), 20)
    sender = Publisher(orders.commands, source="/agiza/orders", clock=Clock(), metrics=metrics)
    leave = LeaveRequested(branch_id="westlands", call_id=CALL, handoff_id="h", reply_to=streams.replies_channel("b1"))
    await sender.publish(leave, Trace.new())
    await eventually(lambda: _as_async(heard))
    stopping.set()
    await task


# --- consumer


async def test_entries_are_handled_in_order_and_acknowledged(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    for number in range(7):
        await publisher.publish(cancelled(number), Trace.new())
    async with Reading(orders, metrics, lambda _: Done()) as reading:
        await reading.until(lambda: len(reading.seen) == 7)
        await publisher.publish(cancelled(7), Trace.new())
        await reading.until(lambda: len(reading.seen) == 8)
        await eventually(lambda: nothing_pending(admin))
    assert reading.seen == [(number, 1) for number in range(8)]
    assert metrics.value("stream_handled_total", stream=TOOLS.removeprefix("agiza:"), outcome="done") == 8


def leave(handoff_id: str) -> LeaveRequested:
    return LeaveRequested(
        branch_id="westlands", call_id=CALL, handoff_id=handoff_id, reply_to=streams.replies_channel("b1")
    )


async def test_what_comes_of_an_entry_goes_out_in_order_with_its_acknowledgement(
    publisher: Publisher, bridge: RedisClients, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    answering = Publisher(orders.commands, source="/agiza/orders", clock=Clock(), metrics=metrics)
    pending: list[int] = []

    async def answer(delivery: Delivery) -> Outcome:
        stamped = [answering.stamp(leave(handoff_id), Trace.new()) for handoff_id in ("first", "second")]
        await answering.send_last(stamped, delivery.receipt)
        pending.append((await admin.xpending(TOOLS, "orders"))["pending"])
        return Done(is_acknowledged=True)

    async with bridge.subscriber.pubsub() as listening:
        await listening.subscribe(streams.replies_channel("b1"))
        await publisher.publish(cancelled(1), Trace.new())
        async with Reading(orders, metrics, answer) as reading:
            await reading.until(lambda: len(reading.seen) == 1)
            await eventually(lambda: _as_async(pending))
        heard: list[str] = []
        while len(heard) < 2:
            message = await listening.get_message(ignore_subscribe_messages=True, timeout=5)
            if message is not None:
                event = decode(message["data"]).event
                assert isinstance(event, LeaveRequested)
                heard.append(event.handoff_id)
    assert (heard, pending, reading.seen) == (["first", "second"], [0], [(1, 1)])
    assert metrics.value("stream_published_total", type="agiza.handoff.leave_requested") == 2


async def test_what_is_not_sent_keeps_no_entry_from_being_done(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    """An answer that went astray is asked for again; the entry is acknowledged all the same, once."""
    answering = Publisher(orders.commands, source="/agiza/orders", clock=Clock(), metrics=metrics)
    failures: list[str] = []

    async def answer(delivery: Delivery) -> Outcome:
        try:
            refused = Stamped("e1", "agiza.handoff.requested", streams.HANDOFFS, b"{}")  # orders may not add to it
            await answering.send_last([refused], delivery.receipt)
        except PublishFailed as error:
            failures.append(str(error))
        return Done()

    await publisher.publish(cancelled(1), Trace.new())
    async with Reading(orders, metrics, answer) as reading:
        await eventually(lambda: _as_async(failures))
        await eventually(lambda: nothing_pending(admin))
    assert reading.seen == [(1, 1)]
    assert "agiza.handoff.requested" in failures[0]


async def test_repetition_keeps_the_order_of_its_stream(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    failures = iter([Retry("first"), Later("away"), Retry("second")])
    async with Reading(
        orders, metrics, lambda delivery: next(failures, Done()) if delivery.received.event.leg_epoch == 0 else Done()
    ) as reading:
        for number in range(3):
            await publisher.publish(cancelled(number), Trace.new())
        await reading.until(lambda: len(reading.seen) == 6)
        await eventually(lambda: nothing_pending(admin))
    # Later does not count as a delivery; Retry does
    assert reading.seen == [(0, 1), (0, 2), (0, 2), (0, 3), (1, 1), (2, 1)]


async def test_poison_is_buried_after_its_last_delivery(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis, logged: Logged
) -> None:
    def handle(delivery: Delivery) -> Outcome:
        if delivery.received.event.leg_epoch == 0:
            raise RuntimeError("always")
        return Done()

    async with Reading(orders, metrics, handle) as reading:
        await publisher.publish(cancelled(0), Trace.new())
        await publisher.publish(cancelled(1), Trace.new())
        await reading.until(lambda: (1, 1) in reading.seen)
        await eventually(lambda: nothing_pending(admin))
    assert reading.seen == [(0, 1), (0, 2), (0, 3), (1, 1)]
    [(_, fields)] = await admin.xrange(streams.dead_stream(TOOLS))
    assert decode(fields["event"]).event == cancelled(0)
    assert (fields["dead_stream"], fields["dead_reason"], fields["dead_deliveries"]) == (TOOLS, "RuntimeError", "3")
    assert len(logged.events("delivery_failed")) == 3
    assert logged.events("delivery_failed")[0]["call_id"] == CALL


async def test_what_can_never_be_handled_is_buried_at_once(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    class Hopeless(Exception):
        retryable = False

    def handle(delivery: Delivery) -> Outcome:
        if delivery.received.event.leg_epoch == 0:
            return Dead("no such branch")
        raise Hopeless

    async with Reading(orders, metrics, handle) as reading:
        await admin.xadd(TOOLS, {"event": "{not json"})
        await admin.xadd(TOOLS, {"other": "x"})
        await publisher.publish(cancelled(0), Trace.new())
        await publisher.publish(cancelled(1), Trace.new())
        await reading.until(lambda: len(reading.seen) == 2)
        await eventually(lambda: nothing_pending(admin))
    reasons = [fields["dead_reason"] for _, fields in await admin.xrange(streams.dead_stream(TOOLS))]
    assert len(reasons) == 4
    assert reasons[2:] == ["no such branch", "Hopeless"]
    assert reading.seen == [(0, 1), (1, 1)]


async def test_absent_machinery_costs_no_deliveries(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    class DatabaseAway(Exception):
        pass

    tries = 0

    def handle(_: Delivery) -> Outcome:
        nonlocal tries
        tries += 1
        if tries < 10:
            raise DatabaseAway
        return Done()

    async with Reading(orders, metrics, handle, is_away=lambda error: isinstance(error, DatabaseAway)) as reading:
        await publisher.publish(cancelled(0), Trace.new())
        await reading.until(lambda: tries == 10)
        await eventually(lambda: nothing_pending(admin))
    assert {deliveries for _, deliveries in reading.seen} == {1}
    assert not await admin.exists(streams.dead_stream(TOOLS))


async def test_entry_of_a_reader_that_died_is_taken_over(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    await publisher.publish(cancelled(0), Trace.new())
    await admin.xgroup_create(TOOLS, "orders", id="0")
    await admin.xreadgroup("orders", "died-between-read-and-acknowledge", {TOOLS: ">"})
    async with Reading(orders, metrics, lambda _: Done()) as reading:
        await reading.until(lambda: len(reading.seen) == 1)
        await eventually(lambda: nothing_pending(admin))
    assert reading.seen == [(0, 2)]
    assert metrics.value("stream_reclaimed_total", stream=TOOLS.removeprefix("agiza:")) == 1


async def test_entry_that_kills_every_reader_is_buried(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    """Its handler never gets to say anything: the process dies each time. The delivery counter knows."""
    await publisher.publish(cancelled(0), Trace.new())
    await admin.xgroup_create(TOOLS, "orders", id="0")
    [[_, [(entry_id, _)]]] = await admin.xreadgroup("orders", "victim-1", {TOOLS: ">"})
    for number in range(2, 5):
        await admin.xclaim(TOOLS, "orders", f"victim-{number}", 0, [entry_id])
    async with Reading(orders, metrics, lambda _: Done()) as reading:
        await eventually(lambda: admin.xlen(streams.dead_stream(TOOLS)))
        await eventually(lambda: nothing_pending(admin))
    assert reading.seen == []


async def test_lost_data_makes_a_new_group_from_the_beginning(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    async with Reading(orders, metrics, lambda _: Done()) as reading:
        await publisher.publish(cancelled(0), Trace.new())
        await reading.until(lambda: reading.numbers == [0])
        await admin.flushdb()  # in the middle of a waiting read
        await publisher.publish(cancelled(1), Trace.new())
        await reading.until(lambda: reading.numbers == [0, 1])
    assert metrics.value("stream_group_created_total", stream=TOOLS.removeprefix("agiza:")) >= 1


async def test_trimmed_entries_are_counted_as_lost(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    await publisher.publish(cancelled(0), Trace.new())
    await admin.xgroup_create(TOOLS, "orders", id="0")
    await admin.xreadgroup("orders", "died", {TOOLS: ">"})
    await admin.xtrim(TOOLS, maxlen=0, approximate=False)
    async with Reading(orders, metrics, lambda _: Done()):
        await eventually(
            lambda: _as_async(metrics.value("stream_lost_total", stream=TOOLS.removeprefix("agiza:")) == 1)
        )
        await eventually(lambda: nothing_pending(admin))


async def test_stop_finishes_the_entry_in_hand_and_hands_back_the_rest(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    patient = Limits(idle_ms=60_000, sweep_s=0.05, batch=5, block_ms=100)
    for number in range(4):
        await publisher.publish(cancelled(number), Trace.new())
    first = Reading(orders, metrics, lambda _: Done(), limits=patient)

    def stop_at_one(delivery: Delivery) -> Outcome:
        if delivery.received.event.leg_epoch == 1:
            first._stopping.set()
        return Done()

    first._handle = stop_at_one
    async with first:
        assert first.task is not None
        await asyncio.wait_for(asyncio.shield(first.task), 20)
    assert first.numbers == [0, 1]
    async with Reading(orders, metrics, lambda _: Done(), limits=patient) as second:  # need not wait for idle_ms
        await second.until(lambda: len(second.seen) == 2)
        await eventually(lambda: nothing_pending(admin))
    assert second.seen == [(2, 1), (3, 1)], "handing back is no failed delivery"


async def test_stop_during_repetition_hands_the_entry_back(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    async with Reading(orders, metrics, lambda _: Later("away")) as first:
        await publisher.publish(cancelled(0), Trace.new())
        await first.until(lambda: len(first.seen) >= 2)
    assert (await admin.xpending(TOOLS, "orders"))["pending"] == 1
    async with Reading(orders, metrics, lambda _: Done()) as second:
        await second.until(lambda: second.numbers == [0])
        await eventually(lambda: nothing_pending(admin))


async def test_cancelled_consumer_loses_nothing(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    """A second signal cancels. What a waiting read then still delivers is handed back."""
    reading = Reading(orders, metrics, lambda _: Done(), limits=Limits(idle_ms=60_000, sweep_s=10, block_ms=1000))
    async with reading:
        await publisher.publish(cancelled(0), Trace.new())
        await reading.until(lambda: reading.numbers == [0])
        await asyncio.sleep(0.05)  # let it wait for news
        assert reading.task is not None
        reading.task.cancel()
        await asyncio.sleep(0)
        await publisher.publish(cancelled(1), Trace.new())
        with contextlib.suppress(asyncio.CancelledError):
            await reading.task
        reading.task = asyncio.create_task(asyncio.sleep(0))
    assert reading.numbers == [0]
    async with Reading(orders, metrics, lambda _: Done(), limits=Limits(60_000, 0.05, block_ms=100)) as second:
        await second.until(lambda: second.numbers == [1])
        await eventually(lambda: nothing_pending(admin))


async def test_streams_do_not_wait_for_each_other(
    bridge: RedisClients, orders: RedisClients, metrics: Metrics, publisher: Publisher
) -> None:
    other_call = next(f"HD_{n}" for n in range(2, 100) if streams.tools_stream(f"HD_{n}") != TOOLS)
    both = [TOOLS, streams.tools_stream(other_call)]

    def handle(delivery: Delivery) -> Outcome:
        return Later("stuck") if delivery.stream == TOOLS else Done()

    async with Reading(orders, metrics, handle, streams=both) as reading:
        await publisher.publish(cancelled(0), Trace.new())
        await reading.until(lambda: 0 in reading.numbers)
        await publisher.publish(cancelled(1, other_call), Trace.new())
        await reading.until(lambda: 1 in reading.numbers)


async def test_exclusive_stream_has_one_reader_until_it_leaves(
    publisher: Publisher, orders: RedisClients, metrics: Metrics
) -> None:
    first = Reading(orders, metrics, lambda _: Done(), exclusive=True)
    second = Reading(orders, metrics, lambda _: Done(), exclusive=True)
    async with first:
        await publisher.publish(cancelled(0), Trace.new())
        await first.until(lambda: first.numbers == [0])
        async with second:
            for number in range(1, 30):
                await publisher.publish(cancelled(number), Trace.new())
            await first.until(lambda: first.numbers == list(range(30)))
            await first.stop()
            await publisher.publish(cancelled(30), Trace.new())
            await second.until(lambda: second.numbers == [30])


async def test_gone_readers_are_forgotten(
    orders: RedisClients, metrics: Metrics, admin: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agiza.runtime.stream_reader.CONSUMER_GONE_MS", 1)
    await admin.xgroup_create(TOOLS, "orders", id="0", mkstream=True)
    await admin.xgroup_createconsumer(TOOLS, "orders", "gone")
    await asyncio.sleep(0.01)
    async with Reading(orders, metrics, lambda _: Done(), consumer="here"):

        async def only_us() -> bool:
            return [item["name"] for item in await admin.xinfo_consumers(TOOLS, "orders")] == ["here"]

        await eventually(only_us)


async def test_lag_is_shown(publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis) -> None:
    label = {"stream": TOOLS.removeprefix("agiza:"), "group": "orders"}
    await publisher.publish(cancelled(0), Trace.new())
    await publisher.publish(cancelled(1), Trace.new())
    await admin.xgroup_create(TOOLS, "orders", id="0")
    await admin.xreadgroup("orders", "slow", {TOOLS: ">"}, count=1)
    patient = Limits(idle_ms=60_000, sweep_s=60, block_ms=100)
    async with Reading(orders, metrics, lambda _: Done(), limits=patient) as reading:
        await reading.until(lambda: reading.numbers == [1])
    assert metrics.value("stream_group_lag", **label) == 1, "as it was before this reader read"
    assert metrics.value("stream_group_pending", **label) == 1
    assert b"stream_oldest_pending_seconds" in metrics.render()


async def test_restarted_redis_is_waited_out(tmp_path: Path, metrics: Metrics, logged: Logged) -> None:
    """Redis stops and comes back on the same port with its data; reader and writer go on by themselves."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(embedded_redis(tmp_path / "redis"))
        async with open_redis(server.url, service="orders") as clients:
            publisher = Publisher(clients.commands, source="/agiza/bridge", clock=Clock(), metrics=metrics)
            async with Reading(clients, metrics, lambda _: Done()) as reading:
                await publisher.publish(cancelled(0), Trace.new())
                await reading.until(lambda: reading.numbers == [0])
                stack.close()
                with pytest.raises(PublishFailed):
                    await publisher.publish(cancelled(1), Trace.new())
                await eventually(lambda: _as_async(logged.events("stream_unavailable")))
                stack.enter_context(embedded_redis(tmp_path / "redis", port=server.port))
                await publisher.publish(cancelled(2), Trace.new())
                await reading.until(lambda: 2 in reading.numbers)
    assert len(logged.events("stream_unavailable")) == 1, "one line when it begins"


async def test_two_readers_share_and_repeat_nothing(
    publisher: Publisher, orders: RedisClients, metrics: Metrics, admin: Redis
) -> None:
    patient = Limits(idle_ms=60_000, sweep_s=0.05, batch=3, block_ms=100)
    first = Reading(orders, metrics, lambda _: Done(), limits=patient)
    second = Reading(orders, metrics, lambda _: Done(), limits=patient)
    async with first, second:
        for number in range(50):
            await publisher.publish(cancelled(number), Trace.new())

        async def all_read() -> bool:
            return len(first.seen) + len(second.seen) >= 50 and await nothing_pending(admin)

        await eventually(all_read)
    assert sorted(first.numbers + second.numbers) == list(range(50))


# --- clients


async def test_only_reads_are_done_again() -> None:
    tries = 0

    async def read() -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise sync_redis.exceptions.ConnectionError("gone")
        return "value"

    assert await reread(read) == "value"
    assert tries == 2


async def test_silent_redis_is_given_up_in_time() -> None:
    """A server that accepts and says nothing."""
    lines: list[asyncio.StreamWriter] = []  # a writer that nobody holds would close its connection
    server = await asyncio.start_server(lambda reader, writer: lines.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with open_redis(f"redis://127.0.0.1:{port}/0", service="test") as clients:
            loop = asyncio.get_running_loop()
            began = loop.time()
            with pytest.raises(sync_redis.exceptions.TimeoutError):
                await clients.commands.get("key")
            assert loop.time() - began < 5
    finally:
        for line in lines:
            line.transport.abort()
        server.close()
