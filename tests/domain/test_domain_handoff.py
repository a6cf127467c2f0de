"""Hand-offs: who is rung, and which states follow which."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.domain.handoff import (
    PENDING,
    TRANSITIONS,
    HandoffState,
    HandoffStep,
    advance,
    choose_contact,
    may_dial,
    ring_order,
)
from agiza.domain.hours import parse_hours
from agiza.domain.ids import ContactId
from agiza.domain.menu import Contact

BRANCH_PHONE = "+254709000002"
NOON = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)  # noon in Nairobi
NIGHT = datetime(2026, 7, 1, 22, 0, tzinfo=UTC)


def contact(
    name: str, order: int, hours: str = "07:00-23:00", languages: tuple[str, ...] = ("en",), phone: str = ""
) -> Contact:
    number = phone or f"+2547000000{order:02d}"
    return Contact(ContactId(name), name.title(), number, order, parse_hours(hours, "Africa/Nairobi"), languages)


FRONT, MANAGER = contact("front", 1), contact("manager", 2, languages=("en", "sw"))
NIGHT_GUARD = contact("guard", 3, hours="22:00-06:00", languages=("sw",))
STAFF = (NIGHT_GUARD, MANAGER, FRONT)


def choose(
    now: datetime = NOON, language: str = "en", caller: str | None = None, tried: tuple[str, ...] = ()
) -> str | None:
    found = choose_contact(STAFF, now, language=language, caller=caller, branch_phone=BRANCH_PHONE, tried=tried)
    return found.id if found else None


def test_smallest_order_on_duty_is_rung() -> None:
    assert choose() == "front"


def test_speaker_of_the_callers_language_is_rung_before_others() -> None:
    assert choose(language="sw") == "manager"


def test_nobody_who_speaks_it_still_means_somebody() -> None:
    assert choose(language="fr") == "front"


def test_only_those_on_duty_are_rung() -> None:
    assert choose(NIGHT) == "guard"
    assert choose(datetime(2026, 7, 1, 3, 30, tzinfo=UTC)) is None  # 06:30 in Nairobi


def test_those_already_rung_are_passed_over() -> None:
    assert choose(tried=("front",)) == "manager"
    assert choose(tried=("front", "manager")) is None


def test_caller_is_not_put_through_to_their_own_phone() -> None:
    assert choose(caller=FRONT.phone) == "manager"


def test_order_in_need_starts_with_those_on_duty() -> None:
    assert [person.id for person in ring_order(STAFF, NOON, language="en")] == ["front", "manager", "guard"]
    assert [person.id for person in ring_order(STAFF, NIGHT, language="en")] == ["guard", "front", "manager"]


@pytest.mark.parametrize(
    ("phone", "allowed"),
    [
        ("+254700000001", True),
        ("+254709000002", False),  # the branch itself
        ("+254711000001", False),  # the caller
        ("+254900000001", False),  # premium
        ("+447700900001", False),  # abroad
        ("0700000001", False),
        ("", False),
    ],
)
def test_numbers_that_may_be_rung(phone: str, allowed: bool) -> None:
    assert may_dial(phone, caller="+254711000001", branch_phone=BRANCH_PHONE) is allowed


def test_way_of_a_hand_off_that_succeeds() -> None:
    state = HandoffState.REQUESTED
    for step, expected in (
        (HandoffStep.LEAVE_ORDERED, HandoffState.LEAVING),
        (HandoffStep.DIAL_SERVED, HandoffState.DIAL_SERVED),
        (HandoffStep.DIAL_CONNECTED, HandoffState.CONNECTED),
        (HandoffStep.CALL_ENDED, HandoffState.CONNECTED),
        (HandoffStep.SETTLED, HandoffState.CLOSED),
    ):
        state = advance(state, step)
        assert state is expected


def test_caller_who_leaves_first_closes_what_was_pending() -> None:
    for state in PENDING:
        assert advance(state, HandoffStep.CALL_ENDED) is HandoffState.CLOSED


def test_failed_hand_off_stays_visible_after_the_call() -> None:
    assert advance(HandoffState.FAILED, HandoffStep.CALL_ENDED) is HandoffState.FAILED


@given(st.sampled_from(HandoffState), st.sampled_from(HandoffStep))
def test_step_that_comes_twice_changes_nothing_more(state: HandoffState, step: HandoffStep) -> None:
    once = advance(state, step)
    assert advance(once, step) is once


def test_order_of_the_same_news_does_not_matter_for_the_caller() -> None:
    """Served and ended news may overtake each other; what is known at the end is the same."""
    for pending, judged in product(
        (HandoffState.REQUESTED, HandoffState.LEAVING),
        ((HandoffStep.DIAL_CONNECTED, HandoffState.CONNECTED),),
    ):
        step, final = judged
        late = advance(advance(advance(pending, step), HandoffStep.DIAL_SERVED), HandoffStep.CALL_ENDED)
        assert late is final
        assert advance(advance(pending, HandoffStep.CALL_ENDED), step) is final


def test_every_state_can_be_reached() -> None:
    assert set(TRANSITIONS.values()) | {HandoffState.REQUESTED} == set(HandoffState)
