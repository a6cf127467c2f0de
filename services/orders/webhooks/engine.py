"""The delivery engine: sends what the relay has numbered to every endpoint that takes it, at least once.

    async with open_sender(allow) as sender:
        engine = WebhookEngine(pool, sender, clock=clock, metrics=metrics)
        relay = OutboxRelay(..., on_numbered=engine.make)
        process.supervise("webhooks", engine.run(process.stopping))
        ...
        engine.wake()                      # something was numbered

Deliveries are rows, made in the transaction that numbers their events. Each endpoint has a lane, held by one process
at a time. A turn claims for all lanes at once what is due, sends it, each delivery for itself, and settles what was
answered, for all lanes at once. Only a commit frees what follows in the same order. So a process may die anywhere:
what was not settled is pending, and the next holder of the lane sends it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from agiza.runtime import postgres
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.outbox import FeedEvent
from agiza.runtime.postgres import Connection, Pool, transaction
from agiza.runtime.tasks import end
from services.orders.webhooks import store_deliveries, store_lanes
from services.orders.webhooks.holding import REMEMBERED, Lanes
from services.orders.webhooks.judging import judge
from services.orders.webhooks.lane import Lane
from services.orders.webhooks.messages import Messages
from services.orders.webhooks.sending import Answer, Sender
from services.orders.webhooks.store_deliveries import Claimed, Outcome
from services.orders.webhooks.store_endpoints import disable_endpoint
from services.orders.webhooks.store_lanes import HealthChange
from services.orders.webhooks.watching import Watch

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """How the engine spends its time. A lease lives for ``lease_s`` and is prolonged each ``beat_s``.

    ``spacing_s`` lies between two claims and between two settlements: what comes meanwhile goes together.
    ``poll_s``: what no bell told of is found within that. ``stop_s``: a stop waits so long for what is under way.
    """

    lease_s: float = 6.0
    beat_s: float = 2.0
    poll_s: float = 1.0
    spacing_s: float = 0.008
    watch_s: float = 5.0
    stop_s: float = 5.0
    pause_max_s: float = 5.0


LIMITS: Final = EngineLimits()


class WebhookEngine:
    """One per process; any number of processes share the endpoints."""

    def __init__(
        self,
        pool: Pool,
        sender: Sender,
        *,
        clock: Clock,
        metrics: Metrics,
        limits: EngineLimits = LIMITS,
        name: str | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._pool = pool
        self._sender = sender
        self._clock = clock
        self._metrics = metrics
        self._limits = limits
        self._chance = chance
        self.name = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._messages = Messages()
        self.watch = Watch(pool, clock, metrics).look
        self._lanes = Lanes(pool, self.name, lease_s=limits.lease_s)
        self._sending: set[asyncio.Task[None]] = set()
        self._answered: list[Outcome] = []
        self._wake = asyncio.Event()
        self._wake_settling = asyncio.Event()
        self._stop = asyncio.Event()

    async def make(self, conn: Connection, events: Sequence[FeedEvent]) -> None:
        """Make the deliveries of numbered events; in the transaction that numbers them."""
        await store_deliveries.make_deliveries(conn, events, self._clock.now())

    def wake(self) -> None:
        """There is something new. Without this it is found within ``poll_s``."""
        self._lanes.look_everywhere()
        self._wake.set()

    @property
    def lanes(self) -> frozenset[str]:
        """The endpoints that this process sends to now."""
        return self._lanes.endpoints

    async def run(self, stopping: asyncio.Event) -> None:
        """Send until ``stopping``; a stop in between loses nothing. Waits out a missing Postgres."""
        try:
            async with asyncio.TaskGroup() as group:
                for work in (self._beating(), self._claiming(), self._settling(), self._watching()):
                    group.create_task(work)
                await stopping.wait()
                self._stop.set()
                self._wake.set()
                self._wake_settling.set()
            if self._sending:
                await asyncio.wait(self._sending, timeout=self._limits.stop_s)
        finally:
            await end(self._sending)
        with contextlib.suppress(*postgres.UNAVAILABLE):
            await self.settle_once()
            async with transaction(self._pool) as conn:
                await store_lanes.leave(conn, self.name)

    async def drain(self) -> int:
        """Send and settle everything that is due now, to the end; returns the number of attempts."""
        attempts = 0
        self.wake()
        while await self.claim_once() or self._sending or self._answered:
            if self._sending:
                await asyncio.wait(self._sending)
            attempts += await self.settle_once()
        return attempts

    async def beat(self) -> None:
        """Prolong what we hold, take our part of what is free, give up what is beyond it."""
        if await self._lanes.beat():
            self._wake.set()
        self._metrics.set("webhook_lanes_held", len(self._lanes))

    async def claim_once(self) -> int:
        """Begin what may begin now; returns how many deliveries that are."""
        now = self._clock.now()
        asked = self._lanes.wanted(now)
        if not asked:
            return 0
        for lane, _ in asked:
            lane.look = False
        try:
            async with self._pool.connection() as conn:
                claimed = await store_deliveries.claim(conn, self.name, [wanted for _, wanted in asked], now)
                await self._messages.load(conn, claimed)
        except BaseException:
            for lane, _ in asked:
                lane.look = True
            raise
        taken = Counter[str]()
        for delivery in claimed:
            lane_now = self._lanes.get(delivery.endpoint_id)
            if lane_now is not None and lane_now.claimed(delivery):
                taken[delivery.endpoint_id] += 1
        for lane, wanted in asked:
            if taken[lane.endpoint_id] >= wanted.limit:
                lane.look = True  # there may be more
            self._begin(lane)
        return taken.total()

    async def settle_once(self) -> int:
        """Commit what was answered; returns how many attempts that were."""
        outcomes, self._answered = self._answered, []
        lanes = list(self._lanes)
        changed = [lane for lane in lanes if lane.is_health_new]
        disabled = [(lane, lane.disabled_for) for lane in lanes if lane.disabled_for is not None]
        recovered = [lane for lane in lanes if lane.has_recovered]
        if not outcomes and not changed and not disabled:
            return 0
        for lane in changed:
            lane.is_health_new = False
        now = self._clock.now()
        try:
            async with transaction(self._pool) as conn:
                if outcomes:
                    await store_deliveries.settle(conn, outcomes)
                if changed:
                    changes = [HealthChange(lane.endpoint_id, lane.updated_at, lane.health) for lane in changed]
                    await store_lanes.keep_health(conn, self.name, changes)
                for lane in recovered:
                    await store_deliveries.retry(conn, lane.endpoint_id, now, class_="ticket")
                for lane, reason in disabled:
                    await disable_endpoint(conn, lane.endpoint_id, reason, now)
        except BaseException:
            self._answered = outcomes + self._answered
            for lane in changed:
                lane.is_health_new = True
            raise
        for lane in recovered:
            lane.has_recovered, lane.look = False, True
        for lane, reason in disabled:
            self._lanes.forget(lane)
            self._metrics.add("webhook_endpoints_total", what="disabled")
            _log.warning("webhook_endpoint_disabled", endpoint_id=lane.endpoint_id, reason=reason)
        self._note(outcomes)
        return len(outcomes)

    def _note(self, outcomes: Sequence[Outcome]) -> None:
        """These are committed: what follows them may go."""
        for outcome in outcomes:
            claimed = outcome.claimed
            word = outcome.state if outcome.state != "pending" else "failed"
            self._metrics.add("delivery_total", 1, **{"class": claimed.class_, "outcome": word})
            lane = self._lanes.get(claimed.endpoint_id)
            if lane is None:
                continue
            lane.busy.discard(claimed.event_id)
            if outcome.due_at is not None:
                if outcome.due_at - outcome.at <= REMEMBERED:
                    self._lanes.note_due(outcome.due_at, claimed.endpoint_id)
            elif claimed.order_id is not None:
                lane.look = True

    def _begin(self, lane: Lane) -> None:
        """Begin what may begin in this lane."""
        now = self._clock.now()
        while (claimed := lane.next(now)) is not None:
            task = asyncio.create_task(self._deliver(lane, claimed, was_probe=lane.health.is_open))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _deliver(self, lane: Lane, claimed: Claimed, *, was_probe: bool) -> None:
        try:
            answer = await self._attempt(lane, claimed)
        except asyncio.CancelledError:
            lane.busy.discard(claimed.event_id)  # nobody knows whether it arrived: it is still pending
            raise
        finally:
            lane.under_way -= 1
        now = self._clock.now()
        before = lane.health
        verdict = judge(claimed, answer, before, now, chance=self._chance(), was_probe=was_probe)
        self._answered.append(verdict.outcome)
        if verdict.health is not before:
            lane.health = verdict.health
            lane.is_health_new = lane.is_health_new or before.failures + verdict.health.failures > 0
        if before.is_open != verdict.health.is_open:
            self._tell_of_turn(lane, claimed, answer)
        if verdict.warned is not None:
            self._metrics.add("webhook_endpoints_total", what=f"warned_{verdict.warned}")
            _log.warning("webhook_endpoint_failing", endpoint_id=lane.endpoint_id, share_percent=verdict.warned)
        lane.disabled_for = lane.disabled_for or verdict.disabled_for
        self._metrics.observe("webhook_attempt_seconds", answer.duration_ms / 1000, outcome=_outcome(answer))
        if answer.is_success:
            age_s = max(0.0, (now - claimed.began_at).total_seconds())
            self._metrics.observe("webhook_delivery_seconds", age_s, **{"class": claimed.class_})
        self._begin(lane)
        self._wake_settling.set()
        if lane.look:
            self._wake.set()

    async def _attempt(self, lane: Lane, claimed: Claimed) -> Answer:
        try:
            body = self._messages.body(claimed)
            if body is None:
                return Answer(None, "broken", None, 0)
            headers = lane.signer(claimed).headers(claimed.event_id, self._clock.now(), body)
            return await self._sender.send(lane.target(claimed), headers, body)
        except Exception as error:  # one delivery must not end the others
            self._metrics.add("unexpected_error_total", where="webhooks")
            _log.error("webhook_attempt_failed", endpoint_id=lane.endpoint_id, error=type(error).__name__)
            return Answer(None, "broken", None, 0)

    def _tell_of_turn(self, lane: Lane, claimed: Claimed, answer: Answer) -> None:
        if lane.health.is_open:
            self._metrics.add("webhook_endpoints_total", what="opened")
            fields = {"status": answer.status, "error": answer.error}
            _log.warning("webhook_endpoint_down", endpoint_id=lane.endpoint_id, event_id=claimed.event_id, **fields)
        else:
            self._metrics.add("webhook_endpoints_total", what="closed")
            _log.info("webhook_endpoint_back", endpoint_id=lane.endpoint_id)
            lane.has_recovered = True

    async def _beating(self) -> None:
        await self._repeat("beat", self.beat, self._limits.beat_s)

    async def _watching(self) -> None:
        await self._repeat("watch", self.watch, self._limits.watch_s)

    async def _claiming(self) -> None:
        polled = 0.0
        while not self._stop.is_set():
            self._wake.clear()
            if time.monotonic() - polled >= self._limits.poll_s:
                polled = time.monotonic()
                self.wake()
                self._wake.clear()
            await self._guarded("claim", self.claim_once)
            await asyncio.sleep(self._limits.spacing_s)
            await _wait(self._wake, self._lanes.until_due_s(self._clock.now(), at_most_s=self._limits.poll_s))

    async def _settling(self) -> None:
        while not self._stop.is_set():
            self._wake_settling.clear()
            if await self._guarded("settle", self.settle_once):
                self._wake.set()
            await asyncio.sleep(self._limits.spacing_s)
            if not self._answered:
                await _wait(self._wake_settling, self._limits.poll_s)

    async def _repeat(self, what: str, work: Callable[[], Coroutine[Any, Any, None]], period_s: float) -> None:
        while not self._stop.is_set():
            await self._guarded(what, work)
            await self._idle(period_s * random.uniform(0.9, 1.1))

    async def _idle(self, seconds: float) -> None:
        await _wait(self._stop, seconds)

    async def _guarded(self, what: str, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Do it; when the database is away, wait instead."""
        try:
            return await work()
        except (*postgres.UNAVAILABLE, psycopg.IntegrityError) as error:
            _log.warning("webhooks_waiting", work=what, error=type(error).__name__)
            await self._idle(random.uniform(0.2, 1.0) * min(1.0, self._limits.pause_max_s))
            return None


def _outcome(answer: Answer) -> str:
    return answer.error or "success"


async def _wait(event: asyncio.Event, at_most_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(at_most_s):
            await event.wait()
