"""The tables ``contacts`` and ``handoffs``, whose only writer is this service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from agiza.domain.handoff import HandoffState
from agiza.domain.hours import OpeningHours, Window
from agiza.domain.ids import BranchId, ContactId
from agiza.domain.menu import BranchFile, Contact
from agiza.runtime.postgres import Connection

JsonObject = dict[str, Any]

HANDOFF_HOURS_MAX: Final = 2
"""Longer than any call; a hand-off whose call never ended is closed then."""


# --- contacts ------------------------------------------------------------------------------------------------------


async def put_roster(conn: Connection, file: BranchFile) -> None:
    """Make the branch's contacts those of its file. Others stay, inactive: hand-offs name them."""
    await conn.execute(
        "UPDATE contacts SET active = false WHERE branch_id = %s AND NOT contact_id = ANY(%s)",
        (file.branch.id, [contact.id for contact in file.contacts]),
    )
    async with conn.cursor() as many:
        await many.executemany(
            "INSERT INTO contacts (branch_id, contact_id, name, phone, position, hours, languages, active)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, true) ON CONFLICT (branch_id, contact_id) DO UPDATE SET"
            " name = excluded.name, phone = excluded.phone, position = excluded.position, hours = excluded.hours,"
            " languages = excluded.languages, active = true",
            [
                (
                    file.branch.id, contact.id, contact.name, contact.phone, contact.order,
                    Jsonb(_hours_to_json(contact.hours)), list(contact.languages),
                )
                for contact in file.contacts
            ],
        )  # fmt: skip


async def roster(conn: Connection, branch_id: str) -> tuple[Contact, ...]:
    """The branch's active contacts."""
    cursor = await conn.execute(
        "SELECT contact_id, name, phone, position, hours, languages FROM contacts WHERE branch_id = %s AND active",
        (branch_id,),
    )
    return tuple(
        Contact(ContactId(row[0]), row[1], row[2], row[3], _hours_from_json(row[4]), tuple(row[5]))
        for row in await cursor.fetchall()
    )


def _hours_to_json(hours: OpeningHours) -> JsonObject:
    windows = [[window.day, window.opens_minute, window.closes_minute] for window in hours.windows]
    return {"timezone": hours.timezone, "windows": windows}


def _hours_from_json(stored: JsonObject) -> OpeningHours:
    return OpeningHours(stored["timezone"], tuple(Window(*window) for window in stored["windows"]))


# --- what others own -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parties:
    """Whose numbers are not to be rung."""

    branch_phone: str
    pii_caller: str | None


async def parties(conn: Connection, call_id: str, branch_id: str) -> Parties | None:
    """The branch's number and the caller's, as the webhook stored it. None for a branch that is not known."""
    cursor = await conn.execute(
        "SELECT b.phone, c.pii_caller FROM branches b LEFT JOIN calls c ON c.call_id = %s WHERE b.branch_id = %s",
        (call_id, BranchId(branch_id)),
    )
    row = await cursor.fetchone()
    return Parties(row[0], row[1]) if row else None


# --- hand-offs -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HandoffRow:
    """One hand-off. No contact: nobody was on duty."""

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


_COLUMNS: Final = (
    "handoff_id, call_id, leg_epoch, branch_id, contact_id, contact_phone, reason, state, attempts, reply_to,"
    " traceparent, requested_at, updated_at"
)


def _row(found: Sequence[Any]) -> HandoffRow:
    row = HandoffRow(*found)
    return replace(row, state=HandoffState(row.state))


async def lock_handoff(conn: Connection, handoff_id: str) -> HandoffRow | None:
    """The hand-off under a row lock."""
    return await _locked(conn, "handoff_id = %s", (handoff_id,))


async def lock_handoff_of_leg(conn: Connection, call_id: str, leg_epoch: int) -> HandoffRow | None:
    """The hand-off that this leg of the call asked for, under a row lock."""
    return await _locked(conn, "call_id = %s AND leg_epoch = %s", (call_id, leg_epoch))


async def lock_newest_handoff(conn: Connection, call_id: str) -> HandoffRow | None:
    """The call's newest hand-off, under a row lock."""
    return await _locked(conn, "call_id = %s", (call_id,))


async def _locked(conn: Connection, condition: str, values: tuple[Any, ...]) -> HandoffRow | None:
    cursor = await conn.execute(
        f"SELECT {_COLUMNS} FROM handoffs WHERE {condition} ORDER BY leg_epoch DESC LIMIT 1 FOR UPDATE",  # noqa: S608
        values,
    )
    found = await cursor.fetchone()
    return _row(found) if found else None


async def insert_handoff(conn: Connection, row: HandoffRow, pii_summary: str) -> bool:
    """Store a new hand-off. False when the same leg's request was stored by another delivery meanwhile."""
    cursor = await conn.execute(
        "INSERT INTO handoffs (handoff_id, call_id, leg_epoch, branch_id, contact_id, contact_phone, reason,"
        " pii_summary, state, attempts, reply_to, traceparent, requested_at, updated_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (call_id, leg_epoch) DO NOTHING",
        (
            row.handoff_id, row.call_id, row.leg_epoch, row.branch_id, row.contact_id, row.contact_phone, row.reason,
            pii_summary, row.state.value, row.attempts, row.reply_to, row.traceparent, row.requested_at,
            row.updated_at,
        ),
    )  # fmt: skip
    return cursor.rowcount == 1


async def update_handoff(conn: Connection, row: HandoffRow) -> None:
    """Store the hand-off's state, contact and attempts."""
    await conn.execute(
        "UPDATE handoffs SET state = %s, contact_id = %s, contact_phone = %s, attempts = %s, reply_to = %s,"
        " requested_at = %s, updated_at = %s WHERE handoff_id = %s",
        (
            row.state.value, row.contact_id, row.contact_phone, row.attempts, row.reply_to,
            row.requested_at, row.updated_at, row.handoff_id,
        ),
    )  # fmt: skip


async def contact_phone(conn: Connection, branch_id: str, contact_id: str) -> str | None:
    """The number of a contact, whether or not it is active now."""
    cursor = await conn.execute(
        "SELECT phone FROM contacts WHERE branch_id = %s AND contact_id = %s", (branch_id, contact_id)
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def overdue(conn: Connection, now: datetime, leave_after: timedelta, repeat_after: timedelta) -> list[str]:
    """Ids of hand-offs whose bridge should have left the stream by now, or was told so and is still there."""
    cursor = await conn.execute(
        "SELECT handoff_id FROM handoffs WHERE state IN ('requested', 'leaving', 'dial_served') AND ("
        " (state = 'requested' AND requested_at <= %(now)s - %(leave)s)"
        " OR (state = 'leaving' AND updated_at <= %(now)s - %(repeat)s"
        " AND requested_at > %(now)s - interval '60 s')) ORDER BY requested_at LIMIT 200",
        {"now": now, "leave": leave_after, "repeat": repeat_after},
    )
    return [row[0] for row in await cursor.fetchall()]


async def of_ended_calls(conn: Connection, now: datetime) -> list[str]:
    """Ids of unfinished hand-offs whose call has ended, or must have."""
    cursor = await conn.execute(
        "SELECT h.handoff_id FROM handoffs h LEFT JOIN calls c USING (call_id)"
        " WHERE h.state IN ('requested', 'leaving', 'dial_served')"
        " AND (c.ended_at IS NOT NULL OR h.requested_at < %s - make_interval(hours => %s))"
        " ORDER BY h.requested_at LIMIT 200",
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
