"""The table ``handoffs``, whose only writer is this service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

from agiza.domain.handoff import PENDING, HandoffState
from agiza.domain.menu import Strategy
from agiza.runtime.postgres import Connection

JsonObject = dict[str, Any]

HANDOFF_HOURS_MAX: Final = 2
"""Longer than any call; a hand-off whose call never ended is closed then."""


@dataclass(frozen=True, slots=True)
class HandoffRow:
    """One hand-off. No contact: nobody was on duty.

    ``leave_by``: when the bridge must have left the stream; None while a phone rings first. ``ringing`` is the contact
    whom a call of ours rings at this moment, ``tried`` those who did not pick up, ``room`` where one who did waits.
    """

    handoff_id: str
    call_id: str
    leg_epoch: int
    branch_id: str
    contact_id: str | None
    contact_phone: str | None
    reason: str
    state: HandoffState
    attempts: int
    reply_to: str | None
    traceparent: str
    requested_at: datetime
    updated_at: datetime
    strategy: Strategy = "stream_stop_dial"
    tried: tuple[str, ...] = ()
    room: str | None = None
    ringing: str | None = None
    left_at: datetime | None = None
    leave_by: datetime | None = None
    language: str = "en"
    request_ids: tuple[str, ...] = ()


_NAMES: Final = tuple(each.name for each in fields(HandoffRow))
_COLUMNS: Final = ", ".join(_NAMES)
_FIXED: Final = frozenset(("handoff_id", "call_id", "leg_epoch", "branch_id", "traceparent"))
_MOVING: Final = tuple(name for name in _NAMES if name not in _FIXED)


def _row(found: Sequence[Any]) -> HandoffRow:
    row = HandoffRow(*found)
    return replace(row, state=HandoffState(row.state), tried=tuple(row.tried), request_ids=tuple(row.request_ids))


def _values(row: HandoffRow) -> JsonObject:
    values = {name: getattr(row, name) for name in _NAMES}
    return values | {"state": row.state.value, "tried": list(row.tried), "request_ids": list(row.request_ids)}


async def lock_handoff(conn: Connection, handoff_id: str) -> HandoffRow | None:
    """The hand-off under a row lock."""
    return await _locked(conn, "handoff_id = %s", (handoff_id,))


async def lock_handoff_of_leg(conn: Connection, call_id: str, leg_epoch: int) -> HandoffRow | None:
    """The hand-off that this leg of the call asked for, under a row lock."""
    return await _locked(conn, "call_id = %s AND leg_epoch = %s", (call_id, leg_epoch))


async def lock_newest_handoff(conn: Connection, call_id: str) -> HandoffRow | None:
    """The call's newest hand-off, under a row lock."""
    return await _locked(conn, "call_id = %s", (call_id,))


async def newest_handoff(conn: Connection, call_id: str) -> HandoffRow | None:
    """The call's newest hand-off as it stands."""
    cursor = await conn.execute(
        f"SELECT {_COLUMNS} FROM handoffs WHERE call_id = %s ORDER BY leg_epoch DESC LIMIT 1",  # noqa: S608 - constants
        (call_id,),
    )
    found = await cursor.fetchone()
    return _row(found) if found else None


async def _locked(conn: Connection, condition: str, values: tuple[Any, ...]) -> HandoffRow | None:
    cursor = await conn.execute(
        f"SELECT {_COLUMNS} FROM handoffs WHERE {condition} ORDER BY leg_epoch DESC LIMIT 1 FOR NO KEY UPDATE",  # noqa: S608
        values,
    )
    found = await cursor.fetchone()
    return _row(found) if found else None


async def insert_handoff(conn: Connection, row: HandoffRow, pii_summary: str) -> bool:
    """Store a new hand-off. False when the same leg's request was stored by another delivery meanwhile."""
    cursor = await conn.execute(
        f"INSERT INTO handoffs ({_COLUMNS}, pii_summary)"  # noqa: S608 - constants
        f" VALUES ({', '.join(f'%({name})s' for name in _NAMES)}, %(pii_summary)s)"
        " ON CONFLICT (call_id, leg_epoch) DO NOTHING",
        _values(row) | {"pii_summary": pii_summary},
    )
    return cursor.rowcount == 1


