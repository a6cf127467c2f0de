"""The session as a script: the tool ladder, cancellation, goodbye, hand-over, read-back."""

from __future__ import annotations

import json

import pytest
from session_script import FACTS, SECOND_OF_24K, Script, only

from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.phases import Phase

OK: dict[str, object] = {"status": "ok"}


def answers(actions: list[a.Action]) -> dict[str, object]:
    """id -> status of everything that was answered."""
    return {result.id: result.response["status"] for each in only(actions, a.AnswerTools) for result in each.results}


# -- the ladder ----------------------------------------------------------------------------------------------------


def test_one_message_is_one_request_and_one_response() -> None:
    script = Script().talking()
    (published,) = only(script.call("addItem", "getTotal", name="soda"), a.PublishTools)
    assert published.request_id == f"{FACTS.call_id}:0:1"
    assert [call.id for call in published.calls] == ["c1", "c2"]
    assert (published.cart_version_told, published.read_back, published.deadline_in_ms) == (None, None, 6_500)
    script.wait(30)
    script.answer(1, ("c1", "addItem", OK), ("c2", "getTotal", OK), version=4)
    assert answers(script.last) == {"c1": "ok", "c2": "ok"}
    assert a.Observe("tool", 30, a.ToolPath("several", "ok", "stream")) in script.last
    assert a.SaveRecord({"cart_version": "4"}) in script.last
    assert only(script.call("removeItem", start=3), a.PublishTools)[0].cart_version_told == 4


def test_a_slow_request_goes_over_http_with_the_same_id() -> None:
    script = Script().talking()
    script.call("addItem")
    assert not only(script.wait(399), a.AskToolsOverHttp)
    assert only(script.wait(1), a.AskToolsOverHttp) == [a.AskToolsOverHttp(f"{FACTS.call_id}:0:1")]
    script.answer(1, ("c1", "addItem", OK))
    assert answers(script.last) == {"c1": "ok"}
    assert script.answer(1, ("c1", "addItem", OK)) == [], "the stream's answer comes as well"


def test_after_2500_ms_the_model_is_told_the_truth_and_later_the_news() -> None:
    script = Script().talking()
    script.call("placeOrder")
    assert answers(script.wait(2_500)) == {"c1": "pending"}
    script.say("one moment", 1_000)
    script.answer(1, ("c1", "placeOrder", {"status": "ok", "order_number": 17}), version=9)
    assert not only(script.last, a.TellModel), "not while the agent speaks"
    assert not only(script.log, a.AnswerTools)[1:]
    (told,) = only(script.wait(1_001), a.TellModel)
    news = json.loads(told.text.removesuffix("]").split(": ", 1)[1])
    assert news == [{"function": "placeOrder", "result": {"status": "ok", "order_number": 17}}]
    assert only(script.call("getTotal", start=2), a.PublishTools)[0].cart_version_told == 9


def test_news_wait_for_the_end_of_an_open_turn() -> None:
    script = Script().talking()
    script.call("addItem")
    script.wait(2_500)
    script.answer(1, ("c1", "addItem", OK))
    assert not only(script.last, a.TellModel)
    assert only(script.feed(i.TurnCompleted()), a.TellModel)


def test_after_8_seconds_a_person_is_needed() -> None:
    script = Script().talking()
    script.call("addItem")
    (asked,) = only(script.wait(8_000), a.RequestHandoff)
    assert asked.reason == "technical"
    assert script.answer(1, ("c1", "addItem", OK)) == [], "that request is given up"
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "Ann will take over."))
    assert only(script.last, a.TellModel)[0].text.endswith("Ann will take over.]")
    assert script.session.phase is Phase.HANDING_OVER


def test_without_anybody_on_duty_a_broken_order_system_still_ends_at_the_branchs_phone() -> None:
    script = Script().talking()
    script.call("addItem")
    (asked,) = only(script.wait(8_000), a.RequestHandoff)
    script.feed(i.HandoffAnswered(asked.request_id, None, "Nobody is here."))
    script.wait(6_000)
    assert script.report.outcome == "handoff"


def test_an_id_is_never_carried_out_or_answered_twice() -> None:
    script = Script().talking()
    script.call("addItem")
    assert script.call("addItem") == [a.Complain("tool_id_repeated")]
    script.answer(1, ("c1", "addItem", OK))
    assert script.call("addItem") == [a.Complain("tool_id_repeated")]


def test_unknown_names_are_answered_with_the_others() -> None:
    script = Script().talking()
    actions = script.call("addItem", "orderPizza")
    assert [call.name for call in only(actions, a.PublishTools)[0].calls] == ["addItem"]
    script.answer(1, ("c1", "addItem", OK))
    assert answers(script.last) == {"c1": "ok", "c2": "error"}


