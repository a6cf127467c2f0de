"""Orders that nobody has accepted: the branch is rung, and a person talks with the customer.

A branch whose POS accepts orders says in its file within how many minutes. One that has none is not watched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from agiza.domain.callback import SOON, Promise
from agiza.domain.ids import BranchId
from agiza.domain.menu import BranchFile
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, transaction
from services.escalation.callbacks import Callbacks
from services.escalation.carrier_line import CarrierLine
from services.escalation.errands import Errand, Errands
from services.escalation.keeping import ORDER_REASON

LOOKED_BACK: Final = timedelta(hours=2)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OrdersWatch:
    """Looks at the orders of branches that want it."""

    pool: Pool
    line: CarrierLine
    callbacks: Callbacks
    errands: Errands
    branches: Mapping[BranchId, BranchFile]
    clock: Clock
    metrics: Metrics
    told: set[str] = field(default_factory=set)
    """Calls of which it was said that nobody can be rung; bounded by the orders of two hours."""

    async def sweep(self) -> None:
        """One round. Raises psycopg's errors."""
        for branch_id, file in self.branches.items():
            kitchen = file.branch.kitchen
            if kitchen.accepted_seconds:
                within = timedelta(seconds=kitchen.accepted_seconds + kitchen.ring_after_seconds)
                await self._sweep_branch(branch_id, file, within)

    async def _sweep_branch(self, branch_id: BranchId, file: BranchFile, within: timedelta) -> None:
        now = self.clock.now()
        errands: list[Errand] = []
        async with transaction(self.pool) as conn:
            for call_id, phone, language, traceparent in await _not_accepted(conn, branch_id, now, within):
                if phone is None or self.line.refuses(phone, file.branch) is not None:
                    if call_id in self.told:
                        continue
                    self.told.add(call_id)
                    log.error("order_not_accepted", call_id=call_id, branch_id=branch_id, can_be_rung=False)
                    self.metrics.add("escalation_total", reason=ORDER_REASON, outcome="no_number")
                    continue
                minutes = timedelta(minutes=file.branch.escalation.callback_minutes or 15)
                _, asked = await self.callbacks.give(
                    conn,
                    "person",
                    call_id=call_id,
                    branch_id=branch_id,
                    pii_phone=phone,
                    reason=ORDER_REASON,
                    language=language,
                    promise=Promise(now, now + minutes, now + SOON, is_soon=True),
                    traceparent=traceparent,
                )
                if asked:
                    log.error("order_not_accepted", call_id=call_id, branch_id=branch_id, can_be_rung=True)
                    self.metrics.add("escalation_total", reason=ORDER_REASON, outcome="callback")
                errands += asked
        await self.errands.run(errands)


async def _not_accepted(
    conn: Connection, branch_id: BranchId, now: datetime, within: timedelta
) -> Sequence[tuple[str, str | None, str, str]]:
    """(call, number, language, trace) of orders that were refused, or have waited too long, and have no call back."""
    cursor = await conn.execute(
        "SELECT DISTINCT ON (o.call_id) o.call_id, coalesce(o.pii_customer->>'phone', c.pii_caller),"
        " coalesce(c.language, 'en'), coalesce(c.traceparent, '')"
        " FROM orders o LEFT JOIN calls c ON c.call_id = o.call_id"
        " WHERE o.branch_id = %(branch)s AND o.placed_at > %(now)s - %(back)s"
        " AND (o.state = 'rejected' OR (o.state = 'placed' AND o.placed_at <= %(now)s - %(within)s))"
        " AND (c.ended_at IS NOT NULL OR c.call_id IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM callbacks b WHERE b.call_id = o.call_id AND b.kind = 'person')"
        " ORDER BY o.call_id LIMIT 50",
        {"branch": branch_id, "now": now, "back": LOOKED_BACK, "within": within},
    )
    return [(row[0], row[1], row[2], row[3]) for row in await cursor.fetchall()]
