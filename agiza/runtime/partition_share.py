"""Several processes share the streams of one group: each reads its fair part, one process each stream.

    share = PartitionShare(leases, streams, clock, metrics, group="orders")
    seat = share.seat(stream)                # for the reader of that stream
    await share.run(stopping)                # beside the readers

Who gets how many is decided by :func:`plan` alone, from one look at Redis: nobody leads. A process that joins is given
its part within a second or so by those that have more; the part of one that leaves is free at once, that of
one that died or was paused after the life of its leases. A stream is handed over only by its reader, between two
entries, so the order of a stream is kept; the next reader begins with whatever the group has not acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from redis.exceptions import RedisError

from agiza.runtime.clock import Clock
from agiza.runtime.leases import Leases, Seen
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics

TICK_S: Final = 0.25
"""How often a process looks at who else is there: shorter than a caller's function call waits before HTTP is asked."""
LEAVING_TICK_S: Final = 0.05

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one process should do now: free streams to take, in this order, and streams of its own to hand over."""

    take: tuple[str, ...] = ()
    give: frozenset[str] = frozenset()


def plan(
    me: str, members: AbstractSet[str], holders: Mapping[str, str | None], giving: AbstractSet[str] = frozenset()
) -> Plan:
    """The step towards equal parts: nobody has two streams more than another, and no more moves than that takes.

    ``giving`` are streams that were to be handed over at the last look and are still ours: they stay so if any is.
    Streams of strangers (a member that was just struck off, an older release) are left alone until they are free.
    """
    counts = Counter(holder for holder in holders.values() if holder in members)
    smaller, larger = divmod(len(holders), len(members))
    # Those who have most keep the larger parts, so that equal parts never change hands.
    ranked = sorted(members, key=lambda member: (-counts[member], member))
    wanted = smaller + (ranked.index(me) < larger)
    if counts[me] > wanted:
        mine = sorted(stream for stream, holder in holders.items() if holder == me)
        mine.sort(key=lambda stream: stream not in giving)
        return Plan(give=frozenset(mine[: counts[me] - wanted]))
    free = sorted(stream for stream, holder in holders.items() if holder is None)
    if not free:
        return Plan()
    begin = zlib.crc32(me.encode()) % len(free)  # two that take at once seldom reach for the same
    return Plan(take=tuple((free[begin:] + free[:begin])[: wanted - counts[me]]))


class Seat:
    """One stream, as its reader asks about it. Costs no round trip."""

    def __init__(self, stream: str, leases: Leases, clock: Clock, life_s: float) -> None:
        self.stream = stream
        self.takings = 0
        """How often it was taken: another number means that somebody else may have read in between."""
        self.is_wanted = False
        """Another process should have it: the reader lets go after the entry in hand."""
        self.is_closed = False
        """Its reader has ended: nobody would read what is taken now."""
        self._leases = leases
        self._clock = clock
        self._life_s = life_s
        self._good_until: float | None = None
        self._gained = asyncio.Event()

    @property
    def has_been_taken(self) -> bool:
        """Whether we have taken it and not let go of it since; it may have run out."""
        return self._good_until is not None

    @property
    def good_until(self) -> float:
        """The moment on our stopwatch until which it is surely ours, unless it is prolonged; 0 when it is not ours."""
        return self._good_until or 0.0

    @property
    def is_held(self) -> bool:
        """Whether the lease is surely still ours. Judged on our own stopwatch, so a process that was paused knows."""
        return self._good_until is not None and self._clock.monotonic() < self._good_until

    @property
    def is_ours(self) -> bool:
        """Whether the next entry may be handled."""
        return self.is_held and not self.is_wanted

    async def wait(self, stopping: asyncio.Event) -> None:
        """Until the lease is ours, or a stop."""
        self._gained.clear()
        waits = [asyncio.ensure_future(self._gained.wait()), asyncio.ensure_future(stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def let_go(self) -> None:
        """Hand it over: nothing of it is in hand any more. When Redis does not answer the lease runs out by itself."""
        was_held = self.is_held
        self.lose()
        if was_held:
            await self._leases.let_go(self.stream)

    async def close(self) -> None:
        """The reader's last word."""
        self.is_closed = True
        await self.let_go()

    def gain(self, asked_at: float) -> None:
        """It was taken by a command that was sent at ``asked_at``."""
        self.takings += 1
        self.is_wanted = False
        self.keep(asked_at)

    def keep(self, asked_at: float) -> None:
        """It was prolonged by a command that was sent at ``asked_at``."""
        self._good_until = asked_at + self._life_s
        self._gained.set()

    def lose(self) -> None:
        """It is ours no more."""
        self._good_until = None
        self.is_wanted = False