def test_an_unknown_name_alone_is_answered_at_once() -> None:
    script = Script().talking()
    assert answers(script.call("orderPizza")) == {"c1": "error"}
    assert not only(script.last, a.PublishTools)


def test_a_monstrous_id_is_refused() -> None:
    script = Script().talking()
    assert answers(script.feed(i.ToolsRequested((i.ToolRequest("x" * 200, "addItem"),)))) == {"x" * 200: "error"}


def test_too_many_calls_in_one_message_are_refused() -> None:
    script = Script().talking()
    actions = script.call(*["searchMenu"] * 40)
    assert len(only(actions, a.PublishTools)[0].calls) == 32
    script.answer(1, *((f"c{n}", "searchMenu", OK) for n in range(1, 33)))
    assert list(answers(script.last).values()) == ["ok"] * 32 + ["error"] * 8


def test_monstrous_arguments_are_refused() -> None:
    script = Script().talking()
    assert answers(script.call("setCustomer", note="x" * 9_000)) == {"c1": "error"}


def test_a_missing_result_is_an_error_not_a_silence() -> None:
    script = Script().talking()
    script.call("addItem", "getTotal")
    script.answer(1, ("c1", "addItem", OK))
    assert answers(script.last) == {"c1": "ok", "c2": "error"}


def test_answers_of_unknown_requests_are_ignored() -> None:
    assert Script().talking().answer(7, ("c1", "addItem", OK)) == []


def test_answers_out_of_order_keep_the_newest_cart() -> None:
    script = Script().talking()
    script.call("addItem")
    script.call("searchMenu", start=2)
    script.answer(2, ("c2", "searchMenu", OK), version=5)
    script.answer(1, ("c1", "addItem", OK), version=4)
    assert only(script.call("getTotal", start=3), a.PublishTools)[0].cart_version_told == 5


# -- cancellation and the caller's hold ----------------------------------------------------------------------------


def test_a_cancelled_call_is_told_to_orders_and_never_answered() -> None:
    script = Script().talking()
    script.call("addItem", "getTotal")
    assert script.feed(i.ToolsCancelled(("c1", "zz"))) == [a.PublishToolsCancelled(("c1",))]
    script.answer(1, ("c1", "addItem", OK), ("c2", "getTotal", OK))
    assert answers(script.last) == {"c2": "ok"}


def test_when_all_are_cancelled_nothing_is_left_of_the_ladder() -> None:
    script = Script().talking()
    script.call("addItem")
    script.feed(i.ToolsCancelled(("c1",)))
    assert not only(script.wait(9_000), (a.AskToolsOverHttp, a.AnswerTools, a.RequestHandoff))
    assert script.answer(1, ("c1", "addItem", OK)) == []


def test_refusals_are_still_owed_when_the_others_are_cancelled() -> None:
    script = Script().talking()
    script.call("addItem", "orderPizza", "bakeCake")
    script.feed(i.ToolsCancelled(("c1", "c3")))
    assert answers(script.last) == {"c2": "error"}


def test_a_cancellation_after_the_honest_answer_is_too_late() -> None:
    script = Script().talking()
    script.call("addItem")
    script.wait(2_500)
    assert script.feed(i.ToolsCancelled(("c1",))) == []


def test_an_order_that_was_placed_after_all_counts_though_its_call_was_cancelled() -> None:
    script = Script().talking()
    script.call("placeOrder", "searchMenu")
    script.feed(i.ToolsCancelled(("c1",)))
    script.answer(1, ("c1", "placeOrder", OK), ("c2", "searchMenu", OK))
    script.feed(i.CarrierClosed())
    assert script.report.outcome == "placed"


def test_caller_audio_is_held_while_a_function_runs_but_not_for_long() -> None:
    script = Script().talking()
    script.call("addItem")
    assert script.feed(i.CallerAudio(b"aa"), i.CallerAudio(b"bb")) == []
    script.answer(1, ("c1", "addItem", OK))
    assert script.last[-1] == a.SendCallerAudio(b"aabb")
    script.call("addItem", start=2)
    script.feed(i.CallerAudio(b"cc"))
    assert script.wait(300) == [a.SendCallerAudio(b"cc")]
    assert script.feed(i.CallerAudio(b"dd")) == [a.SendCallerAudio(b"dd")]


def test_a_cancellation_ends_the_hold() -> None:
    script = Script().talking()
    script.call("addItem")
    script.feed(i.CallerAudio(b"aa"))
    assert script.feed(i.ToolsCancelled(("c1",)))[-1] == a.SendCallerAudio(b"aa")


# -- goodbye -------------------------------------------------------------------------------------------------------


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


