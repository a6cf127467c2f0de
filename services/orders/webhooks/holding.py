"""The lanes that a process holds: taken, prolonged and given up at each beat; and when to look into which.

lanes = Lanes(pool, "orders-host-1a2b", lease_s=6.0)
await lanes.beat()                 # each third of a lease
lanes.wanted(now)                  # what may be claimed
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from agiza.runtime.postgres import Pool, transaction
from services.orders.webhooks import store_lanes
from services.orders.webhooks.lane import Lane
from services.orders.webhooks.store_deliveries import Wanted

LEASE_SLACK_S: Final = 1.0
"""Nothing is begun so long before a lease may be over."""
REMEMBERED: Final = timedelta(minutes=2)
"""What is due later than this is found by the poll."""


class Lanes:
    """Those of one process, by their endpoints."""

    def __init__(self, pool: Pool, name: str, *, lease_s: float) -> None:
        self._pool = pool
        self._name = name
        self._lease_s = lease_s
        self._lanes: dict[str, Lane] = {}
        self._due: list[tuple[datetime, str]] = []

    def __iter__(self) -> Iterator[Lane]:
        return iter(list(self._lanes.values()))

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def endpoints(self) -> frozenset[str]:
        """The endpoints that this process sends to now."""
        return frozenset(self._lanes)

    def get(self, endpoint_id: str) -> Lane | None:
        """The lane, if we hold it."""
        return self._lanes.get(endpoint_id)

    def forget(self, lane: Lane) -> None:
        """Hold it no more."""
        if self._lanes.get(lane.endpoint_id) is lane:
            del self._lanes[lane.endpoint_id]

    async def beat(self) -> bool:
        """Prolong what we hold, take our part of what is free, give up the rest; whether a lane is new."""
        valid_until = time.monotonic() + self._lease_s - LEASE_SLACK_S
        async with transaction(self._pool) as conn:
            beat = await store_lanes.renew(conn, self._name, self._lanes, life_s=self._lease_s)
        is_new = False
        for row in beat.lanes:
            lane = self._lanes.get(row.endpoint_id)
            if lane is None:
                self._lanes[row.endpoint_id] = Lane(row.endpoint_id, row.updated_at, row.health, valid_until)
                is_new = True
            else:
                lane.renewed(row, valid_until)
        for lane in self:
            if lane.valid_until <= time.monotonic() and not lane.busy:
                self.forget(lane)
        await self._give_up(beat.surplus)
        return is_new

    def look_everywhere(self) -> None:
        """There may be something due in any lane."""
        for lane in self._lanes.values():
            lane.look = True

    def note_due(self, due_at: datetime, endpoint_id: str) -> None:
        """Something will be due there."""
        heapq.heappush(self._due, (due_at, endpoint_id))

    def wanted(self, now: datetime) -> list[tuple[Lane, Wanted]]:
        """What may be claimed now, of the lanes in which there may be something due."""
        while self._due and self._due[0][0] <= now:
            _, endpoint_id = heapq.heappop(self._due)
            if (lane := self._lanes.get(endpoint_id)) is not None:
                lane.look = True
        return [(lane, each) for lane in self._lanes.values() if (each := lane.wants(now)) is not None]

    def until_due_s(self, now: datetime, *, at_most_s: float) -> float:
        """When something is due that we know of."""
        times = [self._due[0][0]] if self._due else []
        times += [lane.health.open_until for lane in self._lanes.values() if lane.look and lane.health.open_until]
        return min([at_most_s, *((each - now).total_seconds() for each in times if each > now)])

    async def _give_up(self, surplus: int) -> None:
        """Give up so many that are idle, and let others run dry."""
        by_use = sorted(self._lanes.values(), key=lambda lane: (not lane.is_leaving, len(lane.busy)))
        for place, lane in enumerate(by_use):
            lane.is_leaving = place < surplus
        leaving = [lane for lane in by_use[:surplus] if not lane.busy]
        if leaving:
            for lane in leaving:
                self.forget(lane)
            async with transaction(self._pool) as conn:
                await store_lanes.let_go(conn, self._name, [lane.endpoint_id for lane in leaving])
