"""The sample POS at the real orders API: an order is placed, printed once, and the caller's time comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from orders_api import Api
from orders_feed import BRANCH, TEST_S, Feed, serving

from agiza.contracts.feed_digest import NOTHING, chain
from agiza.runtime.outbox_upkeep import forget_published
from agiza.runtime.redis_clients import RedisClients
from simulators.pos.pos import Pos
from simulators.pos.serving import open_pos
from simulators.pos.settings import PosSettings, Reading, Waits

pytestmark = pytest.mark.integration

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LINE_SEPARATOR = "\u2028"
"""Some readers of streams take it for the end of a line, and lose the rest of the event."""


@pytest.fixture
async def feed(api: Api, redis: RedisClients) -> AsyncIterator[Feed]:
    async with serving(api, redis) as served, relaying(served):
        yield served


@pytest.mark.parametrize("reading", ["sse", "pull"])
async def test_order_is_printed_once_and_accepted_with_its_time(feed: Feed, tmp_path: Path, reading: Reading) -> None:
    key = await feed.api.key(BRANCH, rights=("orders:read", "orders:write"))
    settings = PosSettings(
        secrets=(SECRET,),
        ledger=tmp_path / "ledger",
        printer=tmp_path / "slips",
        api=feed.url,
        key=key.token,
        branch=BRANCH,
        reading=reading,
        accept_minutes=25,
        waits=Waits(poll_s=0.05, retry_s=0.05, retry_max_s=0.2),
    )
    async with open_pos(settings) as opened:
        first = await feed.api.placed("HD_first")
        order = await until_state(feed, first, "accepted")
        assert order["eta_minutes"] == 25
        assert [move["state"] for move in order["moves"]] == ["received", "accepted"]
    second = await feed.api.placed("HD_second")  # while the POS is down
    async with open_pos(settings) as opened:
        await until_state(feed, second, "accepted")
        assert opened.pos.say(second, {"state": "rejected", "reason": "other"})  # too late, and not the end of it
        for state in ("preparing", "ready", "completed"):
            assert opened.pos.say(second, {"state": state})
        await until_state(feed, second, "completed")
        await all_held(feed, opened.pos, 9)
        till = await feed.till(BRANCH)
        theirs = (await till.get(f"/v1/branches/{BRANCH}/events/digest", params={"from": 1, "to": 9})).json()
        ours = opened.pos.digest(BRANCH, 1, 9)
        assert (ours.count, ours.hex) == (theirs["count"], theirs["digest"])
    slips = (tmp_path / "slips").read_text()
    assert [slips.count(f"order {order_id}") for order_id in (first, second)] == [1, 1]


async def test_stream_s_events_are_whole_whatever_is_in_them(feed: Feed, tmp_path: Path) -> None:
    key = await feed.api.key(BRANCH, rights=("orders:read", "orders:write"))
    settings = PosSettings(
        secrets=(SECRET,), ledger=tmp_path / "ledger", printer=tmp_path / "slips", api=feed.url, key=key.token,
        branch=BRANCH, reading="sse", waits=Waits(retry_s=0.05),
    )  # fmt: skip
    async with open_pos(settings) as opened:
        order_id = await feed.api.placed("HD_third")
        await until_state(feed, order_id, "accepted")
        note = f"no{LINE_SEPARATOR}salt"
        opened.pos.say(order_id, {"state": "cancelled", "reason": "other", "note": note})
        await until_state(feed, order_id, "cancelled")
        bodies = await all_held(feed, opened.pos, 4)
        assert LINE_SEPARATOR.encode() in bodies[-1]
        assert opened.pos.digest(BRANCH, 1, 4).hex == chain(NOTHING, bodies).hex()


@pytest.mark.parametrize("reading", ["sse", "pull"])
async def test_forgotten_events_are_shown_as_lost_and_passed_over(feed: Feed, tmp_path: Path, reading: Reading) -> None:
    await feed.have(5)
    async with asyncio.timeout(TEST_S):
        while await forget_published(feed.api.desk.pool, older_than=timedelta(0), limit=3) == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    key = await feed.api.key(BRANCH, rights=("orders:read", "orders:write"))
    settings = PosSettings(
        secrets=(SECRET,), ledger=tmp_path / "ledger", printer=tmp_path / "slips", api=feed.url, key=key.token,
        branch=BRANCH, reading=reading, waits=Waits(poll_s=0.05, retry_s=0.05),
    )  # fmt: skip
    async with open_pos(settings) as opened, asyncio.timeout(TEST_S):
        while opened.pos.whole_to(BRANCH) < 5:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert opened.pos.ledger.lost() == [(BRANCH, 1, 3)]
        assert opened.pos.digest(BRANCH, 1, 5).count == 2


@contextlib.asynccontextmanager
async def relaying(feed: Feed) -> AsyncIterator[None]:
    """Events are numbered as they come."""

    async def relay() -> None:
        while True:
            await feed.relay.relay_once()
            await asyncio.sleep(0.02)

    task = asyncio.create_task(relay())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_state(feed: Feed, order_id: str, state: str) -> dict[str, Any]:
    """The order, once it is there."""
    till = await feed.till(BRANCH)
    async with asyncio.timeout(TEST_S):
        while True:
            order: dict[str, Any] = (await till.get(f"/v1/orders/{order_id}")).json()
            if order["state"] == state:
                return order
            await asyncio.sleep(0.03)


async def all_held(feed: Feed, pos: Pos, count: int) -> list[bytes]:
    """What was sent, once the POS holds so many numbers."""
    async with asyncio.timeout(TEST_S):
        while pos.whole_to(BRANCH) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.03)
    bodies = await feed.bodies()
    assert len(bodies) == count
    return bodies
