"""What surrounds a call when a request about it is judged, put together from branch, row and switches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from agiza.domain.call_state import Callback, CallKind, CallState, Desk, DialTarget, Outbound
from agiza.domain.handoff import ring_order
from agiza.domain.menu import Branch
from agiza.runtime.traces import Trace
from services.webhook.diallable import Diallable
from services.webhook.dialling import Dialling
from services.webhook.directory import Listed
from services.webhook.store import CallRow, OutboundRow

LOST_BY_US: Final = frozenset({"bridge_stopped", "bridge_fault", "carrier_stuck", "drained", "caller_hung_up"})
"""Reasons of a bridge's report after which another bridge would do better. A model that failed would fail again.

A caller who hung up ends the call, and nobody asks again. Where the carrier does ask, it was the socket that broke.
"""


@dataclass(frozen=True, slots=True)
class Question:
    """One request, with the call and branch that it is about."""

    call_id: str
    listed: Listed
    callback: Callback
    pii_caller: str | None
    outbound_id: str | None = None
    is_replay: bool = False


def new_row(question: Question, now: datetime) -> CallRow:
    """A call that is not known yet."""
    branch = question.listed.file.branch
    return CallRow(
        call_id=question.call_id,
        branch_id=branch.id,
        menu_version=question.listed.menu_version or 0,
        pii_caller=question.pii_caller,
        language=branch.languages[0],
        call=CallState(),
        traceparent=str(Trace.new()),
        started_at=now,
    )


def outbound_row(question: Question, matter: OutboundRow | None, now: datetime) -> CallRow:
    """A call that we placed. One whose matter is not known any more connects nobody."""
    row = replace(new_row(question, now), outbound_id=question.outbound_id)
    if matter is None or matter.branch_id != row.branch_id:
        return replace(row, pii_caller=None, call=CallState(kind=CallKind.STAFF_BRIDGE))
    is_customer = matter.kind is CallKind.RING_BACK
    return replace(
        row,
        pii_caller=matter.pii_to if is_customer else None,
        language=matter.language,
        call=CallState(kind=matter.kind),
        resumes_call_id=matter.origin_call_id if is_customer else None,
    )


def desk_of(
    listed: Listed, row: CallRow, dialling: Dialling, diallable: Diallable, *, can_order: bool, now: datetime
) -> Desk:
    """Everything but what has to be asked for."""
    branch = listed.file.branch
    contacts = ring_order(listed.file.contacts, now, language=row.language)
    targets = (DialTarget(each.id, each.phone, each.hours.is_open(now)) for each in contacts)
    may_dial = dialling.is_on
    can_be_rung = row.pii_caller is not None and diallable.is_ordinary(row.pii_caller, branch)
    is_watched = may_dial and dialling.can_place_calls and can_be_rung
    return Desk(
        branch_phone=branch.phone,
        caller=row.pii_caller,
        is_open=branch.is_open(now),
        can_order=can_order,
        contacts=tuple(target for target in targets if diallable.target(target, branch)),
        outcome=row.outcome,
        can_rejoin=row.end_reason is None or row.end_reason in LOST_BY_US,
        may_dial=may_dial,
        can_call_back=(
            is_watched and branch.escalation.callback_minutes > 0 and any(each.hours.is_open(now) for each in contacts)
        ),
        is_watched=is_watched,
    )


def with_outbound(desk: Desk, row: CallRow, matter: OutboundRow | None, branch: Branch, diallable: Diallable) -> Desk:
    """The desk of a call that we placed."""
    assert row.outbound_id is not None, "only calls that we placed have a matter"
    if matter is None or matter.branch_id != row.branch_id:
        return replace(desk, outbound=Outbound(row.outbound_id, is_open=False))
    number = matter.pii_customer
    customer = diallable.target(DialTarget("customer", number), branch) if number else None
    return replace(
        desk,
        outbound=Outbound(row.outbound_id, matter.is_open, customer, matter.room, matter.reason, matter.order_number),
    )
