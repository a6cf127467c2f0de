"""The session as a script: a person is rung while the agent goes on, nobody comes, somebody rings back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from session_script import SECOND_OF_24K, Script, only

from services.bridge.session import CallFacts, CallSession, Limits, Stage
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.endings import Endings
from services.bridge.session.phases import Phase
from services.bridge.session.sayings import SAYINGS
from services.bridge.session.state import LegState

STAYED = "I am ringing Ann while we go on."


def responses(actions: list[a.Action]) -> dict[str, dict[str, Any]]:
    """id -> response of everything that was answered."""
    return {result.id: dict(result.response) for each in only(actions, a.AnswerTools) for result in each.results}


def news(actions: list[a.Action]) -> list[dict[str, Any]]:
    """What the model was told that it had not waited for."""
    texts = [told.text.removesuffix("]").split(": ", 1)[1] for told in only(actions, a.TellModel)]
    return [dict(entry["result"]) for text in texts for entry in json.loads(text)]


def ringing() -> tuple[Script, str]:
    """A call in which Ann is being rung, and the id of the request."""
    script = Script().talking()
    (asked,) = only(script.call("escalate", reason="complaint"), a.RequestHandoff)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", STAYED, stay=True))
    return script, asked.request_id


def test_the_agent_goes_on_while_somebody_is_rung() -> None:
    script, request_id = ringing()
    assert responses(script.last) == {"c1": {"status": "ok", "code": "being_rung", "message": STAYED}}
    script.say(STAYED, 1_000)
    assert not only(script.wait(60_000), a.CloseCarrier)
    assert script.session.phase is Phase.TALKING
    assert only(script.call("addItem", start=2), a.PublishTools)
    assert script.feed(i.HandoffAnswered(request_id, "ann", STAYED, stay=True)) == [], "said twice"


def test_asking_again_meanwhile_is_answered_here() -> None:
    script, _ = ringing()
    again = script.call("escalate", start=2)
    assert not only(again, a.RequestHandoff)
    assert responses(again)["c2"]["code"] == "being_rung"


@pytest.mark.parametrize("language", ["en", "sw", "sw-KE", "fr"])
def test_somebody_picked_up_one_sentence_then_leave(language: str) -> None:
    session = CallSession(CallFacts("HD_1234abcd", "westlands", 3, language=language), strict=True)
    script = Script()
    script.session = session
    script.talking()
    (asked,) = only(script.call("escalate"), a.RequestHandoff)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", STAYED, stay=True), i.TurnCompleted())
    (told,) = only(script.feed(i.LeaveRequested()), a.TellModel)
    assert told.text == f"[Say to the caller now: {SAYINGS['sw' if language.startswith('sw') else 'en']['joined']}]"
    assert script.session.phase is Phase.HANDING_OVER
    assert script.feed(i.LeaveRequested()) == [], "ordered twice"
    script.say("A colleague is on the line now.", 2_000)
    assert not only(script.wait(2_249), a.CloseCarrier)
    assert only(script.wait(1), a.CloseCarrier)
    assert (script.report.outcome, script.report.reason) == ("handoff", "handoff")


def test_somebody_picked_up_and_the_model_says_nothing() -> None:
    script, _ = ringing()
    script.feed(i.LeaveRequested())
    assert not only(script.wait(2_999), a.CloseCarrier)
    assert only(script.wait(1), a.CloseCarrier)
    assert "handoff_leave" not in script.report.latencies_ms, "nothing was said, so nothing was waited for"


def test_who_waits_does_not_wait_for_the_rest_of_a_speech() -> None:
    script, _ = ringing()
    script.say("a long explanation", 20_000)
    actions = script.feed(i.LeaveRequested())
    assert only(actions, a.FlushPlayback) == [a.FlushPlayback(1, barge_in=False)]
    script.say("I am connecting you.", 1_000)
    assert only(script.wait(1_250), a.CloseCarrier)


def test_a_turn_that_the_order_cuts_off_is_not_the_sentence() -> None:
    script, _ = ringing()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    script.feed(i.LeaveRequested(), i.ModelAudio(b"\0\0", 24_000), i.ModelInterrupted(), i.TurnCompleted())
    assert not only(script.wait(500), a.CloseCarrier)
    script.say("I am connecting you.", 1_000)
    assert not only(script.wait(1_249), a.CloseCarrier)
    assert only(script.wait(1), a.CloseCarrier)


def test_the_sentence_does_not_cancel_a_function_that_runs() -> None:
    script, _ = ringing()
    script.call("placeOrder", start=2)
    assert not only(script.feed(i.LeaveRequested()), a.TellModel)
    script.answer(1, ("c2", "placeOrder", {"status": "ok"}))
    assert only(script.last, a.TellModel)
    script.wait(3_000)
    assert script.report.outcome == "handoff"


def test_a_cancelled_function_does_not_hold_the_sentence_back() -> None:
    script, _ = ringing()
    script.call("placeOrder", start=2)
    script.feed(i.LeaveRequested())
    assert only(script.feed(i.ToolsCancelled(("c2",))), a.TellModel)


def test_the_carrier_is_to_dial_after_all() -> None:
    script, request_id = ringing()
    (told,) = only(script.feed(i.HandoffAnswered(request_id, "bob", "I am putting you through.")), a.TellModel)
    assert told.text.endswith("I am putting you through.]")
    assert script.feed(i.HandoffAnswered(request_id, "bob", "I am putting you through.")) == []
    script.feed(i.TurnCompleted())  # the turn in which the function was called
    script.say("I am putting you through.", 1_000)
    assert only(script.wait(1_250), a.CloseCarrier)
    assert script.report.outcome == "handoff"


def test_nobody_came_and_the_call_goes_on() -> None:
    script, request_id = ringing()
    script.say("shall we go on?", 2_000)
    actions = script.feed(i.HandoffAnswered(request_id, None, "Nobody answers.", callback="offered"))
    assert not only(actions, a.TellModel), "not while the agent speaks"
    assert news(script.wait(2_001)) == [
        {"status": "refused", "code": "nobody_came", "message": "Nobody answers.", "callback": "offered"}
    ]
    assert script.feed(i.HandoffAnswered(request_id, None, "Nobody answers.")) == []
    assert only(script.call("escalate", start=2, reason="callback"), a.RequestHandoff)[0].reason == "callback"


def test_without_any_word_the_stream_is_left_after_150_seconds() -> None:
    script, _ = ringing()
    script.say(STAYED, 1_000)
    assert not only(script.wait(149_999), a.TellModel)
    assert only(script.wait(1), a.TellModel)
    assert script.session.phase is Phase.HANDING_OVER
    assert only(script.wait(6_000), a.CloseCarrier)
    assert script.report.outcome == "handoff"


def test_a_goodbye_while_somebody_is_rung_is_a_goodbye() -> None:
    script, request_id = ringing()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    assert responses(script.call("endCall", start=2))["c2"]["status"] == "ok"
    script.feed(i.LeaveRequested(), i.HandoffAnswered(request_id, "bob", "now"), i.TurnCompleted())
    script.wait(1_400)
    assert (script.report.outcome, script.report.reason) == ("no_order", "goodbye")


@pytest.mark.parametrize("meanwhile", ["joined", "dial", "nobody", "nothing"])
def test_a_goodbye_that_was_none(meanwhile: str) -> None:
    script, request_id = ringing()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    script.call("endCall", start=2)
    if meanwhile == "joined":
        script.feed(i.LeaveRequested())
    elif meanwhile != "nothing":
        script.feed(i.HandoffAnswered(request_id, "bob" if meanwhile == "dial" else None, "News."))
    assert script.session.phase is Phase.FAREWELL
    script.feed(i.ModelInterrupted(), i.TurnCompleted())
    expected = Phase.HANDING_OVER if meanwhile in ("joined", "dial") else Phase.TALKING
    assert script.session.phase is expected
    if meanwhile == "nobody":
        assert news(script.log) == [{"status": "refused", "code": "nobody_came", "message": "News."}]


def test_asking_for_a_person_takes_a_goodbye_back() -> None:
    script = Script().talking()
    script.call("endCall")
    (asked,) = only(script.call("escalate", start=2), a.RequestHandoff)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", STAYED, stay=True))
    script.say(STAYED, 1_000)
    assert not only(script.wait(20_000), a.CloseCarrier)
    script.call("endCall", start=3)
    script.call("escalate", start=4)
    assert responses(script.last)["c4"]["code"] == "being_rung"
    script.say("I am ringing Ann.", 1_000)
    assert not only(script.wait(20_000), a.CloseCarrier)


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        (i.CarrierClosed(), "dropped"),
        (i.Stopped("drained"), "dropped"),
        (i.ModelClosed("wrong_model"), "handoff"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_ends_while_somebody_is_rung(end: i.Input, outcome: str) -> None:
    script, _ = ringing()
    script.feed(end)
    assert script.report.outcome == outcome


# -- ringing back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("callback", ["offered", "number_needed"])
def test_ringing_back_is_offered_in_the_answer(callback: Any) -> None:
    script = Script().talking()
    (asked,) = only(script.call("escalate"), a.RequestHandoff)
    script.feed(i.HandoffAnswered(asked.request_id, None, "Shall we ring you back?", callback=callback))
    assert responses(script.last)["c1"] == {
        "status": "refused",
        "code": "nobody_on_duty",
        "message": "Shall we ring you back?",
        "callback": callback,
    }
    assert script.session.phase is Phase.TALKING


def test_a_promise_to_ring_back_is_said_and_the_call_goes_on() -> None:
    script = Script().talking()
    (asked,) = only(script.call("escalate", reason="callback"), a.RequestHandoff)
    promised = i.HandoffAnswered(asked.request_id, None, "We ring you back.", callback="promised")
    script.feed(promised)
    assert responses(script.last) == {
        "c1": {"status": "ok", "code": "callback_promised", "message": "We ring you back."}
    }
    assert script.feed(promised) == []
    script.say("We ring you back. Goodbye.", 1_000)
    script.call("endCall", start=2)
    script.wait(3_000)
    assert (script.report.outcome, script.report.reason) == ("no_order", "goodbye")


def test_nobody_for_a_cancelled_call_is_told_as_news() -> None:
    script = Script().talking()
    (asked,) = only(script.call("escalate"), a.RequestHandoff)
    script.feed(i.ToolsCancelled(("c1",)), i.TurnCompleted())
    told = news(script.feed(i.HandoffAnswered(asked.request_id, None, "Nobody is here.")))
    assert told == [{"status": "refused", "code": "nobody_on_duty", "message": "Nobody is here."}]
    assert not only(script.wait(9_000), a.CloseCarrier)


# -- the session itself --------------------------------------------------------------------------------------------


def broken() -> tuple[Script, a.RequestHandoff]:
    """A call whose order system does not answer."""
    script = Script().talking()
    script.call("addItem")
    (asked,) = only(script.wait(8_000), a.RequestHandoff)
    script.feed(i.TurnCompleted())
    return script, asked


@pytest.mark.parametrize(
    "answer",
    [("ann", "none", True), (None, "none", False), (None, "offered", False), (None, "promised", False)],
    ids=str,
)
def test_an_agent_that_cannot_go_on_leaves_whatever_is_answered(answer: tuple[str | None, Any, bool]) -> None:
    script, asked = broken()
    assert (asked.reason, asked.by_session) == ("technical", True)
    contact, callback, stay = answer
    script.feed(i.HandoffAnswered(asked.request_id, contact, "I can go on.", callback=callback, stay=stay))
    (told,) = only(script.last, a.TellModel)
    assert told.text == f"[Say to the caller now: {SAYINGS['en']['putting_through']}]"
    script.wait(6_000)
    assert script.report.outcome == "handoff"


def test_a_model_that_asks_too_is_alive_and_can_go_on() -> None:
    script, asked = broken()
    script.call("escalate", start=2)
    script.feed(i.HandoffAnswered(asked.request_id, None, "Nobody is here."))
    assert responses(script.last)["c2"]["code"] == "nobody_on_duty"
    assert script.session.phase is Phase.TALKING


def test_an_agent_that_breaks_while_somebody_is_rung_leaves_at_once() -> None:
    script, _ = ringing()
    script.call("addItem", start=2)
    assert not only(script.wait(8_000), a.RequestHandoff)
    assert script.session.phase is Phase.HANDING_OVER


def test_a_person_is_needed_before_the_model_is_there() -> None:
    leg = LegState(CallFacts("HD_1234abcd", "westlands", 3), Limits(), strict=True)
    leg.opened_at = 0
    actions = leg.begin_input()
    Endings(leg).need_person("technical", "Why.", 10)
    assert only(actions, a.PublishEnded)[0].report.outcome == "handoff"
    assert only(actions, a.CloseCarrier)


def test_a_person_is_needed_during_the_greeting() -> None:
    script = Script()
    script.feed(i.Opened(), i.ModelReady(), i.ModelAudio(SECOND_OF_24K, 24_000))
    script.session._endings.need_person("technical", "Why.", script.now)
    assert script.session.phase is Phase.TALKING
    assert script.session._leg.handover.stage is Stage.ASKED
