"""How a bell is rung in every replica: by the relay in its own process, by a hint over Redis in the others, and, where
a hint was lost, by looking at the database.

    hints = FeedHints(bell, pool, redis, metrics)
    relay = OutboxRelay(..., tell=hints.tell)
    process.supervise("feed hints", hints.run(process.stopping))

One message and one query per process, however many listen. Not NOTIFY: it would make the transactions in which orders
change take turns at their commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import Sequence
from typing import Final

from redis.exceptions import RedisError

from agiza.contracts.streams import FEED_HINTS
from agiza.runtime import postgres
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool
from agiza.runtime.redis_clients import RedisClients
from services.orders.feed.bell import POLL_S, FeedBell

WAIT_S: Final = 1.0
PAUSE_S: Final = (0.05, 0.25)
LAGS_S: Final = 15.0
"""So often the metrics of cursors are looked up."""

_BRANCHES: Final = re.compile(r"[a-z0-9-]{1,64}(,[a-z0-9-]{1,64})*")

_log = get_logger(__name__)


class FeedHints:
    """Rings one process's bell."""

    def __init__(self, bell: FeedBell, pool: Pool, redis: RedisClients, metrics: Metrics) -> None:
        self._bell = bell
        self._pool = pool
        self._redis = redis
        self._metrics = metrics
        self._newest: dict[str, int] = {}
        self._lagging: set[str] = set()
        self.listening = asyncio.Event()
        """Set while hints of other processes are heard."""

    async def tell(self, branches: Sequence[str]) -> None:
        """Ring here, and hint to the others. Nothing depends on the hint."""
        for branch in branches:
            self._bell.ring(branch)
        try:
            await self._redis.commands.publish(FEED_HINTS, ",".join(branches))
        except (RedisError, OSError) as error:
            _log.debug("feed_hint_lost", error=type(error).__name__)

    async def run(self, stopping: asyncio.Event) -> None:
        """Hear hints and look, until ``stopping``. Waits out a missing Redis or Postgres."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hear(stopping), name="feed hints heard")
            group.create_task(self._look(stopping), name="feed looked at")

    async def look_once(self) -> None:
        """Ring for each branch that somebody listens for and that has more than when it was last looked at."""
        branches = self._bell.branches
        if not branches:
            self._newest.clear()
            return
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT branch_id, (SELECT max(sequence) FROM outbox WHERE outbox.branch_id = named.branch_id)"
                " FROM unnest(%s::text[]) AS named (branch_id)",
                (branches,),
            )
            newest = {row[0]: row[1] or 0 for row in await cursor.fetchall()}
        before, self._newest = self._newest, newest
        for branch, number in newest.items():
            if before.get(branch) != number:
                self._bell.ring(branch)

    async def show_lags(self) -> None:
        """How far the slowest cursor of each branch is behind."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT branch_id, max(greatest(0, coalesce((SELECT max(sequence) FROM outbox"
                " WHERE outbox.branch_id = feed_cursors.branch_id), 0) - acknowledged))"
                " FROM feed_cursors GROUP BY branch_id"
            )
            lags = {row[0]: row[1] for row in await cursor.fetchall()}
        for branch in self._lagging - set(lags):  # its last cursor was deleted
            self._metrics.set("feed_cursor_lag_events", 0, branch=branch)
        for branch, lag in lags.items():
            self._metrics.set("feed_cursor_lag_events", lag, branch=branch)
        self._lagging = set(lags)

    async def _hear(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                await self._subscribe(stopping)
            except (RedisError, OSError) as error:
                _log.warning("subscription_lost", error=type(error).__name__)
            finally:
                self.listening.clear()
            if not stopping.is_set():
                await _pause(random.uniform(*PAUSE_S), stopping)

    async def _subscribe(self, stopping: asyncio.Event) -> None:
        async with self._redis.subscriber.pubsub() as pubsub:
            await pubsub.subscribe(FEED_HINTS)
            while not stopping.is_set():
                message = await pubsub.get_message(timeout=WAIT_S)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    self.listening.set()
                elif message["type"] == "message" and _BRANCHES.fullmatch(message["data"]):
                    for branch in message["data"].split(","):
                        self._bell.ring(branch)

    async def _look(self, stopping: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        lags_due = loop.time()
        failing = False
        while not stopping.is_set():
            try:
                await self.look_once()
                if loop.time() >= lags_due:
                    lags_due = loop.time() + LAGS_S
                    await self.show_lags()
                failing = False
            except (*postgres.UNAVAILABLE, OSError) as error:
                if not failing:
                    _log.warning("feed_not_looked_at", error=type(error).__name__)
                failing = True
            await _pause(1.0 if failing else POLL_S, stopping)


async def _pause(seconds: float, stopping: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
