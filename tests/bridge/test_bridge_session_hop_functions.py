"""The session as a script: functions, answers and read-backs over a change of the model session."""

from __future__ import annotations

from hop_script import CART, OK, lose, ready, with_handle
from session_script import SECOND_OF_24K, only

from services.bridge.session import CallFacts, CallSession
from services.bridge.session import actions as a
from services.bridge.session import inputs as i


def test_a_result_that_was_pending_is_news_to_the_next_session_and_answers_nobody() -> None:
    script = with_handle()
    script.call("addItem")
    lose(script, "closed_1006")
    script.wait(300)
    ready(script)
    script.answer(1, ("c1", "addItem", CART), version=2)
    assert not only(script.log, a.AnswerTools)
    (told,) = only(script.last, a.TellModel)
    assert "one burger" in told.text


def test_a_result_that_came_between_two_sessions_is_told_with_the_first_word() -> None:
    script = with_handle()
    script.call("addItem")
    lose(script, "closed_1006")
    assert not only(script.answer(1, ("c1", "addItem", CART), version=2), (a.AnswerTools, a.TellModel))
    (go_on,) = only(ready(script), a.GoOn)
    assert go_on.text.startswith("[These functions have an answer now")
    assert "one burger" in go_on.text


def test_the_ladder_of_a_pending_function_goes_on_over_a_hop() -> None:
    script = with_handle()
    script.call("addItem")
    lose(script, "closed_1006")
    assert only(script.wait(400), a.AskToolsOverHttp)
    ready(script)
    script.wait(7_599)
    assert only(script.wait(1), a.RequestHandoff), "8 s after it was asked"


def test_an_answer_that_was_not_voiced_any_more_is_told_again() -> None:
    script = with_handle()
    script.call("addItem")
    script.answer(1, ("c1", "addItem", CART), version=2)
    lose(script, "closed_1011")
    (go_on,) = only(ready(script), a.GoOn)
    assert "one burger" in go_on.text
    lose(script, "closed_1011")
    assert "one burger" in only(ready(script), a.GoOn)[0].text, "nor by that one"
    script.say("one burger it is", 300)
    lose(script, "closed_1011")
    assert not only(ready(script), a.GoOn)


def test_a_silent_session_that_is_replaced_leaves_nothing_to_the_next_one() -> None:
    """Neither its handle, which would lead back into the silence, nor an answer to its function call."""
    script = with_handle()
    script.feed(i.CallerSpoke(400))
    script.wait(7_000)
    script.call("addItem")  # a sign of life that nobody hears
    script.feed(i.ToolsCancelled(("c1",)), i.ResumptionOffered("h2"))
    script.wait(8_000)
    (connect,) = only(script.log, a.ConnectModel)[1:]
    assert (connect.generation, connect.handle) == (2, None)
    assert script.feed(i.ResumptionOffered("h3")) == [], "it comes of the session that was left"
    ready(script)
    script.call("addItem")
    assert only(script.last, a.PublishTools)[0].calls[0].id == "0.2:c1"
    script.answer(1, ("c1", "addItem", CART), version=2)
    assert not only(script.log, a.AnswerTools), "this c1 is not that one"
    script.answer(2, ("0.2:c1", "addItem", CART), version=3)
    assert [each.id for each in only(script.last, a.AnswerTools)[0].results] == ["c1"]
    after = lose(script, "closed_1006")
    assert after is not None
    assert after.handle is None


def test_the_same_id_of_another_session_is_another_call() -> None:
    script = with_handle()
    script.call("addItem")
    script.answer(1, ("c1", "addItem", OK), version=1)
    script.say("added", 100)
    lose(script, "closed_1006")
    ready(script)
    script.call("addItem")
    (first, second) = only(script.log, a.PublishTools)
    assert first.request_id != second.request_id
    assert [each.calls[0].id for each in (first, second)] == ["c1", "0.2:c1"]
    script.answer(2, ("0.2:c1", "addItem", OK), version=2)
    assert [each.results[0].id for each in only(script.log, a.AnswerTools)] == ["c1", "c1"], "the model's own id"


