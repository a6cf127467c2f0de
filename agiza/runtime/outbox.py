"""From the outbox table to the branches' feeds: numbered without a gap, published at least once, in order.

    relay = OutboxRelay(pool, clients.commands, clock=clock, metrics=metrics, on_numbered=make_deliveries, tell=ring)
    process.supervise("outbox", relay.run(process.stopping))
    ...
    relay.wake()                         # after each commit that wrote to the outbox

An event is written with the change that makes it true, without a number. The relay numbers it after that commit:
per branch 1, 2, 3 ... without a hole, and an event that depends on another one always comes after it. ``position`` is
taken while the row of the order is locked, so it follows cause and effect among committed rows; a row that commits
late gets a later number, and nobody can have seen it earlier.

Numbering and publishing are two transactions under one lock: a number is durable before anybody outside learns it.
The stream entry of number 17 has the id 17-0, so writing it twice is harmless. Redis may be away: numbering, and with
it ``on_numbered`` (deliveries to subscribers), goes on. Streams are derived and can be rebuilt; nothing is published
behind a hole while ``on_cut_off`` can fill it, so that readers get an effect after its cause.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from redis.exceptions import RedisError, ResponseError

from agiza.contracts import streams
from agiza.contracts.feed_digest import canonical_json
from agiza.runtime import postgres
from agiza.runtime.clock import Clock
from agiza.runtime.janitor import entry_number, state_of
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, transaction
from agiza.runtime.publisher import EVENT_FIELD
from agiza.runtime.redis_clients import Client

BATCH: Final = 200
POLL_S: Final = 0.25
GAUGES_S: Final = 5.0
PAUSE_MAX_S: Final = 5.0
ENTRIES_KEPT: Final = 100_000
"""Per branch stream, of what every group of it has read. What is older is in Postgres."""
LOCK: Final = 4_812_019_737
"""Taken for the length of a transaction by the one relay that works, in whatever process."""

_ALREADY_THERE: Final = "equal or smaller"

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One numbered event of a branch's feed. ``event`` is the whole CloudEvent, with its number."""

    position: int
    event_id: str
    branch_id: str
    type: str
    version: int
    sequence: int
    created_at: datetime
    event: Mapping[str, Any]


OnNumbered = Callable[[Connection, Sequence[FeedEvent]], Awaitable[None]]
"""Called in the numbering transaction: rows that it writes exist exactly when the numbers do."""

Tell = Callable[[Sequence[str]], Awaitable[None]]
"""Called after the numbering commit with the branches that have something new. It may fail or be lost: whoever waits
looks by themselves now and then."""

OnCutOff = Callable[[str], Awaitable[None]]
"""Called, outside of any transaction, with a branch whose stream has lost its end: writes it anew."""


class StreamCutOff(Exception):
    """The branch's stream lacks what comes before the event that is to be added. Nothing was added."""

    retryable = True

    def __init__(self, branch: str) -> None:
        super().__init__(f"the stream of {branch} has lost its end")
        self.branch = branch


def in_turn(*hooks: OnNumbered) -> OnNumbered:
    """All of these, one after the other."""

    async def call(connection: Connection, events: Sequence[FeedEvent]) -> None:
        for hook in hooks:
            await hook(connection, events)

    return call


async def _nothing(connection: Connection, events: Sequence[FeedEvent]) -> None:
    """No subscribers."""


async def _nobody(branches: Sequence[str]) -> None:
    """Nobody waits."""


