"""Calls to staff about an order that nobody has taken: heard, taken by a key, told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.domain.call_answers import AskKey, Close, Decision, OutboundMoved, Silent
from agiza.domain.call_control import decide
from agiza.domain.call_state import Callback, CallKind, CallState, Channel, Desk, Edge, Outbound, Phase, Phrase

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
WAITS = Outbound("out-1", is_open=True, reason="order_not_accepted", order_number=17)
RINGING = Callback(Edge.RINGING, Channel.VOICE)
ANSWERED = Callback(Edge.ANSWERED, Channel.VOICE, "Answered")
ONE = replace(ANSWERED, digits="1")
OVER = Callback(Edge.COMPLETED, Channel.VOICE, "Completed", is_active=False, duration_s=20)
NEVER = replace(OVER, duration_s=None)


class Line:
    def __init__(self, outbound: Outbound | None = WAITS) -> None:
        self.desk = Desk("+254709000002", None, is_open=True, can_order=True, contacts=(), outbound=outbound)
        self.call = CallState(kind=CallKind.STAFF_ALARM)
        self.last = Decision(Silent(), self.call)
        self.steps: list[str] = []

    def hears(self, *callbacks: Callback) -> Line:
        for callback in callbacks:
            self.last = decide(self.call, None, callback, self.desk, NOW)
            self.call = self.last.call
            self.steps += [event.step for event in self.last.events if isinstance(event, OutboundMoved)]
        return self

    def settled(self) -> Line:
        self.desk = replace(self.desk, outbound=replace(WAITS, is_open=False))
        return self


def test_who_picks_up_is_asked_and_takes_the_order_with_one() -> None:
    line = Line().hears(RINGING, ANSWERED)
    assert line.last.answer == AskKey(Phrase.ORDER_WAITS)
    assert line.hears(ONE).last.answer == Close(Phrase.ORDER_TAKEN)
    assert line.hears(OVER).steps == ["answered", "connected"]
    assert line.call.phase is Phase.ENDED


def test_the_key_twice_takes_once() -> None:
    line = Line().hears(ANSWERED, ONE, ONE)
    assert (line.last.answer, line.steps) == (Close(Phrase.ORDER_TAKEN), ["answered", "connected"])


@pytest.mark.parametrize("digits", [None, "", "2", "#", "91"])
def test_another_key_is_asked_again(digits: str | None) -> None:
    line = Line().hears(ANSWERED, replace(ANSWERED, digits=digits))
    assert (line.last.answer, line.steps) == (AskKey(Phrase.ORDER_WAITS), ["answered"])


def test_a_key_before_the_question_takes_nothing() -> None:
    assert Line().hears(ONE).steps == ["answered"]


def test_who_hangs_up_without_a_key_has_taken_nothing() -> None:
    assert Line().hears(ANSWERED, OVER).steps == ["answered", "missed"]
    assert Line().hears(RINGING, OVER).steps == ["missed"]


def test_who_never_picked_up_was_not_told() -> None:
    assert Line().hears(RINGING, NEVER).steps == ["unanswered"]
    assert Line().hears(NEVER).steps == ["unanswered"]


def test_an_order_that_is_settled_is_not_taken() -> None:
    line = Line().settled().hears(ANSWERED)
    assert line.last.answer == Close(Phrase.ORDER_SETTLED)
    assert line.hears(OVER).steps == ["answered", "missed"]
    late = Line().hears(ANSWERED).settled().hears(ONE)
    assert (late.last.answer, late.steps) == (Close(Phrase.ORDER_SETTLED), ["answered", "missed"])


def test_a_call_of_which_nothing_is_known_takes_nothing() -> None:
    line = Line(None).hears(ANSWERED, ONE, OVER)
    assert line.steps == []
    assert Line(None).hears(ANSWERED).last.answer == Close(Phrase.ORDER_SETTLED)


REQUESTS = [
    Callback(edge, channel, digits=digits, duration_s=seconds)
    for edge, channel, digits, seconds in product(
        Edge, (Channel.VOICE, Channel.STATUS, Channel.EVENTS), (None, "1"), (None, 9)
    )
]


@given(st.lists(st.sampled_from(REQUESTS), max_size=12))
def test_whatever_comes_it_is_taken_at_most_once_and_nothing_follows_the_end(requests: list[Callback]) -> None:
    line = Line()
    for request in requests:
        was_over = line.call.phase is Phase.ENDED
        before = len(line.steps)
        line.hears(request)
        if was_over:
            assert (line.last.answer, len(line.steps)) == (Silent(), before)
    assert line.steps.count("connected") <= 1
    assert line.steps.count("answered") <= 1
    if "connected" in line.steps:
        assert "missed" not in line.steps
