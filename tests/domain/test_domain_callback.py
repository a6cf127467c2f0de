"""What may be promised, whom to ring, when again, and when to stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.domain.callback import (
    SOON,
    AttemptEnd,
    CallbackState,
    Standing,
    after_attempt,
    begun,
    next_contact,
    pause,
    promise,
    round_over,
)
from agiza.domain.escalate import Asking, DialAfterLeaving, NobodyCanCome, PromiseCallback, RingFirst, plan
from agiza.domain.hours import parse_hours
from agiza.domain.ids import ContactId
from agiza.domain.menu_model import Contact, Escalation

ZONE = "Africa/Nairobi"
NOON = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)  # 12:00 in Nairobi, a Friday
NIGHT = datetime(2026, 3, 6, 0, 0, tzinfo=UTC)  # 03:00
BRANCH = "+254709000002"
CUSTOMER = "+254711000001"


def contact(name: str, order: int, hours: str = "08:00-20:00", phone: str | None = None) -> Contact:
    return Contact(
        ContactId(name), name, phone or f"+25470000000{order}", order, parse_hours(hours, ZONE), ("en", "sw")
    )


FRONT, MANAGER = contact("front", 1), contact("manager", 2)
USUAL = Escalation(callback_minutes=12, callback_attempts=3)
FRESH = Standing(CallbackState.WAITING, 0, (), NOON)


def test_within_the_branchs_minutes_while_somebody_is_on_duty() -> None:
    given = promise(USUAL, (FRONT, MANAGER), NOON, language="en", branch_phone=BRANCH)
    assert given is not None
    assert (given.by, given.first_attempt_at, given.is_soon) == (NOON + timedelta(minutes=12), NOON + SOON, True)


def test_at_night_the_promise_is_for_the_morning() -> None:
    given = promise(USUAL, (FRONT,), NIGHT, language="en", branch_phone=BRANCH)
    assert given is not None
    opening = datetime(2026, 3, 6, 5, 0, tzinfo=UTC)
    assert (given.first_attempt_at, given.by, given.is_soon) == (opening + SOON, opening + timedelta(minutes=12), False)


@pytest.mark.parametrize(
    ("escalation", "people"),
    [
        (replace(USUAL, callback_minutes=0), (FRONT,)),
        (USUAL, ()),
        (USUAL, (replace(FRONT, hours=parse_hours({"wed": "08:00-20:00"}, ZONE)),)),  # five days away
    ],
)
def test_nothing_is_promised_that_nobody_could_keep(escalation: Escalation, people: tuple[Contact, ...]) -> None:
    assert promise(escalation, people, NIGHT, language="en", branch_phone=BRANCH) is None


def test_everybody_on_duty_is_rung_once_in_a_round_and_never_the_customer() -> None:
    night_only = contact("night", 3, "22:00-23:00")
    themselves = contact("cook", 4, phone=CUSTOMER)
    people = (MANAGER, night_only, themselves, FRONT)
    rung: list[str] = []
    while (
        one := next_contact(people, NOON, language="en", customer=CUSTOMER, branch_phone=BRANCH, tried=rung)
    ) is not None:
        rung.append(one.id)
    assert rung == ["front", "manager"]


def test_the_next_person_at_once_and_the_next_round_after_a_pause() -> None:
    calling = begun(FRESH, "front")
    assert (calling.state, calling.next_attempt_at, calling.tried) == (CallbackState.CALLING, None, ("front",))
    waiting = after_attempt(calling, AttemptEnd.UNANSWERED, USUAL, NOON, others_left=True)
    assert (waiting.state, waiting.next_attempt_at, waiting.rounds) == (CallbackState.WAITING, NOON + SOON, 0)
    over = after_attempt(begun(waiting, "manager"), AttemptEnd.UNANSWERED, USUAL, NOON, others_left=False)
    assert (over.next_attempt_at, over.rounds, over.tried) == (NOON + timedelta(minutes=4), 1, ())


def test_a_customer_who_misses_the_call_is_not_rung_again_at_once() -> None:
    missed = after_attempt(begun(FRESH, "front"), AttemptEnd.MISSED, USUAL, NOON, others_left=True)
    assert (missed.state, missed.next_attempt_at, missed.rounds) == (CallbackState.WAITING, NOON + pause(USUAL), 1)


def test_a_call_that_could_not_be_placed_counts_for_nothing() -> None:
    again = after_attempt(begun(FRESH, "front"), AttemptEnd.NOT_PLACED, USUAL, NOON, others_left=True)
    assert (again.state, again.rounds, again.tried) == (CallbackState.WAITING, 0, ())
    assert again.next_attempt_at == NOON + pause(USUAL)


@pytest.mark.parametrize("settled", [CallbackState.CONNECTED, CallbackState.CLOSED])
@pytest.mark.parametrize("end", list(AttemptEnd))
def test_what_is_settled_stays_settled(settled: CallbackState, end: AttemptEnd) -> None:
    standing = replace(FRESH, state=settled)
    assert after_attempt(standing, end, USUAL, NOON, others_left=True) == standing


@given(st.lists(st.tuples(st.sampled_from(AttemptEnd), st.booleans()), max_size=60), st.integers(1, 10))
def test_trying_ends_and_all_rounds_lie_within_the_promise(ends: list[tuple[AttemptEnd, bool]], attempts: int) -> None:
    escalation = replace(USUAL, callback_attempts=attempts)
    standing, counted = FRESH, 0
    for end, others_left in ends:
        if standing.state is not CallbackState.WAITING:
            break
        standing = after_attempt(begun(standing, "front"), end, escalation, NOON, others_left=others_left)
        counted += end is AttemptEnd.MISSED or (end is AttemptEnd.UNANSWERED and not others_left)
        assert (standing.next_attempt_at is not None) is (standing.state is CallbackState.WAITING)
    assert standing.rounds == counted <= attempts
    assert (standing.state is CallbackState.FAILED) is (counted == attempts)
    assert pause(escalation) * (attempts - 1) < timedelta(minutes=escalation.callback_minutes)


def test_the_last_round_leaves_it_to_people() -> None:
    last = round_over(replace(FRESH, rounds=2), USUAL, NOON)
    assert (last.state, last.next_attempt_at) == (CallbackState.FAILED, None)


# --- what an agent who asks for a person is answered ---------------------------------------------------------------

PROMISE = promise(USUAL, (FRONT,), NOON, language="en", branch_phone=BRANCH)
assert PROMISE is not None
ASKING = Asking(
    reason="caller_asked", strategy="stream_stop_dial", contact=FRONT, can_place=True, is_number_known=True,
    promise=PROMISE,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "planned"),
    [
        ({}, DialAfterLeaving(FRONT)),
        ({"strategy": "answer_first"}, RingFirst(FRONT)),
        ({"strategy": "answer_first", "can_place": False}, DialAfterLeaving(FRONT)),
        ({"contact": None}, NobodyCanCome(PROMISE)),
        ({"contact": None, "is_number_known": False}, NobodyCanCome(PROMISE, needs_number=True)),
        ({"contact": None, "can_place": False}, NobodyCanCome(None)),
        ({"contact": None, "promise": None, "is_number_known": False}, NobodyCanCome(None)),
        ({"reason": "callback"}, PromiseCallback(PROMISE)),
        ({"reason": "callback", "contact": None}, PromiseCallback(PROMISE)),
        ({"reason": "callback", "is_number_known": False}, NobodyCanCome(PROMISE, needs_number=True)),
        ({"reason": "callback", "can_place": False}, DialAfterLeaving(FRONT)),
        ({"reason": "callback", "can_place": False, "contact": None}, NobodyCanCome(None)),
    ],
)
def test_plan(changes: dict[str, object], planned: object) -> None:
    assert plan(replace(ASKING, **changes)) == planned  # type: ignore[arg-type]
