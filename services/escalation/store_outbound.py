"""The table ``outbound_calls``: calls that we place, each with the matter that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal

from agiza.runtime.postgres import Connection

OutboundKind = Literal["ring_back", "staff_bridge", "staff_join", "customer_join", "staff_alarm"]
OutboundState = Literal["asked", "placed", "answered", "connected", "ended", "failed"]
UNFINISHED: Final = ("asked", "placed", "answered")


@dataclass(frozen=True, slots=True)
class OutboundRow:
    """One call of ours. ``call_id`` is the caller's call that it is about, ``carrier_call_id`` its own name there."""

    outbound_id: str
    call_id: str
    callback_id: str | None
    handoff_id: str | None
    branch_id: str
    kind: OutboundKind
    pii_to: str
    pii_customer: str | None
    contact_id: str | None
    room: str | None
    language: str
    state: OutboundState
    carrier_call_id: str | None
    created_at: datetime
    updated_at: datetime


_NAMES: Final = tuple(each.name for each in fields(OutboundRow))
_COLUMNS: Final = ", ".join(_NAMES)


async def insert_outbound(conn: Connection, row: OutboundRow) -> None:
    """Store a call that is to be placed."""
    await conn.execute(
        f"INSERT INTO outbound_calls ({_COLUMNS}) VALUES ({', '.join(f'%({name})s' for name in _NAMES)})",  # noqa: S608
        {name: getattr(row, name) for name in _NAMES},
    )


async def lock_outbound(conn: Connection, outbound_id: str) -> OutboundRow | None:
    """The call under a row lock."""
    found = await _select(conn, "outbound_id = %s FOR NO KEY UPDATE", (outbound_id,))
    return found[0] if found else None


async def read_outbound(conn: Connection, outbound_id: str) -> OutboundRow | None:
    """The call as it stands."""
    found = await _select(conn, "outbound_id = %s", (outbound_id,))
    return found[0] if found else None


async def of_handoff(conn: Connection, handoff_id: str) -> list[OutboundRow]:
    """Unfinished calls about this hand-off, the newest first."""
    return await _select(
        conn, "handoff_id = %s AND state = ANY(%s) ORDER BY created_at DESC", (handoff_id, list(UNFINISHED))
    )


async def of_callback(conn: Connection, callback_id: str) -> list[OutboundRow]:
    """Unfinished calls that keep this promise."""
    return await _select(
        conn, "callback_id = %s AND state = ANY(%s) ORDER BY created_at DESC", (callback_id, list(UNFINISHED))
    )


async def stuck(conn: Connection, *, asked: datetime, placed: datetime, answered: datetime) -> list[OutboundRow]:
    """Unfinished calls that have stood in their state since before the moment given for it, the oldest first."""
    return await _select(
        conn,
        "((state = 'asked' AND updated_at <= %s) OR (state = 'placed' AND updated_at <= %s)"
        " OR (state = 'answered' AND updated_at <= %s)) ORDER BY updated_at LIMIT 200",
        (asked, placed, answered),
    )


async def move_outbound(
    conn: Connection,
    outbound_id: str,
    state: OutboundState,
    now: datetime,
    *,
    carrier_call_id: str | None = None,
) -> None:
    """Store how far the call is; a name at the carrier that is known already stays."""
    await conn.execute(
        "UPDATE outbound_calls SET state = %s, carrier_call_id = coalesce(carrier_call_id, %s), updated_at = %s"
        " WHERE outbound_id = %s",
        (state, carrier_call_id, now, outbound_id),
    )


async def placed_lately(conn: Connection, branch_id: str, customer: str | None, now: datetime) -> tuple[int, int]:
    """How many calls were placed for this branch in the last hour, and for this customer in the last day."""
    cursor = await conn.execute(
        "SELECT count(*) FILTER (WHERE branch_id = %(branch)s AND created_at > %(now)s - interval '1 hour'),"
        " count(*) FILTER (WHERE coalesce(pii_customer, pii_to) = %(customer)s) FROM outbound_calls"
        " WHERE created_at > %(now)s - interval '1 day'"
        " AND (branch_id = %(branch)s OR coalesce(pii_customer, pii_to) = %(customer)s)",
        {"branch": branch_id, "customer": customer, "now": now},
    )
    row = await cursor.fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


async def alone_since(conn: Connection, handoff_id: str) -> datetime | None:
    """Since when nobody waits in this hand-off's room any more; None while somebody does."""
    cursor = await conn.execute(
        "SELECT max(updated_at) FROM outbound_calls WHERE handoff_id = %s AND room IS NOT NULL"
        " HAVING bool_and(state <> ALL(%s))",
        (handoff_id, list(UNFINISHED)),
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def _select(conn: Connection, condition: str, values: Sequence[Any]) -> list[OutboundRow]:
    cursor = await conn.execute(f"SELECT {_COLUMNS} FROM outbound_calls WHERE {condition}", values)  # noqa: S608
    return [OutboundRow(*row) for row in await cursor.fetchall()]
