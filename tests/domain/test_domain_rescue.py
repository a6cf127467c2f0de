"""Who is taken out of the silence, when, and who is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agiza.domain.call_state import CallKind, Phase
from agiza.domain.handoff import HandoffState
from agiza.domain.rescue import (
    BRIDGE_GONE_S,
    LOST,
    OFFER_FORGOTTEN,
    OFFER_LOST,
    REPORT,
    SILENT,
    TALK_MAX,
    Leg,
    Line,
    Rescue,
    Waiting,
    judge_handoff,
    judge_leg,
)

T0 = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
LIVE = Line(CallKind.INBOUND, Phase.STREAMING, 0, offered_at=T0 - timedelta(minutes=2))
OVER = replace(LIVE, phase=Phase.ENDED, ended_at=T0)
ASKED = Waiting(HandoffState.REQUESTED, leave_by=T0, left_at=None)
LEFT = replace(ASKED, state=HandoffState.LEAVING, left_at=T0)


@pytest.mark.parametrize(
    ("waiting", "line", "until", "then"),
    [
        (LEFT, LIVE, SILENT, Rescue.FETCH),
        (ASKED, LIVE, LOST, Rescue.FETCH),
        (replace(ASKED, state=HandoffState.DIAL_SERVED), replace(LIVE, phase=Phase.DIALLING, dialled_at=T0), TALK_MAX,
         Rescue.HANG_UP),
        (ASKED, OVER, REPORT, Rescue.CALL_BACK),
    ],
)  # fmt: skip
def test_who_waits_for_a_person_is_helped_at_the_moment_and_not_before(
    waiting: Waiting, line: Line, until: timedelta, then: Rescue
) -> None:
    assert judge_handoff(waiting, line, T0) is Rescue.NOTHING
    assert judge_handoff(waiting, line, T0 + until - TICK) is Rescue.NOTHING
    assert judge_handoff(waiting, line, T0 + until) is then


@pytest.mark.parametrize(
    ("waiting", "line", "verdict"),
    [
        # while a phone rings first, nothing has to be left yet
        (replace(ASKED, leave_by=None), LIVE, Rescue.NOTHING),
        # the carrier did ask; the word about the Dial is on its way
        (LEFT, replace(LIVE, phase=Phase.DIALLING), Rescue.NOTHING),
        (LEFT, replace(LIVE, phase=Phase.CLOSING), Rescue.NOTHING),
        # R4: the carrier hung up when the bridge left
        (LEFT, OVER, Rescue.CALL_BACK),
        (LEFT, replace(OVER, end_reason="handoff", outcome="handoff"), Rescue.CALL_BACK),
        # the caller gave up before
        (ASKED, replace(OVER, end_reason="caller_hung_up", outcome="handoff"), Rescue.CLOSE),
        (replace(ASKED, state=HandoffState.DIAL_SERVED), OVER, Rescue.CLOSE),
        *((Waiting(state, T0, T0), LIVE, Rescue.SETTLED)
          for state in (HandoffState.CONNECTED, HandoffState.FAILED, HandoffState.CALLBACK, HandoffState.CLOSED)),
        (ASKED, None, Rescue.NOTHING),
    ],
)  # fmt: skip
def test_others_need_no_call_back(waiting: Waiting, line: Line | None, verdict: Rescue) -> None:
    assert judge_handoff(waiting, line, T0 + timedelta(seconds=30)) is verdict


def test_a_carrier_that_is_known_to_be_silent_is_not_waited_for() -> None:
    assert judge_handoff(LEFT, LIVE, T0 + timedelta(seconds=1), silent=timedelta(seconds=1)) is Rescue.FETCH


DROPPED = replace(LIVE, outcome="dropped", end_reason="model_gone")


@pytest.mark.parametrize(
    ("line", "then"),
    [
        (DROPPED, Rescue.FETCH),
        # the carrier closed the socket and yet the call is live: the caller was cut off all the same
        (replace(DROPPED, end_reason="caller_hung_up"), Rescue.FETCH),
        (replace(DROPPED, outcome="placed", end_reason="goodbye"), Rescue.HANG_UP),
        (replace(DROPPED, outcome="no_order", end_reason="goodbye"), Rescue.HANG_UP),
        # rung back already: not twice
        (replace(DROPPED, kind=CallKind.RING_BACK), Rescue.HANG_UP),
    ],
)
def test_a_leg_that_was_left_and_not_asked_about(line: Line, then: Rescue) -> None:
    leg = Leg(line, left_at=T0)
    assert judge_leg(leg, T0 + SILENT - TICK) is Rescue.NOTHING
    assert judge_leg(leg, T0 + SILENT) is then


def test_a_bridge_is_given_time_before_it_counts_as_gone() -> None:
    assert judge_leg(Leg(LIVE, bridge_gone_s=BRIDGE_GONE_S - 0.1), T0) is Rescue.NOTHING
    assert judge_leg(Leg(LIVE, bridge_gone_s=BRIDGE_GONE_S), T0) is Rescue.FETCH
    assert judge_leg(Leg(LIVE, bridge_gone_s=None), T0 + timedelta(hours=1)) is Rescue.NOTHING


def test_an_offer_that_no_bridge_takes_is_lost_and_an_old_one_is_not_judged() -> None:
    leg = Leg(replace(LIVE, phase=Phase.OFFERED, offered_at=T0), was_taken=False)
    assert judge_leg(leg, T0 + OFFER_LOST - TICK) is Rescue.NOTHING
    assert judge_leg(leg, T0 + OFFER_LOST) is Rescue.FETCH
    assert judge_leg(leg, T0 + OFFER_FORGOTTEN) is Rescue.FETCH
    assert judge_leg(leg, T0 + OFFER_FORGOTTEN + TICK) is Rescue.NOTHING
    assert judge_leg(replace(leg, was_taken=True), T0 + OFFER_LOST) is Rescue.NOTHING


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (replace(OVER, outcome="dropped", end_reason="bridge_fault"), Rescue.CALL_BACK),
        (OVER, Rescue.CALL_BACK),
        (replace(OVER, outcome="dropped", end_reason="caller_hung_up"), Rescue.SETTLED),
        (replace(OVER, outcome="placed", end_reason="goodbye"), Rescue.SETTLED),
        (replace(OVER, offered_at=None), Rescue.SETTLED),  # never had an agent
        (replace(OVER, dialled_at=T0), Rescue.SETTLED),  # somebody was rung for them
        (replace(OVER, kind=CallKind.RING_BACK), Rescue.SETTLED),
        (replace(OVER, kind=CallKind.STAFF_BRIDGE), Rescue.SETTLED),
        (replace(LIVE, phase=Phase.DIALLING), Rescue.SETTLED),
        (replace(LIVE, phase=Phase.NEW), Rescue.SETTLED),
    ],
)
def test_calls_that_are_over_or_elsewhere(line: Line, verdict: Rescue) -> None:
    assert judge_leg(Leg(line), T0 + REPORT) is verdict


def test_the_bridges_word_about_an_ended_call_is_waited_for() -> None:
    assert judge_leg(Leg(OVER), T0 + REPORT - TICK) is Rescue.NOTHING
    assert judge_leg(Leg(OVER, was_taken=False), T0 + REPORT) is Rescue.SETTLED
