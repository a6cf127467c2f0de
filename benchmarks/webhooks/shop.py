"""The part of ``orders`` that is measured, as one process: events are written, numbered, made into deliveries, sent.

    python -m benchmarks.webhooks.shop --rate 130 --allow 127.0.0.1

Each event is one transaction, as when an order moves, and wakes the relay. An order is placed, received and ready, each
a second after the other, so that many are under way at a time. SIGUSR1 begins writing, SIGUSR2 ends it; the relay and
the engine go on until SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import uuid
from collections import deque
from datetime import datetime
from typing import Final

import uvloop

from agiza.contracts.envelope import Stamp, to_envelope
from agiza.contracts.events import Event, OrderPlaced, OrderReady, OrderReceived, TicketLine
from agiza.runtime import postgres, redis_clients
from agiza.runtime.clock import Clock
from agiza.runtime.metrics import Metrics
from agiza.runtime.outbox import OutboxRelay
from agiza.runtime.postgres import Pool, transaction
from agiza.runtime.process import spare_the_collector
from agiza.runtime.tasks import end
from agiza.runtime.traces import Trace
from services.orders.feed.bell import FeedBell
from services.orders.feed.hints import FeedHints
from services.orders.webhooks.addresses import AllowList
from services.orders.webhooks.engine import WebhookEngine
from services.orders.webhooks.sending import open_sender

BRANCHES: Final = ("westlands", "kilimani", "karen")
LINE: Final = TicketLine(
    item="chicken-burger",
    name="chicken burger",
    kitchen="CHICKEN BURGER",
    quantity=2,
    options=(),
    parts=(),
    unit_minor=65_000,
    total_minor=130_000,
)


def events_of(number: int, order_id: str, at: datetime) -> list[Event]:
    """What becomes of one order."""
    branch = BRANCHES[number % len(BRANCHES)]
    call, moment = f"HD_{number}", at.isoformat()
    placed = OrderPlaced(
        branch_id=branch,
        call_id=call,
        order_id=order_id,
        order_number=number,
        menu_version=1,
        placed_at=moment,
        fulfilment="pickup",
        lines=(LINE,) * 3,
        currency="KES",
        items_minor=390_000,
        tax_minor=53_793,
        total_minor=390_000,
    )
    return [
        placed,
        OrderReceived(branch_id=branch, call_id=call, order_id=order_id, order_number=number, at=moment),
        OrderReady(branch_id=branch, call_id=call, order_id=order_id, order_number=number, at=moment),
    ]


class Writer:
    """Writes so many events in a second, whether or not those before are delivered."""

    def __init__(self, pool: Pool, relay: OutboxRelay, clock: Clock, rate: float) -> None:
        self._pool = pool
        self._relay = relay
        self._clock = clock
        self._rate = rate
        self._orders = 0
        self._later: deque[list[Event]] = deque()
        self.is_on = False

    async def run(self) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(max(0.0, due - loop.time()))
                due = max(due + 1 / self._rate, loop.time() - 1.0)
                if self.is_on:
                    group.create_task(self._write(self._next()))

    def _next(self) -> Event:
        """In turns the first event of a new order, and what follows of orders that are some time old."""
        waiting = self._later[0] if self._later else None
        if waiting is not None and len(self._later) > self._rate:
            event = waiting.pop(0)
            self._later.popleft()
            if waiting:
                self._later.append(waiting)
            return event
        self._orders += 1
        first, *rest = events_of(self._orders, str(uuid.uuid4()), self._clock.now())
        self._later.append(rest)
        return first

    async def _write(self, event: Event) -> None:
        """What cannot be written in time is left out: the feed says what there is."""
        stamp = Stamp(str(uuid.uuid4()), "/agiza/orders", self._clock.now(), str(Trace.new()))
        with contextlib.suppress(*postgres.UNAVAILABLE):
            async with transaction(self._pool) as conn:
                await conn.execute(
                    "INSERT INTO outbox (event_id, branch_id, type, version, pii_event) VALUES (%s, %s, %s, %s, %s)",
                    (stamp.id, event.branch_id, event.type, event.version, json.dumps(to_envelope(event, stamp))),
                )
            self._relay.wake()


async def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, required=True, help="events in a second")
    parser.add_argument("--allow", required=True)
    chosen = parser.parse_args()
    clock, metrics, bell, stopping = Clock(), Metrics(), FeedBell(), asyncio.Event()
    loop = asyncio.get_running_loop()
    async with (
        postgres.open_pool(os.environ["DATABASE_URL"], service="orders") as pool,
        redis_clients.open_redis(os.environ["REDIS_URL"], service="orders") as redis,
        open_sender(AllowList.parse(chosen.allow)) as sender,
    ):
        engine = WebhookEngine(pool, sender, clock=clock, metrics=metrics)
        bell.wakes(engine.wake)
        hints = FeedHints(bell, pool, redis, metrics)
        relay = OutboxRelay(
            pool, redis.commands, clock=clock, metrics=metrics, on_numbered=engine.make, tell=hints.tell
        )
        writer = Writer(pool, relay, clock, chosen.rate)
        loop.add_signal_handler(signal.SIGTERM, stopping.set)
        loop.add_signal_handler(signal.SIGUSR1, setattr, writer, "is_on", True)
        loop.add_signal_handler(signal.SIGUSR2, setattr, writer, "is_on", False)
        writing = asyncio.create_task(writer.run())
        spare_the_collector()
        print(json.dumps({"event": "ready"}), flush=True)
        try:
            await asyncio.gather(relay.run(stopping), hints.run(stopping), engine.run(stopping))
        finally:
            await end([writing])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
