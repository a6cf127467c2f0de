"""What orders looks after by itself: old inbox rows and events, and feeds that Redis lost or that grew too long.

    upkeep = Upkeep(pool, redis.commands, metrics, clock)
    process.supervise("upkeep", upkeep.run(process.stopping))

Every replica does this; what two do at once is done once or is harmless. Deleting goes in small batches with
a pause, so that no live call waits for it. Ages are judged on the clock that stamped the rows: mostly the database's.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from redis.exceptions import RedisError

from agiza.runtime import postgres
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.outbox_upkeep import forget_published, is_whole, rebuild_stream, trim_feed
from agiza.runtime.postgres import Pool, transaction
from agiza.runtime.redis_clients import Client
from services.orders.webhooks.store_deliveries import forget_attempts, forget_deliveries
from services.orders.webhooks.store_forgetting import forget_deleted, forget_former_secrets

FEEDS_S: Final = 15.0
"""A branch's reader waits at most so long for events that Redis lost."""
CLEANING_S: Final = 600.0
INBOX_KEPT: Final = timedelta(days=7)
"""No repeat of a function call comes later than that."""
FEED_KEPT: Final = timedelta(days=30)
"""A subscriber that was away for so long can still read everything it missed."""
DELIVERIES_KEPT: Final = timedelta(days=30)
"""From their outcome on: as long as the event that they bring."""
ATTEMPTS_KEPT: Final = timedelta(days=28)
BATCH: Final = 1000
BATCHES_MAX: Final = 200
"""In one cleaning; what is left waits for the next."""
BATCH_PAUSE_S: Final = 0.05

_log = get_logger(__name__)


class Upkeep:
    """Runs beside the consumer and the relay."""

    def __init__(self, pool: Pool, client: Client, metrics: Metrics, clock: Clock | None = None) -> None:
        self._pool = pool
        self._client = client
        self._metrics = metrics
        self._clock = clock or Clock()

    async def run(self, stopping: asyncio.Event) -> None:
        """Look after everything until ``stopping``. What fails is tried again the next time."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(FEEDS_S, self.look_after_feeds, stopping), name="feeds")
            group.create_task(self._every(CLEANING_S, self.clean, stopping), name="cleaning")

    async def look_after_feeds(self) -> None:
        """Rebuild each branch's stream that is not what the outbox says, and trim the others behind their readers."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute("SELECT branch_id FROM branches ORDER BY branch_id")
            branches = [str(row[0]) for row in await cursor.fetchall()]
        for branch in branches:
            if await is_whole(self._pool, self._client, branch):
                await trim_feed(self._client, branch, self._metrics)
                continue
            await self.rebuild_feed(branch)

    async def rebuild_feed(self, branch: str) -> None:
        """Write the branch's stream anew from the outbox."""
        count = await rebuild_stream(self._pool, self._client, branch)
        self._metrics.add("outbox_rebuilt_total", branch=branch)
        _log.warning("order_stream_rebuilt", branch_id=branch, count=count)

    async def clean(self) -> None:
        """Delete inbox rows, published events, and what is left of webhooks, that nobody will ask for any more."""
        await self._in_batches("inbox", lambda: forget_results(self._pool, older_than=INBOX_KEPT, limit=BATCH))
        await self._in_batches("outbox", lambda: forget_published(self._pool, older_than=FEED_KEPT, limit=BATCH))
        await self._in_batches("attempts", lambda: forget_attempts(self._pool, older_than=ATTEMPTS_KEPT, limit=BATCH))
        await self._in_batches(
            "deliveries", lambda: forget_deliveries(self._pool, older_than=DELIVERIES_KEPT, limit=BATCH)
        )
        await self._in_batches("webhooks", lambda: forget_deleted(self._pool, limit=BATCH))
        await forget_former_secrets(self._pool, self._clock.now())

    async def _in_batches(self, what: str, batch: Callable[[], Awaitable[int]]) -> None:
        for _ in range(BATCHES_MAX):
            deleted = await batch()
            if deleted:
                self._metrics.add("rows_forgotten_total", deleted, table=what)
            if deleted < BATCH:
                return
            await asyncio.sleep(BATCH_PAUSE_S)

    async def _every(self, period_s: float, work: Callable[[], Awaitable[None]], stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                await work()
            except (*postgres.UNAVAILABLE, RedisError, OSError) as error:
                _log.warning("upkeep_failed", work=work.__name__, error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), period_s * random.uniform(0.8, 1.2))


async def forget_results(pool: Pool, *, older_than: timedelta, limit: int) -> int:
    """Delete inbox rows of this age, at most ``limit``; returns how many. Rows that are in use are left for later."""
    async with transaction(pool) as connection:
        cursor = await connection.execute(
            """
            DELETE FROM tool_results WHERE (call_id, tool_call_id) IN (
                SELECT call_id, tool_call_id FROM tool_results
                WHERE created_at < now() - %s ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED
            )
            """,
            (older_than, limit),
        )
        return cursor.rowcount
