"""The session as a script: model sessions that are lost or cannot be had, and what is tried how often."""

from __future__ import annotations

import pytest
from hop_script import OK, lose, person, ready, with_handle
from session_script import SECOND_OF_24K, Script, only

from services.bridge.session import Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.model_life import FATAL, TABLE, ModelState, ModelTrigger
from services.bridge.session.phases import Phase

# -- the ladder ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "handle"),
    [
        ("closed_1000", "h1"),
        ("closed_1001", "h1"),
        ("closed_1006", "h1"),
        ("closed_1007", None),
        ("closed_1008", "h1"),
        ("closed_1011", "h1"),
        ("quota", None),
    ],
)
def test_a_lost_session_is_replaced_whatever_it_was_closed_with(word: str, handle: str | None) -> None:
    script = with_handle()
    connect = lose(script, word)
    assert connect is not None
    assert (connect.generation, connect.handle) == (2, handle)
    assert connect.delay_ms == (2_000 if word == "quota" else 100)
    assert connect.seed is not None
    script.wait(connect.delay_ms + 300)
    (hop,) = only(ready(script), a.NoteHop)
    assert (hop.reason, hop.how) == (word, "resumed" if handle else "reseeded")
    assert script.session.phase is Phase.TALKING
    script.say("where were we?", 300)
    assert not only(script.log, a.CloseCarrier)


@pytest.mark.parametrize("word", sorted(FATAL))
def test_some_losses_are_not_worth_another_attempt(word: str) -> None:
    script = with_handle()
    assert lose(script, word) is None
    assert [each.kind for each in only(script.log, a.Complain)] == ["model_lost"]
    person(script)


@pytest.mark.parametrize("word", ["refused_1007", "setup_timeout", "closed_1007"])
def test_a_refused_handle_is_dropped_at_once(word: str) -> None:
    script = with_handle()
    lose(script, "closed_1006")
    second = lose(script, word)
    assert second is not None
    assert second.handle is None
    assert a.SaveRecord({"handle": ""}) in script.last, "nor is it used by whoever takes the call over"


@pytest.mark.parametrize("word", ["refused_1011", "refused_1008"])
def test_a_doubtful_refusal_costs_the_handle_the_second_time(word: str) -> None:
    script = with_handle()
    lose(script, "closed_1006")
    handles = [lose(script, word), lose(script, word)]
    assert [each.handle if each else "nothing" for each in handles] == ["h1", None]


@pytest.mark.parametrize("word", ["refused_500", "refused_503", "unreachable", "handshake_failed", "setup_failed"])
def test_what_may_pass_is_tried_again_by_handle_and_in_the_end_there_is_a_person(word: str) -> None:
    script = with_handle()
    lose(script, "closed_1006")
    again = lose(script, word)
    assert again is not None
    assert (again.handle, again.delay_ms) == ("h1", 500)
    while (connect := lose(script, word)) is not None:
        script.wait(connect.delay_ms)
    person(script)


def test_the_same_setup_is_not_sent_again_when_it_was_refused() -> None:
    script = with_handle()
    lose(script, "closed_1007")
    assert lose(script, "refused_1007") is None
    person(script)


def test_a_session_that_used_a_handle_up_does_not_count_as_refused_setup() -> None:
    script = with_handle()
    connect = lose(script, "refused_1007")
    assert connect is not None
    ready(script)
    assert lose(script, "closed_1007") is not None, "that one was taken: its context was too long"


def test_attempts_come_later_each_time_and_end_before_the_silence_is_too_long() -> None:
    script = with_handle()
    began = script.now
    connect = lose(script, "closed_1006")
    delays, handles = [], []
    while connect is not None:
        delays.append(connect.delay_ms)
        handles.append(connect.handle)
        script.wait(connect.delay_ms + 40)
        connect = lose(script, "unreachable")
    assert delays == [100, 500, 1_000, 1_500, 1_500, 1_500, 1_500]
    assert handles == ["h1"] * 3 + [None] * 4
    assert 7_000 <= script.now - began <= 8_000
    person(script)


def test_a_setup_that_never_ends_is_ended_by_the_session_too() -> None:
    script = with_handle()
    lose(script, "closed_1006")
    assert not only(script.wait(7_999), a.RequestHandoff)
    actions = script.wait(1)
    assert only(actions, a.CloseModel)
    person(script)


def test_quota_is_not_hammered() -> None:
    script = with_handle()
    connect = lose(script, "refused_429")
    assert connect is not None
    assert connect.delay_ms == 2_000
    script.wait(2_000)
    assert lose(script, "quota") is None
    assert [each.kind for each in only(script.log, a.Complain)] == ["model_quota", "model_quota", "model_lost"]
    person(script)


def test_a_session_that_is_lost_again_and_again_is_given_up() -> None:
    script = with_handle()
    for _ in range(3):
        assert lose(script, "closed_1011") is not None
        ready(script)
        script.say("go on", 100)
        script.wait(5_000)
        script.feed(i.ResumptionOffered("h"))
    assert lose(script, "closed_1011") is None
    person(script)


