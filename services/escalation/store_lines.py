"""Callers' lines: what the webhook knows of them, and legs that somebody has to look at a moment later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from agiza.domain.call_codec import call_from_json
from agiza.domain.call_state import CallState
from agiza.domain.rescue import Line
from agiza.runtime.postgres import Connection

WATCHES_KEPT: Final = timedelta(days=1)

_LINE: Final = (
    "c.call_id, c.branch_id, c.state->'call', c.ended_at, c.outcome, c.end_reason, c.last_dialled_at,"
    " coalesce(jsonb_array_length(k.pii_state->'lines'), 0) > 0"
)
_FROM: Final = "FROM calls c LEFT JOIN carts k ON k.call_id = c.call_id"


@dataclass(frozen=True, slots=True)
class KnownLine:
    """A caller's call. ``has_open_cart``: something is in the cart that was not placed."""

    call_id: str
    branch_id: str
    line: Line
    has_open_cart: bool


async def read_line(conn: Connection, call_id: str) -> KnownLine | None:
    """The call's line, or None when the webhook could not store the call."""
    cursor = await conn.execute(f"SELECT {_LINE} {_FROM} WHERE c.call_id = %s", (call_id,))
    row = await cursor.fetchone()
    return _known(row) if row else None


async def live_lines(conn: Connection, now: datetime) -> list[KnownLine]:
    """Callers who should be with the agent at this moment."""
    cursor = await conn.execute(
        f"SELECT {_LINE} {_FROM} WHERE c.ended_at IS NULL AND c.stage IN ('offered', 'streaming')"
        " AND c.started_at BETWEEN %(now)s - interval '2 hours' AND %(now)s AND c.outcome IS NULL LIMIT 2000",
        {"now": now},
    )
    return [_known(row) for row in await cursor.fetchall()]


async def dialled_over_long(conn: Connection, now: datetime, longest: timedelta) -> list[KnownLine]:
    """Callers who have been talking with somebody for longer than is allowed."""
    cursor = await conn.execute(
        f"SELECT {_LINE} {_FROM} WHERE c.ended_at IS NULL AND c.stage = 'dialling'"
        " AND c.last_dialled_at <= %(now)s - %(longest)s AND c.last_dialled_at > %(now)s - %(longest)s * 2"
        " AND c.started_at > %(now)s - interval '4 hours' LIMIT 100",
        {"now": now, "longest": longest},
    )
    return [_known(row) for row in await cursor.fetchall()]


def _known(row: Sequence[Any]) -> KnownLine:
    call_id, branch_id, state, ended_at, outcome, end_reason, dialled_at, has_open_cart = row
    call = call_from_json(state) if state else CallState()
    line = Line(
        kind=call.kind,
        phase=call.phase,
        epoch=call.epoch,
        ended_at=ended_at,
        outcome=outcome,
        end_reason=end_reason,
        offered_at=call.offered_at,
        dialled_at=dialled_at,
    )
    return KnownLine(call_id, branch_id, line, bool(has_open_cart))


# --- watches -------------------------------------------------------------------------------------------------------

What = Literal["left", "over"]


@dataclass(frozen=True, slots=True)
class Watch:
    """A leg whose bridge reported its end (``left``) and why, or a call that is over, and since when."""

    call_id: str
    leg_epoch: int
    what: What
    since: datetime
    reason: str = ""


async def watch_line(conn: Connection, watch: Watch) -> None:
    """Have somebody look a moment later. Asked again, the first moment counts."""
    await conn.execute(
        "INSERT INTO line_watches (call_id, leg_epoch, what, reason, since) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (watch.call_id, watch.leg_epoch, watch.what, watch.reason, watch.since),
    )


async def open_watches(conn: Connection, now: datetime) -> list[Watch]:
    """What is still to be looked at, the oldest first."""
    cursor = await conn.execute(
        "SELECT call_id, leg_epoch, what, since, reason FROM line_watches"
        " WHERE NOT settled AND since > %s - interval '10 min'"
        " ORDER BY since LIMIT 500",
        (now,),
    )
    return [Watch(*row) for row in await cursor.fetchall()]


async def settle_watch(conn: Connection, watch: Watch) -> None:
    """It has been looked at."""
    await conn.execute(
        "UPDATE line_watches SET settled = true WHERE call_id = %s AND leg_epoch = %s AND what = %s",
        (watch.call_id, watch.leg_epoch, watch.what),
    )


async def forget_watches(conn: Connection, now: datetime) -> None:
    """Drop what is old."""
    await conn.execute("DELETE FROM line_watches WHERE since < %s - %s", (now, WATCHES_KEPT))


async def has_callback(conn: Connection, call_id: str) -> bool:
    """Whether this caller is being rung back, or was."""
    cursor = await conn.execute("SELECT 1 FROM callbacks WHERE call_id = %s LIMIT 1", (call_id,))
    return await cursor.fetchone() is not None


async def is_on_the_line(conn: Connection, pii_phone: str, but_call_id: str, now: datetime) -> bool:
    """Whether this customer is in another live call with us at this moment: they have rung again by themselves."""
    cursor = await conn.execute(
        "SELECT 1 FROM calls WHERE pii_caller = %s AND call_id <> %s AND ended_at IS NULL AND outbound_id IS NULL"
        " AND started_at BETWEEN %s - interval '30 minutes' AND %s LIMIT 1",
        (pii_phone, but_call_id, now, now),
    )
    return await cursor.fetchone() is not None


async def has_unaccepted_order(conn: Connection, call_id: str) -> bool:
    """Whether an order of this call still waits for the POS, or was refused by it, and no person has taken it."""
    cursor = await conn.execute(
        "SELECT 1 FROM orders WHERE call_id = %s AND state IN ('placed', 'received', 'rejected')"
        " AND owned_at IS NULL LIMIT 1",
        (call_id,),
    )
    return await cursor.fetchone() is not None


async def is_picked_up(conn: Connection, outbound_id: str) -> bool:
    """Whether the webhook knows that somebody has picked up a call of ours, also where its word has not come to us."""
    cursor = await conn.execute(
        "SELECT coalesce((state->'call'->>'picked_up')::boolean, false) AND ended_at IS NULL FROM calls"
        " WHERE outbound_id = %s ORDER BY started_at DESC LIMIT 1",
        (outbound_id,),
    )
    row = await cursor.fetchone()
    return bool(row and row[0])
