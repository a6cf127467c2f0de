"""The session as a script: when it asks for a person though the model did not."""

from __future__ import annotations

import pytest
from session_script import SECOND_OF_24K, Script, only

from services.bridge.session import Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.backstop import SUMMARIES
from services.bridge.session.phases import Phase
from services.bridge.session.stuck import NUDGE


def caller_says(script: Script, words: str) -> None:
    """A turn of the caller, with its voice and its transcript."""
    script.feed(i.CallerSpoke(400), i.CallerWords(words))
    script.wait(700)


def exchange(script: Script, words: str, reply: str = "I see.") -> list[a.RequestHandoff]:
    """A turn of the caller and one of the agent, heard to its end; who was asked for by then."""
    seen = len(script.log)
    caller_says(script, words)
    script.say(reply, 1_000)
    assert not only(script.log[seen:], a.RequestHandoff), "the model has its turn, and it is heard"
    script.wait(1_001)
    return only(script.log[seen:], a.RequestHandoff)


# -- what the caller says ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("no nuts, I am allergic", "allergy_or_medical"),
        ("you charged me twice", "payment"),
        ("nataka kuongea na mtu", "caller_asked"),
    ],
)
def test_what_the_model_passes_over_the_session_asks_for(words: str, reason: str) -> None:
    (asked,) = exchange(Script().talking(), words)
    assert (asked.reason, asked.by_session) == (reason, True)
    assert asked.pii_summary == SUMMARIES[asked.reason], "no words of the caller"  # type: ignore[index]


def test_a_model_that_asks_itself_is_not_doubled() -> None:
    script = Script().talking()
    caller_says(script, "I am allergic to nuts")
    (asked,) = only(script.call("escalate", reason="allergy_or_medical"), a.RequestHandoff)
    assert not asked.by_session
    script.feed(i.HandoffAnswered(asked.request_id, None, "Nobody is here."))
    script.say("Nobody is here.", 1_000)
    assert not only(script.wait(20_000), a.RequestHandoff)


def test_an_interrupted_turn_is_not_the_models_answer() -> None:
    script = Script().talking()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    script.feed(i.CallerWords("a person please, let me speak to a person"), i.ModelInterrupted())
    script.wait(700)
    script.feed(i.TurnCompleted())
    assert not only(script.wait(3_000), a.RequestHandoff)
    script.say("I take orders.", 1_000)
    assert only(script.wait(1_001), a.RequestHandoff)


def test_one_insult_is_heard_over() -> None:
    script = Script().talking()
    assert not exchange(script, "you stupid robot")
    assert not exchange(script, "a burger")
    assert exchange(script, "fuck off")[0].reason == "abuse"


def test_where_nobody_was_on_duty_it_is_not_asked_for_again() -> None:
    script = Script().talking()
    (asked,) = exchange(script, "I want to speak to a person")
    script.feed(i.HandoffAnswered(asked.request_id, None, "Nobody is here.", callback="offered"))
    (told,) = only(script.last, a.TellModel)
    assert "Nobody is here." in told.text
    assert '"callback": "offered"' in told.text
    assert script.session.phase is Phase.TALKING, "the agent works, so the call goes on"
    assert not exchange(script, "I want to speak to a person")
    assert exchange(script, "I am allergic to nuts"), "that is something else"


def test_said_again_after_somebody_was_rung_in_vain_it_counts_again() -> None:
    script = Script().talking()
    (asked,) = exchange(script, "I want to speak to a person")
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "I am ringing Ann.", stay=True))
    assert "being_rung" in only(script.last, a.TellModel)[0].text
    assert not exchange(script, "I want to speak to a person"), "she is being rung"
    script.feed(i.HandoffAnswered(asked.request_id, None, "Nobody came."))
    assert not exchange(script, "well, a burger then")
    assert exchange(script, "no, I want to speak to a person")


def test_nothing_is_asked_for_during_a_goodbye() -> None:
    script = Script().talking()
    caller_says(script, "I should have talked to a manager")
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    script.call("endCall")
    script.feed(i.TurnCompleted())
    script.wait(2_000)
    assert script.report.reason == "goodbye"


# -- functions that get nowhere ------------------------------------------------------------------------------------

