"""Pulling with named cursors: given until acknowledged, never backwards by accident, and what is forgotten is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders_api import Api
from orders_feed import BRANCH, Feed, serving

from agiza.runtime.outbox_upkeep import forget_published
from agiza.runtime.redis_clients import RedisClients
from services.orders.feed.cursors import CURSORS_MAX, may_acknowledge, may_stand
from services.orders.feed.reading import FeedBounds

CURSOR = f"/v1/branches/{BRANCH}/cursors/till-1"
RIGHTS = ("orders:read", "feed:acknowledge")


@pytest.fixture
async def feed(api: Api, redis: RedisClients) -> AsyncIterator[Feed]:
    async with serving(api, redis) as served:
        yield served


@pytest.fixture
async def till(feed: Feed) -> httpx.AsyncClient:
    return await feed.till(BRANCH, rights=RIGHTS)


async def sequences(till: httpx.AsyncClient, limit: int = 100) -> list[int]:
    answer = await till.get(f"{CURSOR}/events", params={"limit": limit})
    assert answer.status_code == 200, answer.text
    return [int(event["sequence"]) for event in answer.json()["events"]]


async def say(till: httpx.AsyncClient, sequence: int) -> httpx.Response:
    return await till.post(f"{CURSOR}/acknowledge", json={"sequence": sequence})


@pytest.mark.integration
async def test_events_are_given_until_they_are_acknowledged(feed: Feed, till: httpx.AsyncClient) -> None:
    await feed.have(5)
    made = await till.put(CURSOR, json={"sequence": 0})
    assert (made.status_code, made.json()["acknowledged"], made.json()["lag"]) == (200, 0, 5)
    assert await sequences(till, 2) == [1, 2]
    assert await sequences(till) == [1, 2, 3, 4, 5], "reading is no acknowledgement"
    for _ in range(2):  # an answer was lost: the same again
        said = await say(till, 3)
        assert (said.status_code, said.json()["acknowledged"], said.json()["lag"]) == (200, 3, 2)
    assert await sequences(till) == [4, 5]
    assert (await say(till, 5)).status_code == 200
    assert await sequences(till) == []
    raw = (await till.get(f"/v1/branches/{BRANCH}/events")).content
    assert raw == b'{"events":[' + b",".join(await feed.bodies()) + b"]}", "the same bytes as everywhere"


@pytest.mark.integration
async def test_acknowledgement_goes_neither_back_nor_beyond(feed: Feed, till: httpx.AsyncClient) -> None:
    await feed.have(3)
    assert (await say(till, 1)).status_code == 404
    await till.put(CURSOR, json={"sequence": 2})
    back, beyond = (await say(till, 1)), (await say(till, 4))
    assert (back.status_code, back.json()["code"], back.json()["acknowledged"]) == (409, "sequence-behind", 2)
    assert (beyond.status_code, beyond.json()["code"], beyond.json()["newest"]) == (409, "sequence-ahead", 3)
    assert "PUT" in back.json()["remedy"]
    assert (await till.get(CURSOR)).json()["acknowledged"] == 2
    assert (await till.put(CURSOR, json={"sequence": 0})).json()["acknowledged"] == 0, "deliberately it does"
    assert (await till.put(CURSOR, json={"sequence": 4})).json()["code"] == "sequence-ahead"
    for wrong in ({}, {"sequence": -1}, {"sequence": "x"}, {"sequence": 2**63}, {"sequence": 1, "more": 1}):
        assert (await till.put(CURSOR, json=wrong)).status_code == 422


@pytest.mark.integration
async def test_cursor_that_was_left_behind_is_told_so_and_moves_deliberately(
    feed: Feed, till: httpx.AsyncClient
) -> None:
    await feed.have(5)
    await till.put(CURSOR, json={"sequence": 1})
    await forget_published(feed.api.desk.pool, older_than=timedelta(0), limit=3)
    gone = await till.get(f"{CURSOR}/events")
    assert (gone.status_code, gone.json()["code"], gone.json()["oldest"]) == (410, "events-forgotten", 4)
    assert (await till.put(CURSOR, json={"sequence": 2})).status_code == 410
    assert (await till.put(CURSOR, json={"sequence": gone.json()["oldest"] - 1})).status_code == 200
    assert await sequences(till) == [4, 5]


@pytest.mark.integration
async def test_cursors_are_listed_limited_and_deleted(feed: Feed, till: httpx.AsyncClient) -> None:
    feed.api.desk.run(
        "INSERT INTO feed_cursors (branch_id, name, made_by)"
        f" SELECT '{BRANCH}', 'c' || n, 'k' FROM generate_series(1, {CURSORS_MAX}) AS n"
    )
    full = await till.put(CURSOR, json={"sequence": 0})
    assert (full.status_code, full.json()["code"]) == (409, "too-many-cursors")
    assert (await till.put(f"/v1/branches/{BRANCH}/cursors/c1", json={"sequence": 0})).status_code == 200
    assert (await till.delete(f"/v1/branches/{BRANCH}/cursors/c1")).json()["name"] == "c1"
    assert (await till.delete(f"/v1/branches/{BRANCH}/cursors/c1")).status_code == 404
    assert (await till.put(CURSOR, json={"sequence": 0})).status_code == 200
    listed = (await till.get(f"/v1/branches/{BRANCH}/cursors")).json()["cursors"]
    assert len(listed) == CURSORS_MAX
    assert listed[-1]["name"] == "till-1"


@pytest.mark.integration
async def test_cursors_belong_to_their_branch_and_need_the_right(feed: Feed, till: httpx.AsyncClient) -> None:
    await feed.have(1)
    await till.put(CURSOR, json={"sequence": 0})
    stranger, everything = await feed.till("kilimani", rights=RIGHTS), await feed.till("*", rights=RIGHTS)
    elsewhere = CURSOR.replace(BRANCH, "nowhere")
    for method, path, body in (
        ("GET", "", None),
        ("PUT", "", {"sequence": 0}),
        ("DELETE", "", None),
        ("GET", "/events", None),
        ("POST", "/acknowledge", {"sequence": 1}),
    ):
        assert (await stranger.request(method, CURSOR + path, json=body)).status_code == 404, (method, path)
        assert (await everything.request(method, elsewhere + path, json=body)).status_code == 404, (method, path)
    assert (await stranger.get(f"/v1/branches/{BRANCH}/cursors")).status_code == 404
    assert (await everything.get("/v1/branches/nowhere/cursors")).status_code == 404
    reader = await feed.till(BRANCH)
    assert (await reader.get(f"{CURSOR}/events")).status_code == 200
    assert (await reader.post(f"{CURSOR}/acknowledge", json={"sequence": 1})).status_code == 403
    assert (await reader.put(CURSOR, json={"sequence": 1})).status_code == 403
    assert (await reader.delete(CURSOR)).status_code == 403


@pytest.mark.integration
async def test_lag_of_the_slowest_is_shown(feed: Feed, till: httpx.AsyncClient) -> None:
    await feed.have(5)
    for name, sequence in (("a", 5), ("b", 2)):
        await till.put(f"/v1/branches/{BRANCH}/cursors/{name}", json={"sequence": sequence})
    metrics = feed.api.desk.metrics
    await feed.hints.show_lags()
    assert metrics.value("feed_cursor_lag_events", branch=BRANCH) == 3
    feed.api.desk.run("DELETE FROM feed_cursors")
    await feed.hints.show_lags()
    assert metrics.value("feed_cursor_lag_events", branch=BRANCH) == 0


@given(st.integers(0, 50), st.integers(0, 50), st.lists(st.integers(0, 60), max_size=20))
def test_acknowledgements_only_go_forward(oldest: int, more: int, said: list[int]) -> None:
    """Whatever is said in whatever order: the place never goes back, and never beyond what exists."""
    there = FeedBounds(oldest + 1, oldest + more)
    place = oldest
    for sequence in said:
        refused = may_acknowledge(place, there, sequence)
        if refused is None:
            assert place <= sequence <= there.newest
            place = sequence
        else:
            assert refused.why == ("ahead" if sequence > there.newest else "behind")
    assert may_stand(there, place) is None
