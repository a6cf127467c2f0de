"""One step of a hand-off, under its row lock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from agiza.domain.handoff import HandoffStep, advance
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import Connection
from services.escalation import store_handoffs as store
from services.escalation.store_handoffs import HandoffRow

log = get_logger(__name__)


async def move_handoff(conn: Connection, handoff_id: str, step: HandoffStep, now: datetime) -> HandoffRow | None:
    """The hand-off after the step, if that took it further; None when it changed nothing."""
    row = await store.lock_handoff(conn, handoff_id)
    if row is None:
        return None
    after = replace(row, state=advance(row.state, step), updated_at=now)
    return after if await save_handoff(conn, row, after) else None


async def save_handoff(conn: Connection, before: HandoffRow, after: HandoffRow) -> bool:
    """Write what changed; whether the state did."""
    if replace(after, updated_at=before.updated_at) == before:
        return False
    await store.update_handoff(conn, after)
    if after.state is not before.state:
        log.info("handoff_moved", handoff_id=after.handoff_id, call_id=after.call_id, state=after.state.value)
    return after.state is not before.state