UNCLEAR: dict[str, object] = {"status": "ask", "code": "unclear_item", "message": "Did you mean the wrap?"}
UNKNOWN: dict[str, object] = {"status": "refused", "code": "unknown_item", "message": "I do not find that."}
NOTHING: dict[str, object] = {"status": "ok", "code": "nothing_found", "message": "I do not find that."}
SIZE: dict[str, object] = {"status": "ask", "code": "choice_missing", "message": "Which size?"}
DIP: dict[str, object] = {"status": "ask", "code": "choice_missing", "message": "Which dip?"}
SOLD_OUT: dict[str, object] = {"status": "refused", "code": "item_sold_out", "message": "Sorry."}
TOO_LARGE: dict[str, object] = {"status": "refused", "code": "order_too_large", "message": "Shall I get somebody?"}
OK: dict[str, object] = {"status": "ok", "code": "item_added"}


def try_functions(*answers: dict[str, object], name: str = "addItem", silent: bool = False) -> Script:
    """The caller says something, the model calls a function and says what it answered; and so on."""
    script = Script().talking()
    for number, answer in enumerate(answers, 1):
        if not silent:
            caller_says(script, "something")
        script.call("searchMenu" if answer is NOTHING else name, start=number, what=number)
        script.answer(number, (f"c{number}", "searchMenu" if answer is NOTHING else name, answer))
        script.say("so", 500)
        script.wait(501)
    return script


def reasons(script: Script) -> list[str]:
    return [asked.reason for asked in only(script.log, a.RequestHandoff)]


@pytest.mark.parametrize(
    "answers",
    [
        [UNCLEAR, UNCLEAR, UNCLEAR],
        [UNKNOWN, UNCLEAR, NOTHING],
        [OK, UNKNOWN, SOLD_OUT, UNKNOWN, UNCLEAR],
        [SIZE, SIZE, SIZE, SIZE],
        [SIZE, UNCLEAR, SIZE, UNKNOWN],
    ],
)
def test_three_misunderstandings_in_a_row(answers: list[dict[str, object]]) -> None:
    assert reasons(try_functions(*answers)) == ["not_understood"]


@pytest.mark.parametrize(
    "answers",
    [
        [UNCLEAR, UNCLEAR],
        [UNCLEAR, UNCLEAR, OK, UNCLEAR, UNCLEAR],
        [SIZE, DIP, SIZE, OK, SIZE, DIP, OK],
        [SOLD_OUT, SOLD_OUT, SOLD_OUT, SOLD_OUT],
    ],
)
def test_normal_talk_is_no_misunderstanding(answers: list[dict[str, object]]) -> None:
    assert not reasons(try_functions(*answers))


def test_what_the_model_tries_by_itself_is_one_misunderstanding() -> None:
    assert not reasons(try_functions(*[UNKNOWN] * 6, silent=True))


def test_answers_of_one_message_are_one_misunderstanding() -> None:
    script = Script().talking()
    caller_says(script, "three odd things")
    script.call("addItem", "addItem", "addItem")
    script.answer(1, *((f"c{n}", "addItem", UNKNOWN) for n in (1, 2, 3)))
    script.say("I do not find that.", 500)
    assert not only(script.wait(5_000), a.RequestHandoff)


def test_an_order_that_is_too_large_twice() -> None:
    assert not reasons(try_functions(TOO_LARGE))
    assert reasons(try_functions(TOO_LARGE, OK, TOO_LARGE)) == ["high_value"]
    assert not reasons(try_functions(TOO_LARGE, TOO_LARGE, silent=True)), "the caller has not said anything to it"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("orderStatus", {"status": "ok", "code": "order_status", "state": "rejected"}),
        ("cancelOrder", {"status": "ok", "code": "already_rejected"}),
    ],
)
def test_an_order_that_the_kitchen_did_not_take(name: str, answer: dict[str, object]) -> None:
    assert reasons(try_functions(answer, name=name)) == ["order_not_accepted"]


def test_a_late_answer_counts_as_well() -> None:
    script = Script().talking()
    caller_says(script, "where is my order")
    script.call("orderStatus")
    script.wait(2_500)
    script.say("one moment", 500)
    script.answer(1, ("c1", "orderStatus", {"status": "ok", "state": "rejected"}))
    script.wait(501)
    script.say("the kitchen could not take it", 500)
    (asked,) = only(script.wait(501), a.RequestHandoff)
    assert asked.reason == "order_not_accepted"


