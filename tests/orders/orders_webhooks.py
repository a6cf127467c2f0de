"""Subscribers' endpoints as they are: a server with a ledger and scripted answers, and a shop that has events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from agiza.contracts.envelope import Stamp, to_envelope
from agiza.contracts.events import Event, OrderCancelRequested, OrderReceived
from agiza.runtime.clock import StoppedClock
from agiza.runtime.metrics import Metrics
from agiza.runtime.outbox import OutboxRelay
from agiza.runtime.postgres import Pool, transaction
from agiza.runtime.redis_clients import RedisClients
from agiza.runtime.traces import Trace
from services.orders.webhooks.addresses import AllowList
from services.orders.webhooks.endpoints import new_secret
from services.orders.webhooks.engine import EngineLimits, WebhookEngine
from services.orders.webhooks.sending import Sender, open_sender
from services.orders.webhooks.store_endpoints import NewEndpoint, add_endpoint

BRANCH = "westlands"
HERE = AllowList.parse("127.0.0.0/8")
"""Where the receivers of tests are."""
QUICK = EngineLimits(spacing_s=0.001, stop_s=0.5)
SECRET = new_secret(lambda count: bytes(range(count)))


@dataclass(frozen=True)
class Got:
    """One request that a receiver had."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def order(self) -> tuple[str, int]:
        """The order, and the number in the feed."""
        event = self.event
        return event["data"]["order_id"], int(event["sequence"])


Answering = Callable[[Got], Awaitable[web.StreamResponse | int]]


@dataclass
class Receiver:
    """A server. ``answer`` is asked for each request; a number is a status."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answer: Answering | None = None
    most_at_once: int = 0
    _at_once: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        got = Got(request.path, {key.lower(): value for key, value in request.headers.items()}, await request.read())
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            answer = 204 if self.answer is None else await self.answer(got)
        finally:
            self._at_once -= 1
        self.got.append(got)
        return web.Response(status=answer) if isinstance(answer, int) else answer

    def says(self, *statuses: int) -> None:
        """These statuses, one after the other; the last for ever."""
        left = list(statuses)

        async def answer(_: Got) -> int:
            return left.pop(0) if len(left) > 1 else left[0]

        self.answer = answer


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class Shop:
    """A branch whose events are numbered and made into deliveries on demand."""

    pool: Pool
    relay: OutboxRelay
    clock: StoppedClock

    async def add(self, url: str, *, branches: Sequence[str] = (BRANCH,), types: Sequence[str] = ()) -> str:
        """An endpoint that may be sent to; its id."""
        id = f"whe_{uuid.uuid4().hex[:16]}"
        async with transaction(self.pool) as conn:
            new = NewEndpoint(id, tuple(branches), url, "", tuple(types), SECRET, "a test")
            await add_endpoint(conn, new, self.clock.now())
        return id

    async def ticket(self, order: str = "order-1", branch: str = BRANCH) -> str:
        """An event of the ticket class, numbered."""
        return await self._have(OrderCancelRequested(branch_id=branch, call_id="HD_1", order_id=order, order_number=1))

    async def record(self, order: str = "order-1", branch: str = BRANCH) -> str:
        """An event of the record class, numbered."""
        at = self.clock.now().isoformat()
        return await self._have(OrderReceived(branch_id=branch, call_id="HD_1", order_id=order, order_number=1, at=at))

    async def _have(self, event: Event) -> str:
        stamp = Stamp(str(uuid.uuid4()), "/agiza/orders", self.clock.now(), str(Trace.new()))
        async with transaction(self.pool) as conn:
            await conn.execute(
                "INSERT INTO outbox (event_id, branch_id, type, version, pii_event) VALUES (%s, %s, %s, %s, %s)",
                (stamp.id, event.branch_id, event.type, event.version, json.dumps(to_envelope(event, stamp))),
            )
        while await self.relay.relay_once():
            pass
        return stamp.id

    async def states(self, endpoint_id: str) -> dict[str, str]:
        """What became of each event of an endpoint."""
        rows = await self.rows("SELECT event_id, state FROM webhook_deliveries WHERE endpoint_id = %s", endpoint_id)
        return {row[0]: row[1] for row in rows}

    async def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database says."""
        async with self.pool.connection() as conn:
            return list(await (await conn.execute(statement, values)).fetchall())


@dataclass
class Sending:
    """A shop and an engine that sends for it."""

    shop: Shop
    engine: WebhookEngine
    sender: Sender
    metrics: Metrics

    async def after(self, seconds: float) -> int:
        """Let time pass, and send what is due then; the number of attempts."""
        self.shop.clock.advance(seconds)
        return await self.drain()

    async def drain(self) -> int:
        """Hold our lanes, and send what is due."""
        await self.engine.beat()
        async with asyncio.timeout(30):
            return await self.engine.drain()


@contextlib.asynccontextmanager
async def sending(
    pool: Pool, redis: RedisClients, clock: StoppedClock, metrics: Metrics, *, timeout_s: float = 5.0
) -> AsyncIterator[Sending]:
    """An engine that works when it is told to."""
    async with open_sender(HERE, timeout_s=timeout_s) as sender:
        engine = WebhookEngine(pool, sender, clock=clock, metrics=metrics, limits=QUICK, chance=lambda: 0.5)
        relay = OutboxRelay(pool, redis.commands, clock=clock, metrics=metrics, on_numbered=engine.make)
        yield Sending(Shop(pool, relay, clock), engine, sender, metrics)
