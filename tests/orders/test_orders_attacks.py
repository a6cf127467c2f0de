"""Scripted attacks on the real handler: none may breach a rule, and taking a rule away must be noticed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from attack_forgeries import FORGED, SOUND
from attack_rules import RULES, breaches
from attack_runner import AttackRunner, connect
from attack_script import FILES, attacks_of
from orders_desk import Desk

pytestmark = pytest.mark.integration

ATTACKS_MIN = 150


@pytest.fixture
def runner(desk: Desk) -> Iterator[AttackRunner]:
    with connect(desk.admin_url) as admin:
        yield AttackRunner(desk, admin)


@pytest.mark.parametrize("file", FILES)
async def test_no_attack_breaches_a_rule(runner: AttackRunner, file: str) -> None:
    problems = [problem for attack in attacks_of(file) for problem in await runner.run(attack)]
    assert not problems, "\n".join(problems)


def test_there_are_enough_attacks_and_each_has_its_own_name() -> None:
    names = [attack.name for file in FILES for attack in attacks_of(file)]
    assert len(names) == len(set(names))
    assert len(names) >= ATTACKS_MIN


NOTHING: Any = lambda *_: None  # noqa: E731 - a judge who has no objection
REMOVED: tuple[tuple[str, Any, str, str, str], ...] = (
    # the rule that is taken away, what stands in its place, and the attack by which which rule must cry out
    ("decide_items.limit_broken", NOTHING, "quantities", "eighteen thousand waters", "quantities_within_limits"),
    ("decide_items.limit_broken", NOTHING, "quantities", "the value limit in small steps", "is in the cart"),
    ("decide_order.judge_read_back", NOTHING, "read_back", "placed while the reading plays", "no_order_without_a_yes"),
    ("quote.SPEECH_MS_MIN", -1, "read_back", "placed after a silent caller", "no_order_without_a_yes"),
    ("quote.PLAYED_MS_MIN", 0, "read_back", "placed after a reading cut in its first second", "confirm_again"),
    ("decide_order.first_blocker", NOTHING, "read_back", "a closed branch", "no_order_without_a_yes"),
    ("blockers._too_many_orders", NOTHING, "injection", "orders without end", "no_order_without_a_yes"),
    ("commands.NOTE_CHARS_MAX", 10**6, "texts", "a note just too long", "texts_are_short_and_plain"),
    ("commands.clean_text", str, "texts", "a newline in the name", "texts_are_short_and_plain"),
    ("decide_customer.normalise_phone", lambda text, _: text, "texts", "a satellite number", "must not be rung"),
    ("desk.END_SLACK_MS", 10**9, "moments", "a placing after the caller hung up", "no_order_without_a_yes"),
    ("tool_calls.changes_cart", lambda *_: False, "moments", "a change based on an older cart", "stale_cart"),
)


@pytest.mark.parametrize(
    ("rule", "instead", "file", "attack", "cry"), REMOVED, ids=[f"{each[0]}-{each[3]}" for each in REMOVED]
)
async def test_a_rule_that_is_taken_away_is_missed(
    runner: AttackRunner, monkeypatch: pytest.MonkeyPatch, rule: str, instead: Any, file: str, attack: str, cry: str
) -> None:
    (chosen,) = [each for each in attacks_of(file) if each.name == attack]
    assert not await runner.run(chosen)
    monkeypatch.setattr(f"agiza.domain.{rule}", instead)
    assert any(cry in problem for problem in await runner.run(chosen))


def test_each_rule_cries_out_over_what_it_forbids() -> None:
    assert not breaches(SOUND)
    for rule, forged in FORGED.items():
        assert list(rule(forged)), rule.__name__
    assert set(FORGED) == set(RULES)