def test_a_leg_has_a_number_of_sessions_at_most() -> None:
    script = Script(limits=Limits(model_sessions_max=3)).talking()
    for _ in range(2):
        assert lose(script, "closed_1000") is not None
        ready(script)
        script.say("go on", 100)
        script.wait(31_000)
    assert lose(script, "closed_1000") is None
    person(script)


def test_losses_that_are_far_apart_are_forgotten() -> None:
    script = with_handle()
    for _ in range(6):
        assert lose(script, "closed_1011") is not None
        ready(script)
        script.say("go on", 100)
        script.wait(30_000)
    assert not only(script.log, a.CloseCarrier)


def test_a_session_that_dies_at_once_does_not_begin_the_silence_anew() -> None:
    script = with_handle()
    began = script.now
    connect = lose(script, "closed_1006")
    for _ in range(2):
        assert connect is not None
        script.wait(3_000)
        ready(script)
        connect = lose(script, "closed_1006")
    assert script.now - began < 8_000
    script.wait(2_000)
    assert connect is not None
    assert only(script.log, a.RequestHandoff), "eight seconds in all"


def test_an_old_handle_is_not_used() -> None:
    script = Script(limits=Limits(handle_age_ms=5_000)).talking()
    script.feed(i.ResumptionOffered("h1"))
    script.wait(5_001)
    connect = lose(script, "closed_1006")
    assert connect is not None
    assert connect.handle is None


# -- at the beginning, and at the end ------------------------------------------------------------------------------


def test_the_first_session_is_tried_again_and_greets() -> None:
    script = Script()
    script.feed(i.Opened())
    connect = lose(script, "unreachable")
    assert connect == a.ConnectModel(2, None, None, 100, 6_000)
    script.wait(100)
    assert ready(script)[-1] == a.RequestGreeting()
    assert script.session.phase is Phase.GREETING


@pytest.mark.parametrize("word", ["refused_429", "quota", "refused_1007", "wrong_model", "no_menu", "refused_401"])
def test_a_first_session_that_is_refused_ends_the_leg_so_that_a_person_is_dialled(word: str) -> None:
    script = Script()
    script.feed(i.Opened())
    assert lose(script, word) is None
    assert (script.report.outcome, script.report.reason) == ("dropped", f"model_{word}")


def test_a_session_that_is_lost_before_its_first_word_greets_anew() -> None:
    script = Script()
    script.feed(i.Opened(), i.ModelReady())
    connect = lose(script, "closed_1011")
    assert connect is not None
    assert connect.seed is None
    assert a.RequestGreeting() in ready(script)


def test_a_greeting_that_broke_off_is_not_repeated() -> None:
    script = Script()
    script.feed(i.Opened(), i.ModelReady(), i.ModelAudio(SECOND_OF_24K, 24_000))
    lose(script, "closed_1011")
    assert script.session.phase is Phase.TALKING
    (go_on,) = only(ready(script), a.GoOn)
    assert "automated assistant" in go_on.text
    assert sum(isinstance(each, a.RequestGreeting) for each in script.log) == 1


def test_a_placed_order_that_was_told_needs_no_person() -> None:
    script = with_handle()
    script.call("placeOrder")
    script.answer(1, ("c1", "placeOrder", OK))
    script.say("your order is number 17", 500)
    lose(script, "wrong_model")
    assert (script.report.outcome, script.report.reason) == ("placed", "model_wrong_model")


@pytest.mark.parametrize("contact", ["ann", None])
def test_a_person_is_asked_for_once_when_one_was_asked_for_already(contact: str | None) -> None:
    script = with_handle()
    (asked,) = only(script.call("escalate"), a.RequestHandoff)
    lose(script, "wrong_model")
    script.feed(i.HandoffAnswered(asked.request_id, contact, "."))
    assert script.report.outcome == "handoff"


def test_the_sentence_of_a_handover_is_said_by_the_next_session() -> None:
    script = with_handle()
    lose(script, "closed_1006")
    script.session._leg.backstop.raise_("allergy_or_medical")
    script.session._leg.backstop.on_turn_over()
    script.wait(10)
    (asked,) = only(script.log, a.RequestHandoff)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "I am calling Ann."))
    assert not only(script.log, a.TellModel), "nobody listens"
    (go_on,) = only(ready(script), a.GoOn)
    assert go_on.text == "[Say to the caller now: I am calling Ann.]"


# -- the table -----------------------------------------------------------------------------------------------------


def test_the_table_knows_every_state() -> None:
    assert {state for state, _ in TABLE} == set(ModelState) - {ModelState.GONE}
    assert {trigger for _, trigger in TABLE} == set(ModelTrigger)
    assert set(TABLE.values()) == set(ModelState)
