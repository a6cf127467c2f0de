"""Makes certain what the job makes quick: every hand-off is left for, and closed when its call is over.

Runs on the rows alone, in its own task. Any number of replicas may sweep at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import Final

from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import UNAVAILABLE, Pool
from agiza.runtime.publisher import PublishFailed
from services.escalation import store
from services.escalation.desk import Desk

SWEEP_S: Final = 1.0
LEAVE_AFTER: Final = timedelta(seconds=6)
"""The bridge leaves by itself, the job orders it a little later, this is the last of the three."""
REPEAT_AFTER: Final = timedelta(seconds=3)
"""An order to leave goes over a channel that may lose it."""

log = get_logger(__name__)


class Sweeper:
    """Looks for hand-offs that are stuck."""

    def __init__(self, pool: Pool, desk: Desk, clock: Clock, metrics: Metrics) -> None:
        self._pool = pool
        self._desk = desk
        self._clock = clock
        self._metrics = metrics

    async def run(self, stopping: asyncio.Event) -> None:
        """Sweep every second until the service stops. A server that is away means: later."""
        while not stopping.is_set():
            try:
                await self.sweep_once()
            except (*UNAVAILABLE, PublishFailed) as error:
                log.warning("sweep_put_off", kind=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), SWEEP_S)

    async def sweep_once(self) -> None:
        """One round."""
        now = self._clock.now()
        async with self._pool.connection() as conn:
            ended = await store.of_ended_calls(conn, now)
            overdue = await store.overdue(conn, now, LEAVE_AFTER, REPEAT_AFTER)
            self._metrics.set("escalation_open", await store.count_open(conn))
        for handoff_id in ended:
            await self._desk.close(handoff_id)
        for handoff_id in overdue:
            await self._desk.order_leave(handoff_id)
