"""A second leg of a call, on another replica: two bridges and the real ``orders`` on real Redis and Postgres."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from bridge_world import (
    BRANCHES,
    SECRET,
    TOKEN,
    Line,
    bridge_settings,
    dial,
    free_port,
    live_server,
    open_world,
    payload,
    until,
)
from redis.asyncio import Redis
from servers import Database

from agiza.carrier.tokens import mint_media_token
from agiza.contracts import streams
from agiza.contracts.envelope import decode
from agiza.contracts.events import CallTakenOver
from agiza.runtime.process import Process
from agiza.runtime.settings import read_settings
from services.bridge.__main__ import serve as serve_bridge
from services.bridge.settings import BridgeSettings
from services.orders.__main__ import serve as serve_orders
from services.orders.settings import OrdersSettings
from simulators.live_api.server import LiveServer

pytestmark = pytest.mark.integration

CALL = "HD_taken01"
GREETING: list[object] = ["wait_for_prompt", {"say": "Hello, what would you like?"}, "end_turn"]
ADD: list[object] = [
    {"wait_for_text": "burger"}, {"call": {"name": "addItem", "args": {"name": "chicken-burger", "quantity": 2}}},
    {"say": "Two chicken burgers."}, "end_turn", {"wait_for_text": "fries"},
    {"call": {"name": "addItem", "args": {"name": "fries"}}}, {"say": "And fries."}, "end_turn",
    {"wait_for_text": "never"},
]  # fmt: skip


@dataclass
class Two:
    """Two bridges with the same ``orders`` and model."""

    urls: tuple[str, str]
    live: LiveServer
    processes: tuple[Process, Process]
    redis: Redis
    database_url: str
    lines: list[Line]

    async def call(self, replica: int, epoch: int) -> Line:
        token = mint_media_token(payload(call_id=CALL, epoch=epoch), SECRET)
        line = Line(await dial(self.urls[replica], token))
        self.lines.append(line)
        return line

    def cart(self) -> tuple[int, int, list[tuple[str, int]]]:
        """Version, leg epoch, items."""
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(
                "SELECT version, leg_epoch, pii_state FROM carts WHERE call_id = %s", (CALL,)
            ).fetchone()
        return (row[0], row[1], [(line["item"], line["quantity"]) for line in row[2]["lines"]]) if row else (0, 0, [])

    async def ended(self, epoch: int, reason: str) -> None:
        """Wait until this leg has reported that it ended for this reason."""
        async with asyncio.timeout(10):
            while (await self.reasons()).get(epoch) != reason:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def reasons(self) -> dict[int, str]:
        """Why each leg that is over has ended."""
        entries: Any = await self.redis.xrange(streams.CALLS)
        events = [decode(fields["event"]).event for _, fields in entries]
        return {event.leg_epoch: event.reason for event in events if event.type == "agiza.call.ended"}  # type: ignore[attr-defined]


@contextlib.asynccontextmanager
async def open_two(
    redis_url: str, redis_urls: Mapping[str, str], database: Database, steps: list[object]
) -> AsyncIterator[Two]:
    async with contextlib.AsyncExitStack() as stack:
        live = await stack.enter_async_context(live_server(steps))
        orders_port = free_port()
        orders = {
            "database_url": database.urls["agiza_orders"], "redis_url": redis_urls["orders"],
            "agiza_internal_token": TOKEN, "agiza_branches_dir": str(BRANCHES), "agiza_port": orders_port,
        }  # fmt: skip
        orders_url = f"http://127.0.0.1:{orders_port}"
        ports = free_port(), free_port()
        bridges = [bridge_settings(redis_urls["bridge"], orders_url, live, port) for port in ports]
        process = Process()
        serving = [(process, asyncio.create_task(serve_orders(read_settings(OrdersSettings, **orders), process)))]
        for settings in bridges:
            process = Process()
            serving.append(
                (process, asyncio.create_task(serve_bridge(read_settings(BridgeSettings, **settings), process)))
            )
        redis: Redis = Redis.from_url(redis_url, decode_responses=True)
        stack.push_async_callback(redis.aclose)
        urls = f"ws://127.0.0.1:{ports[0]}", f"ws://127.0.0.1:{ports[1]}"
        two = Two(urls, live, (serving[1][0], serving[2][0]), redis, database.url, [])
        try:
            async with asyncio.timeout(20):
                for process, task in serving:
                    while not (await process.health.readiness()).is_ready:
                        assert not task.done(), task
                        await asyncio.sleep(0.02)
            yield two
        finally:
            for line in two.lines:
                await line.stop()
            for process, _ in reversed(serving):
                process.stop()
            async with asyncio.timeout(40):
                await asyncio.gather(*(task for _, task in serving), return_exceptions=True)


@pytest.fixture
async def two(redis_url: str, redis_urls: Mapping[str, str], database: Database) -> AsyncIterator[Two]:
    async with open_two(redis_url, redis_urls, database, [*GREETING, *ADD]) as opened:
        yield opened


async def ordered(two: Two) -> Line:
    """The first leg, on the first replica, with two burgers in the cart."""
    line = await two.call(0, 0)
    await line.until_heard("what would you like")
    line.say("two chicken burgers")
    await line.until_heard("Two chicken burgers")
    assert two.cart() == (1, 0, [("chicken-burger", 2)])
    return line


async def test_other_replica_goes_on_with_the_cart_and_the_older_one_ends_itself(two: Two) -> None:
    old = await ordered(two)
    new = await two.call(1, 1)
    assert await old.until_closed() == 1001
    await until(lambda: two.cart()[1] == 1)
    assert two.cart() == (1, 1, [("chicken-burger", 2)])
    await until(lambda: len(two.live.sessions) >= 2)
    await two.ended(0, "superseded")
    record: Any = await two.redis.hgetall(streams.session_key(CALL))  # type: ignore[misc]
    assert record["leg_epoch"] == "1", "the older leg's end is not written over it"
    assert new.socket.close_code is None


async def test_older_leg_that_heard_nothing_is_refused_by_orders_and_ends_itself(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Split brain: the bridge is slow and its ears are deaf, but it still acts."""
    old = await ordered(two)
    from services.bridge.driver import LiveCall

    monkeypatch.setattr(LiveCall, "_is_superseded", lambda *_: False)
    await two.call(1, 1)
    await until(lambda: two.cart()[1] == 1)
    assert old.socket.close_code is None
    old.say("and fries")
    assert await old.until_closed() == 1001
    assert two.cart() == (1, 1, [("chicken-burger", 2)]), "what the older leg still wanted was refused"
    await two.ended(0, "superseded")
    assert two.processes[0].metrics.value("voice_call_drops_total", reason="superseded") == 1


