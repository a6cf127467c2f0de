"""Processes killed with -9 in the middle of a call: nothing is lost or doubled, and the next call is served."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from agiza.cli.branches import branch_to_call
from agiza.cli.stack import BRANCHES, Stack, StackOptions, running_stack
from benchmarks.chaos import PERSON, Moment, Said, is_asked_for, is_confirmed, is_greeted, strike, told_numbers
from benchmarks.eval_audio import NOON

# a stack of their own, which other tests must not share; one worker runs them all, so that it is started once
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    """A system whose processes may be killed."""
    async with running_stack(StackOptions(now=NOON, voice="marked")) as running:
        yield running


async def test_orders_killed_between_the_yes_and_the_answer(stack: Stack) -> None:
    one = await strike(stack, branch_to_call(BRANCHES, "westlands"), "orders", Moment("yes", is_confirmed))
    assert one.problems == (), one
    assert one.next_exact, one


async def test_the_bridge_killed_in_mid_call(stack: Stack) -> None:
    one = await strike(stack, branch_to_call(BRANCHES, "westlands"), "bridge", Moment("greeting", is_greeted, 0.3))
    assert one.problems == (), one
    # Where the next bridge was there in time, the same call went on to its order; else a person was rung.
    assert one.told == one.tickets, one
    assert one.tickets or one.staff_reached, one
    assert one.next_exact, one


async def test_escalation_killed_right_after_a_hand_off_was_requested(stack: Stack) -> None:
    moment = Moment("asked", is_asked_for)
    one = await strike(stack, branch_to_call(BRANCHES, "westlands"), "escalation", moment, PERSON)
    assert one.problems == (), one
    assert one.staff_reached == 1, one
    assert one.next_exact, one


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("thank you. your order number is one, and it will be ready in about twenty minutes.", (1,)),
        ("your order number is one hundred and five, and it will be ready.", (105,)),
        ("your order number is forty-two and it will be with you soon.", (42,)),
        ("your order number is 17.", (17,)),
        ("your order number is twenty", ()),
        ("your order number is purple.", (-1,)),
    ],
)
async def test_the_number_that_the_caller_was_told_is_read_from_the_agents_words(
    text: str, told: tuple[int, ...]
) -> None:
    assert told_numbers([Said("agent", text), Said("caller", "your order number is nine.")]) == told
