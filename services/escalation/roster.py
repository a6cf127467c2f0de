"""Who can be rung: the table ``contacts``, and whose numbers are not to be rung in a call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from agiza.domain.callback import next_contact
from agiza.domain.hours import OpeningHours, Window
from agiza.domain.ids import BranchId, ContactId
from agiza.domain.menu import Branch, BranchFile, Contact
from agiza.runtime.postgres import Connection
from services.escalation.carrier_line import CarrierLine
from services.escalation.store_callbacks import CallbackRow

JsonObject = dict[str, Any]


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


async def ringable(conn: Connection, branch: Branch, line: CarrierLine) -> tuple[Contact, ...]:
    """The branch's active contacts whose numbers may be rung, judged now whatever was stored."""
    return tuple(each for each in await roster(conn, branch.id) if line.refuses(each.phone, branch) is None)


async def next_to_ring(
    conn: Connection, row: CallbackRow, file: BranchFile, line: CarrierLine, now: datetime
) -> Contact | None:
    """Whom a promise or an alarm has rung next: on duty, with a number that may be rung, not tried in this round."""
    return next_contact(
        await ringable(conn, file.branch, line),
        now,
        language=row.language,
        customer=row.pii_phone,
        branch_phone=file.branch.phone,
        tried=row.tried,
    )


@dataclass(frozen=True, slots=True)
class Parties:
    """Whose numbers are not to be rung as staff, and in which language the caller speaks.

    ``pii_customer`` is where the caller can be rung back: their own number, else one that they gave for the order.
    """

    branch_phone: str
    pii_caller: str | None
    pii_customer: str | None
    language: str


async def parties(conn: Connection, call_id: str, branch_id: str) -> Parties | None:
    """The parties of a call, as webhook and orders stored them. None for a branch that is not known."""
    cursor = await conn.execute(
        "SELECT b.phone, c.pii_caller, coalesce(c.pii_caller, k.pii_state->'customer'->>'phone'),"
        " coalesce(c.language, 'en') FROM branches b LEFT JOIN calls c ON c.call_id = %s"
        " LEFT JOIN carts k ON k.call_id = %s AND k.branch_id = b.branch_id WHERE b.branch_id = %s",
        (call_id, call_id, BranchId(branch_id)),
    )
    row = await cursor.fetchone()
    return Parties(*row) if row else None


async def contact_phone(conn: Connection, branch_id: str, contact_id: str) -> str | None:
    """The number of a contact, whether or not it is active now."""
    cursor = await conn.execute(
        "SELECT phone FROM contacts WHERE branch_id = %s AND contact_id = %s", (branch_id, contact_id)
    )
    row = await cursor.fetchone()
    return row[0] if row else None
