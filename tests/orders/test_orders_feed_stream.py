"""The feed as Server-Sent Events: from any place on, without a hole, and ended when it must end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from orders_api import TOKEN, Api, api_on
from orders_desk import Desk
from orders_feed import BRANCH, TEST_S, Feed, rest, serving, take
from redis.exceptions import RedisError

from agiza.runtime.outbox import OutboxRelay
from agiza.runtime.outbox_upkeep import forget_published
from agiza.runtime.redis_clients import RedisClients, open_redis
from services.orders.feed.door import StreamLimits
from services.orders.feed.reading import FeedItem
from services.orders.public_api.keys import revoke_key

pytestmark = pytest.mark.integration

QUICK = StreamLimits(per_key=2, per_replica=3, heartbeat_s=0.05, send_s=0.3, key_check_s=0.05, away_s=0.2)


@pytest.fixture
async def feed(api: Api, redis: RedisClients) -> AsyncIterator[Feed]:
    async with serving(api, redis) as served:
        yield served


@pytest.fixture
async def quick(desk: Desk, redis: RedisClients) -> AsyncIterator[Feed]:
    """With limits that are soon reached."""
    async with api_on(desk, streams=QUICK) as api, serving(api, redis) as served:
        yield served


async def test_stream_can_be_resumed_at_every_place(feed: Feed) -> None:
    await feed.have(60)  # more than a page
    bodies = await feed.bodies()
    till = await feed.till(BRANCH)
    for last in (*range(0, 60, 7), 49, 50, 51, 59):
        async with feed.stream(till, last=str(last)) as events:
            found = await take(events, 60 - last)
        assert [event.id for event in found] == [str(number) for number in range(last + 1, 61)]
        assert [event.data.encode() for event in found] == bodies[last:]
        assert {event.event for event in found} == {"agiza.order.cancel_requested"}


async def test_new_events_come_as_they_are_numbered(feed: Feed) -> None:
    await feed.have(2)
    till = await feed.till(BRANCH)
    async with feed.stream(till, last=f"{1:020d}", after=0) as events:  # the header is what the client knows best
        assert [event.id for event in await take(events, 1)] == ["2"]
        await feed.have(1)
        await feed.have(1, "kilimani")
        await feed.have(1)
        assert [event.id for event in await take(events, 2)] == ["3", "4"]
    assert feed.api.desk.metrics.value("feed_events_sent_total", branch=BRANCH, form="sse") == 3


async def test_lost_hint_costs_a_moment_and_no_event(api: Api, redis: RedisClients) -> None:
    """Another process numbers, and its hint is lost."""
    elsewhere = OutboxRelay(api.desk.pool, redis.commands, clock=api.desk.clock, metrics=api.desk.metrics)
    async with serving(api, redis, hears=True) as feed, feed.stream(await feed.till(BRANCH)) as events:
        for number in range(1, 4):
            await feed.write(1)
            await elsewhere.relay_once()
            assert [event.id for event in await take(events, 1)] == [str(number)]


async def test_hint_of_another_replica_rings_here(api: Api, redis: RedisClients) -> None:
    """Not the look every quarter of a second: it is told of nothing new."""
    async with serving(api, redis, hears=True) as feed, asyncio.timeout(TEST_S):
        await feed.hints.listening.wait()
        with feed.hints._bell.listen(BRANCH) as rung:
            await feed.hints.look_once()
            rung.clear()
            await redis.commands.publish("agiza:feed", f"karen,{BRANCH}")
            await rung.wait()


async def test_without_redis_streams_go_on(api: Api) -> None:
    async with (
        open_redis("redis://127.0.0.1:1/0", service="orders") as nowhere,
        serving(api, nowhere) as feed,
        feed.stream(await feed.till(BRANCH)) as events,
    ):
        await feed.write(1)
        with pytest.raises(RedisError):  # numbered, then not published
            await feed.relay.relay_once()
        assert [event.id for event in await take(events, 1)] == ["1"]


async def test_nonsense_is_refused(feed: Feed) -> None:
    till = await feed.till(BRANCH)
    for last in ("x", "-1", "1.5", "9" * 20, "9" * 21, "1; DROP", "\xa0"):
        headers = [(b"last-event-id", last.encode("latin-1"))]
        answer = await till.get(f"/v1/branches/{BRANCH}/events/stream", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request"), last
        assert "last-event-id" in answer.json()["detail"].lower()


async def test_place_that_never_was_is_refused(feed: Feed) -> None:
    await feed.have(3)
    till = await feed.till(BRANCH)
    for path in ("events/stream", "events"):
        answer = await till.get(f"/v1/branches/{BRANCH}/{path}", params={"after": 4})
        assert (answer.status_code, answer.json()["code"], answer.json()["newest"]) == (409, "sequence-ahead", 3)


async def test_forgotten_events_are_never_left_out_in_silence(feed: Feed) -> None:
    await feed.have(5)
    await forget_published(feed.api.desk.pool, older_than=timedelta(0), limit=3)
    till = await feed.till(BRANCH)
    for path in ("events/stream", "events"):
        for after in (0, 2):
            answer = await till.get(f"/v1/branches/{BRANCH}/{path}", params={"after": after})
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (410, "events-forgotten")
            assert (problem["oldest"], problem["newest"]) == (4, 5)
    assert len((await till.get(f"/v1/branches/{BRANCH}/events", params={"after": 3})).json()["events"]) == 2


async def test_stream_says_so_when_what_follows_is_forgotten_meanwhile(api: Api, redis: RedisClients) -> None:
    """A reader that was slow for thirty days. Nothing rings until the event behind the hole."""
    async with serving(api, redis) as feed, feed.stream(await feed.till(BRANCH)) as events:
        await feed.have(1)
        assert [event.id for event in await take(events, 1)] == ["1"]
        desk = feed.api.desk
        desk.run(
            "INSERT INTO outbox (event_id, branch_id, type, version, pii_event, sequence, published_at)"
            f" SELECT number::text, '{BRANCH}', 'agiza.test', 1, '{{}}', number, now()"
            " FROM generate_series(2, 4) AS number"
        )
        await forget_published(desk.pool, older_than=timedelta(0), limit=2)
        await feed.have(1)
        (gap,) = await rest(events)
        assert (gap.event, gap.id) == ("gap", "1"), "the client's place stays where it was"
        assert gap.json() == {
            "code": "events-forgotten",
            "detail": "what follows 1 is older than what is kept",
            "oldest": 3,
        }
        assert desk.metrics.value("feed_streams_cut_total", branch=BRANCH, reason="gap") == 1


async def test_other_branches_are_not_there(feed: Feed) -> None:
    await feed.have(1, "kilimani")
    till, everything = await feed.till(BRANCH), await feed.till("*")
    for path in ("events/stream", "events"):
        stranger = await till.get(f"/v1/branches/kilimani/{path}")
        nowhere = await everything.get(f"/v1/branches/nowhere/{path}")
        assert stranger.status_code == nowhere.status_code == 404
        assert stranger.json()["detail"].replace("kilimani", "nowhere") == nowhere.json()["detail"]
    assert (
        await (await feed.till(BRANCH, rights=("menus:read",))).get(f"/v1/branches/{BRANCH}/events/stream")
    ).status_code == 403
    async with feed.stream(await feed.client(TOKEN), branch="kilimani") as events:
        await take(events, 1)


async def test_comment_shows_that_the_line_stands(quick: Feed) -> None:
    till = await quick.till(BRANCH)
    async with till.stream("GET", f"/v1/branches/{BRANCH}/events/stream") as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        seen = b""
        async with asyncio.timeout(TEST_S):
            async for part in answer.aiter_raw():
                seen += part
                if seen.count(b":\n") == 3:
                    break
    assert seen.startswith(b": agiza feed\n")


async def test_streams_have_a_limit_for_each_key_and_for_all(quick: Feed) -> None:
    url = f"/v1/branches/{BRANCH}/events/stream"
    one, other = await quick.till(BRANCH), await quick.till(BRANCH)
    async with quick.stream(one), quick.stream(one):
        assert quick.api.desk.metrics.value("feed_streams_open", branch=BRANCH) == 2
        refused = await one.get(url)
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
        assert int(refused.headers["retry-after"]) > 0
        async with quick.stream(other):
            refused = await other.get(url)
            assert (refused.status_code, refused.json()["code"]) == (503, "no-place")
            assert int(refused.headers["retry-after"]) > 0
    async with asyncio.timeout(TEST_S):
        while quick.api.desk.metrics.value("feed_streams_open", branch=BRANCH):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    async with quick.stream(one), quick.stream(one):
        pass


async def test_stream_ends_with_its_key(quick: Feed) -> None:
    key = await quick.api.key(BRANCH, rights=("orders:read",))
    async with quick.stream(await quick.client(key.token)) as events:
        await quick.have(1)
        await take(events, 1)
        async with quick.api.desk.pool.connection() as conn:
            await revoke_key(conn, key.key_id)
        (last,) = await rest(events)
    assert (last.event, last.json()["code"]) == ("end", "not-authenticated")


async def test_streams_end_at_once_when_the_service_stops(api: Api, redis: RedisClients) -> None:
    async with serving(api, redis) as feed:
        till = await feed.till(BRANCH)
        async with feed.stream(till) as one, feed.stream(till) as other:
            await feed.have(1)
            await take(one, 1)
            feed.stopping.set()
            assert await rest(one) == [], "a clean end, not a broken line"
            assert [event.id for event in await rest(other)] in ([], ["1"])
    assert api.desk.metrics.value("feed_streams_cut_total", branch=BRANCH, reason="stopping") == 2


async def test_reader_that_takes_nothing_is_cut_off(quick: Feed, desk: Desk) -> None:
    desk.run(
        "INSERT INTO outbox (event_id, branch_id, type, version, pii_event, sequence, published_at)"
        f" SELECT number::text, '{BRANCH}', 'agiza.test', 1, jsonb_build_object('x', repeat('x', 60000)), number, now()"
        " FROM generate_series(1, 400) AS number"
    )
    key = await quick.api.key(BRANCH, rights=("orders:read",))
    place = urlsplit(quick.url)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.setblocking(False)
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_connect(slow, (place.hostname, place.port))
        request = (
            f"GET /v1/branches/{BRANCH}/events/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key.token}\r\n\r\n"
        )
        await loop.sock_sendall(slow, request.encode())
        async with asyncio.timeout(TEST_S):
            while not desk.metrics.value("feed_streams_cut_total", branch=BRANCH, reason="slow"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            received = b""
            while part := await loop.sock_recv(slow, 65536):
                received += part
            assert not received.endswith(b"0\r\n\r\n"), "an end that looks like one"
            assert len(received) < 400 * 60_000
    finally:
        slow.close()
    assert desk.metrics.value("feed_streams_open", branch=BRANCH) == 0


async def test_waiting_streams_hold_no_connection(quick: Feed, desk: Desk) -> None:
    till = await quick.till("*")
    async with quick.stream(till), quick.stream(till, branch="karen"):
        for _ in range(20):
            await asyncio.sleep(0.01)
            if desk.pool.get_stats()["pool_available"] == desk.pool.get_stats()["pool_size"]:
                return
    pytest.fail("the pool never had all its connections")


async def test_stream_outlives_a_short_absence_of_the_database(
    quick: Feed, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long one it does not: the client comes again and is told."""
    monkeypatch.setattr("services.orders.feed.sse.PAUSE_S", 0.01)
    door = quick.api.app.state.orders_api.feed
    there, asked = door._read, []

    async def away(branch: str, after: int) -> Sequence[FeedItem]:
        asked.append(after)
        raise psycopg.OperationalError("no server")

    async with quick.stream(await quick.till(BRANCH)) as events:
        await quick.have(1)
        await take(events, 1)
        monkeypatch.setattr(door, "_read", away)
        async with asyncio.timeout(TEST_S):
            while len(asked) < 3:
                door.bell.ring(BRANCH)
                await asyncio.sleep(0.005)
        monkeypatch.setattr(door, "_read", there)
        await quick.have(1)
        assert [event.id for event in await take(events, 1)] == ["2"]
        monkeypatch.setattr(door, "_read", away)
        door.bell.ring(BRANCH)
        assert await rest(events) == []
    assert desk.metrics.value("feed_streams_cut_total", branch=BRANCH, reason="database") == 1


async def test_many_that_want_the_same_share_one_read(feed: Feed) -> None:
    door = feed.api.app.state.orders_api.feed
    await feed.have(3)
    pages = await asyncio.gather(*(door.page(BRANCH, after=1) for _ in range(20)))
    assert all(page is pages[0] for page in pages)
    first = asyncio.ensure_future(door.page(BRANCH, after=1))
    await asyncio.sleep(0)
    door.bell.ring(BRANCH)
    second = await door.page(BRANCH, after=1)
    assert second is not await first, "who was rung may not get what was read before the ring"
