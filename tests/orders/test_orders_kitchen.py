"""What the kitchen screen asks of orders: clicks that count once, tickets that were shown, streams without a hole."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from orders_desk import Desk, fc
from redis.asyncio import Redis

from agiza.contracts.events import ReadBackEvidence
from agiza.contracts.streams import carts_channel
from agiza.runtime.branch_keys import branch_key
from agiza.runtime.http import HttpServer, create_app
from agiza.runtime.outbox import OutboxRelay
from agiza.runtime.process import Process
from agiza.runtime.publisher import Publisher
from agiza.runtime.redis_clients import RedisClients
from agiza.runtime.traces import Trace
from services.orders.feed.bell import FeedBell
from services.orders.kitchen import screens as screens_module
from services.orders.kitchen.routes import add_kitchen
from services.orders.kitchen.screen import QUEUE_MAX, Screen, frame
from services.orders.kitchen.screens import SCREENS_MAX, Screens, TooManyScreens
from services.orders.kitchen.stocking import until
from services.orders.kitchen.tickets import message_of
from services.orders.kitchen.watch import WatchParts
from services.orders.stock import StockBook

pytestmark = pytest.mark.integration

SECRET = "a-screen-secret-of-at-least-32-characters"
PAGE = {"x-requested-by": "kitchen"}
CLICK = {"screen": "abcd1234", "request_id": "click-000001"}


@dataclass
class Kitchen:
    """The routes on a real server, a relay that numbers, and a client that has typed the key."""

    desk: Desk
    relay: OutboxRelay
    bell: FeedBell
    screens: Screens
    http: httpx.AsyncClient

    async def placed(self, item: str = "fries", call_id: str = "HD_kitchen1") -> str:
        """An order that is on the feed; its id."""
        self.desk.run(
            "INSERT INTO calls (call_id, branch_id, menu_version, stage, traceparent, started_at)"
            f" VALUES ('{call_id}', 'westlands', 1, 'streaming', '', '{self.desk.clock.now().isoformat()}')"
            " ON CONFLICT DO NOTHING"
        )
        await self.desk.answer(self.desk.event(fc("addItem", name=item), call_id=call_id))
        (total,) = await self.desk.answer(self.desk.event(fc("getTotal"), call_id=call_id))
        heard = ReadBackEvidence(quote_id=total["quote_id"], outcome="completed", played_ms=4000, caller_speech_ms=400)
        (order,) = await self.desk.answer(self.desk.event(fc("placeOrder"), call_id=call_id, heard=heard))
        await self.number()
        order_id: str = order["order_id"]
        return order_id

    async def number(self) -> None:
        """What was committed gets its numbers, and those who follow are told."""
        await self.relay.relay_once()
        self.bell.ring("westlands")

    async def act(self, order_id: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"/kitchen/westlands/orders/{order_id}", json={**CLICK, **body}, headers=PAGE)

    @contextlib.asynccontextmanager
    async def live(self, after: int) -> AsyncIterator[AsyncIterator[tuple[str, int, Any]]]:
        """The messages of one screen: name, number, content."""

        async def messages(response: httpx.Response) -> AsyncIterator[tuple[str, int, Any]]:
            found: dict[str, str] = {}
            async for line in response.aiter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    found[name] = value
                    continue
                yield found["event"], int(found.get("id", 0)), json.loads(found["data"])
                found = {}

        async with self.http.stream("GET", f"/kitchen/westlands/live?after={after}") as response:
            assert response.status_code == 200
            yield messages(response)


@pytest.fixture
async def kitchen(desk: Desk, redis: RedisClients) -> AsyncIterator[Kitchen]:
    bell = FeedBell()
    process = Process(clock=desk.clock, metrics=desk.metrics)
    app = create_app("orders", process)
    book = StockBook(desk.pool, desk.catalog, desk.clock)
    watched = WatchParts(desk.pool, desk.catalog, book, bell, redis.subscriber, desk.clock, desk.metrics)
    screens = add_kitchen(app, watched, lambda: None, (SECRET,), is_https=False)
    relay = OutboxRelay(desk.pool, redis.commands, clock=desk.clock, metrics=desk.metrics)
    server = HttpServer(app, host="127.0.0.1", port=0)
    running = [
        asyncio.create_task(server.run(process.stopping)),
        asyncio.create_task(screens.run(process.stopping)),
    ]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=15) as http:
        answer = await http.post("/kitchen/westlands/key", json={"key": branch_key("westlands", SECRET)}, headers=PAGE)
        assert answer.status_code == 200
        yield Kitchen(desk, relay, bell, screens, http)
    process.stop()
    await asyncio.gather(*running)


async def test_click_counts_once_and_says_who(kitchen: Kitchen) -> None:
    order_id = await kitchen.placed()
    first = await kitchen.act(order_id, act="accept", minutes=15)
    again = await kitchen.act(order_id, act="accept", minutes=15)
    assert (first.status_code, first.json()) == (again.status_code, again.json()) == (200, {"state": "accepted"})
    other = await kitchen.act(order_id, act="accept", minutes=20)
    assert other.status_code == 422  # the same click cannot have been something else
    ready = await kitchen.act(order_id, act="ready", request_id="click-000002")
    assert ready.json() == {"state": "ready"}
    moves = kitchen.desk.rows("SELECT state, said_by FROM order_moves ORDER BY position")
    by = "kitchen:abcd1234"
    assert moves == [(state, by) for state in ("received", "accepted", "preparing", "ready")]
    late = await kitchen.act(order_id, act="reject", reason="busy", request_id="click-000003")
    assert late.status_code == 409
    assert late.json()["state"] == "ready"


async def test_only_the_page_with_its_branchs_key_may_act(kitchen: Kitchen) -> None:
    order_id = await kitchen.placed()
    path = f"/kitchen/westlands/orders/{order_id}"
    body = {**CLICK, "act": "accept", "minutes": 15}
    assert (await kitchen.http.post(path, json=body)).status_code == 403
    kilimani = path.replace("westlands", "kilimani")
    assert (await kitchen.http.post(kilimani, json=body, headers=PAGE)).status_code == 401
    key = {"key": branch_key("kilimani", SECRET)}
    await kitchen.http.post("/kitchen/kilimani/key", json=key, headers=PAGE)
    assert (await kitchen.http.post(kilimani, json=body, headers=PAGE)).status_code == 404
    own = await kitchen.http.post(f"{kilimani}/own", json=CLICK, headers=PAGE)
    assert own.status_code == 404
    shown = {"screen": "abcd1234", "orders": [order_id]}
    answer = await kitchen.http.post("/kitchen/kilimani/shown", json=shown, headers=PAGE)
    assert answer.json() == {"received": []}
    assert (await kitchen.http.get("/kitchen/kilimani/board")).json()["tickets"] == []
    for wrong in ({"act": "accept"}, {"act": "burn"}, {"act": "accept", "minutes": 0}, {"act": "reject"}):
        assert (await kitchen.act(order_id, **wrong)).status_code == 422
    assert kitchen.desk.rows("SELECT state FROM orders") == [("placed",)]


async def test_ticket_that_is_shown_is_received_once(kitchen: Kitchen) -> None:
    order_id = await kitchen.placed()
    shown = {"screen": "abcd1234", "orders": [order_id, "no-such-order"]}
    both = [
        await kitchen.http.post("/kitchen/westlands/shown", json=shown | {"screen": name}, headers=PAGE)
        for name in ("abcd1234", "efgh5678")
    ]
    assert [answer.json() for answer in both] == [{"received": [order_id]}, {"received": []}]
    assert kitchen.desk.rows("SELECT said_by FROM order_moves") == [("kitchen:abcd1234",)]


async def test_stream_begins_with_the_carts_and_goes_on_from_the_number(kitchen: Kitchen) -> None:
    await kitchen.placed("fries")
    board = (await kitchen.http.get("/kitchen/westlands/board")).json()
    assert (board["sequence"], len(board["tickets"])) == (1, 1)
    await kitchen.placed("bhajia", "HD_kitchen2")
    async with kitchen.live(board["sequence"]) as messages:
        name, _, whole = await anext(messages)
        assert (name, whole["carts"], whole["sold_out"]) == ("now", [], [])
        name, number, missed = await anext(messages)
        assert (name, number, missed["ticket"]["lines"]) == ("order", 2, [["1 x BHAJIA"]])
        await kitchen.act(missed["ticket"]["id"], act="accept", minutes=15)
        await kitchen.number()
        told = [await anext(messages) for _ in (3, 4)]
        assert [(name, number, event["state"]) for name, number, event in told] == [
            ("order", 3, "received"), ("order", 4, "accepted"),
        ]  # fmt: skip
        assert kitchen.desk.metrics.value("kitchen_screens", branch="westlands") == 1


@pytest.mark.parametrize("after", [0, 99])
async def test_number_from_which_nothing_can_be_followed_means_to_read_the_board_again(
    kitchen: Kitchen, after: int
) -> None:
    await kitchen.placed("fries")
    await kitchen.placed("bhajia", "HD_kitchen2")
    kitchen.desk.run("DELETE FROM outbox WHERE sequence = 1")
    async with kitchen.live(after) as messages:
        assert [name async for name, _, _ in messages] == ["now", "again"]


async def test_carts_and_stock_are_told_as_they_change(kitchen: Kitchen, redis: RedisClients, admin: Redis) -> None:
    await kitchen.placed("fries")
    async with kitchen.live(1) as one, kitchen.live(1) as two:
        assert [(await anext(each))[0] for each in (one, two)] == ["now", "now"]
        await subscribed(admin)
        event = kitchen.desk.event(fc("addItem", name="samosa", quantity=2), call_id="HD_kitchen1")
        changed = (await kitchen.desk.handler.answer(event, "http")).cart_changed
        assert changed is not None
        publisher = Publisher(redis.commands, source="/test", clock=kitchen.desk.clock, metrics=kitchen.desk.metrics)
        await publisher.publish(changed, str(Trace.new()))
        for each in (one, two):
            name, number, cart = await anext(each)
            assert (name, number, cart["lines"], cart["call_id"]) == ("cart", 0, [["2 x SAMOSA"]], "HD_kitchen1")
        switch = {**CLICK, "kind": "item", "entry": "samosa", "sold_out": True, "lasts": "day"}
        answer = await kitchen.http.post("/kitchen/westlands/stock", json=switch, headers=PAGE)
        assert [each["entry"] for each in answer.json()["sold_out"]] == ["samosa"]
        assert [(await anext(each))[0] for each in (one, two)] == ["stock", "stock"]
        kitchen.desk.run("UPDATE calls SET ended_at = now(), outcome = 'done'")
        kitchen.screens.look_at("westlands")  # as it does every two seconds
        assert [await anext(each) for each in (one, two)] == [("gone", 0, {"id": cart["id"]})] * 2


async def subscribed(admin: Redis) -> None:
    """Wait until the branch's channel is heard, by one subscription for all screens of the process."""
    channel = carts_channel("westlands")
    async with asyncio.timeout(10):
        while not (count := (await admin.pubsub_numsub(channel))[0][1]):  # noqa: ASYNC110 - Redis has no event
            await asyncio.sleep(0.01)
    assert count == 1


