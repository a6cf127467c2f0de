"""A branch's feed as others reach it: a served API, a relay that numbers on demand, and events to be numbered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import httpx
from httpx_sse import ServerSentEvent, aconnect_sse
from orders_api import Api

from agiza.contracts.envelope import Stamp, to_envelope
from agiza.contracts.events import OrderCancelRequested
from agiza.runtime.http import HttpServer
from agiza.runtime.outbox import OutboxRelay
from agiza.runtime.postgres import transaction
from agiza.runtime.redis_clients import RedisClients
from agiza.runtime.traces import Trace
from services.orders.feed.hints import FeedHints
from services.orders.feed.reading import read_feed

BRANCH = "westlands"
TEST_S = 20.0
"""So long a test waits for what should come at once, on a machine that is busy."""


@dataclass
class Feed:
    """One replica: what it serves, and the relay that numbers for it."""

    api: Api
    url: str
    hints: FeedHints
    relay: OutboxRelay
    stopping: asyncio.Event

    async def write(self, count: int, branch: str = BRANCH) -> None:
        """So many more events, not numbered yet."""
        async with transaction(self.api.desk.pool) as conn:
            for _ in range(count):
                event = OrderCancelRequested(branch_id=branch, call_id="HD_1", order_id="o", order_number=1)
                stamp = Stamp(str(uuid.uuid4()), "/agiza/orders", self.api.desk.clock.now(), str(Trace.new()))
                await conn.execute(
                    "INSERT INTO outbox (event_id, branch_id, type, version, pii_event) VALUES (%s, %s, %s, %s, %s)",
                    (stamp.id, branch, event.type, event.version, json.dumps(to_envelope(event, stamp))),
                )

    async def have(self, count: int, branch: str = BRANCH) -> None:
        """So many more events, numbered and published."""
        await self.write(count, branch)
        while await self.relay.relay_once():
            pass

    async def bodies(self, branch: str = BRANCH) -> list[bytes]:
        """All that the outbox has, as it is sent."""
        async with self.api.desk.pool.connection() as conn:
            return [item.body for item in await read_feed(conn, branch, after=0, limit=500)]

    @contextlib.asynccontextmanager
    async def stream(
        self, till: httpx.AsyncClient, *, last: str | None = None, after: int | None = None, branch: str = BRANCH
    ) -> AsyncIterator[AsyncIterator[ServerSentEvent]]:
        """The branch's events as they come."""
        headers = {"last-event-id": last} if last is not None else {}
        params = {"after": after} if after is not None else {}
        url = f"{self.url}/v1/branches/{branch}/events/stream"
        async with aconnect_sse(till, "GET", url, headers=headers, params=params) as source:
            assert source.response.status_code == 200, (await source.response.aread()).decode()
            events = source.aiter_sse()
            try:
                yield events
            finally:
                await events.aclose()

    async def till(self, *branches: str, rights: Sequence[str] = ("orders:read",)) -> httpx.AsyncClient:
        """A client over a socket, with a key of its own."""
        return await self.client((await self.api.key(*branches, rights=rights)).token)

    async def client(self, token: str) -> httpx.AsyncClient:
        """A client over a socket with this token."""
        return await self.api.stack.enter_async_context(
            httpx.AsyncClient(
                base_url=self.url, headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=TEST_S
            )
        )


async def take(events: AsyncIterator[ServerSentEvent], count: int) -> list[ServerSentEvent]:
    """The next so many."""
    found: list[ServerSentEvent] = []
    async with asyncio.timeout(TEST_S):
        while len(found) < count:
            found.append(await anext(events))
    return found


async def rest(events: AsyncIterator[ServerSentEvent]) -> list[ServerSentEvent]:
    """All until the stream ends."""
    async with asyncio.timeout(TEST_S):
        return [event async for event in events]


@contextlib.asynccontextmanager
async def serving(api: Api, redis: RedisClients, *, hears: bool = False) -> AsyncIterator[Feed]:
    """Serve this API on a port. Its own relay rings; ``hears``: hints and looks as well."""
    stopping = asyncio.Event()
    door = api.app.state.orders_api.feed
    hints = FeedHints(door.bell, api.desk.pool, redis, api.desk.metrics)
    relay = OutboxRelay(api.desk.pool, redis.commands, clock=api.desk.clock, metrics=api.desk.metrics, tell=hints.tell)
    server = HttpServer(api.app, host="127.0.0.1", port=0)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run(stopping))
        group.create_task(door.run(stopping))
        if hears:
            group.create_task(hints.run(stopping))
        try:
            yield Feed(api, f"http://127.0.0.1:{server.port}", hints, relay, stopping)
        finally:
            stopping.set()