class OutboxRelay:
    """Numbers and publishes. Any number may run; they take turns. Without ``on_cut_off`` it publishes behind holes."""

    def __init__(
        self,
        pool: Pool,
        client: Client,
        *,
        clock: Clock,
        metrics: Metrics,
        on_numbered: OnNumbered = _nothing,
        tell: Tell = _nobody,
        on_cut_off: OnCutOff | None = None,
    ) -> None:
        self._pool = pool
        self._client = client
        self._clock = clock
        self._metrics = metrics
        self._on_numbered = on_numbered
        self._tell = tell
        self._on_cut_off = on_cut_off
        self._wake = asyncio.Event()
        self._failures = 0
        self._gauges_due = 0.0

    def wake(self) -> None:
        """Something was committed. Without this it is found within :data:`POLL_S`."""
        self._wake.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping``; a stop in between loses nothing. Waits out a missing Postgres or Redis."""
        while not stopping.is_set():
            pause = POLL_S
            try:
                self._wake.clear()
                if await self.relay_once():
                    continue
                self._failures = 0
            except (*postgres.UNAVAILABLE, RedisError, OSError) as error:
                if self._failures == 0:
                    _log.warning("outbox_waiting", error=type(error).__name__, exc_info=error)
                self._failures += 1
                pause = min(PAUSE_MAX_S, POLL_S * 2 ** min(self._failures, 10))
            await self._pause(pause, stopping)

    async def relay_once(self) -> bool:
        """Number and publish one batch each. True when there may be more."""
        if self._clock.monotonic() >= self._gauges_due:
            self._gauges_due = self._clock.monotonic() + GAUGES_S
            await self._show_backlog()
        async with self._pool.connection() as connection:
            cursor = await connection.execute("SELECT EXISTS (SELECT FROM outbox WHERE published_at IS NULL)")
            if await cursor.fetchone() == (False,):
                return False
        numbered = await self._number()
        try:
            published = await self._publish()
        except StreamCutOff as cut_off:
            assert self._on_cut_off is not None, "else nobody looks for holes"
            await self._on_cut_off(cut_off.branch)
            return True
        return len(numbered) == BATCH or published == BATCH

    async def _number(self) -> list[FeedEvent]:
        async with transaction(self._pool) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            cursor = await connection.execute(_NUMBER, {"limit": BATCH})
            events = sorted((_feed_event(row) for row in await cursor.fetchall()), key=lambda item: item.position)
            if events:
                await self._on_numbered(connection, events)
        by_branch = _by_branch(events)
        for branch, group in by_branch:
            self._metrics.add("outbox_numbered_total", len(group), branch=branch)
        if by_branch:
            await self._tell([branch for branch, _ in by_branch])
        return events

    async def _publish(self) -> int:
        async with transaction(self._pool) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            cursor = await connection.execute(_UNPUBLISHED, {"limit": BATCH})
            events = [_feed_event(row) for row in await cursor.fetchall()]
            for branch, group in _by_branch(events):
                await self._add_to_stream(branch, group)
            await connection.execute(
                "UPDATE outbox SET published_at = %s WHERE position = ANY(%s)",
                (self._clock.now(), [event.position for event in events]),
            )
        now = self._clock.now()
        for event in events:
            age_s = max(0.0, (now - event.created_at).total_seconds())
            self._metrics.observe("outbox_publish_seconds", age_s)
        return len(events)

    async def _add_to_stream(self, branch: str, events: Sequence[FeedEvent]) -> None:
        """All or, when Redis refuses the transaction, none: a hole could not be filled later."""
        stream = streams.orders_stream(branch)
        async with self._client.pipeline(transaction=True) as pipe:
            if self._on_cut_off is not None:
                # On the watching connection: a Redis that is started again meanwhile, with less, breaks it.
                await pipe.watch(stream)
                if await _last_number(pipe, stream) + 1 < events[0].sequence:
                    raise StreamCutOff(branch)
                pipe.multi()  # type: ignore[no-untyped-call]
            for event in events:
                pipe.xadd(stream, {EVENT_FIELD: feed_json(event.event)}, id=entry_id(event.sequence))
            answers = await pipe.execute(raise_on_error=False)
        for event, answer in zip(events, answers, strict=True):
            if not isinstance(answer, Exception):
                self._metrics.add("outbox_published_total", branch=branch)
            elif isinstance(answer, ResponseError) and _ALREADY_THERE in str(answer):
                await self._check_same(stream, event)
            else:
                raise answer

    async def _check_same(self, stream: str, event: FeedEvent) -> None:
        """The number is taken: by this very event, unless Redis and Postgres have parted (a restored backup)."""
        id = entry_id(event.sequence)
        found = await self._client.xrange(stream, id, id)
        if found and json.loads(found[0][1][EVENT_FIELD]).get("id") == event.event_id:
            return
        self._metrics.add("integrity_violation_total")
        _log.error("order_stream_differs", stream=stream, sequence=event.sequence, is_missing=not found)

    async def _show_backlog(self) -> None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 "
                "FROM outbox WHERE published_at IS NULL"
            )
            row = await cursor.fetchone()
        assert row is not None
        self._metrics.set("outbox_unpublished", row[0])
        self._metrics.set("outbox_oldest_unpublished_seconds", max(0.0, row[1]))

    async def _pause(self, seconds: float, stopping: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(self._wake.wait()), asyncio.ensure_future(stopping.wait())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*waits, return_exceptions=True)


async def _last_number(client: Client, stream: str) -> int:
    """The number of the newest entry that the stream has had; 0 for none."""
    state = await state_of(client, stream)
    return 0 if state is None else entry_number(str(state["last-generated-id"]))[0]


def entry_id(sequence: int) -> str:
    """Id of the stream entry with this number."""
    return f"{sequence}-0"


def with_sequence(event: Mapping[str, Any], sequence: int) -> dict[str, Any]:
    """The CloudEvent with its number, written as in :func:`agiza.contracts.envelope.to_envelope`.

    ``timestamp`` is its ``time`` once more, under the name that Standard Webhooks asks of a body.
    """
    numbered = {**event, "sequence": f"{sequence:020d}"}
    if "time" in event:
        numbered["timestamp"] = event["time"]
    return numbered


_COLUMNS: Final = "position, event_id, branch_id, type, version, sequence, created_at, pii_event"

_NUMBER: Final = f"""
    WITH fresh AS (
        SELECT position, branch_id, row_number() OVER (PARTITION BY branch_id ORDER BY position) AS ordinal
        FROM (SELECT position, branch_id FROM outbox
              WHERE published_at IS NULL AND sequence IS NULL ORDER BY position LIMIT %(limit)s) AS first
    ), last AS (
        SELECT branch_id, coalesce((SELECT max(sequence) FROM outbox AS done
                                    WHERE done.branch_id = named.branch_id), 0) AS number
        FROM (SELECT DISTINCT branch_id FROM fresh) AS named
    ), numbered AS (
        UPDATE outbox SET sequence = last.number + fresh.ordinal
        FROM fresh JOIN last USING (branch_id)
        WHERE outbox.position = fresh.position
        RETURNING outbox.*
    )
    SELECT {_COLUMNS} FROM numbered
"""  # noqa: S608 - the columns are ours

_UNPUBLISHED: Final = f"""
    SELECT {_COLUMNS} FROM outbox
    WHERE published_at IS NULL AND sequence IS NOT NULL
    ORDER BY branch_id, sequence LIMIT %(limit)s
"""  # noqa: S608 - the columns are ours


def _feed_event(row: tuple[Any, ...]) -> FeedEvent:
    position, event_id, branch_id, type_, version, sequence, created_at, event = row
    return FeedEvent(
        position, event_id, branch_id, type_, version, sequence, created_at, with_sequence(event, sequence)
    )


def _by_branch(events: Sequence[FeedEvent]) -> list[tuple[str, list[FeedEvent]]]:
    ordered = sorted(events, key=lambda event: (event.branch_id, event.sequence))
    return [(branch, list(group)) for branch, group in itertools.groupby(ordered, key=lambda event: event.branch_id)]


def feed_json(event: Mapping[str, Any]) -> bytes:
    """The event as it stands in a stream entry: the same bytes as in every other form of the feed."""
    return canonical_json(event)