# -- a person ------------------------------------------------------------------------------------------------------


def escalate(script: Script, **args: object) -> a.RequestHandoff:
    (asked,) = only(script.call("escalate", **args), a.RequestHandoff)
    return asked


def test_the_stream_is_left_when_the_sentence_was_played() -> None:
    script = Script().talking()
    asked = escalate(script, reason="complaint", summary="Cold food. Wants the manager.")
    assert (asked.reason, asked.pii_summary) == ("complaint", "Cold food. Wants the manager.")
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "I am calling Ann."))
    assert answers(script.last) == {"c1": "ok"}
    script.say("I am calling Ann.", 2_000)
    assert not only(script.wait(2_249), a.CloseCarrier)
    assert only(script.wait(1), a.CloseCarrier) == [a.CloseCarrier(1000)]
    assert (script.report.outcome, script.report.reason) == ("handoff", "handoff")
    assert script.report.latencies_ms["handoff_leave"] == (250,)


def test_the_end_of_the_audio_is_enough_to_know_that_the_sentence_was_said() -> None:
    """Real models announce the end of a turn seconds after its audio."""
    script = Script().talking()
    asked = escalate(script)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "."), i.ModelAudio(SECOND_OF_24K, 24_000))
    script.feed(i.GenerationCompleted())
    assert not only(script.wait(1_249), a.CloseCarrier)
    assert only(script.wait(1), a.CloseCarrier)


def test_the_stream_is_left_after_6_seconds_whatever_the_model_does() -> None:
    script = Script().talking()
    asked = escalate(script)
    assert asked.reason == "caller_asked"
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "."), i.ModelAudio(bytes(48_000 * 20), 24_000))
    assert not only(script.wait(5_999), a.CloseCarrier)
    assert only(script.wait(1), a.CloseCarrier)


def test_without_an_answer_the_stream_is_left_all_the_same() -> None:
    script = Script().talking()
    escalate(script, reason=["odd"], summary=7)
    assert answers(script.wait(2_500)) == {"c1": "ok"}
    assert only(script.wait(3_500), a.CloseCarrier)
    assert script.report.outcome == "handoff"


def test_nobody_on_duty_the_call_goes_on() -> None:
    script = Script().talking()
    asked = escalate(script)
    script.feed(i.HandoffAnswered(asked.request_id, None, "Nobody is here now."))
    assert answers(script.last) == {"c1": "refused"}
    assert script.session.phase is Phase.TALKING
    script.say("Nobody is here now.", 1_000)
    assert not only(script.wait(9_000), a.CloseCarrier)
    assert only(script.call("escalate", start=2), a.RequestHandoff)[0].request_id != asked.request_id


def test_several_escalations_are_one_handover_and_each_is_answered() -> None:
    script = Script().talking()
    asked = escalate(script)
    assert script.call("escalate", start=2) == []
    script.feed(i.HandoffAnswered("other", "ann", "."), i.HandoffAnswered(asked.request_id, "ann", "."))
    assert answers(script.last) == {"c1": "ok", "c2": "ok"}
    assert answers(script.call("escalate", start=3)) == {"c3": "ok"}
    assert answers(script.call("endCall", start=4)) == {"c4": "error"}


def test_a_cancelled_escalation_is_not_answered_but_stays_asked_for() -> None:
    script = Script().talking()
    asked = escalate(script)
    script.feed(i.ToolsCancelled(("c1",)))
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "I am calling Ann."))
    assert not only(script.last, a.AnswerTools)
    assert only(script.last, a.TellModel)


def test_leave_requested_lets_the_sentence_finish() -> None:
    script = Script().talking()
    asked = escalate(script)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "."), i.ModelAudio(SECOND_OF_24K, 24_000))
    assert script.feed(i.LeaveRequested()) == []
    assert not only(script.wait(999), a.CloseCarrier)
    assert only(script.wait(1), a.CloseCarrier)


def test_leave_requested_in_silence_leaves_at_once() -> None:
    script = Script().talking()
    asked = escalate(script)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "."))
    assert only(script.feed(i.LeaveRequested()), a.CloseCarrier)


def test_leave_requested_before_the_answer_came() -> None:
    script = Script().talking()
    escalate(script)
    assert answers(script.feed(i.LeaveRequested())) == {"c1": "ok"}
    assert script.report.outcome == "handoff"


def test_an_interrupted_sentence_is_not_repeated() -> None:
    script = Script().talking()
    asked = escalate(script)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "."), i.ModelAudio(SECOND_OF_24K, 24_000))
    script.wait(500)
    script.feed(i.ModelInterrupted(), i.TurnCompleted())
    assert only(script.wait(250), a.CloseCarrier)


