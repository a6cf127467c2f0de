"""Whether a number is one that has had an order before: what a new caller may order by telephone is bounded."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from agiza.domain.menu import Limits
from agiza.runtime.postgres import Connection

KNOWN_AFTER: Final = timedelta(hours=12)
"""An order makes its caller known once it is this old and was neither rejected nor taken back. A small order followed
by a large one in the same evening makes nobody known."""


async def is_known_caller(conn: Connection, caller: str | None, limits: Limits, now: datetime) -> bool:
    """True also where the branch has no limit for new callers; then nothing is asked. A withheld number is new."""
    if limits.new_caller_total_max_minor is None:
        return True
    if caller is None:
        return False
    cursor = await conn.execute(
        "SELECT 1 FROM calls c JOIN orders o ON o.call_id = c.call_id"
        " WHERE c.pii_caller = %s AND o.placed_at < %s"
        " AND o.state NOT IN ('rejected', 'cancel_requested', 'cancelled') LIMIT 1",
        (caller, now - KNOWN_AFTER),
    )
    return await cursor.fetchone() is not None
