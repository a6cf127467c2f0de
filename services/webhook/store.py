"""The table ``calls``, whose only writer is this service, and the one row of ``handoffs`` that it reads.

``state`` holds what call control remembers and the events that are not yet published: they are written in the
transaction that makes them true, and taken out once Redis has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from agiza.domain.call_codec import call_from_json, call_to_json
from agiza.domain.call_state import CallKind, CallOutcome, CallState, DialTarget, Handoff
from agiza.domain.handoff import HandoffState
from agiza.runtime.postgres import Connection

JsonObject = dict[str, Any]

REPORT_WAIT_S: Final = 30
"""A bridge that has not reported this long after the end of a call is gone."""
CALL_HOURS_MAX: Final = 2
"""Longer than any call; one whose end the carrier never told is closed then."""

_READ: Final = """
    SELECT c.branch_id, c.menu_version, c.pii_caller, c.language, c.state, c.media_token, c.token_expires_at,
           c.traceparent, c.started_at, c.outcome, c.end_reason, c.outbound_id, c.resumes_call_id, c.dials, c.tolls,
           h.handoff_id, h.state, h.contact_id, h.contact_phone, h.room, h.ringing
    FROM calls c
    LEFT JOIN LATERAL (
        SELECT handoff_id, state, contact_id, contact_phone, room, ringing FROM handoffs
        WHERE call_id = c.call_id ORDER BY leg_epoch DESC LIMIT 1
    ) h ON true
    WHERE c.call_id = %s
    FOR NO KEY UPDATE OF c
"""


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call as stored. ``unsent`` are events that wait to be published."""

    call_id: str
    branch_id: str
    menu_version: int
    pii_caller: str | None
    language: str
    call: CallState
    traceparent: str
    started_at: datetime
    media_token: str | None = None
    token_expires_at: datetime | None = None
    outcome: CallOutcome | None = None
    end_reason: str | None = None
    ended_at: datetime | None = None
    outbound_id: str | None = None
    resumes_call_id: str | None = None
    dials: int = 0
    dialled_at: datetime | None = None
    tolls: tuple[JsonObject, ...] = ()
    unsent: tuple[JsonObject, ...] = field(default=())


async def read_call(conn: Connection, call_id: str) -> tuple[CallRow, Handoff | None] | None:
    """The call under a row lock, with its newest hand-off."""
    cursor = await conn.execute(_READ, (call_id,))
    found = await cursor.fetchone()
    if found is None:
        return None
    row = CallRow(
        call_id=call_id,
        branch_id=found[0],
        menu_version=found[1],
        pii_caller=found[2],
        language=found[3],
        call=call_from_json(found[4]["call"]),
        traceparent=found[7],
        started_at=found[8],
        media_token=found[5],
        token_expires_at=found[6],
        outcome=found[9],
        end_reason=found[10],
        outbound_id=found[11],
        resumes_call_id=found[12],
        dials=found[13],
        tolls=tuple(found[14]),
        unsent=tuple(found[4]["unsent"]),
    )
    handoff_id, state, contact_id, phone, room, ringing = found[15:]
    if handoff_id is None:
        return row, None
    target = DialTarget(contact_id, phone) if contact_id and phone else None
    return row, Handoff(handoff_id, HandoffState(state), target, room, ringing)


async def insert_call(conn: Connection, row: CallRow) -> bool:
    """Store a new call. False when another request of the same call was quicker: read again."""
    cursor = await conn.execute(
        "INSERT INTO calls (call_id, branch_id, menu_version, pii_caller, language, stage, state, media_token,"
        " token_expires_at, leg_epoch, traceparent, started_at, ended_at, outcome, end_reason, kind, outbound_id,"
        " resumes_call_id, dials, last_dialled_at, tolls)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (call_id) DO NOTHING",
        (
            row.call_id, row.branch_id, row.menu_version, row.pii_caller, row.language, row.call.phase.value,
            Jsonb(_state(row)), row.media_token, row.token_expires_at, row.call.epoch, row.traceparent,
            row.started_at, row.ended_at, row.outcome, row.end_reason, row.call.kind.value, row.outbound_id,
            row.resumes_call_id, row.dials, row.dialled_at, Jsonb(list(row.tolls)),
        ),
    )  # fmt: skip
    return cursor.rowcount == 1


