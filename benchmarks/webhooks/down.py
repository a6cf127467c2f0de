"""A subscriber that is down for half an hour, in virtual time: what is tried meanwhile, and what arrives in the end.

The database, the relay, the engine and the receiver are real; only the clock is moved by hand, a second at a time. An
order every few seconds: a ticket, and a record a little later.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from agiza.contracts.envelope import Stamp, to_envelope
from agiza.contracts.events import Event, OrderCancelRequested, OrderReceived
from agiza.runtime.clock import StoppedClock
from agiza.runtime.metrics import Metrics
from agiza.runtime.outbox import OutboxRelay
from agiza.runtime.postgres import Pool, transaction
from agiza.runtime.redis_clients import Client
from agiza.runtime.traces import Trace
from services.orders.webhooks.addresses import AllowList
from services.orders.webhooks.endpoints import new_secret
from services.orders.webhooks.engine import WebhookEngine
from services.orders.webhooks.sending import open_sender
from services.orders.webhooks.store_endpoints import NewEndpoint, add_endpoint, delete_endpoint
from services.orders.webhooks.store_self_service import replay_range

BRANCH: Final = "downtown"
ENDPOINT: Final = "whe_down"
STEP_S: Final = 1.0
"""The clock is moved by so much at a time."""
CATCH_UP_S_MAX: Final = 3 * 3600.0
"""A record that failed for half an hour has its next step after two hours at the latest."""


@dataclass(frozen=True, slots=True)
class Down:
    """What came out; ``caught_up_s``: from being back to the last delivery that was still waiting."""

    down_min: float
    every_s: float
    events: int
    attempts_down: int
    expired: int
    records_arrived: int
    tickets_arrived: int
    tickets_replayed: int
    caught_up_s: float
    out_of_order: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, and no order's events came in another order."""
        arrived = self.records_arrived + self.tickets_arrived + self.tickets_replayed
        return arrived == self.events > 0 and self.tickets_replayed == self.expired and not self.out_of_order


class Subscriber:
    """Answers 503 while it is down, and else notes what it takes."""

    def __init__(self) -> None:
        self.is_down = True
        self.attempts_down = 0
        self.taken: list[tuple[str, str, int]] = []

    async def handle(self, request: web.Request) -> web.Response:
        if self.is_down:
            self.attempts_down += 1
            return web.Response(status=503)
        event = json.loads(await request.read())
        self.taken.append((event["id"], event["data"]["order_id"], int(event["sequence"])))
        return web.Response(status=204)


async def half_an_hour_down(
    pool: Pool,
    redis: Client,
    clock: StoppedClock,
    *,
    down_s: float = 1800.0,
    every_s: float = 10.0,
    step_s: float = STEP_S,
) -> Down:
    """Run it while there is no other endpoint. Its own is deleted at the end."""
    subscriber, metrics = Subscriber(), Metrics()
    app = web.Application()
    app.router.add_post("/", subscriber.handle)
    runner = web.AppRunner(app, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with transaction(pool) as conn:
            new = NewEndpoint(ENDPOINT, (BRANCH,), url, "", (), new_secret(bytes), "a benchmark")
            await add_endpoint(conn, new, clock.now())
        async with open_sender(AllowList.parse("127.0.0.1")) as sender:
            engine = WebhookEngine(pool, sender, clock=clock, metrics=metrics, chance=lambda: 0.5)
            relay = OutboxRelay(pool, redis, clock=clock, metrics=metrics, on_numbered=engine.make)
            run = _Run(pool, clock, relay, engine, subscriber, step_s)
            down = await run.to_the_end(down_s, every_s)
        async with transaction(pool) as conn:
            await delete_endpoint(conn, ENDPOINT, clock.now())
        return down
    finally:
        await runner.cleanup()


class _Run:
    """One run, step by step."""

    def __init__(
        self,
        pool: Pool,
        clock: StoppedClock,
        relay: OutboxRelay,
        engine: WebhookEngine,
        subscriber: Subscriber,
        step_s: float,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._relay = relay
        self._engine = engine
        self._subscriber = subscriber
        self._step_s = step_s
        self._types: dict[str, str] = {}

    async def to_the_end(self, down_s: float, every_s: float) -> Down:
        passed, orders = 0.0, 0
        while passed < down_s:
            if passed >= orders * every_s:
                orders += 1
                await self._write(orders)
            await self._step()
            passed += self._step_s
        self._subscriber.is_down = False
        caught_up_s = 0.0
        while await self._count("state = 'pending'"):
            assert caught_up_s < CATCH_UP_S_MAX, "nothing may wait for longer"
            await self._step()
            caught_up_s += self._step_s
        first = {event_id for event_id, *_ in self._subscriber.taken}
        expired = await self._count("state = 'expired'")
        async with transaction(self._pool) as conn:
            await replay_range(
                conn, ENDPOINT, BRANCH, first=1, last=len(self._types), types=["agiza.order.cancel_requested"],
                now=self._clock.now(),
            )  # fmt: skip
        out_of_order = self._out_of_order()
        await self._engine.drain()
        after = {event_id for event_id, *_ in self._subscriber.taken} - first
        is_ticket: Callable[[str], bool] = lambda id: self._types[id] == OrderCancelRequested.type  # noqa: E731
        return Down(
            down_min=down_s / 60,
            every_s=every_s,
            events=len(self._types),
            attempts_down=self._subscriber.attempts_down,
            expired=expired,
            records_arrived=sum(not is_ticket(id) for id in first),
            tickets_arrived=sum(map(is_ticket, first)),
            tickets_replayed=sum(map(is_ticket, after)),
            caught_up_s=caught_up_s,
            out_of_order=out_of_order,
        )

    async def _step(self) -> None:
        """What a step of the clock brings."""
        self._clock.advance(self._step_s)
        await self._engine.beat()
        await self._engine.watch()
        await self._engine.drain()

    async def _write(self, number: int) -> None:
        """An order's ticket, and its record."""
        order = {"branch_id": BRANCH, "call_id": f"HD_{number}", "order_id": f"order-{number}", "order_number": number}
        await self._have(OrderCancelRequested(**order))
        await self._have(OrderReceived(**order, at=self._clock.now().isoformat()))

    async def _have(self, event: Event) -> None:
        stamp = Stamp(str(uuid.uuid4()), "/agiza/orders", self._clock.now(), str(Trace.new()))
        async with transaction(self._pool) as conn:
            await conn.execute(
                "INSERT INTO outbox (event_id, branch_id, type, version, pii_event) VALUES (%s, %s, %s, %s, %s)",
                (stamp.id, event.branch_id, event.type, event.version, json.dumps(to_envelope(event, stamp))),
            )
        self._types[stamp.id] = event.type
        while await self._relay.relay_once():
            pass

    async def _count(self, where: str) -> int:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                f"SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = %s AND {where}",  # noqa: S608 - ours
                (ENDPOINT,),
            )
            row = await cursor.fetchone()
        assert row is not None
        return int(row[0])

    def _out_of_order(self) -> int:
        newest: dict[str, int] = {}
        wrong = 0
        for _, order_id, sequence in self._subscriber.taken:
            wrong += sequence < newest.get(order_id, 0)
            newest[order_id] = sequence
        return wrong
