"""Processes killed with -9 in the middle of a call: nothing is lost or doubled, and the next call is served."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from agiza.cli.branches import branch_to_call
from benchmarks.chaos import PERSON, Moment, Said, is_asked_for, is_confirmed, strike, told_numbers
from benchmarks.takeover.__main__ import callers_of
from benchmarks.takeover.site import Site, open_site
from benchmarks.takeover.strike import strike as strike_bridge
from benchmarks.takeover.verdict import problems

# a stack of their own, which other tests must not share; one worker runs them all, so that it is started once
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.alone,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]

FIRST, SECOND = callers_of(1, (2, 1, 1))[0], callers_of(3, (2, 0, 0))[2]
"""Who talks when the first bridge is killed, on three carriers, and who when the second one is."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    """A system whose processes may be killed, with two bridges."""
    async with open_site([*FIRST, *SECOND]) as running:
        yield running


async def test_whoever_talks_with_a_bridge_that_is_killed_goes_on_with_another(site: Site) -> None:
    """On a carrier that asks again, in the same call; elsewhere in a call back. Then the same with the other bridge."""
    for callers in (FIRST, SECOND):
        for after in await strike_bridge(site, callers):
            assert not problems(after), "\n".join((*problems(after), *after.talk))


async def test_orders_killed_between_the_yes_and_the_answer(site: Site) -> None:
    branch = branch_to_call(site.branches, "taken-0")
    one = await strike(site.stack, branch, "orders", Moment("yes", is_confirmed))
    assert one.problems == (), one
    assert one.next_exact, one


async def test_escalation_killed_right_after_a_hand_off_was_requested(site: Site) -> None:
    moment = Moment("asked", is_asked_for)
    one = await strike(site.stack, branch_to_call(site.branches, "taken-0"), "escalation", moment, PERSON)
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
