"""When a replica says of itself that its model cannot be had."""

from __future__ import annotations

from services.bridge.breaker import PAUSE_S, WITHIN_S, ModelBreaker


def failed(*times: float) -> ModelBreaker:
    breaker = ModelBreaker()
    for at in times:
        breaker.trial().failed(at)
    return breaker


def test_three_failures_within_a_minute_open_it() -> None:
    assert not failed(0.0, 1.0).is_open(2.0)
    assert failed(0.0, 1.0, WITHIN_S).is_open(WITHIN_S)
    assert not failed(0.0, 1.0, WITHIN_S + 0.1).is_open(WITHIN_S + 0.1)


def test_only_failures_in_a_row_count() -> None:
    breaker = failed(0.0, 1.0)
    breaker.trial().worked()
    breaker.trial().failed(2.0)
    assert not breaker.is_open(2.0)


def test_one_session_that_works_closes_it() -> None:
    breaker = failed(0.0, 1.0, 2.0)
    breaker.trial().worked()
    assert not breaker.is_open(2.0)
    breaker.trial().failed(3.0)
    assert not breaker.is_open(3.0), "it begins to count anew"


def test_calls_are_let_in_after_a_pause_and_one_failure_closes_the_door_again() -> None:
    breaker = failed(0.0, 1.0, 2.0)
    back_at = 2.0 + PAUSE_S
    assert breaker.is_open(back_at - 0.1)
    assert not breaker.is_open(back_at)
    breaker.trial().failed(back_at + 100.0)
    assert breaker.is_open(back_at + 100.0)


def test_calls_that_were_under_way_do_not_lengthen_the_pause() -> None:
    breaker = failed(0.0, 1.0, 2.0, 20.0)
    assert not breaker.is_open(2.0 + PAUSE_S)


def test_the_first_verdict_on_a_session_counts() -> None:
    breaker = failed(0.0, 1.0)
    heard = breaker.trial()
    heard.worked()
    heard.failed(2.0)
    refused = breaker.trial()
    refused.failed(3.0)
    refused.failed(4.0)
    refused.worked()
    breaker.trial().failed(5.0)
    assert not breaker.is_open(5.0), "two failures since the session that was heard"
