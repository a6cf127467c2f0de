"""One lane: what a process knows of an endpoint that it sends to, and what it has under way there.

A lane's deliveries wait for nothing but each other, so an endpoint that hangs keeps nobody else waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from yarl import URL

from agiza.runtime.standard_webhooks import Signer
from services.orders.webhooks.health import Health, permits
from services.orders.webhooks.store_deliveries import Claimed, Wanted
from services.orders.webhooks.store_lanes import LaneRow


@dataclass(slots=True)
class Lane:
    """``valid_until`` is when the lease may be over, on our stopwatch. ``look``: there may be something due.

    ``busy``: claimed and not settled; ``under_way``: claimed and not answered, which is what endpoints feel.
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
    _target: tuple[str, URL] | None = None
    _signer: tuple[tuple[str, str | None], Signer] | None = None

    def renewed(self, row: LaneRow, valid_until: float) -> None:
        """The lease was prolonged. What somebody has changed of the endpoint counts more than what we remember."""
        self.valid_until = valid_until
        if row.updated_at != self.updated_at:
            self.updated_at, self.health, self.is_health_new, self.look = row.updated_at, row.health, False, True

    def wants(self, now: datetime, stopwatch: Callable[[], float] = time.monotonic) -> Wanted | None:
        """What may be claimed for it now."""
        if not self.look or self.is_leaving or self.disabled_for is not None or stopwatch() >= self.valid_until:
            return None
        limit = permits(self.health, now, under_way=self.under_way)
        return Wanted(self.endpoint_id, limit, self.busy) if limit else None

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
