"""When a kitchen has been silent for too long, and how its branch says how long that is."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.domain.acknowledgement import WAITING, Alarm, alarm_after, alarm_due
from agiza.domain.menu import BranchFileError, Kitchen, parse_branch
from agiza.domain.orders import OrderState
from agiza.runtime.branch_files import load_branch_files

PLACED = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
KITCHEN = Kitchen(received_seconds=60, accepted_seconds=180)
S = OrderState
BRANCHES = Path(__file__).parents[2] / "branches"


def due(state: OrderState, after_s: float, kitchen: Kitchen = KITCHEN) -> Alarm | None:
    return alarm_due(state, PLACED, PLACED + timedelta(seconds=after_s), kitchen)


@pytest.mark.parametrize(
    ("state", "after_s", "alarm"),
    [
        (S.PLACED, 59.9, None),
        (S.PLACED, 60, Alarm.NOT_RECEIVED),
        (S.PLACED, 500, Alarm.NOT_RECEIVED),
        (S.RECEIVED, 179.9, None),
        (S.RECEIVED, 180, Alarm.NOT_ACCEPTED),
        (S.ACCEPTED, 500, None),
        (S.REJECTED, 500, None),
        (S.CANCEL_REQUESTED, 500, None),
    ],
)
def test_the_first_word_that_is_missing_is_the_alarm(state: OrderState, after_s: float, alarm: Alarm | None) -> None:
    assert due(state, after_s) is alarm


def test_a_branch_may_wait_for_one_word_only() -> None:
    assert due(S.PLACED, 180, Kitchen(accepted_seconds=180)) is Alarm.NOT_ACCEPTED
    assert due(S.RECEIVED, 9999, Kitchen(received_seconds=60)) is None
    assert due(S.PLACED, 9999, Kitchen()) is None


@given(st.sampled_from(Alarm), st.sampled_from(OrderState))
def test_only_receiving_leaves_an_alarm_for_accepting(alarm: Alarm, state: OrderState) -> None:
    left = alarm_after(alarm, state)
    assert left is (alarm if (alarm, state) == (Alarm.NOT_ACCEPTED, S.RECEIVED) else None)
    assert alarm_after(None, state) is None


@given(
    st.sampled_from(OrderState),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.builds(Kitchen, st.integers(0, 7200), st.integers(0, 7200)),
)
def test_an_alarm_does_not_go_by_waiting_and_never_comes_where_nobody_waits(
    state: OrderState, first_s: int, more_s: int, kitchen: Kitchen
) -> None:
    first, later = due(state, first_s, kitchen), due(state, first_s + more_s, kitchen)
    if state not in WAITING or not kitchen.is_watched:
        assert (first, later) == (None, None)
    if first is not None:
        assert later is not None


@functools.cache
def westlands() -> Mapping[str, Any]:
    return next(each.document for each in load_branch_files(BRANCHES) if each.file.branch.id == "westlands")


def document(**branch: Any) -> dict[str, Any]:
    plain = dict(westlands())
    plain["branch"] = {name: value for name, value in plain["branch"].items() if name != "kitchen"} | branch
    return plain


def test_the_kitchen_of_a_branch_file() -> None:
    assert parse_branch(document()).branch.kitchen == Kitchen()
    assert not Kitchen().is_watched
    given_all = {"received_seconds": 45, "accepted_seconds": 120, "ring_after_seconds": 30}
    assert parse_branch(document(kitchen=given_all)).branch.kitchen == Kitchen(45, 120, 30)
    assert parse_branch(document(kitchen={"received_seconds": 45})).branch.kitchen == Kitchen(45, 0, 60)


def test_a_file_of_before_means_what_it_meant() -> None:
    kitchen = parse_branch(document(escalation={"accept_minutes": 5})).branch.kitchen
    assert kitchen == Kitchen(received_seconds=0, accepted_seconds=300, ring_after_seconds=0)
    assert not parse_branch(document(escalation={"accept_minutes": 0})).branch.kitchen.is_watched


@pytest.mark.parametrize(
    ("branch", "path"),
    [
        ({"kitchen": {}}, "branch.kitchen"),
        ({"kitchen": {"ring_after_seconds": 30}}, "branch.kitchen"),
        ({"kitchen": {"received_seconds": 9}}, "branch.kitchen.received_seconds"),
        ({"kitchen": {"accepted_seconds": 7201}}, "branch.kitchen.accepted_seconds"),
        ({"kitchen": {"accepted_seconds": "3 minutes"}}, "branch.kitchen.accepted_seconds"),
        ({"kitchen": {"received_seconds": 60, "accepted_seconds": 60}}, "branch.kitchen.accepted_seconds"),
        ({"kitchen": {"received_second": 60, "accepted_seconds": 90}}, "branch.kitchen.received_second"),
        ({"kitchen": [60, 180]}, "branch.kitchen"),
        (
            {"kitchen": {"accepted_seconds": 90}, "escalation": {"accept_minutes": 5}},
            "branch.escalation.accept_minutes",
        ),
        ({"escalation": {"accept_minutes": 121}}, "branch.escalation.accept_minutes"),
        ({"escalation": "5 minutes"}, "branch.escalation"),
    ],
)
def test_what_is_wrong_with_a_kitchen_is_said_with_its_place(branch: dict[str, Any], path: str) -> None:
    with pytest.raises(BranchFileError) as refused:
        parse_branch(document(**branch))
    assert path in [problem.path for problem in refused.value.problems]
