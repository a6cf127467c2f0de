"""The breaker of an endpoint, whatever comes in whatever order: never silent for long, never flooded while down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.webhooks.health import (
    AT_ONCE_MAX,
    FAILING_MAX,
    FAILURES_TO_DISABLE,
    FAILURES_TO_OPEN,
    OPEN_S,
    RETRY_AFTER_MAX_S,
    WARNINGS,
    Health,
    after_failure,
    after_success,
    is_hopeless,
    permits,
    retry_after_s,
    warning_due,
)

T0 = datetime(2026, 3, 6, 9, tzinfo=UTC)
SILENT_MAX = timedelta(seconds=max(OPEN_S[1], RETRY_AFTER_MAX_S))

steps = st.lists(
    st.tuples(
        st.floats(0, 7200),
        st.sampled_from(["well", "failed", "slow", "asked"]),
        st.one_of(st.none(), st.floats(0.001, RETRY_AFTER_MAX_S)),
    ),
    max_size=60,
)


def lived(found: list[tuple[float, str, float | None]]) -> tuple[Health, datetime]:
    """The health after these, each so many seconds after the one before."""
    health, now = Health(), T0
    for pause_s, outcome, asked_s in found:
        now += timedelta(seconds=pause_s)
        if outcome == "well":
            health = after_success(health, now)
        else:
            asked = asked_s if outcome == "asked" else None
            health = after_failure(
                health, now, is_slow=outcome != "failed", retry_after_s=asked, was_probe=health.is_open
            )
    return health, now


@given(steps)
def test_no_endpoint_is_left_alone_for_longer_than_is_allowed(found: list[tuple[float, str, float | None]]) -> None:
    health, now = lived(found)
    assert permits(health, now + SILENT_MAX, under_way=0) >= 1


@given(steps, st.integers(0, 40))
def test_never_more_than_the_width_and_one_alone_while_it_is_down(
    found: list[tuple[float, str, float | None]], under_way: int
) -> None:
    health, now = lived(found)
    assert 0 <= permits(health, now, under_way=under_way) <= max(0, AT_ONCE_MAX - under_way)
    if health.is_open:
        assert permits(health, now + SILENT_MAX, under_way=0) == 1
        assert permits(health, now + SILENT_MAX, under_way=1) == 0


@given(steps)
def test_a_success_ends_every_count_and_the_next_ones_bring_the_width_back(
    found: list[tuple[float, str, float | None]],
) -> None:
    health, now = lived(found)
    health = after_success(health, now)
    assert (health.failures, health.failing_since, health.warned, health.is_open) == (0, None, 0, False)
    for _ in range(AT_ONCE_MAX):
        health = after_success(health, now + SILENT_MAX)
    assert permits(health, now + SILENT_MAX, under_way=0) == AT_ONCE_MAX


@given(st.integers(0, 30), st.integers(0, 200))
def test_failing_counts_from_the_first_failure(failures: int, apart_h: int) -> None:
    health, _ = lived([(3600.0 * apart_h, "failed", None)] * failures)
    first = T0 + timedelta(hours=apart_h)
    assert health.failing_since == (first if failures else None)
    assert health.failures == failures
    assert health.is_open == (failures >= FAILURES_TO_OPEN)


def test_the_pauses_of_an_endpoint_that_stays_down_double_up_to_a_minute() -> None:
    health, now = lived([(0.0, "failed", None)] * FAILURES_TO_OPEN)
    pauses = []
    for _ in range(9):
        assert health.open_until is not None
        pauses.append((health.open_until - now).total_seconds())
        now = health.open_until
        health = after_failure(health, now, is_slow=False, retry_after_s=None, was_probe=True)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_what_was_under_way_when_it_opened_lengthens_nothing() -> None:
    opened, now = lived([(0.0, "failed", None)] * FAILURES_TO_OPEN)
    later = after_failure(opened, now, is_slow=False, retry_after_s=None, was_probe=False)
    assert (later.open_until, later.failures) == (opened.open_until, FAILURES_TO_OPEN + 1)


def test_warnings_come_once_each_and_then_it_is_hopeless() -> None:
    health = Health(failures=FAILURES_TO_DISABLE, failing_since=T0)
    told = []
    for hour in range(121):
        now = T0 + timedelta(hours=hour)
        if (due := warning_due(health, now)) is not None:
            told.append((hour, due))
            health = Health(health.failures, T0, warned=due)
        assert is_hopeless(health, now) == (now - T0 >= FAILING_MAX)
    assert told == [(60, 50), (84, 70), (108, 90)]
    assert tuple(percent for _, percent in told) == WARNINGS


def test_few_failures_over_a_long_time_disable_nobody() -> None:
    quiet = Health(failures=FAILURES_TO_DISABLE - 1, failing_since=T0)
    assert not is_hopeless(quiet, T0 + 10 * FAILING_MAX)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 30 ", 30.0),
        ("999999999999999999999", RETRY_AFTER_MAX_S),
        ("Fri, 06 Mar 2026 09:00:20 GMT", 20.0),
        ("Fri, 06 Mar 2026 08:00:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("٣", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date_and_bounded(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, T0) == seconds


@given(st.text())
def test_no_text_of_retry_after_is_too_much(header: str) -> None:
    found = retry_after_s(header, T0)
    assert found is None or 0 < found <= RETRY_AFTER_MAX_S
