"""Three ways to the same rows: through the stream to ``orders``, straight into its handler, and without deciding at
all: what was decided beforehand, written and committed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from agiza.contracts.envelope import Received, Stamp, decode, encode
from agiza.contracts.events import ToolAnswered, ToolCalled
from agiza.contracts.streams import replies_channel
from agiza.contracts.tools import GET_TOTAL
from agiza.domain.cart import Cart
from agiza.domain.desk import local_day, settle
from agiza.domain.entry import Held, Settled
from agiza.domain.ids import BranchId, CartId
from agiza.runtime import postgres, redis_clients
from agiza.runtime.clock import Clock
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool, pipelined_transaction
from agiza.runtime.publisher import Publisher, PublishFailed
from agiza.runtime.subscriber import Subscriber
from agiza.runtime.traces import Trace
from benchmarks.tools.callers import BRANCH, STEPS, Caller
from services.orders import store
from services.orders.catalog import Catalog, PinnedMenu
from services.orders.handler import ToolHandler
from services.orders.occasion import Occasion, entry_of
from services.orders.recorder import record

ANSWER_S_MAX = 10.0


class ByStream:
    """As a bridge does: XADD on the call's partition, the answer on the bridge's own channel."""

    def __init__(self, publisher: Publisher, bridge_id: str) -> None:
        self.reply_to = replies_channel(bridge_id)
        self._publisher = publisher
        self._waiting: dict[str, asyncio.Future[ToolAnswered]] = {}

    async def ask(self, event: ToolCalled) -> ToolAnswered:
        """Raises TimeoutError after :data:`ANSWER_S_MAX`, or when Redis does not take the entry."""
        stamped = self._publisher.stamp(event, Trace.new())
        answered: asyncio.Future[ToolAnswered] = asyncio.get_running_loop().create_future()
        self._waiting[stamped.id] = answered
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                await self._publisher.send(stamped)
                return await answered
        except PublishFailed as error:
            raise TimeoutError from error
        finally:
            del self._waiting[stamped.id]

    def hear(self, received: Received) -> None:
        """An answer has come."""
        if isinstance(received.event, ToolAnswered):
            waiting = self._waiting.get(received.event.request_id)
            if waiting is not None and not waiting.done():
                waiting.set_result(received.event)


class ByHandler:
    """The same code as in ``orders``, called without Redis between."""

    reply_to = "agiza:replies:none"

    def __init__(self, handler: ToolHandler, clock: Clock) -> None:
        self._handler = handler
        self._clock = clock

    async def ask(self, event: ToolCalled) -> ToolAnswered:
        """Raises TimeoutError when the database has no connection for it."""
        stamp = Stamp(secrets.token_hex(8), "/benchmark", self._clock.now(), str(Trace.new()))
        received = decode(encode(event, stamp))
        try:
            return (await self._handler.answer(received, "http")).event
        except postgres.UNAVAILABLE as error:
            raise TimeoutError from error


@dataclass(slots=True)
class DirectCommits:
    """Transactions of the same statements, of whose values all are known before: what Postgres alone takes.

    They lie a day later, so that their order numbers are their own.
    """

    pool: Pool
    pinned: PinnedMenu
    clock: Clock
    ms: list[float] = field(default_factory=list)
    done: int = 0
    placed: int = 0
    _calls: itertools.count[int] = field(default_factory=itertools.count)

    async def commit_steadily(self, count: int, rate: float) -> None:
        """``count`` commits, each at its time."""
        prepared: list[tuple[ToolCalled, Occasion, Settled]] = []
        while len(prepared) < count:
            prepared += self._one_call()
        began = time.perf_counter()
        committing = []
        # Calls in columns, not one after the other: two steps of one call must not wait for each other.
        order = sorted(range(len(prepared)), key=lambda n: (n % len(STEPS), n))[:count]
        for n, chosen in enumerate(order):
            due = began + n / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            committing.append(asyncio.create_task(self._commit(prepared[chosen], due)))
        await asyncio.gather(*committing)

    async def _commit(self, work: tuple[ToolCalled, Occasion, Settled], due: float) -> None:
        try:
            await self._commit_now(work)
        except postgres.UNAVAILABLE:
            self.ms.append(float("inf"))
            return
        self.ms.append((time.perf_counter() - due) * 1000)
        self.done += 1
        self.placed += len(work[2].placed)

    async def _commit_now(self, work: tuple[ToolCalled, Occasion, Settled]) -> None:
        event, occasion, settled = work
        async with pipelined_transaction(self.pool) as conn:
            arguments = {
                "call_id": event.call_id,
                "branch_id": event.branch_id,
                "tool_call_ids": [call.id for call in event.calls],
                "now": occasion.now,
                "moves_orders": False,
            }
            row, _ = await store.read_desk(conn, **arguments)  # type: ignore[arg-type]
            if row is None:
                await store.make_cart(conn, call_id=event.call_id, branch_id=event.branch_id, menu_version=1)
                await store.read_desk(conn, **arguments)  # type: ignore[arg-type]
            if settled.placed:
                await store.take_order_numbers(conn, event.branch_id, local_day(occasion.now, occasion.held.branch), 1)
            await record(conn, occasion, settled)

    def _one_call(self) -> list[tuple[ToolCalled, Occasion, Settled]]:
        """What comes of each step of a call."""
        number = next(self._calls) + 1
        caller = Caller(f"HD_direct{number:06d}")
        cart_id = f"cart-{caller.call_id}"
        now = self.clock.now() + timedelta(days=1)
        held = Held(self.pinned.file.menu, self.pinned.file.branch, Cart(CartId(cart_id), BranchId(BRANCH), 1))
        row = store.CartRow(cart_id, 1, 0, 0, {})
        steps = []
        for _ in STEPS:
            event = caller.next_entry(self.clock, "agiza:replies:none")
            entry = replace(entry_of(event, now), deadline_ms=2**53)
            settled = settle(held, entry, now, first_number=number)
            steps.append((event, Occasion(caller.call_id, row, held, now, str(Trace.new())), settled))
            held = replace(held, cart=settled.cart)
            caller.told = settled.cart.version
            if settled.answers[0].name == GET_TOTAL:
                caller.total = settled.answers[0].response
        return steps


@dataclass(frozen=True, slots=True)
class Ways:
    """All three, ready."""

    by_stream: ByStream
    by_handler: ByHandler
    direct: DirectCommits


@contextlib.asynccontextmanager
async def open_ways(orders_database_url: str, bridge_redis_url: str, clock: Clock) -> AsyncIterator[Ways]:
    """The three ways; ``orders`` runs already and has published its menus."""
    metrics = Metrics()
    bridge_id = f"bench-{secrets.token_hex(4)}"
    stopping = asyncio.Event()
    async with (
        redis_clients.open_redis(bridge_redis_url, service="benchmark") as redis,
        postgres.open_pool(orders_database_url, service="benchmark") as pool,
    ):
        catalog = Catalog(pool)
        by_stream = ByStream(Publisher(redis.commands, source="/benchmark", clock=clock, metrics=metrics), bridge_id)
        subscriber = Subscriber(redis.subscriber, [by_stream.reply_to], by_stream.hear, metrics)
        listening = asyncio.create_task(subscriber.run(stopping))
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                await subscriber.listening.wait()
            yield Ways(
                by_stream,
                ByHandler(ToolHandler(pool, catalog, clock, metrics), clock),
                DirectCommits(pool, await catalog.menu(BRANCH, 1), clock),
            )
        finally:
            stopping.set()
            await listening
