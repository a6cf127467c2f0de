"""Take: somebody of the kitchen looks after an order that nobody had taken in time."""

from __future__ import annotations

from agiza.runtime.postgres import Connection
from services.orders.kitchen.acting import Sayer


async def take(conn: Connection, order_id: str, sayer: Sayer, *, by: str) -> str | None:
    """Who looks after the order now, which may be somebody quicker; None when the branch has no such order."""
    cursor = await conn.execute(
        "UPDATE orders SET owned_by = coalesce(owned_by, %s), owned_at = coalesce(owned_at, %s)"
        " WHERE order_id = %s AND branch_id = %s RETURNING owned_by",
        (by, sayer.now, order_id, sayer.branch_id),
    )
    row = await cursor.fetchone()
    return str(row[0]) if row else None