class PartitionShare:
    """This process's part of the group's streams."""

    def __init__(
        self, leases: Leases, streams: Sequence[str], clock: Clock, metrics: Metrics, *, group: str, life_ms: int
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._metrics = metrics
        self._group = group
        self._life_s = life_ms / 1000
        self._seats = {stream: Seat(stream, leases, clock, self._life_s) for stream in streams}
        self._prolonged_at = clock.monotonic()
        self._was_member = False
        self._failures = 0

    def seat(self, stream: str) -> Seat:
        """The seat of one stream's reader."""
        return self._seats[stream]

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep our part until ``stopping``, then until the readers have let go of all. Redis may be away meanwhile."""
        while not stopping.is_set():
            await self._safely(self._tick())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), TICK_S)
        await self._safely(self._leases.leave())
        while any(seat.is_held for seat in self._seats.values()):
            await self._safely(self._prolong())
            await asyncio.sleep(LEAVING_TICK_S)
        self._show()

    async def _safely(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
            self._failures = 0
        except (RedisError, OSError) as error:
            if self._failures == 0:
                _log.warning("leases_unavailable", group=self._group, error=type(error).__name__)
            self._failures += 1

    async def _tick(self) -> None:
        # Before the look: what a reader lets go of from here on may still stand in it as ours.
        giving = {stream for stream, seat in self._seats.items() if seat.is_wanted}
        seen = await self._leases.look()
        lost = self._compare(seen)
        await self._prolong()
        if seen.is_new and self._was_member:
            # Redis lost its data, or we were away, and not all others are on the list again: only what was ours.
            step = Plan(take=tuple(stream for stream in lost if seen.holders[stream] is None))
        else:
            step = plan(self._leases.owner, seen.members, seen.holders, giving)
        self._was_member = True
        for stream, seat in self._seats.items():
            if not seat.has_been_taken or seat.is_wanted == (stream in step.give):
                continue
            seat.is_wanted = stream in step.give
            if seat.is_wanted:
                self._count("given")
        await self._take(step.take)
        self._show()

    def _compare(self, seen: Seen) -> list[str]:
        """Let seats go that are ours no more; returns them."""
        lost = [
            stream
            for stream, seat in self._seats.items()
            if seat.has_been_taken and seen.holders[stream] != self._leases.owner
        ]
        for stream in lost:
            self._seats[stream].lose()
            self._count("lost")
        if lost:
            _log.warning("partitions_lost", group=self._group, count=len(lost))
        return lost

    async def _take(self, streams: Sequence[str]) -> None:
        asked_at = self._clock.monotonic()
        gained = await self._leases.take(streams)
        for stream in gained:
            if self._seats[stream].is_closed:  # we were told to stop in this very moment
                await self._leases.let_go(stream)
                continue
            self._seats[stream].gain(asked_at)
            self._count("taken")
        if gained:
            _log.info("partitions_taken", group=self._group, count=len(gained))

    async def _prolong(self) -> None:
        asked_at = self._clock.monotonic()
        if asked_at - self._prolonged_at < self._life_s / 3:
            return
        held = [stream for stream, seat in self._seats.items() if seat.has_been_taken]
        kept = await self._leases.prolong(held)
        for stream in kept:
            if self._seats[stream].has_been_taken:  # its reader may have let go of it meanwhile
                self._seats[stream].keep(asked_at)
        if kept or not held:
            self._prolonged_at = asked_at

    def _count(self, how: str) -> None:
        self._metrics.add("stream_partitions_moved_total", group=self._group, how=how)

    def _show(self) -> None:
        held = sum(seat.is_held for seat in self._seats.values())
        self._metrics.set("stream_partitions_held", held, group=self._group)
