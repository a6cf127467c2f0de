"""The read-back guard from both sides: a cheating model gets no order, a genuine yes costs one more turn at most."""

from __future__ import annotations

import pytest

from benchmarks.simulation.chance import Faults
from benchmarks.simulation.mind import CHEATS
from benchmarks.simulation.without import without
from benchmarks.simulation.world import Setting, World, simulate
from benchmarks.simulation.yes import evaluate

CHEATING = Faults(cheat=1.0)
WITHOUT_A_YES = ("at_once", "unheard", "while_playing", "before_answer", "after_change")


def test_no_way_to_cheat_leads_to_an_order_without_a_yes() -> None:
    world = World(Setting("cheats", 150, CHEATING))
    world.run()
    assert [str(violation) for violation in world.books.violations] == []
    ways = {line.mind.cheats_by for line in world.lines}
    assert ways == set(CHEATS)
    assert all(line.mind.has_cheated for line in world.lines if line.mind.cheats_by != "again")
    refused = {code for line in world.lines for code in world.books.call(line.call_id).placings}
    assert {"not_read_back", "still_reading", "no_answer", "quote_outdated"} <= refused


@pytest.mark.parametrize("way", WITHOUT_A_YES)
def test_without_the_guard_each_way_leads_to_one(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.simulation.mind.CHEATS", (way,))
    outcome = simulate("cheats", 20, faults=CHEATING, **without("read-back"))
    assert {violation.invariant for violation in outcome.violations} == {"I2"}


def test_genuine_callers_who_do_not_wait() -> None:
    """A short form of ``make eval-yes``, which has a thousand."""
    figures = evaluate("suite", 300)
    assert figures.is_good, str(figures)
    assert figures.codes["confirm_again"] > 90, "they must say yes into the reading"
