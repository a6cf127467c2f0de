"""When a delivery is tried again: the two schedules as they are written down, and what holds for any lateness."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.contracts.events import EVENTS
from services.orders.webhooks.schedule import (
    JITTER,
    RECORD_GAPS_S,
    TICKET_AGES_S,
    DeliveryClass,
    class_of,
    life_s,
    next_attempt,
)

CHANCES = st.floats(0, 1)


def ages(class_: DeliveryClass, chance: float, late_s: float = 0.0) -> list[float]:
    """The ages at which a delivery is tried that never succeeds, each attempt ending ``late_s`` after it was due."""
    age, found = 0.0, [0.0]
    while (pause := next_attempt(class_, attempts=len(found), age_s=age + late_s, chance=chance)) is not None:
        age += late_s + pause
        found.append(age)
    return found


def test_a_ticket_is_tried_densely_for_a_minute_and_then_each_minute_for_a_quarter_of_an_hour() -> None:
    minutes = [60.0 * minute for minute in range(1, 16)]
    assert ages("ticket", 0.5) == pytest.approx([0, 2, 5, 10, 20, 40, *minutes])


def test_a_record_is_tried_ten_times_in_three_days_as_the_standard_suggests() -> None:
    tried = ages("record", 0.5)
    assert tried == pytest.approx([0, 5, 305, 2105, 9305, 27_305, 63_305, 113_705, 185_705, 272_105], abs=1)
    assert 72 <= tried[-1] / 3600 <= 76


def test_a_ping_is_tried_once() -> None:
    assert ages("ping", 0.5) == [0.0]


@given(CHANCES, st.floats(0, 15))
def test_a_ticket_goes_on_at_its_ages_however_long_an_attempt_takes(chance: float, late_s: float) -> None:
    tried = ages("ticket", chance, late_s)
    assert all(min(abs(age - planned) for planned in TICKET_AGES_S) < 0.1 for age in tried)
    assert tried == sorted(set(tried))
    assert tried[-1] <= TICKET_AGES_S[-1] + 0.1
    assert tried[-1] >= TICKET_AGES_S[-1] - 120


@given(st.lists(CHANCES, min_size=10, max_size=10))
def test_a_records_jitter_is_small_and_its_attempts_are_ten(chances: list[float]) -> None:
    age = 0.0
    for attempts, chance in enumerate(chances[:9], start=1):
        pause = next_attempt("record", attempts=attempts, age_s=age, chance=chance)
        assert pause is not None
        assert abs(pause - RECORD_GAPS_S[attempts]) <= JITTER * RECORD_GAPS_S[attempts] + 1e-6
        age += pause
    assert next_attempt("record", attempts=10, age_s=age, chance=chances[9]) is None
    assert age <= life_s("record")


@given(st.sampled_from(["ticket", "record", "ping"]), st.integers(1, 40), st.floats(0, 1e6), CHANCES)
def test_it_never_goes_back_and_always_comes_to_an_end(
    class_: DeliveryClass, attempts: int, age_s: float, chance: float
) -> None:
    pause = next_attempt(class_, attempts=attempts, age_s=age_s, chance=chance)
    assert pause is None or pause > 0
    if age_s > life_s(class_):
        assert pause is None


def test_what_the_kitchen_must_know_at_once_is_a_ticket() -> None:
    tickets = {event.type for event in EVENTS if class_of(event.type) == "ticket"}
    assert tickets == {"agiza.order.placed", "agiza.order.cancel_requested", "agiza.order.cancelled"}
    assert class_of("agiza.order.received") == "record"
    assert class_of("agiza.ping") == "ping"
