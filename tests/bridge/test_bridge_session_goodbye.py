"""The session as a script: how a call comes to its goodbye, and who may still go on."""

from __future__ import annotations

import pytest
from session_script import SECOND_OF_24K, Script, answers, only

from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.phases import Phase

OK: dict[str, object] = {"status": "ok"}


def test_goodbye_before_endcall_is_played_out() -> None:
    script = Script().talking()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    assert answers(script.call("endCall")) == {"c1": "ok"}
    script.feed(i.TurnCompleted())
    assert not only(script.wait(1_399), a.CloseCarrier)
    assert only(script.wait(1), a.CloseCarrier)
    assert (script.report.outcome, script.report.reason) == ("no_order", "goodbye")


def test_goodbye_after_endcall_is_played_out_too() -> None:
    script = Script().talking()
    script.call("endCall")
    script.wait(800)
    script.say("bye", 2_000)
    assert not only(script.wait(2_399), a.CloseCarrier)
    assert only(script.wait(1), a.CloseCarrier)


def test_a_silent_model_after_endcall_is_not_waited_for() -> None:
    script = Script().talking()
    script.call("endCall")
    assert only(script.wait(1_500), a.CloseCarrier)


def test_an_endless_goodbye_ends() -> None:
    script = Script().talking()
    script.call("endCall")
    script.feed(i.ModelAudio(bytes(48_000 * 60), 24_000))
    assert only(script.wait(10_000), a.CloseCarrier)


def test_a_caller_who_goes_on_is_not_hung_up_on() -> None:
    script = Script().talking()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    script.call("endCall")
    script.feed(i.ModelInterrupted(), i.TurnCompleted())
    assert script.session.phase is Phase.TALKING
    assert not only(script.wait(9_000), a.CloseCarrier)


def test_a_model_that_leaves_during_the_goodbye_does_not_cut_it() -> None:
    script = Script().talking()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    script.call("endCall")
    script.feed(i.ModelClosed("closed_1000"))
    assert not only(script.wait(1_399), a.CloseCarrier)
    assert only(script.wait(1), a.CloseCarrier)
    assert script.report.outcome == "no_order"


def test_endcall_waits_for_the_order() -> None:
    script = Script().talking()
    assert answers(script.call("placeOrder", "endCall")) == {"c2": "error"}
    assert script.session.phase is Phase.TALKING


@pytest.mark.parametrize("told", [True, False])
def test_a_placed_order_and_a_lost_model(told: bool) -> None:
    """A caller who was not told the outcome has a right to a person; who was told can do without."""
    script = Script().talking()
    script.call("placeOrder")
    script.answer(1, ("c1", "placeOrder", OK))
    if told:
        script.say("your order is number 17", 500)
    script.feed(i.ModelClosed("wrong_model"))
    asked = only(script.log, a.RequestHandoff)
    assert len(asked) == (0 if told else 1)
    script.wait(9_000)
    assert script.report.outcome == ("placed" if told else "handoff")


def test_placed_and_goodbye() -> None:
    script = Script().talking()
    script.call("placeOrder")
    script.answer(1, ("c1", "placeOrder", OK))
    script.say("number 17, goodbye", 500)
    script.call("endCall", start=2)
    script.feed(i.TurnCompleted())
    script.wait(2_000)
    assert (script.report.outcome, script.report.reason) == ("placed", "goodbye")
    assert [(tool.name, tool.status) for tool in script.report.tools] == [("placeOrder", "ok"), ("endCall", "ok")]
