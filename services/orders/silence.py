"""Watches over kitchens that say nothing: looks every second for orders whose time is over, and raises their alarms.

Every replica does this; an order is judged under its row lock, so two of them raise one alarm. Times are those of the
branch's newest file: a branch that changes them changes them for the orders that wait already.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Final

from agiza.domain.menu import Kitchen
from agiza.runtime import postgres
from agiza.runtime.branch_versions import REFRESH_S, newer_branches
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool, transaction
from services.orders.ownership import count_unowned, raise_alarms
from services.orders.store_moves import LockedOrder

SWEEP_S: Final = 1.0
"""An alarm comes at most so much later than its time."""

log = get_logger(__name__)


class SilenceWatch:
    """Runs beside the consumer and the relay. ``wake`` tells the relay that something was committed."""

    def __init__(self, pool: Pool, clock: Clock, metrics: Metrics, wake: Callable[[], None]) -> None:
        self._pool = pool
        self._clock = clock
        self._metrics = metrics
        self._wake = wake
        self._kitchens: Mapping[str, Kitchen] = {}
        self._versions: Mapping[str, int] = {}
        self._refreshed_at: float | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Look every second until ``stopping``. A database that is away means: later."""
        while not stopping.is_set():
            try:
                await self.sweep()
            except postgres.UNAVAILABLE as error:
                log.warning("silence_not_judged", kind=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), SWEEP_S)

    async def sweep(self) -> list[LockedOrder]:
        """One round; the orders that got an alarm. Raises psycopg's errors."""
        await self._refresh()
        async with transaction(self._pool) as conn:
            raised = await raise_alarms(conn, self._kitchens, self._clock.now())
            unowned = await count_unowned(conn)
        if raised:
            self._wake()
        for order in raised:
            assert order.alarm is not None, "it was just raised"
            self._metrics.add("order_alarms_total", branch=order.branch_id, missing=order.alarm.missing)
            log.error(
                "order_unacknowledged", order_id=order.order_id, branch_id=order.branch_id, missing=order.alarm.missing
            )
        for branch_id in self._kitchens.keys() | unowned.keys():
            self._metrics.set("orders_unowned", unowned.get(branch_id, 0), branch=branch_id)
        return raised

    async def _refresh(self) -> None:
        now = self._clock.monotonic()
        if self._refreshed_at is not None and now < self._refreshed_at + REFRESH_S:
            return
        for newer in await newer_branches(self._pool, self._versions):
            branch = newer.file.branch
            self._kitchens = {**self._kitchens, branch.id: branch.kitchen}
            self._versions = {**self._versions, branch.id: newer.version}
        self._refreshed_at = now