def test_a_cancellation_reaches_orders_under_the_id_that_it_knows() -> None:
    script = with_handle()
    lose(script, "closed_1006")
    ready(script)
    script.call("addItem")
    assert script.feed(i.ToolsCancelled(("c1",))) == [a.PublishToolsCancelled(("0.2:c1",))]


def test_a_further_leg_names_its_calls_too() -> None:
    session = CallSession(CallFacts("HD_1234abcd", "westlands", 3, leg_epoch=2), strict=True)
    session.handle(i.Opened(), 0)
    session.handle(i.ModelReady(), 0)
    actions = session.handle(i.ToolsRequested((i.ToolRequest("c1", "addItem"),)), 0)
    assert only(actions, a.PublishTools)[0].calls[0].id == "2.1:c1"


def test_an_escalation_whose_session_is_gone_is_told_to_the_next_one() -> None:
    script = with_handle()
    (asked,) = only(script.call("escalate"), a.RequestHandoff)
    lose(script, "closed_1006")
    script.feed(i.HandoffAnswered(asked.request_id, None, "Nobody is here."))
    assert "Nobody is here" in only(ready(script), a.GoOn)[0].text
    assert not only(script.log, a.AnswerTools)


def test_the_model_acts_on_the_cart_that_it_was_told() -> None:
    """A change that was committed and is not told yet must not look as if it were known."""
    script = with_handle()
    script.call("addItem")
    lose(script, "closed_1006")
    ready(script)
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    script.answer(1, ("c1", "addItem", CART), version=2)
    assert not only(script.last, a.TellModel), "it is speaking"
    script.call("addItem", start=2)
    assert only(script.last, a.PublishTools)[0].cart_version_told is None
    script = with_handle()
    script.call("addItem")
    script.answer(1, ("c1", "addItem", CART), version=2)
    lose(script, "closed_1006")
    ready(script)
    script.call("addItem", start=2)
    assert only(script.last, a.PublishTools)[0].cart_version_told == 2


def test_a_read_back_that_broke_off_is_none() -> None:
    script = with_handle()
    script.quote()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    lose(script, "closed_1011")
    script.wait(2_000)
    assert script.session._leg.speech.read_back.state(script.now) is None


def test_a_read_back_that_was_said_counts_over_a_hop() -> None:
    script = with_handle()
    script.quote()
    script.say("550 shillings, is that right?", 1_000)
    lose(script, "closed_1011")
    script.wait(2_000)
    assert script.evidence().outcome == "completed"


def test_what_was_carried_out_though_it_was_taken_back_is_told() -> None:
    script = with_handle()
    script.call("placeOrder", "searchMenu")
    script.feed(i.ToolsCancelled(("c1", "c2")), i.ModelInterrupted(), i.TurnCompleted())
    script.wait(300)
    (told,) = only(script.answer(1, ("c1", "placeOrder", CART), ("c2", "searchMenu", OK), version=3), a.TellModel)
    assert "it had been carried out and stands" in told.text
    assert "searchMenu" not in told.text, "a look changes nothing"
    script.call("addItem", start=3)
    assert only(script.last, a.PublishTools)[0].cart_version_told == 3


def test_what_was_taken_back_and_not_done_is_not_told() -> None:
    script = with_handle()
    script.call("addItem")
    script.feed(i.ToolsCancelled(("c1",)), i.TurnCompleted())
    assert script.answer(1, ("c1", "addItem", {"status": "refused", "code": "cancelled"})) == []


def test_a_change_that_the_model_has_seen_meanwhile_is_not_told_again() -> None:
    script = with_handle()
    script.call("addItem")
    script.feed(i.ToolsCancelled(("c1",)))
    script.call("addItem", start=2)
    script.answer(1, ("c1", "addItem", CART), version=2)
    script.answer(2, ("c2", "addItem", CART), version=3)
    script.say("one burger", 200)
    assert not only(script.wait(3_000), a.TellModel)
