"""The states of an order: exactly the moves that are promised, and no other."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from agiza.domain.orders import (
    POS_STATES,
    OrderState,
    allowed,
    can_move,
    is_final,
    may_cancel,
    minutes_left,
    steps,
    unknown_word,
)

LEGAL = """
placed > received, cancel_requested
received > accepted, rejected, cancel_requested, cancelled
accepted > preparing, cancel_requested, cancelled
preparing > ready, cancel_requested, cancelled
ready > completed, preparing
cancel_requested > cancelled, ready
"""
MOVES = {
    (OrderState(before), OrderState(after))
    for row in LEGAL.strip().splitlines()
    for before, afters in [row.split(" > ")]
    for after in afters.split(", ")
}


@pytest.mark.parametrize(("before", "after"), list(product(OrderState, OrderState)))
def test_every_pair(before: OrderState, after: OrderState) -> None:
    assert can_move(before, after) == ((before, after) in MOVES)


def test_ends_and_cancelling() -> None:
    assert {state for state in OrderState if is_final(state)} == {"rejected", "completed", "cancelled"}
    assert {state for state in OrderState if may_cancel(state)} == {"placed", "received", "accepted", "preparing"}


@pytest.mark.parametrize("said", ["auto-finalised", "READY", "on_the_way", "x" * 40])
def test_a_word_that_is_none_of_ours_is_recorded_as_it_was_said(said: str) -> None:
    assert unknown_word(said) == said


@pytest.mark.parametrize(
    "said", ["", "x" * 41, "0711000001", "state-2", "Amina Wanjiru", "ready\n", " ready", "a--b", "<b>", "\u0131"]
)
def test_what_may_be_personal_or_is_no_word_is_not_recorded(said: str) -> None:
    assert unknown_word(said) == "(no word)"


def test_a_word_about_an_order_that_was_only_placed_implies_that_it_was_received() -> None:
    assert steps(OrderState.PLACED, OrderState.RECEIVED) == (OrderState.RECEIVED,)
    for told in (OrderState.ACCEPTED, OrderState.REJECTED, OrderState.CANCELLED):
        assert steps(OrderState.PLACED, told) == (OrderState.RECEIVED, told)
    assert steps(OrderState.PLACED, OrderState.PREPARING) == ()
    assert steps(OrderState.RECEIVED, OrderState.READY) == ()


@pytest.mark.parametrize(("current", "told"), list(product(OrderState, POS_STATES)))
def test_steps_are_moves_of_the_table_and_end_where_they_were_told_to(current: OrderState, told: OrderState) -> None:
    path = steps(current, told)
    assert all(can_move(before, after) for before, after in zip((current, *path), path, strict=False))
    assert not path or path[-1] is told
    assert bool(path) == (told in allowed(current))


def test_a_pos_never_speaks_for_the_caller() -> None:
    said = {state for current in OrderState for state in allowed(current)}
    assert said == set(POS_STATES)
    assert not said & {OrderState.PLACED, OrderState.CANCEL_REQUESTED}


@pytest.mark.parametrize(
    ("eta_minutes", "later", "left"),
    [
        (20, timedelta(0), 20),
        (20, timedelta(seconds=1), 20),
        (20, timedelta(minutes=1), 19),
        (20, timedelta(minutes=19, seconds=59), 1),
        (20, timedelta(minutes=20), None),
        (20, timedelta(hours=3), None),
        (None, timedelta(0), None),
    ],
    ids=str,
)
def test_the_minutes_that_are_left(eta_minutes: int | None, later: timedelta, left: int | None) -> None:
    placed = datetime(2026, 3, 6, 9, tzinfo=UTC)
    assert minutes_left(eta_minutes, placed, placed + later) == left
