"""The loop of one stream: recover, read, handle, repeat within limits. Used by :mod:`agiza.runtime.consumer`."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Final, assert_never

from redis.exceptions import RedisError, ResponseError

from agiza.contracts.envelope import ContractError, decode
from agiza.runtime.clock import Clock
from agiza.runtime.deliveries import Dead, Delivery, Done, Handler, Later, Limits, Outcome, Receipt, Retry
from agiza.runtime.logs import bound, get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.partition_share import Seat
from agiza.runtime.publisher import EVENT_FIELD
from agiza.runtime.stream_group import Entry, StreamGroup, is_group_missing

CONSUMER_GONE_MS: Final = 10 * 60 * 1000
HOUSEKEEPING_S: Final = 60.0
BACKLOG_S: Final = 5.0

_log = get_logger(__name__)


class StreamReader:
    """One stream, one group: :meth:`run` until told to stop. With a seat, only while the seat is ours."""

    def __init__(
        self,
        group: StreamGroup,
        handler: Handler,
        limits: Limits,
        clock: Clock,
        metrics: Metrics,
        is_away: Callable[[BaseException], bool],
        seat: Seat | None,
    ) -> None:
        self.group = group
        self._handler = handler
        self._limits = limits
        self._clock = clock
        self._metrics = metrics
        self._is_away = is_away
        self._seat = seat
        self._takings = 0
        self._label = group.stream.removeprefix("agiza:")
        self._due = {"sweep": 0.0, "backlog": 0.0, "housekeeping": 0.0}
        self._failures = 0
        self._left_something = True  # entries may be pending for us, from before a failure

    async def run(self, stopping: asyncio.Event) -> None:
        """Read and handle until ``stopping``, through every failure of Redis."""
        while not stopping.is_set():
            try:
                await self._turn(stopping)
                self._failures = 0
            except ResponseError as error:
                self._left_something = True
                if is_group_missing(error):
                    await self._create_group(stopping)
                else:
                    await self._wait_out(error, stopping)
            except (RedisError, OSError) as error:
                self._left_something = True
                await self._wait_out(error, stopping)
        if self._seat is not None:
            with contextlib.suppress(RedisError, OSError):
                await self._seat.close()

    async def _turn(self, stopping: asyncio.Event) -> None:
        if self._seat is not None and not await self._is_seated(self._seat, stopping):
            return
        if self._left_something:
            # Before anything new, or the stream's order would be lost.
            entries, lost = await self._read_left()
            self._count_lost(lost)
            await self._handle_all(entries, stopping)
            self._left_something = bool(entries or lost)
            return
        if self._is_due("sweep", self._limits.sweep_s):
            entries, lost = await self.group.claim_idle(idle_ms=self._limits.idle_ms, count=self._limits.batch)
            self._count_lost(lost)
            if entries:
                self._metrics.add("stream_reclaimed_total", len(entries), stream=self._label)
                await self._handle_all(entries, stopping)
                self._due["sweep"] = 0.0  # perhaps there are more: before anything new
                return
        await self._look_after_group()
        await self._handle_all(await self._read(self._block_ms()), stopping)

    def _block_ms(self) -> int:
        """How long the next read may wait. Never longer than until the next sweep: entries of a dead reader must not
        wait for news on the stream. Never longer than the seat is surely ours: what Redis gives to a read that is still
        open when the next reader has begun would be handled after what came behind it."""
        ends_at = self._due["sweep"]
        if self._seat is not None:
            ends_at = min(ends_at, self._seat.good_until)
        return max(1, min(self._limits.block_ms, int((ends_at - self._clock.monotonic()) * 1000)))

    async def _is_seated(self, seat: Seat, stopping: asyncio.Event) -> bool:
        """Nothing is in hand here: the moment to hand the stream over, or to wait for it."""
        if seat.is_wanted:
            await seat.let_go()
        if not seat.is_ours:
            await seat.wait(stopping)
            return False
        if seat.takings != self._takings:
            self._takings = seat.takings
            self._left_something = True
        return True

    async def _read_left(self) -> tuple[list[Entry], int]:
        """What was delivered and not acknowledged: ours, or with a seat everybody's, however short a time it lies.

        Who sits here is the only reader, so whoever else had these entries is dead, was paused, or has handed them
        back; waiting until they have lain for long would let newer entries go first.
        """
        if self._seat is None:
            return await self.group.read_own(count=self._limits.batch)
        entries, lost = await self.group.claim_idle(idle_ms=0, count=self._limits.batch)
        if entries:
            self._metrics.add("stream_reclaimed_total", len(entries), stream=self._label)
        return entries, lost

    async def _read(self, block_ms: int) -> list[Entry]:
        """A read is never cut off: its answer would be lost with the connection and lie pending."""
        reading = asyncio.ensure_future(self.group.read(count=self._limits.batch, block_ms=block_ms))
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            await self._give_back(await reading)
            raise

    async def _handle_all(self, entries: list[Entry], stopping: asyncio.Event) -> None:
        began = self._clock.monotonic()
        for position, entry in enumerate(entries):
            if self._must_stop(stopping):
                await self._give_back(entries[position:])
                return
            waited_ms = (self._clock.monotonic() - began) * 1000
            if waited_ms > self._limits.idle_ms / 2 and not await self.group.is_mine(entry.id):
                continue  # it lay in our batch for so long that another reader has taken it
            await self._handle(entry, stopping)

    async def _handle(self, entry: Entry, stopping: asyncio.Event) -> None:
        """Carry one entry to its end: acknowledged, buried, or given back at a stop."""
        deliveries, repeats = entry.deliveries, 0
        while True:
            current = Entry(entry.id, entry.fields, deliveries)
            outcome = await self._outcome(current)
            self._metrics.add("stream_handled_total", stream=self._label, outcome=type(outcome).__name__.lower())
            match outcome:
                case Done(is_acknowledged):
                    if not is_acknowledged:
                        await self.group.acknowledge(entry.id)
                    return
                case Dead(reason):
                    await self._bury(current, reason)
                    return
                case Retry(reason) if deliveries >= self._limits.deliveries_max:
                    await self._bury(current, reason)
                    return
                case Retry(reason) | Later(reason):
                    _log.warning(
                        "delivery_repeated", stream=self.group.stream, entry_id=entry.id, deliveries=deliveries,
                        reason=reason,
                    )  # fmt: skip
                case _:
                    assert_never(outcome)
            counts = isinstance(outcome, Retry)
            if not await self._wait_for_repeat(current, repeats, stopping, count_delivery=counts):
                return
            repeats += 1
            deliveries += counts

    async def _wait_for_repeat(
        self, entry: Entry, repeats: int, stopping: asyncio.Event, *, count_delivery: bool
    ) -> bool:
        """Pause while the entry stays ours; False when it is not any more, or when we stop."""
        first, longest = self._limits.pause_s
        pause = min(longest, first * 2**repeats) * random.uniform(0.8, 1.2)
        # Shorter than the idle limit: otherwise a peer would take the entry out of a pause.
        await _pause(stopping, min(pause, self._limits.idle_ms / 3000))
        if self._must_stop(stopping):
            await self._give_back([entry])
            return False
        if not await self.group.is_mine(entry.id):
            return False
        await self.group.touch(entry.id, count_delivery=count_delivery)
        return True

    def _must_stop(self, stopping: asyncio.Event) -> bool:
        """Whether no further entry may be begun: we stop, or another process is to read this stream, or does."""
        return stopping.is_set() or (self._seat is not None and not self._seat.is_ours)

    async def _give_back(self, entries: list[Entry]) -> None:
        """Leave what was not begun to the next reader. One that sits here already has claimed it: then it is his."""
        if self._seat is None or self._seat.is_held:
            await self.group.give_back(entries)

    async def _outcome(self, entry: Entry) -> Outcome:
        """What comes of one delivery. A crash of ours in the middle counts as a delivery as well."""
        if entry.deliveries > self._limits.deliveries_max:
            return Dead("delivered too often without an outcome")
        try:
            received = decode(entry.fields.get(EVENT_FIELD, ""))
        except ContractError as error:
            return Dead(str(error))
        receipt = Receipt(self.group.stream, self.group.group, entry.id)
        delivery = Delivery(receipt, received, entry.deliveries)
        with bound(call_id=received.envelope.callid, event_id=received.envelope.id):
            try:
                with self._metrics.timed("stream_handle_seconds", stream=self._label):
                    return await self._handler(delivery)
            except Exception as error:
                if self._is_away(error):
                    return Later(type(error).__name__)
                _log.error("delivery_failed", stream=self.group.stream, type=received.envelope.type, exc_info=error)
                kind = type(error).__name__
                return Dead(kind) if getattr(error, "retryable", True) is False else Retry(kind)

    async def _bury(self, entry: Entry, reason: str) -> None:
        await self.group.bury(entry, reason)
        self._metrics.add("stream_dead_total", stream=self._label, reason=_kind_of(reason))
        _log.error("delivery_buried", stream=self.group.stream, entry_id=entry.id, reason=reason)

    def _count_lost(self, lost: int) -> None:
        if lost:
            self._metrics.add("stream_lost_total", lost, stream=self._label)
            _log.error("stream_entries_lost", stream=self.group.stream, count=lost)

    async def _create_group(self, stopping: asyncio.Event) -> None:
        """The group is not there: first start, or Redis has lost its data. Everything in the stream comes again."""
        try:
            if await self.group.create():
                self._metrics.add("stream_group_created_total", stream=self._label)
                _log.warning("stream_group_created", stream=self.group.stream, group=self.group.group)
        except (RedisError, OSError) as error:
            await self._wait_out(error, stopping)

    async def _look_after_group(self) -> None:
        if self._is_due("backlog", BACKLOG_S) and (backlog := await self.group.backlog()) is not None:
            labels = {"stream": self._label, "group": self.group.group}
            if backlog.lag is not None:
                self._metrics.set("stream_group_lag", backlog.lag, **labels)
            self._metrics.set("stream_group_pending", backlog.pending, **labels)
            self._metrics.set("stream_oldest_pending_seconds", backlog.oldest_pending_s, **labels)
        if self._is_due("housekeeping", HOUSEKEEPING_S):
            await self.group.sweep(self._metrics)
            await self.group.forget_idle_consumers(idle_ms=CONSUMER_GONE_MS)

    def _is_due(self, what: str, every_s: float) -> bool:
        now = self._clock.monotonic()
        if now < self._due[what]:
            return False
        self._due[what] = now + every_s
        return True

    async def _wait_out(self, error: Exception, stopping: asyncio.Event) -> None:
        """Redis does not answer as it should. One line when it begins, then longer pauses."""
        if self._failures == 0:
            _log.warning("stream_unavailable", stream=self.group.stream, error=type(error).__name__, exc_info=error)
        first, longest = self._limits.pause_s
        pause = min(longest, first * 2 ** min(self._failures, 10)) * random.uniform(0.8, 1.2)
        self._failures += 1
        await _pause(stopping, pause)


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


def _kind_of(reason: str) -> str:
    """A closed set for the metric's label: the class of an error, or what kind of thing was wrong."""
    return reason if reason.isidentifier() else "rejected"
