"""Customers whose order was refused, or was taken by nobody though all staff on duty were rung: they are owed a call,
in which a person of the branch talks with them. Not while they are still on the line, and not where somebody has taken
the order or has talked with them. Only for branches that wait for their kitchen's words.
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
            if file.branch.kitchen.is_watched:
                await self._sweep_branch(branch_id, file)

    async def _sweep_branch(self, branch_id: BranchId, file: BranchFile) -> None:
        now = self.clock.now()
        errands: list[Errand] = []
        async with transaction(self.pool) as conn:
            for call_id, phone, language, traceparent, is_refused in await _not_accepted(conn, branch_id, now):
                if phone is None or self.line.refuses(phone, file.branch) is not None:
                    if call_id in self.told:
                        continue
                    self.told.add(call_id)
                    log.error("order_not_accepted", call_id=call_id, branch_id=branch_id, can_be_rung=False)
                    self.metrics.add("escalation_total", reason=ORDER_REASON, outcome="no_number")
                    continue
                minutes = timedelta(minutes=file.branch.escalation.callback_minutes or 15)
                # Staff who took nothing a moment ago are not rung again at once.
                first = now + (SOON if is_refused else minutes / 4)
                _, asked = await self.callbacks.give(
                    conn,
                    "person",
                    call_id=call_id,
                    branch_id=branch_id,
                    pii_phone=phone,
                    reason=ORDER_REASON,
                    language=language,
                    promise=Promise(now, now + minutes, first, is_soon=True),
                    traceparent=traceparent,
                )
                if asked:
                    log.error("order_not_accepted", call_id=call_id, branch_id=branch_id, can_be_rung=True)
                    self.metrics.add("escalation_total", reason=ORDER_REASON, outcome="callback")
                errands += asked
        await self.errands.run(errands)


async def _not_accepted(
    conn: Connection, branch_id: BranchId, now: datetime
) -> Sequence[tuple[str, str | None, str, str, bool]]:
    """(call, number, language, trace, whether it was refused) of orders whose customers are owed a call, and have none
    promised yet."""
    cursor = await conn.execute(
        "SELECT DISTINCT ON (o.call_id) o.call_id, coalesce(o.pii_customer->>'phone', c.pii_caller),"
        " coalesce(c.language, 'en'), coalesce(c.traceparent, ''), o.state = 'rejected'"
        " FROM orders o LEFT JOIN calls c ON c.call_id = o.call_id"
        " WHERE o.branch_id = %(branch)s AND o.placed_at > %(now)s - %(back)s AND o.owned_at IS NULL"
        " AND (o.state = 'rejected' OR (o.alarm IS NOT NULL AND EXISTS (SELECT FROM callbacks k"
        "  WHERE k.call_id = o.call_id AND k.kind = 'kitchen' AND k.state = 'failed' AND k.closed_by IS NULL)))"
        " AND (c.ended_at IS NOT NULL OR c.call_id IS NULL)"
        " AND NOT EXISTS (SELECT FROM callbacks b WHERE b.call_id = o.call_id AND b.kind = 'person')"
        " AND NOT EXISTS (SELECT FROM handoffs h WHERE h.call_id = o.call_id AND h.state = 'connected'"
        "  AND h.requested_at >= o.placed_at)"
        " ORDER BY o.call_id, o.placed_at DESC LIMIT 50",
        {"branch": branch_id, "now": now, "back": LOOKED_BACK},
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in await cursor.fetchall()]