async def update_handoff(conn: Connection, row: HandoffRow) -> None:
    """Store all of the hand-off that can change."""
    await conn.execute(
        f"UPDATE handoffs SET {', '.join(f'{name} = %({name})s' for name in _MOVING)}"  # noqa: S608 - constants
        " WHERE handoff_id = %(handoff_id)s",
        _values(row),
    )


async def set_summary(conn: Connection, handoff_id: str, pii_summary: str) -> None:
    """What the agent says of the matter, where it asks once more."""
    await conn.execute("UPDATE handoffs SET pii_summary = %s WHERE handoff_id = %s", (pii_summary, handoff_id))


async def overdue(conn: Connection, now: datetime, repeat_after: timedelta) -> list[str]:
    """Ids of hand-offs whose bridge should have left the stream by now, or was told so and is still there."""
    cursor = await conn.execute(
        "SELECT handoff_id FROM handoffs WHERE state IN ('requested', 'leaving', 'dial_served') AND left_at IS NULL"
        " AND leave_by <= %(now)s AND leave_by > %(now)s - interval '60 s'"
        " AND (state = 'requested' OR (state = 'leaving' AND updated_at <= %(now)s - %(repeat)s))"
        " ORDER BY requested_at LIMIT 200",
        {"now": now, "repeat": repeat_after},
    )
    return [row[0] for row in await cursor.fetchall()]


async def pending(conn: Connection, now: datetime) -> list[str]:
    """Ids of hand-offs whose caller still waits for a person."""
    cursor = await conn.execute(
        "SELECT handoff_id FROM handoffs WHERE state IN ('requested', 'leaving', 'dial_served')"
        " AND requested_at <= %s ORDER BY requested_at LIMIT 500",
        (now,),
    )
    return [row[0] for row in await cursor.fetchall()]


async def forgotten(conn: Connection, now: datetime) -> list[str]:
    """Ids of unfinished hand-offs whose call has been forgotten, or never was known."""
    cursor = await conn.execute(
        "SELECT handoff_id FROM handoffs WHERE state IN ('requested', 'leaving', 'dial_served')"
        " AND requested_at < %s - make_interval(hours => %s) ORDER BY requested_at LIMIT 200",
        (now, HANDOFF_HOURS_MAX),
    )
    return [row[0] for row in await cursor.fetchall()]


async def count_open(conn: Connection) -> int:
    """Hand-offs that are not finished."""
    cursor = await conn.execute("SELECT count(*) FROM handoffs WHERE state IN ('requested', 'leaving', 'dial_served')")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


_SHOWN: Final = (
    "handoff_id", "call_id", "leg_epoch", "branch_id", "contact_id", "reason", "pii_summary", "state", "attempts",
    "strategy",
    "requested_at", "updated_at",
)  # fmt: skip


async def list_handoffs(conn: Connection, call_id: str | None, limit: int) -> list[JsonObject]:
    """Hand-offs, newest first, of one call or of all."""
    cursor = await conn.execute(
        f"SELECT {', '.join(_SHOWN)} FROM handoffs WHERE %s::text IS NULL OR call_id = %s"  # noqa: S608 - constants
        " ORDER BY requested_at DESC, leg_epoch DESC LIMIT %s",
        (call_id, call_id, limit),
    )
    return [dict(zip(_SHOWN, row, strict=True)) for row in await cursor.fetchall()]


async def was_given_up(conn: Connection, call_id: str) -> bool:
    """Whether we have given up waiting for the carrier to take this caller to a person, and ring them back instead."""
    cursor = await conn.execute(
        "SELECT state = 'callback' AND left_at IS NOT NULL FROM handoffs WHERE call_id = %s"
        " ORDER BY leg_epoch DESC LIMIT 1",
        (call_id,),
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def is_waiting(conn: Connection, call_id: str) -> bool:
    """Whether the caller's newest hand-off is under way."""
    row = await newest_handoff(conn, call_id)
    return row is not None and row.state in PENDING


async def call_of(conn: Connection, handoff_id: str) -> str | None:
    """The call of a hand-off, without locking anything: the call's own lock has to be taken first."""
    cursor = await conn.execute("SELECT call_id FROM handoffs WHERE handoff_id = %s", (handoff_id,))
    row = await cursor.fetchone()
    return str(row[0]) if row else None