def test_a_model_that_dies_during_the_handover_does_not_stop_it() -> None:
    script = Script().talking()
    asked = escalate(script)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "."), i.ModelClosed("closed_1011"))
    assert script.report.outcome == "handoff"


def test_a_caller_who_hangs_up_while_waiting_for_a_person() -> None:
    script = Script().talking()
    escalate(script)
    script.feed(i.CarrierClosed())
    assert script.report.outcome == "dropped", "the stream was not left for a person: the caller has left it"


def test_escalation_out_of_a_goodbye() -> None:
    script = Script().talking()
    script.call("endCall")
    (asked,) = only(script.call("escalate", start=2), a.RequestHandoff)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "."))
    assert script.session.phase is Phase.HANDING_OVER
    assert not only(script.wait(3_000), a.CloseCarrier)


# -- read-back -----------------------------------------------------------------------------------------------------


def test_without_a_quote_there_is_no_evidence() -> None:
    assert only(Script().talking().call("placeOrder"), a.PublishTools)[0].read_back is None


def test_a_read_back_is_completed_when_its_last_sample_was_played() -> None:
    script = Script().talking()
    script.quote()
    assert script.evidence() == a.ReadBackState("q1", "none", 0, 0)
    script.feed(i.TurnCompleted())
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000), i.ModelAudio(SECOND_OF_24K, 24_000))
    script.wait(1_200)
    script.feed(i.CallerSpoke(20))
    assert script.evidence() == a.ReadBackState("q1", "playing", 1_200, 20)
    script.feed(i.GenerationCompleted())
    script.wait(790)
    assert script.evidence().outcome == "playing"
    script.wait(10)
    assert script.evidence() == a.ReadBackState("q1", "completed", 2_000, 20)
    script.say("and something after it", 500)
    script.wait(600)
    assert script.evidence() == a.ReadBackState("q1", "completed", 2_000, 20)
    assert only(script.call("placeOrder"), a.PublishTools)[0].read_back == script.evidence()


def test_a_read_back_behind_other_audio_counts_from_its_own_first_sample() -> None:
    script = Script().talking()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    script.quote()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    script.wait(900)
    script.feed(i.CallerSpoke(40))
    assert script.evidence() == a.ReadBackState("q1", "playing", 0, 0)
    script.wait(600)
    script.feed(i.CallerSpoke(40))
    assert script.evidence() == a.ReadBackState("q1", "playing", 500, 40)


def test_a_cut_read_back_keeps_what_was_played() -> None:
    script = Script().talking()
    script.quote()
    script.feed(i.ModelAudio(bytes(48_000 * 5), 24_000), i.GenerationCompleted())
    script.wait(1_300)
    script.feed(i.CallerSpoke(200), i.ModelInterrupted(), i.TurnCompleted())
    assert script.evidence() == a.ReadBackState("q1", "cut", 1_300, 200)
    script.say("sorry?", 3_000)
    script.wait(3_500)
    assert script.evidence() == a.ReadBackState("q1", "cut", 1_300, 200)


def test_confirm_again_counts_only_what_is_said_after_it() -> None:
    script = Script().talking()
    script.quote()
    script.feed(i.ModelAudio(bytes(48_000 * 5), 24_000))
    script.wait(1_300)
    script.feed(i.CallerSpoke(300), i.ModelInterrupted(), i.TurnCompleted())
    script.call("placeOrder")
    script.answer(2, ("c1", "placeOrder", {"status": "ask", "code": "confirm_again"}))
    assert script.evidence().caller_speech_ms == 0
    script.feed(i.CallerSpoke(220))
    assert script.evidence() == a.ReadBackState("q1", "cut", 1_300, 220)


def test_an_interruption_after_the_last_sample_does_not_undo_the_read_back() -> None:
    script = Script().talking()
    script.quote()
    script.say("that is 1,530 shillings, right?", 2_000)
    script.wait(2_050)
    script.feed(i.CallerSpoke(200), i.ModelInterrupted())
    assert script.evidence() == a.ReadBackState("q1", "completed", 2_000, 200)


def test_an_interruption_before_the_first_sample_is_a_cut_of_zero() -> None:
    script = Script().talking()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    script.quote()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000), i.ModelInterrupted())
    assert script.evidence() == a.ReadBackState("q1", "cut", 0, 0)


def test_a_new_quote_needs_its_own_reading() -> None:
    script = Script().talking()
    script.quote()
    script.say("read", 1_000)
    script.wait(1_100)
    script.call("getTotal")
    script.answer(2, ("c1", "getTotal", {"status": "ok", "quote_id": "q2"}))
    assert script.evidence() == a.ReadBackState("q2", "none", 0, 0)
