"""What is left of endpoints that were deleted, and secrets that sign no more: gone, in small batches.

An endpoint may have millions of deliveries and attempts behind it. Whoever deletes it must not wait for them, and
neither may a live call.
"""

from __future__ import annotations

from datetime import datetime

from agiza.runtime.postgres import Pool, transaction


async def forget_deleted(pool: Pool, *, limit: int) -> int:
    """Delete rows of deleted endpoints, at most ``limit``; returns how many. The endpoint itself goes last."""
    async with transaction(pool) as conn:
        cursor = await conn.execute("SELECT endpoint_id FROM webhook_endpoints WHERE deleted_at IS NOT NULL LIMIT 100")
        ids = [row[0] for row in await cursor.fetchall()]
        gone = 0
        for statement in (_ATTEMPTS, _DELIVERIES, _ENDPOINTS):
            if ids and gone < limit:
                cursor = await conn.execute(statement, {"ids": ids, "limit": limit - gone})
                gone += cursor.rowcount
    return gone


async def forget_former_secrets(pool: Pool, now: datetime) -> int:
    """Delete the secrets that sign no more; returns how many."""
    async with transaction(pool) as conn:
        cursor = await conn.execute(
            "UPDATE webhook_endpoints SET former_secret = NULL, former_until = NULL WHERE former_until <= %s", (now,)
        )
        return cursor.rowcount


_ATTEMPTS = """
    DELETE FROM webhook_attempts WHERE attempt_id IN (
        SELECT attempt_id FROM webhook_attempts WHERE endpoint_id = ANY(%(ids)s) LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
_DELIVERIES = """
    DELETE FROM webhook_deliveries WHERE (endpoint_id, event_id) IN (
        SELECT endpoint_id, event_id FROM webhook_deliveries WHERE endpoint_id = ANY(%(ids)s)
        LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
_ENDPOINTS = """
    DELETE FROM webhook_endpoints AS gone WHERE endpoint_id = ANY(%(ids)s)
    AND NOT EXISTS (SELECT FROM webhook_attempts AS a WHERE a.endpoint_id = gone.endpoint_id)
    AND NOT EXISTS (SELECT FROM webhook_deliveries AS d WHERE d.endpoint_id = gone.endpoint_id)
"""
