"""One lane: what a process knows of an endpoint that it sends to, and what it has under way there.

A lane's deliveries wait for nothing but each other, so an endpoint that hangs keeps nobody else waiting.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from yarl import URL

from agiza.runtime.standard_webhooks import Signer
from services.orders.webhooks.health import Health, permits
from services.orders.webhooks.store_deliveries import Claimed, Wanted
from services.orders.webhooks.store_lanes import LaneRow

AHEAD: Final = 48
"""So many are claimed ahead of their turn while an endpoint is well: no place waits for the database."""


@dataclass(slots=True)
class Lane:
    """``valid_until`` is when the lease may be over, on our stopwatch. ``look``: there may be something due.

    ``busy``: claimed and not settled; of these ``queue`` waits for its turn, and ``under_way`` are not answered.
    """

    endpoint_id: str
    updated_at: datetime
    health: Health
    valid_until: float
    look: bool = True
    is_leaving: bool = False
    is_health_new: bool = False
    has_recovered: bool = False
    disabled_for: str | None = None
    under_way: int = 0
    busy: set[str] = field(default_factory=set)
    queue: deque[Claimed] = field(default_factory=deque)
    _target: tuple[str, URL] | None = None
    _signer: tuple[tuple[str, str | None], Signer] | None = None

    def renewed(self, row: LaneRow, valid_until: float) -> None:
        """The lease was prolonged. What somebody has changed of the endpoint counts more than what we remember."""
        self.valid_until = valid_until
        if row.updated_at != self.updated_at:
            self.updated_at, self.health, self.is_health_new, self.look = row.updated_at, row.health, False, True

    def wants(self, now: datetime) -> Wanted | None:
        """What may be claimed for it now."""
        if not self.look or not self.is_ours or len(self.queue) > AHEAD // 2:
            return None
        limit = permits(self.health, now, under_way=self.under_way)
        if not self.health.is_open and not self._is_paused(now):
            limit += AHEAD
        limit -= len(self.queue)
        return Wanted(self.endpoint_id, limit, self.busy) if limit > 0 else None

    @property
    def is_ours(self) -> bool:
        """Whether anything may still begin here."""
        return not self.is_leaving and self.disabled_for is None and time.monotonic() < self.valid_until

    def claimed(self, delivery: Claimed) -> bool:
        """Take it in, unless it is here already."""
        if delivery.event_id in self.busy:
            return False
        self.busy.add(delivery.event_id)
        self.queue.append(delivery)
        return True

    def next(self, now: datetime) -> Claimed | None:
        """The next delivery that may begin now; it is under way. Where nothing may, what waits goes back."""
        if not self.queue:
            return None
        if permits(self.health, now, under_way=self.under_way) and self.is_ours:
            self.under_way += 1
            return self.queue.popleft()
        if self.health.is_open or self._is_paused(now) or not self.is_ours:
            self.busy.difference_update(waiting.event_id for waiting in self.queue)
            self.queue.clear()
            self.look = True
        return None

    def _is_paused(self, now: datetime) -> bool:
        return self.health.open_until is not None and now < self.health.open_until

    def target(self, claimed: Claimed) -> URL:
        """Where the delivery goes."""
        if self._target is None or self._target[0] != claimed.url:
            self._target = claimed.url, URL(claimed.url, encoded=True)
        return self._target[1]

    def signer(self, claimed: Claimed) -> Signer:
        """What signs it; the keys are read once."""
        secrets = claimed.secret, claimed.former_secret
        if self._signer is None or self._signer[0] != secrets:
            self._signer = secrets, Signer([secret for secret in secrets if secret is not None])
        return self._signer[1]