async def update_call(conn: Connection, row: CallRow) -> None:
    """Store what a request changed.

    The bridge's report, once it came, is not overwritten; a new leg waits for its own, so the one before it goes.
    """
    await conn.execute(
        "UPDATE calls SET stage = %(stage)s, state = %(state)s, media_token = %(token)s,"
        " token_expires_at = %(expires)s, ended_at = coalesce(ended_at, %(ended)s),"
        " outcome = CASE WHEN leg_epoch < %(epoch)s THEN NULL ELSE coalesce(outcome, %(outcome)s) END,"
        " end_reason = CASE WHEN leg_epoch < %(epoch)s THEN NULL ELSE coalesce(end_reason, %(reason)s) END,"
        " leg_epoch = %(epoch)s, dials = %(dials)s, last_dialled_at = coalesce(%(dialled)s, last_dialled_at),"
        " tolls = %(tolls)s,"
        " updated_at = now() WHERE call_id = %(call)s",
        {
            "stage": row.call.phase.value, "state": Jsonb(_state(row)), "token": row.media_token,
            "expires": row.token_expires_at, "ended": row.ended_at, "epoch": row.call.epoch, "outcome": row.outcome,
            "reason": row.end_reason, "dials": row.dials, "dialled": row.dialled_at,
            "tolls": Jsonb(list(row.tolls)), "call": row.call_id,
        },
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutboundRow:
    """What a call of ours was placed for, as escalation keeps it."""

    kind: CallKind
    branch_id: str
    origin_call_id: str
    pii_to: str
    pii_customer: str | None
    contact_id: str | None
    room: str | None
    language: str
    reason: str
    is_open: bool
    order_number: int | None


async def read_outbound(conn: Connection, outbound_id: str) -> OutboundRow | None:
    """The matter of an outbound call. It is open until it succeeded, failed or was closed by a person."""
    cursor = await conn.execute(
        "SELECT o.kind, o.branch_id, o.call_id, o.pii_to, o.pii_customer, o.contact_id, o.room, o.language,"
        " coalesce(b.reason, h.reason, 'callback'),"
        # One that escalation has given up connects nobody any more: another phone may be ringing by now.
        " o.state IN ('asked', 'placed', 'answered') AND coalesce(b.state IN ('waiting', 'calling'),"
        " h.state IN ('requested', 'leaving', 'dial_served', 'callback'), false)"
        " AND (o.kind <> 'staff_alarm' OR w.order_number IS NOT NULL), w.order_number"
        " FROM outbound_calls o LEFT JOIN callbacks b USING (callback_id)"
        " LEFT JOIN handoffs h ON h.handoff_id = o.handoff_id LEFT JOIN LATERAL ("
        "  SELECT order_number FROM orders w WHERE w.call_id = o.call_id AND w.branch_id = o.branch_id"
        "  AND w.alarm IS NOT NULL AND w.owned_at IS NULL ORDER BY w.placed_at LIMIT 1) w ON o.kind = 'staff_alarm'"
        " WHERE o.outbound_id = %s",
        (outbound_id,),
    )
    found = await cursor.fetchone()
    return OutboundRow(CallKind(found[0]), *found[1:]) if found else None


async def dials_lately(conn: Connection, branch_id: str, caller: str | None, now: datetime) -> tuple[int, int]:
    """How often machines have dialled for this branch in the last hour, and for this caller in the last day."""
    cursor = await conn.execute(
        "SELECT coalesce(sum(dials) FILTER (WHERE branch_id = %(branch)s"
        " AND last_dialled_at > %(now)s - interval '1 hour'), 0),"
        " coalesce(sum(dials) FILTER (WHERE pii_caller = %(caller)s), 0)"
        " FROM calls WHERE last_dialled_at > %(now)s - interval '1 day'"
        " AND (branch_id = %(branch)s OR pii_caller = %(caller)s)",
        {"branch": branch_id, "caller": caller, "now": now},
    )
    found = await cursor.fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)


async def model_minutes(conn: Connection, branch_ids: Sequence[str], now: datetime) -> float:
    """How long calls have been with the model since midnight UTC; a live call counts from its beginning."""
    cursor = await conn.execute(
        "SELECT coalesce(sum(CASE WHEN duration_ms IS NOT NULL THEN duration_ms / 60000.0"
        " WHEN stage = 'streaming' THEN extract(epoch FROM %(now)s - started_at) / 60 ELSE 0 END), 0)"
        " FROM calls WHERE branch_id = ANY(%(branches)s) AND started_at >= date_trunc('day', %(now)s, 'UTC')",
        {"now": now, "branches": list(branch_ids)},
    )
    found = await cursor.fetchone()
    return float(found[0]) if found else 0.0


def _state(row: CallRow) -> JsonObject:
    return {"call": call_to_json(row.call), "unsent": list(row.unsent)}


def with_unsent(row: CallRow, events: Sequence[JsonObject]) -> CallRow:
    """The row with more events to publish."""
    return replace(row, unsent=(*row.unsent, *events)) if events else row


async def forget_sent(conn: Connection, call_id: str, event_ids: Sequence[str]) -> None:
    """These events are published. Others that a request added meanwhile stay."""
    await conn.execute(
        "UPDATE calls SET state = jsonb_set(state, '{unsent}', coalesce((SELECT jsonb_agg(entry)"
        " FROM jsonb_array_elements(state->'unsent') AS entry WHERE NOT entry->>'id' = ANY(%s)), '[]'))"
        " WHERE call_id = %s",
        (list(event_ids), call_id),
    )


async def unsent_events(conn: Connection, branch_ids: Sequence[str], since: datetime) -> list[tuple[str, JsonObject]]:
    """(call id, event) of everything not published yet, the oldest call first."""
    cursor = await conn.execute(
        "SELECT call_id, entry FROM calls, jsonb_array_elements(state->'unsent') AS entry"
        " WHERE branch_id = ANY(%s) AND started_at >= %s AND state->'unsent' <> '[]' ORDER BY started_at LIMIT 1000",
        (list(branch_ids), since),
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def close_forgotten(conn: Connection, branch_ids: Sequence[str], now: datetime) -> int:
    """Give an outcome to calls whose bridge died, and an end to those whose end the carrier never told."""
    cursor = await conn.execute(
        "UPDATE calls SET outcome = coalesce(outcome, 'dropped'), end_reason = coalesce(end_reason, 'no_report'),"
        " ended_at = coalesce(ended_at, %(now)s), updated_at = now()"
        " WHERE branch_id = ANY(%(branches)s) AND started_at > %(now)s - interval '1 day' AND ("
        "   (outcome IS NULL AND ended_at < %(now)s - make_interval(secs => %(wait)s))"
        "   OR (ended_at IS NULL AND started_at < %(now)s - make_interval(hours => %(hours)s)))",
        {"branches": list(branch_ids), "now": now, "wait": REPORT_WAIT_S, "hours": CALL_HOURS_MAX},
    )
    return cursor.rowcount
