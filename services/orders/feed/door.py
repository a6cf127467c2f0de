"""How many streams may be open, and how they read: one database connection for many, and never for long.

door = FeedDoor(pool, bell, metrics, StreamLimits())
process.supervise("feed door", door.run(process.stopping))
...
with door.place(key_id, branch_id) as place: ...       # raises Full
items = await door.page("westlands", after=17)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool
from services.orders.feed.bell import FeedBell
from services.orders.feed.reading import FeedItem, read_feed

PAGE: Final = 50
"""Events that one stream holds in memory at most."""
READS_AT_ONCE: Final = 2
"""Of the pool's connections, for all streams together: a hundred screens must not make a function call wait."""
PROOFS_WAITING_MAX: Final = 8
RETRY_S: Final = 30


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """``send_s``: a client that takes nothing for so long is cut off; ``away_s``: so long Postgres may be away."""

    per_key: int = 10
    per_replica: int = 200
    heartbeat_s: float = 15.0
    send_s: float = 10.0
    key_check_s: float = 10.0
    away_s: float = 30.0


class Full(Exception):
    """No place for one more stream: of this key, or of this replica."""

    retryable = True

    def __init__(self, *, of_key: bool) -> None:
        super().__init__("too many streams")
        self.of_key = of_key


class Place:
    """One open stream. To be left as a context manager, once."""

    def __init__(self, door: FeedDoor, key_id: str, branch_id: str) -> None:
        self._door = door
        self._key_id = key_id
        self.branch_id = branch_id
        self.woken: asyncio.Event | None = None
        """Set by the stream: what wakes it when the service stops."""

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door._leave(self, self._key_id)


class FeedDoor:
    """One per process."""

    def __init__(self, pool: Pool, bell: FeedBell, metrics: Metrics, limits: StreamLimits | None = None) -> None:
        self._pool = pool
        self.bell = bell
        self.metrics = metrics
        self.limits = limits or StreamLimits()
        self.is_closing = False
        self._places: set[Place] = set()
        self._by_key: Counter[str] = Counter()
        self._by_branch: Counter[str] = Counter()
        self._one_proof = asyncio.Semaphore(1)
        self._proofs = 0
        self._room = asyncio.Semaphore(READS_AT_ONCE)
        self._reading: dict[tuple[str, int, int], asyncio.Task[Sequence[FeedItem]]] = {}

    def place(self, key_id: str, branch_id: str) -> Place:
        """A place for one more stream, counted from now on until it is left. Raises :class:`Full`."""
        if len(self._places) >= self.limits.per_replica:
            raise Full(of_key=False)
        if self._by_key[key_id] >= self.limits.per_key:
            raise Full(of_key=True)
        place = Place(self, key_id, branch_id)
        self._places.add(place)
        self._by_key[key_id] += 1
        self._by_branch[branch_id] += 1
        self.metrics.set("feed_streams_open", self._by_branch[branch_id], branch=branch_id)
        return place

    async def run(self, stopping: asyncio.Event) -> None:
        """At ``stopping``, end every stream at once: clients come again, to whoever is there."""
        await stopping.wait()
        self.is_closing = True
        for place in self._places:
            if place.woken is not None:
                place.woken.set()

    async def page(self, branch_id: str, *, after: int) -> Sequence[FeedItem]:
        """The next events behind ``after``, at most :data:`PAGE`. Whoever wants the same at once shares one read."""
        # A read that began before the last ring may lack what was rung for: it is not shared with whoever was rung.
        key = (branch_id, after, self.bell.rings)
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.create_task(self._read(branch_id, after), name="feed page")
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        return await asyncio.shield(task)

    @contextlib.asynccontextmanager
    async def proving(self) -> AsyncIterator[None]:
        """The turn for work that reads much: one at a time. Raises :class:`Full` when too many wait for it."""
        if self._proofs > PROOFS_WAITING_MAX:
            raise Full(of_key=False)
        self._proofs += 1
        try:
            async with self._one_proof:
                yield
        finally:
            self._proofs -= 1

    async def _read(self, branch_id: str, after: int) -> Sequence[FeedItem]:
        async with self._room, self._pool.connection() as connection:
            return await read_feed(connection, branch_id, after=after, limit=PAGE)

    def _leave(self, place: Place, key_id: str) -> None:
        if place not in self._places:
            return
        self._places.discard(place)
        self._by_key[key_id] -= 1
        self._by_branch[place.branch_id] -= 1
        self.metrics.set("feed_streams_open", self._by_branch[place.branch_id], branch=place.branch_id)
        for counter in (self._by_key, self._by_branch):
            for name in [name for name, count in counter.items() if count <= 0]:
                del counter[name]
