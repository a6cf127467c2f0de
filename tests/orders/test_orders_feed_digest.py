"""The digest of a range: what the outbox holds, in as many requests as it takes, and clear about what it has not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from orders_api import Api
from orders_feed import BRANCH, Feed, serving, take
from redis.asyncio import Redis

from agiza.contracts.feed_digest import NOTHING, chain
from agiza.contracts.streams import orders_stream
from agiza.runtime.outbox_upkeep import forget_published
from agiza.runtime.redis_clients import RedisClients
from services.orders.feed.door import PROOFS_WAITING_MAX

pytestmark = pytest.mark.integration
DIGEST = f"/v1/branches/{BRANCH}/events/digest"


@pytest.fixture
async def feed(api: Api, redis: RedisClients) -> AsyncIterator[Feed]:
    async with serving(api, redis) as served:
        yield served


async def test_digest_is_that_of_what_every_form_sends(feed: Feed, admin: Redis) -> None:
    till = await feed.till(BRANCH)
    nothing = (await till.get(DIGEST)).json()
    assert (nothing["from"], nothing["to"], nothing["count"], nothing["digest"]) == (1, 0, 0, NOTHING.hex())
    await feed.have(120)
    bodies = await feed.bodies()
    whole = (await till.get(DIGEST)).json()
    assert whole == {
        "branch_id": BRANCH,
        "from": 1,
        "to": 120,
        "count": 120,
        "seed": NOTHING.hex(),
        "digest": chain(NOTHING, bodies).hex(),
        "complete": True,
        "newest": 120,
    }
    part = (await till.get(DIGEST, params={"from": 11, "to": 70})).json()
    assert (part["count"], part["digest"]) == (60, chain(NOTHING, bodies[10:70]).hex())
    async with feed.stream(till) as events:
        assert chain(NOTHING, [event.data.encode() for event in await take(events, 120)]).hex() == whole["digest"]
    entries = await admin.xrange(orders_stream(BRANCH))
    assert chain(NOTHING, [fields["event"].encode() for _, fields in entries]).hex() == whole["digest"]


async def test_long_range_is_gone_on_with_from_where_it_ended(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.orders.public_api.feed.EVENTS_MAX", 30)
    await feed.have(70)
    till = await feed.till(BRANCH)
    at, seed, parts = 1, NOTHING.hex(), 0
    while True:
        part = (await till.get(DIGEST, params={"from": at, "to": 70, "seed": seed})).json()
        at, seed, parts = part["to"] + 1, part["digest"], parts + 1
        if part["complete"]:
            break
    assert (parts, at, seed) == (3, 71, chain(NOTHING, await feed.bodies()).hex())


async def test_what_is_not_there_is_refused(feed: Feed) -> None:
    await feed.have(5)
    till = await feed.till(BRANCH)

    async def asked(**params: object) -> tuple[int, str]:
        answer = await till.get(DIGEST, params={name.rstrip("_"): str(value) for name, value in params.items()})
        return answer.status_code, answer.json()["code"]

    assert await asked(to=6) == (409, "sequence-ahead")
    assert await asked(from_=7) == (409, "sequence-ahead")
    assert await asked(from_=3, to=2) == (409, "range-empty")
    for wrong in ({"from_": 0}, {"to": "x"}, {"seed": "xyz"}, {"seed": "A" * 64}):
        assert await asked(**wrong) == (422, "invalid-request")
    await forget_published(feed.api.desk.pool, older_than=timedelta(0), limit=3)
    assert await asked() == (410, "events-forgotten")
    assert (await till.get(DIGEST, params={"from": 4})).json()["count"] == 2
    assert (await (await feed.till("kilimani")).get(DIGEST)).status_code == 404
    assert (await (await feed.till(BRANCH, rights=("menus:read",))).get(DIGEST)).status_code == 403


async def test_only_so_many_wait_for_their_turn(feed: Feed) -> None:
    door = feed.api.app.state.orders_api.feed
    till = await feed.till(BRANCH)
    async with asyncio.timeout(20), door.proving():
        waiting = [asyncio.create_task(till.get(DIGEST)) for _ in range(PROOFS_WAITING_MAX + 2)]
        while sum(task.done() for task in waiting) < 2:  # noqa: ASYNC110 - the others wait for us
            await asyncio.sleep(0.01)
        refused = [task.result() for task in waiting if task.done()]
        assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(503, "no-place")] * 2
    answers = [(await task).status_code for task in waiting]
    assert answers.count(200) == PROOFS_WAITING_MAX
