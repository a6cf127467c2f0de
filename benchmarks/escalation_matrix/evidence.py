"""One case carried out, and what the carrier and the rows say about it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

import psycopg

from benchmarks.escalation_matrix.cases import Case
from benchmarks.escalation_matrix.people import Asker, Gate, is_refusal
from benchmarks.escalation_matrix.rows import Rows, read_rows
from benchmarks.escalation_matrix.site import Site
from benchmarks.escalation_matrix.verdict import Ring, Seen
from simulators.carrier.carrier import LiveCall
from simulators.carrier.record import CallRecord

SETTLED_S = 60.0
"""After the caller's line is down: as long until every call back that is due has been made."""
QUIET_S = 1.0
"""Settled means settled for so long: the end of a call is known a moment before what follows from it is written."""
POLL_S = 0.25
_PROMISES = ("ring you back", "nobody could answer", "nobody can come", "ring back")


async def carry_out(site: Site, case: Case, gate: Gate) -> Seen:
    """Call, live through it, wait until nothing more is due, and gather."""
    carrier = site.carriers[case.reading]
    asker = Asker(gate)
    error = ""
    try:
        await carrier.call(asker, case.caller, case.branch_phone, session_id=case.call_id)
    except TimeoutError:
        error = "the carrier's limit ended the call"
    rows = await _settled(site, case)
    inbound = carrier.calls[case.call_id]
    placed = [
        live
        for live in carrier.calls.values()
        if live.record.direction == "outbound" and live.record.from_number == case.branch_phone
    ]
    return gather(case, inbound, placed, rows, error)


async def _settled(site: Site, case: Case) -> Rows:
    carrier = site.carriers[case.reading]
    deadline, quiet_since = time.monotonic() + SETTLED_S, None
    async with await psycopg.AsyncConnection.connect(site.stack.database_url, autocommit=True) as conn:
        while True:
            rows = await read_rows(conn, case.call_id)
            live = [one for one in carrier.calls.values() if one.record.from_number == case.branch_phone]
            is_quiet = rows.is_settled and all(one.over.is_set() for one in live)
            now = time.monotonic()
            quiet_since = (quiet_since or now) if is_quiet else None
            if now > deadline or (quiet_since is not None and now >= quiet_since + QUIET_S):
                return rows
            await asyncio.sleep(POLL_S)


def gather(case: Case, inbound: LiveCall, placed: Sequence[LiveCall], rows: Rows, error: str = "") -> Seen:
    """What was seen, from the records of the caller's call and of those that we placed."""
    record = inbound.record
    to_caller = [live.record for live in placed if live.record.to_number == case.caller]
    to_staff = [live for live in placed if live.record.to_number != case.caller]
    called_back = [*_talks_of_bridges(case, to_staff), *(each for call in to_caller for each in _talks_in_rooms(call))]
    return Seen(
        is_answered=record.answered_ms is not None,
        has_ended=record.ended_ms is not None and record.ended_by != "limit",
        ended_s=_at(inbound, record.ended_ms),
        silence_ms=record.silence_ms_max,
        rings=tuple(sorted([*_rings_of_dials(inbound), *map(_ring_of, to_staff)], key=lambda ring: ring.from_s)),
        talks=(*_talks_of_dials(record), *_talks_in_rooms(record), *called_back),
        called_back=tuple(called_back),
        told=told_of(record),
        violations=[each for call in (record, *(live.record for live in placed)) for each in call.violations],
        callbacks=rows.callbacks,
        handoffs=rows.handoffs,
        is_settled=rows.is_settled,
        error=error,
    )


def told_of(record: CallRecord) -> str:
    """What the caller heard about nobody being there or about being rung back."""
    by_agent = [line.text for line in record.talk if line.who == "agent"]
    by_carrier = [post.answer for post in record.posts if "Say" in post.verbs]
    for text in (*by_carrier, *by_agent):
        words = text.casefold()
        if is_refusal(words) or any(promise in words for promise in _PROMISES):
            return text
    return ""


def _rings_of_dials(live: LiveCall) -> Iterable[Ring]:
    for dial in live.record.dials:
        yield Ring(dial.number, True, _at(live, dial.at_ms), _at(live, dial.ended_ms), dial.outcome or "ringing")


def _ring_of(live: LiveCall) -> Ring:
    record = live.record
    return Ring(record.to_number, False, _at(live, 0), _at(live, record.ended_ms), record.ring_outcome or "ringing")


def _at(live: LiveCall, ms: int | None) -> float:
    """A moment of the call in Unix seconds; what has not come yet is now."""
    return time.time() if ms is None else live.started_unix_s + ms / 1000


def _talks_of_dials(record: CallRecord) -> list[str]:
    return [dial.number for dial in record.dials if dial.outcome == "answered" and dial.caller_heard_ms > 0]


def _talks_in_rooms(record: CallRecord) -> list[str]:
    met = (meeting for room in record.rooms for meeting in room.met if meeting.heard_ms > 0)
    return list(dict.fromkeys(meeting.number for meeting in met))


def _talks_of_bridges(case: Case, to_staff: Sequence[LiveCall]) -> list[str]:
    """A person picked up, was connected with the customer's phone, and each heard the other."""
    return [
        live.record.to_number
        for live in to_staff
        for dial in live.record.dials
        if dial.number == case.caller and dial.outcome == "answered" and dial.caller_heard_ms and dial.staff_heard_ms
    ]