async def test_leg_that_comes_too_late_does_not_take_the_call_back(two: Two) -> None:
    await two.call(0, 2)
    await until(lambda: two.cart()[1] == 2)
    late = await two.call(1, 1)
    assert await late.until_closed() == 1001
    assert (await two.reasons()) == {1: "superseded"}
    assert two.cart()[1] == 2


async def test_later_leg_is_not_greeted_but_told_where_it_was(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], ["wait_for_prompt", {"say": "Sorry."}]) as world:
        world.around.cart = {"resumed": "leg", "cart_version": 2, "lines": "two teas", "total": "two hundred"}
        line = await world.call(call_id=CALL, epoch=1)
        await line.until_heard("Sorry")
        (taken,) = world.around.of_type(CallTakenOver)
        assert (taken.call_id, taken.leg_epoch, taken.menu_version) == (CALL, 1, 1)
        assert taken.stream() == streams.tools_stream(CALL)
        (session,) = world.live.sessions
        assert "two teas; two hundred" in str(session.setup)
        assert not world.around.http_ids, "the stream was quick enough"


async def test_later_leg_speaks_what_the_caller_had_switched_to(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], ["wait_for_prompt", {"say": "Samahani."}]) as world:
        await world.redis.hset(streams.session_key(CALL), mapping={"leg_epoch": "0", "language": "sw"})  # type: ignore[misc]
        line = await world.call(call_id=CALL, epoch=1)
        await line.until_heard("Samahani")
        (taken,) = world.around.of_type(CallTakenOver)
        assert taken.language == "sw", "orders tells the cart in it"
        assert "speaking sw" in str(world.live.sessions[0].setup)
        record: Any = await world.redis.hgetall(streams.session_key(CALL))  # type: ignore[misc]
        assert (record["leg_epoch"], record["language"]) == ("1", "sw"), "and the leg after that one is told as well"


async def test_take_over_goes_over_http_when_the_stream_is_silent(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    async with open_world(redis_url, redis_urls["bridge"], ["wait_for_prompt", {"say": "Sorry."}]) as world:
        world.around.deaf = True
        world.around.cart = {"resumed": "leg", "lines": "two teas", "total": "two hundred"}
        line = await world.call(call_id=CALL, epoch=1)
        await line.until_heard("Sorry")
        assert world.around.http_ids == world.around.stream_ids == [f"{CALL}:1:taken_over"], "the same event"
        assert "two teas" in str(world.live.sessions[0].setup)


async def test_leg_goes_on_when_nobody_answers_the_take_over(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], ["wait_for_prompt", {"say": "Sorry."}]) as world:
        world.around.deaf = world.around.http_deaf = True
        line = await world.call(call_id=CALL, epoch=1)
        await line.until_heard("Sorry")
