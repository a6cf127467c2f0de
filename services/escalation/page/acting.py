"""What people do on the page: take a matter, close a call back, finish or drop the cart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import httpx

from agiza.domain.handoff import HandoffState, HandoffStep, advance
from agiza.runtime.postgres import Connection, lock_call
from services.escalation.keeping import ORDER_REASON
from services.escalation.order_owner import OrdersAway

CartAction = Literal["place", "discard"]
ORDERS_LIMIT_S: Final = 3.0


async def take(conn: Connection, branch_id: str, matter_id: str, by: str, now: datetime) -> str | None:
    """Note who looks after the matter; the name of who does, which may be somebody quicker. None: no such matter."""
    cursor = await conn.execute(
        "UPDATE handoffs SET taken_by = coalesce(taken_by, %s), taken_at = coalesce(taken_at, %s)"
        " WHERE handoff_id = %s AND branch_id = %s RETURNING taken_by",
        (by, now, matter_id, branch_id),
    )
    row = await cursor.fetchone()
    if row is not None:
        return str(row[0])
    cursor = await conn.execute(
        "UPDATE callbacks SET taken_by = coalesce(taken_by, %s), taken_at = coalesce(taken_at, %s)"
        " WHERE callback_id = %s AND branch_id = %s AND handoff_id IS NULL RETURNING taken_by",
        (by, now, matter_id, branch_id),
    )
    row = await cursor.fetchone()
    return str(row[0]) if row else None


async def order_call_of(conn: Connection, branch_id: str, matter_id: str) -> str | None:
    """The call of a matter that is about an order which nobody has taken; None for another matter."""
    cursor = await conn.execute(
        "SELECT call_id FROM callbacks WHERE callback_id = %s AND branch_id = %s AND reason = %s",
        (matter_id, branch_id, ORDER_REASON),
    )
    row = await cursor.fetchone()
    return str(row[0]) if row else None


async def close(conn: Connection, branch_id: str, matter_id: str, by: str, now: datetime) -> bool:
    """A person has settled the matter: nobody is rung for it any more. False when nothing was open."""
    call_id = await call_of(conn, branch_id, matter_id)
    if call_id is None:
        return False
    await lock_call(conn, call_id)
    cursor = await conn.execute(
        "UPDATE callbacks SET state = 'closed', closed_by = %(by)s, next_attempt_at = NULL, updated_at = %(now)s"
        " WHERE (callback_id = %(id)s OR handoff_id = %(id)s) AND branch_id = %(branch)s"
        " AND state IN ('waiting', 'calling', 'failed')",
        {"by": by, "now": now, "id": matter_id, "branch": branch_id},
    )
    closed = cursor.rowcount
    found = await conn.execute(
        "SELECT state FROM handoffs WHERE handoff_id = %s AND branch_id = %s FOR NO KEY UPDATE", (matter_id, branch_id)
    )
    row = await found.fetchone()
    if row is not None:
        after = advance(HandoffState(row[0]), HandoffStep.SETTLED)
        if after.value != row[0]:
            await conn.execute(
                "UPDATE handoffs SET state = %s, taken_by = coalesce(taken_by, %s), updated_at = %s"
                " WHERE handoff_id = %s",
                (after.value, by, now, matter_id),
            )
            closed += 1
    return closed > 0


async def call_of(conn: Connection, branch_id: str, matter_id: str) -> str | None:
    """The caller's call that a matter is about."""
    cursor = await conn.execute(
        "SELECT call_id FROM handoffs WHERE handoff_id = %(id)s AND branch_id = %(branch)s"
        " UNION SELECT call_id FROM callbacks WHERE callback_id = %(id)s AND branch_id = %(branch)s LIMIT 1",
        {"id": matter_id, "branch": branch_id},
    )
    row = await cursor.fetchone()
    return str(row[0]) if row else None


@dataclass(frozen=True, slots=True)
class CartDesk:
    """The cart belongs to ``orders``, so it is asked."""

    http: httpx.AsyncClient

    async def act(
        self, call_id: str, branch_id: str, action: CartAction, *, by: str, request_id: str
    ) -> tuple[int, Mapping[str, Any]]:
        """Status and answer of ``orders``. Raises :class:`OrdersAway`."""
        try:
            response = await self.http.post(
                f"/internal/calls/{call_id}/staff/{action}",
                json={"branch_id": branch_id, "by": by, "request_id": request_id},
                timeout=ORDERS_LIMIT_S,
            )
            return response.status_code, response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise OrdersAway(type(error).__name__) from error
