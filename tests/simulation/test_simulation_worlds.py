"""Calls in virtual time: nothing is lost or doubled whatever breaks, and a guard that is taken away is missed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.simulation.chance import CALM, ROUGH
from benchmarks.simulation.without import without
from benchmarks.simulation.world import Setting, World, simulate

FOUND_WITHIN_CALLS = 2_000
ROOT = Path(__file__).parents[2]


def test_where_nothing_breaks_every_caller_gets_what_they_want() -> None:
    world = World(Setting("calm", 60, CALM))
    world.run()
    assert world.books.violations == []
    assert {line.end for line in world.lines} == {"closed"}
    for line in world.lines:
        wanted = [line.caller.wants, *([line.caller.wants_more] if line.caller.wants_more else [])]
        placed = world.books.call(line.call_id).orders
        assert len(placed) == len(wanted) == len(line.mind.placed)
        for order, wants in zip(placed, wanted, strict=True):
            assert Counter({each.item: each.quantity for each in order.lines}) == Counter(
                {item: quantity for item, (quantity, _) in wants.items()}
            )


def test_whatever_breaks_nothing_is_lost_or_doubled() -> None:
    outcome = simulate("suite", 400)
    assert [str(violation) for violation in outcome.violations] == []
    assert outcome.calls == 400
    for misfortune in ("legs killed", "splits", "handoffs", "dials", "hung up unseen"):
        assert outcome.counts[misfortune], f"{misfortune}: the world was too kind"
    assert outcome.counts["orders"] > 300, "somebody must get something to eat"


def test_the_same_seed_is_the_same_history() -> None:
    first, again, other = (simulate(seed, 60) for seed in (17, 17, 18))
    assert first.digest == again.digest
    assert first.digest != other.digest


def test_the_history_does_not_depend_on_the_order_of_a_hash() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-m", "benchmarks.simulation", "--calls", "40", "--seed", "5"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert said.pop().startswith("seed 5 digest ")


@pytest.mark.parametrize(
    ("guard", "invariants"),
    [
        ("inbox", {"I1"}),
        ("epoch", {"I5"}),
        ("unique order", {"I1"}),
        ("deadline", {"I5"}),
        ("end", {"I5"}),
        ("read-back", {"I2"}),
    ],
)
def test_without_a_guard_something_is_found(guard: str, invariants: set[str]) -> None:
    outcome = simulate("guards", FOUND_WITHIN_CALLS, faults=ROUGH, **without(guard))
    assert invariants & {violation.invariant for violation in outcome.violations}


def test_an_unknown_guard_cannot_be_taken_away() -> None:
    with pytest.raises(ValueError, match="no such guard"):
        without("luck")
