"""Tells the branch's own system of a hand-off before a phone is picked up: the same that its page shows, signed.

Optional. A delivery that fails is made again a few times within ten minutes; the page shows the matter anyway.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx

from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool, transaction
from agiza.runtime.redis_clients import Client
from agiza.runtime.standard_webhooks import signed_headers
from services.escalation.page.matters import matters_of

LIMIT_S: Final = 5.0
TRIES_MAX: Final = 6
EVENT_TYPE: Final = "handoff.waiting"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StaffHook:
    """One address for all branches. ``url`` None: nobody is told."""

    pool: Pool
    redis: Client
    http: httpx.AsyncClient
    clock: Clock
    metrics: Metrics
    url: str | None = None
    secret: str | None = None

    async def untold(self, now: datetime) -> list[str]:
        """Ids of hand-offs that are still to be told of now. Raises psycopg's errors."""
        if self.url is None:
            return []
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT handoff_id FROM handoffs WHERE told_at IS NULL AND tellings < %(most)s"
                " AND requested_at > %(now)s - interval '10 minutes'"
                # the job tells at once; then 1, 5, 13, 25, 41 seconds after the request
                " AND requested_at <= %(now)s - make_interval(secs => 1 + 2 * tellings * tellings + 2 * tellings)"
                " ORDER BY requested_at LIMIT 100",
                {"most": TRIES_MAX, "now": now},
            )
            return [row[0] for row in await cursor.fetchall()]

    async def tell(self, handoff_id: str) -> None:
        """Deliver once, if nobody has yet. A receiver that does not take it is tried again later."""
        if self.url is None or self.secret is None:
            return
        now = self.clock.now()
        async with transaction(self.pool) as conn:
            cursor = await conn.execute(
                "UPDATE handoffs SET tellings = tellings + 1 WHERE handoff_id = %s AND told_at IS NULL"
                " AND tellings < %s RETURNING branch_id",
                (handoff_id, TRIES_MAX),
            )
            found = await cursor.fetchone()
        if found is None:
            return
        matters = await matters_of(self.pool, self.redis, found[0], now)
        matter = next((each for each in matters if each["id"] == handoff_id), None)
        if matter is None:
            return
        data = {"branch": found[0], "page": f"/handoffs/{found[0]}", **matter}
        body = json.dumps({"type": EVENT_TYPE, "timestamp": now.isoformat(), "data": data}).encode()
        headers = signed_headers(self.secret, f"handoff-{handoff_id}", now, body)
        outcome = await self._deliver(self.url, body, headers)
        self.metrics.add("delivery_total", 1, **{"class": "staff", "outcome": outcome})
        if outcome == "delivered":
            async with transaction(self.pool) as conn:
                await conn.execute("UPDATE handoffs SET told_at = %s WHERE handoff_id = %s", (now, handoff_id))
        else:
            log.warning("staff_not_told", handoff_id=handoff_id, outcome=outcome)

    async def _deliver(self, url: str, body: bytes, headers: dict[str, str]) -> str:
        try:
            response = await self.http.post(url, content=body, headers=headers, timeout=LIMIT_S)
        except httpx.HTTPError as error:
            return "timeout" if isinstance(error, httpx.TimeoutException) else "unreachable"
        return "delivered" if response.is_success else "refused"
