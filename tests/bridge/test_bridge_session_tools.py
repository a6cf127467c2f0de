"""The session as a script: the tool ladder, cancellation, and how long the caller is held."""

from __future__ import annotations

import json

from session_script import FACTS, Script, answers, only

from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.phases import Phase

OK: dict[str, object] = {"status": "ok"}


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
