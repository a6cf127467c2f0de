"""The Dial verb: ring staff, bridge the first who answers, and go on or not afterwards."""

from __future__ import annotations

import asyncio

from .leg import End, Leg, NewDocument, NextVerb, Step
from .line import Announcement, Nothing
from .posting import AnswerFailed
from .record import DialOutcome, DialRecord
from .settings import DialTail, StaffAnswers, StaffScript
from .sounds import ringback
from .staff import StaffCall, ring
from .verbs import Dial


def after_dial(outcome: DialOutcome, tail: DialTail) -> Step:
    """A failed Dial always goes on; an answered one is the end of the document unless verbs always run."""
    if outcome != "answered" or tail == "always":
        return NextVerb()
    return End("staff")


def may_dial(dial: Dial, number: str, caller_number: str, ours: frozenset[str]) -> str | None:
    """Why the carrier would not place this leg, as a violation's text; None when it would."""
    if dial.caller_id is not None and dial.caller_id not in ours:
        return f"Dial shows callerId {dial.caller_id}, which is not one of our numbers"
    if number == caller_number:
        return f"Dial rings {number}, the caller's own number"
    return None


async def run_dial(leg: Leg, dial: Dial) -> Step:
    ours = leg.settings.our_numbers | {leg.facts.destination_number}
    if dial.sip is not None:
        leg.violation(f"Dial to the SIP target {dial.sip}, which is not on the allow-list")
        return NextVerb()
    records: list[DialRecord] = []
    for number in dial.numbers:
        record = DialRecord(number, dial.caller_id or leg.facts.destination_number, leg.line.now_ms())
        leg.record.dials.append(record)
        refusal = may_dial(dial, number, leg.facts.caller_number, ours)
        if refusal is not None:
            leg.violation(refusal)
            record.outcome, record.ended_ms = "unauthorised", leg.line.now_ms()
        else:
            records.append(record)
    outcome = await _ring_all(leg, dial, records) if records else "unauthorised"
    if leg.settings.dial_completed_posted:
        extra = {"dialCallStatus": outcome, "lastBridgeHangupCause": _cause(outcome)}
        try:
            document = await leg.poster.ask(leg.poster.voice_url, "dial", "DialCompleted", extra)
        except AnswerFailed:
            document = ()
        if document:
            return NewDocument(document)
    return after_dial(outcome, leg.settings.dial_tail)


async def _ring_all(leg: Leg, dial: Dial, records: list[DialRecord]) -> DialOutcome:
    """Ring every target together and talk to the first who answers; else the outcome of the last to fail."""
    if leg.settings.ringback:
        leg.line.route = Announcement(ringback(), repeat=True)
    scripts = {record.number: leg.settings.staff.get(record.number, leg.settings.staff_default) for record in records}
    phones = {asyncio.create_task(ring(scripts[record.number], dial.timeout_s)): record for record in records}
    answered: DialRecord | None = None
    outcome: DialOutcome = "caller_gone"
    try:
        for next_known in asyncio.as_completed(phones):
            await next_known
            for phone, record in phones.items():
                if phone.done() and record.outcome is None:
                    outcome = record.outcome = phone.result()
                    answered = answered or (record if outcome == "answered" else None)
            if answered is not None:
                break
    finally:
        leg.line.route = Nothing()
        for phone, record in phones.items():
            phone.cancel()
            if record.outcome is None:
                record.outcome = "no_answer" if answered is not None else "caller_gone"
            if record is not answered:
                record.ended_ms = leg.line.now_ms()
        await asyncio.gather(*phones, return_exceptions=True)
    if answered is None:
        return outcome
    await _talk(leg, answered, scripts[answered.number])
    return "answered"


async def _talk(leg: Leg, record: DialRecord, script: StaffScript | None) -> None:
    assert isinstance(script, StaffAnswers)
    record.answered_ms = leg.line.now_ms()
    track = leg.recorder.track(f"staff-heard-{len(leg.record.staff_reached)}")
    call = StaffCall(script, await leg.sound_of(script.says), record, track, leg.line.now_ms)
    leg.line.route = call
    try:
        await call.ended.wait()
    finally:
        leg.line.route = Nothing()
        record.ended_ms = leg.line.now_ms()


def _cause(outcome: DialOutcome) -> str:
    return {"answered": "NORMAL_CLEARING", "busy": "USER_BUSY", "no_answer": "NO_ANSWER"}.get(outcome, "CALL_REJECTED")
