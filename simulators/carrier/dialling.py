"""The Dial verb: ring staff, bridge the first who answers, and go on or not afterwards."""

from __future__ import annotations

import asyncio

from .leg import End, Leg, NewDocument, NextVerb, Step
from .line import Announcement, Line, Nothing
from .posting import AnswerFailed
from .record import DialOutcome, DialRecord, RoomRecord
from .rooms import Room
from .settings import CarrierSettings, CustomerAnswers, DialTail, PhoneScript, StaffAnswers
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
    ours = leg.settings.our_numbers | {leg.facts.local_number}
    if dial.sip is not None:
        leg.violation(f"Dial to the SIP target {dial.sip}, which is not on the allow-list")
        return NextVerb()
    records: list[DialRecord] = []
    for number in dial.numbers:
        record = DialRecord(number, dial.caller_id or leg.facts.local_number, leg.line.now_ms())
        leg.record.dials.append(record)
        refusal = may_dial(dial, number, leg.facts.remote_number, ours)
        if refusal is not None:
            leg.violation(refusal)
            record.outcome, record.ended_ms = "unauthorised", leg.line.now_ms()
        else:
            records.append(record)
    outcome = await _ring_all(leg, dial, records) if records else "unauthorised"
    if leg.settings.dial_completed_posted:
        extra = {"dialCallStatus": outcome, "lastBridgeHangupCause": cause_of(outcome)}
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
    scripts = {record.number: phone_of(leg.settings, record.number) for record in records}
    limit_s = dial.timeout_s * leg.settings.ring_scale
    phones = {asyncio.create_task(ring(scripts[record.number], limit_s)): record for record in records}
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


def phone_of(settings: CarrierSettings, number: str) -> PhoneScript | None:
    """What happens at this number; None when nobody has it."""
    return settings.customers.get(number) or settings.staff.get(number, settings.staff_default)


async def _talk(leg: Leg, record: DialRecord, script: PhoneScript | None) -> None:
    record.answered_ms = leg.line.now_ms()
    if isinstance(script, CustomerAnswers):
        await _talk_to_customer(leg, record, script)
        return
    assert isinstance(script, StaffAnswers)
    track = leg.recorder.track(f"staff-heard-{len(leg.record.staff_reached)}")
    call = StaffCall(script, await leg.sound_of(script.says), record, track, leg.line.now_ms)
    leg.line.route = call
    try:
        await call.ended.wait()
    finally:
        leg.line.route = Nothing()
        record.ended_ms = leg.line.now_ms()


async def _talk_to_customer(leg: Leg, record: DialRecord, script: CustomerAnswers) -> None:
    """Two people on two lines: what each says is heard by the other, until the customer hangs up."""
    caller = script.caller()
    await caller.prepare()
    stay, customers_stay = RoomRecord("", leg.line.now_ms()), RoomRecord("", leg.line.now_ms())
    room = Room("")
    line = Line(caller, None, leg.line.origin_s)
    leg.line.route = seat = room.enter(leg.facts.remote_number, leg.party, stay, leg.line.now_ms)
    line.route = room.enter(record.number, "customer", customers_stay, leg.line.now_ms)
    try:
        await line.run()
    finally:
        leg.line.route = Nothing()
        seat.leave(ends=True)
        record.ended_ms = leg.line.now_ms()
        record.caller_heard_ms = sum(meeting.heard_ms for meeting in stay.met)
        record.staff_heard_ms = sum(meeting.heard_ms for meeting in customers_stay.met)


def cause_of(outcome: DialOutcome) -> str:
    return {"answered": "NORMAL_CLEARING", "busy": "USER_BUSY", "no_answer": "NO_ANSWER"}.get(outcome, "CALL_REJECTED")