async def test_branch_has_so_many_screens_and_no_more(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens_module, "SCREENS_MAX", 2)
    assert SCREENS_MAX > 2
    entered = [await kitchen.screens.enter("westlands") for _ in range(2)]
    with pytest.raises(TooManyScreens):
        await kitchen.screens.enter("westlands")
    refused = await kitchen.http.get("/kitchen/westlands/live?after=0")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
    for screen in entered:
        await kitchen.screens.leave(screen)
    await kitchen.screens.leave(await kitchen.screens.enter("westlands"))


async def test_screen_that_takes_nothing_is_cut_off_and_no_other(kitchen: Kitchen) -> None:
    slow, quick = [await kitchen.screens.enter("westlands") for _ in range(2)]
    for _ in range(QUEUE_MAX):
        slow.offer(frame("beat", {}))
    await kitchen.placed()
    async with asyncio.timeout(10):
        await slow.over.wait()
        assert (await quick.next()).sequence == 1
    assert slow.is_cut_off
    assert not quick.over.is_set()
    assert kitchen.desk.metrics.value("kitchen_screens_cut_off_total", branch="westlands") == 1
    for screen in (slow, quick):
        await kitchen.screens.leave(screen)


def test_screen_is_told_what_a_kitchen_needs_and_no_more() -> None:
    data = {
        "order_id": "o1", "order_number": 7, "call_id": "c1", "placed_at": "2026-03-06T09:00:00+00:00",
        "fulfilment": "delivery", "lines": [{"quantity": 2, "kitchen": "FRIES", "printed": []}], "note": "no salt",
        "pii_customer_name": "Amina", "pii_customer_phone": "+254711000001", "pii_delivery_address": "Riverside 4",
    }  # fmt: skip
    event = {"type": "agiza.order.placed", "time": "2026-03-06T09:00:00+00:00", "data": data}
    told = message_of(json.dumps(event).encode())
    assert (told["ticket"]["lines"], told["ticket"]["name"]) == ([["2 x FRIES"]], "Amina")
    assert "+254711000001" not in json.dumps(told)
    assert "Riverside" not in json.dumps(told)
    later = {"type": "agiza.order.teleported", "time": "2026-03-06T09:00:00+00:00", "data": {"order_id": "o1"}}
    assert message_of(json.dumps(later).encode()) == {"kind": "other"}


def test_sold_out_for_the_day_lasts_until_the_next_morning_of_the_branch() -> None:
    zone = "Africa/Nairobi"
    evening = datetime(2026, 3, 6, 19, tzinfo=UTC)
    assert until("open", evening, zone) is None
    day = until("day", evening, zone)
    night = until("day", datetime(2026, 3, 6, 23, tzinfo=UTC), zone)  # 02:00 in Nairobi
    assert day is not None
    assert day.isoformat() == "2026-03-07T05:00:00+03:00"
    assert night == day


def test_frames_are_one_message_each() -> None:
    made = frame("order", {"text": "two\nlines"}, 7)
    assert made.body.decode().count("\n\n") == 1
    assert Screen("westlands").offer(made)
