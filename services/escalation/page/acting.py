"""What people do on the page: take a matter, close a call back, finish or drop the cart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import httpx

from agiza.runtime.postgres import Connection

CartAction = Literal["place", "discard"]
ORDERS_LIMIT_S: Final = 3.0


class OrdersAway(Exception):
    """``orders`` did not answer. The same action may be sent again: it is carried out once."""

    retryable = True


async def take(conn: Connection, branch_id: str, matter_id: str, by: str, now: datetime) -> str | None:
    """Note who looks after the matter; the name of who does, which may be somebody quicker. None: no such matter."""
    cursor = await conn.execute(
        "UPDATE handoffs SET taken_by = coalesce(taken_by, %s), taken_at = coalesce(taken_at, %s)"
        " WHERE handoff_id = %s AND branch_id = %s RETURNING taken_by",
        (by, now, matter_id, branch_id),
    )
    row = await cursor.fetchone()
    return str(row[0]) if row else None


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
