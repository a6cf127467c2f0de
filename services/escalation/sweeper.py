"""Makes certain what the jobs make quick: every row that waits for something is looked at again and again.

Runs on the rows alone, in its own task. Any number of replicas may sweep at once. What asks the carrier goes on beside
the rounds, once for each row, so that a slow carrier holds up nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import UNAVAILABLE, Pool
from agiza.runtime.publisher import PublishFailed
from services.escalation import store_callbacks, store_handoffs, store_lines
from services.escalation.callbacks import Callbacks
from services.escalation.desk import Desk
from services.escalation.kitchen_rings import KitchenRings
from services.escalation.lost_bridges import LostBridges
from services.escalation.lost_legs import LostLegs
from services.escalation.orders_watch import OrdersWatch
from services.escalation.outbound import OutboundCalls
from services.escalation.rescuer import Rescuer
from services.escalation.staff_hook import StaffHook
from services.escalation.store_lines import Watch

SWEEP_S: Final = 1.0
REPEAT_AFTER: Final = timedelta(seconds=3)
"""An order to leave goes over a channel that may lose it."""
SELDOM_S: Final = 30.0
BESIDE_MAX: Final = 200

log = get_logger(__name__)


@dataclass
class Sweeper:
    """Looks for what is stuck."""

    pool: Pool
    desk: Desk
    rescuer: Rescuer
    legs: LostLegs
    callbacks: Callbacks
    outbound: OutboundCalls
    bridges: LostBridges
    orders: OrdersWatch
    rings: KitchenRings
    hook: StaffHook
    clock: Clock
    metrics: Metrics
    _beside: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _seldom_at: float = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Sweep every second until the service stops. A server that is away means: later."""
        while not stopping.is_set():
            try:
                await self.sweep_once()
            except (*UNAVAILABLE, PublishFailed) as error:
                log.warning("sweep_put_off", kind=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), SWEEP_S)
        await asyncio.gather(*self._beside.values(), return_exceptions=True)

    async def sweep_once(self) -> None:
        """One round."""
        now = self.clock.now()
        async with self.pool.connection() as conn:
            overdue = await store_handoffs.overdue(conn, now, REPEAT_AFTER)
            pending = await store_handoffs.pending(conn, now)
            forgotten = await store_handoffs.forgotten(conn, now)
            due = await store_callbacks.due(conn, now)
            forgotten_callbacks = await store_callbacks.forgotten(conn, now)
            watches = await store_lines.open_watches(conn, now)
            self.metrics.set("escalation_open", await store_handoffs.count_open(conn))
            open_callbacks, late = await store_callbacks.count_open(conn, now)
        self.metrics.set("callbacks_open", open_callbacks)
        self.metrics.set("callbacks_overdue", late)
        for handoff_id in forgotten:
            await self._quietly(partial(self.desk.close, handoff_id))
        for handoff_id in pending:
            await self._quietly(partial(self.rescuer.look_after, handoff_id))
        for watch in watches:
            self._do_beside(f"watch:{watch.call_id}:{watch.leg_epoch}:{watch.what}", partial(self._look_at, watch))
        for lost in await self.bridges.look():
            look = partial(self.legs.look_at_live, lost.call_id, bridge_gone_s=lost.gone_s, was_taken=lost.was_taken)
            await self._quietly(look)
        for callback_id in forgotten_callbacks:
            await self._quietly(partial(self.callbacks.recover, callback_id))
        for callback_id, kind in due:
            keeper = self.rings if kind == "kitchen" else self.callbacks
            self._do_beside(callback_id, partial(keeper.attempt, callback_id))
        await self._quietly(self.rings.sweep)
        for row in await self.outbound.stuck():
            self._do_beside(row.outbound_id, partial(self.outbound.follow, row))
        for handoff_id in await self.hook.untold(now):
            self._do_beside(f"tell:{handoff_id}", partial(self.hook.tell, handoff_id))
        for handoff_id in overdue:  # last, for Redis may be away
            await self._quietly(partial(self.desk.order_leave, handoff_id))
        await self._seldom(now.timestamp())

    async def _look_at(self, watch: Watch) -> None:
        await self.legs.look_at(watch, was_taken=await self.bridges.was_taken(watch.call_id))

    async def _seldom(self, now_s: float) -> None:
        if now_s < self._seldom_at + SELDOM_S:
            return
        self._seldom_at = now_s
        await self.orders.sweep()
        self._do_beside("over long", self.legs.end_over_long)
        async with self.pool.connection() as conn:
            await store_lines.forget_watches(conn, self.clock.now())

    def _do_beside(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Start this unless it is under way already."""
        if name in self._beside or len(self._beside) >= BESIDE_MAX:
            return
        task = asyncio.create_task(self._quietly(work), name=name)
        self._beside[name] = task
        task.add_done_callback(lambda _: self._beside.pop(name, None))

    async def _quietly(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except (*UNAVAILABLE, PublishFailed) as error:
            log.warning("sweep_put_off", kind=type(error).__name__)
        except Exception as error:  # one broken row must not end the sweeping of all others
            log.error("sweep_failed", exc_info=error)
            self.metrics.add("unexpected_error_total", where="sweeper")