# -- a model that does not work ------------------------------------------------------------------------------------


def test_a_silent_model_is_reminded_and_then_given_up() -> None:
    script = Script(limits=Limits(model_losses_max=0)).talking()
    script.feed(i.CallerSpoke(300))
    assert not only(script.wait(4_999), a.TellModel)
    assert only(script.wait(1), a.TellModel) == [a.TellModel(NUDGE)]
    assert a.Complain("model_nudged") in script.last
    assert not only(script.wait(2_999), a.RequestHandoff)
    (asked,) = only(script.wait(1), a.RequestHandoff)
    assert (asked.reason, asked.by_session) == ("technical", True)
    assert a.Complain("model_stuck") in script.last
    script.wait(8_500)
    assert script.report.outcome == "handoff"


def test_a_word_after_the_reminder_is_enough() -> None:
    script = Script().talking()
    script.feed(i.CallerSpoke(300))
    script.wait(5_000)
    script.say("Sorry, could you say that again?", 1_000)
    assert not only(script.wait(60_000), (a.RequestHandoff, a.TellModel))


def test_the_time_counts_from_when_the_caller_fell_silent() -> None:
    script = Script().talking()
    for _ in range(20):
        script.feed(i.CallerSpoke(20))
        script.wait(1_000)
    assert not only(script.log, a.TellModel)
    assert only(script.wait(4_000), a.TellModel)


def test_a_cough_is_not_waited_upon() -> None:
    script = Script().talking()
    script.feed(i.CallerSpoke(280))
    assert not only(script.wait(60_000), a.TellModel)


def test_what_is_said_over_the_agent_needs_no_answer_unless_it_stopped_for_it() -> None:
    script = Script().talking()
    script.say("a long speech", 4_000)
    script.feed(i.CallerSpoke(500))
    assert not only(script.wait(60_000), a.TellModel)
    script.say("a long speech", 4_000)
    script.feed(i.CallerSpoke(500), i.ModelInterrupted())
    assert only(script.wait(5_000), a.TellModel)


def test_a_model_that_waits_for_a_function_need_not_speak() -> None:
    script = Script(limits=Limits(tool_pending_ms=30_000, tool_given_up_ms=60_000)).talking()
    script.feed(i.CallerSpoke(500))
    script.call("placeOrder")
    assert not only(script.wait(20_000), (a.TellModel, a.RequestHandoff))
    script.answer(1, ("c1", "placeOrder", OK))
    assert not only(script.wait(4_999), a.TellModel)
    assert only(script.wait(1), a.TellModel)


def test_a_model_that_falls_silent_while_somebody_is_rung() -> None:
    script = Script(limits=Limits(model_losses_max=0)).talking()
    (asked,) = only(script.call("escalate"), a.RequestHandoff)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "I am ringing Ann.", stay=True))
    script.say("I am ringing Ann.", 1_000)
    script.wait(1_000)
    script.feed(i.CallerSpoke(500))
    script.wait(10_000)
    assert script.session.phase is Phase.HANDING_OVER


def circle(script: Script, times: int, start: int = 1) -> None:
    for number in range(start, start + times):
        script.call("searchMenu", start=number, query="tea")
        script.answer(number, (f"c{number}", "searchMenu", {"status": "ok", "matches": []}))


def test_a_model_that_turns_in_a_circle() -> None:
    script = Script().talking()
    circle(script, 8)
    assert not reasons(script)
    circle(script, 1, start=9)
    assert reasons(script) == ["technical"]
    assert a.Complain("model_runaway") in script.last


def test_a_word_of_the_caller_or_another_answer_is_no_circle() -> None:
    script = Script().talking()
    circle(script, 8)
    script.feed(i.CallerSpoke(400))
    circle(script, 8, start=9)
    for number in range(17, 27):
        script.call("searchMenu", start=number, query="tea")
        script.answer(number, (f"c{number}", "searchMenu", {"status": "ok", "matches": [number]}))
    assert not reasons(script)


def test_unknown_functions_in_a_circle() -> None:
    script = Script().talking()
    for number in range(9):
        script.call("orderPizza", start=number)
    assert reasons(script) == ["technical"]
