"""The states of an order: exactly the moves that are promised, and no other."""

from itertools import product

import pytest

from agiza.domain.orders import OrderState, can_move, is_final, may_cancel, read_state

LEGAL = """
placed > received, cancel_requested
received > accepted, rejected, cancel_requested
accepted > preparing, cancel_requested
preparing > ready, cancel_requested
ready > completed, preparing
cancel_requested > cancelled
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


def test_incoming_words() -> None:
    assert read_state(" Accepted ") is OrderState.ACCEPTED
    assert read_state("auto-finalised") is None
