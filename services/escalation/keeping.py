"""Whether a promised call can be made now: not while the customer is still being served, not when it is too late."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from agiza.domain.call_state import Phase
from agiza.domain.callback import CallbackState
from agiza.domain.menu import BranchFile
from agiza.runtime.postgres import Connection
from services.escalation import store_handoffs, store_lines
from services.escalation.store_callbacks import CallbackRow
from services.escalation.store_lines import KnownLine

KEPT_LATE: Final = timedelta(minutes=30)
"""So long after its time a promise may still be kept; then people have to see to it."""
RING_BACK_WITHIN: Final = timedelta(minutes=5)
"""A customer whose line was lost has given up, or rung again, after this."""
ORDER_REASON: Final = "order_not_accepted"


async def is_over_for_customer(conn: Connection, row: CallbackRow, known: KnownLine) -> bool:
    """Whether the customer hears nothing more on their own call, although it is still there."""
    line = known.line
    if await store_handoffs.was_given_up(conn, row.call_id):
        return True  # by ourselves, for this call back
    if line.phase not in (Phase.OFFERED, Phase.STREAMING) or await store_handoffs.is_waiting(conn, row.call_id):
        return False
    if row.kind == "agent":
        return line.offered_at is None or line.offered_at <= row.created_at
    return line.end_reason is not None


async def too_late(conn: Connection, row: CallbackRow, file: BranchFile | None, now: datetime) -> CallbackState | None:
    """How a promise ends that could not be kept in time; None while it still can be.

    With people it stands on their page then. A customer with a cart is rung within minutes, while the branch is open
    and the cart still theirs, or not at all.
    """
    if row.kind == "person":
        if row.reason == ORDER_REASON and not await store_lines.has_unaccepted_order(conn, row.call_id):
            return CallbackState.CLOSED
        return CallbackState.FAILED if now > row.promised_for + KEPT_LATE else None
    known = await store_lines.read_line(conn, row.call_id)
    has_cart = known is not None and known.has_open_cart
    is_open = file is not None and file.branch.is_open(now)
    return None if has_cart and is_open and now <= row.created_at + RING_BACK_WITHIN else CallbackState.CLOSED
