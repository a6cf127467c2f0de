"""The session as a script: model sessions that end, are left, cannot be had, and what the next one is told."""

from __future__ import annotations

import pytest
from session_script import SECOND_OF_24K, Script, only

from services.bridge.session import CallFacts, CallSession, Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.model_life import FATAL, TABLE, ModelLife, ModelState, ModelTrigger
from services.bridge.session.phases import Phase
from services.bridge.session.said import Said

OK: dict[str, object] = {"status": "ok", "message": "Done."}
CART: dict[str, object] = {"status": "ok", "message": "Added.", "cart": {"lines": ["one burger"]}}


def with_handle(handle: str = "h1") -> Script:
    """A call in the middle of its talk, with a handle that is newer than all of it."""
    script = Script().talking()
    script.feed(i.ResumptionOffered(handle))
    return script


def dialled(script: Script) -> list[a.ConnectModel]:
    return only(script.log, a.ConnectModel)


def lose(script: Script, word: str) -> a.ConnectModel | None:
    """The newest session is gone, or could not be had; the order for the next one."""
    before = len(dialled(script))
    script.feed(i.ModelClosed(word, dialled(script)[-1].generation))
    after = dialled(script)[before:]
    return after[0] if after else None


def ready(script: Script) -> list[a.Action]:
    return script.feed(i.ModelReady(dialled(script)[-1].generation))


def person(script: Script) -> None:
    """The call goes to a person now, as soon as that is recorded, and says so in its report."""
    (asked,) = only(script.log, a.RequestHandoff)
    assert (asked.reason, asked.by_session) == ("technical", True)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "I am calling Ann."))
    assert script.report.outcome == "handoff"
    assert isinstance(script.log[-1], a.CloseCarrier)


# -- planned hops --------------------------------------------------------------------------------------------------


def test_an_announced_end_is_met_at_a_quiet_point_with_the_handle() -> None:
    script = with_handle()
    script.feed(i.GoAwayAnnounced(50_000))
    close, connect = only(script.last, (a.CloseModel, a.ConnectModel))
    assert isinstance(close, a.CloseModel), "the old socket first"
    assert isinstance(connect, a.ConnectModel)
    assert (connect.generation, connect.handle, connect.delay_ms, connect.timeout_ms) == (2, "h1", 0, 3_000)
    script.wait(300)
    assert ready(script) == [a.NoteHop("go_away", "resumed", 300)], "no greeting, no word: it is the caller's turn"
    assert script.session.phase is Phase.TALKING


def test_a_hop_waits_until_everything_was_heard_and_the_handle_is_new() -> None:
    script = with_handle()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000), i.GoAwayAnnounced(50_000))
    script.wait(300)
    script.feed(i.GenerationCompleted(), i.TurnCompleted())
    assert not only(script.wait(2_000), a.ConnectModel), "the handle is older than that turn"
    script.feed(i.ResumptionOffered("h2"))
    assert [each.handle for each in only(script.last, a.ConnectModel)] == ["h2"]


def test_a_hop_waits_for_what_is_playing_by_its_own_timer() -> None:
    script = with_handle()
    script.say("that is 550 shillings", 1_000)
    script.feed(i.ResumptionOffered("h2"), i.GoAwayAnnounced(50_000))
    assert not only(script.wait(999), a.ConnectModel)
    assert only(script.wait(2), a.ConnectModel)


def test_a_hop_waits_for_a_caller_who_speaks_and_for_the_answer() -> None:
    script = with_handle()
    script.feed(i.CallerSpoke(100))
    script.feed(i.GoAwayAnnounced(50_000))
    assert not only(script.wait(699), a.ConnectModel), "a cough, and no answer needed"
    assert only(script.wait(1), a.ConnectModel)
    script = with_handle()
    script.feed(i.CallerSpoke(400), i.GoAwayAnnounced(50_000))
    assert not only(script.wait(3_000), a.ConnectModel), "the caller waits for an answer"
    script.say("yes?", 200)
    script.feed(i.ResumptionOffered("h2"))
    assert only(script.wait(300), a.ConnectModel)


def test_a_voice_over_the_agents_own_is_no_question() -> None:
    """An echo, or a "mhm": the model did not let itself be interrupted, so nobody waits for anything."""
    script = with_handle()
    script.feed(i.ModelAudio(2 * SECOND_OF_24K, 24_000), i.CallerSpoke(500), i.GenerationCompleted(), i.TurnCompleted())
    script.feed(i.ResumptionOffered("h2"), i.GoAwayAnnounced(50_000))
    assert not only(script.wait(1_999), a.ConnectModel)
    assert only(script.wait(2), a.ConnectModel)


def test_a_hop_waits_for_a_function() -> None:
    script = with_handle()
    script.call("addItem")
    script.feed(i.GoAwayAnnounced(50_000))
    assert not only(script.wait(300), a.ConnectModel)
    script.answer(1, ("c1", "addItem", OK))
    assert not only(script.last, a.ConnectModel), "its turn is not over"
    script.say("added", 100)
    script.feed(i.ResumptionOffered("h2"))
    assert only(script.wait(200), a.ConnectModel)


def test_without_a_quiet_point_the_session_is_left_before_its_end() -> None:
    script = with_handle()
    script.feed(i.GoAwayAnnounced(50_000))
    script = with_handle()
    script.call("addItem")
    script.feed(i.GoAwayAnnounced(6_000))
    assert not only(script.wait(2_999), a.CloseModel)
    script.wait(1)
    assert [each.kind for each in only(script.last, a.Complain)] == ["hop_forced"]
    assert only(script.last, a.ConnectModel)[0].handle == "h1"


@pytest.mark.parametrize(("time_left_ms", "left_after_ms"), [(50_000, 45_000), (6_000, 3_000), (300, 150), (0, 20)])
def test_a_session_is_left_some_time_before_its_end(time_left_ms: int, left_after_ms: int) -> None:
    life = ModelLife(Limits())
    life.on_opened(0)
    life.on_ready(1, 0)
    life.on_end_announced(time_left_ms, 1_000, "go_away")
    assert life.next_due() == 1_000 + left_after_ms
    life.on_end_announced(time_left_ms + 60_000, 1_000, "age")
    assert life.next_due() == 1_000 + left_after_ms, "the earliest end counts"


def test_a_handle_that_never_comes_is_not_waited_for_longer_than_half_of_the_time() -> None:
    script = Script().talking()
    script.feed(i.GoAwayAnnounced(50_000))
    assert not only(script.wait(22_499), a.ConnectModel)
    (connect,) = only(script.wait(1), a.ConnectModel)
    assert connect.handle is None
    assert connect.seed is not None
    script.wait(400)
    assert ready(script) == [a.NoteHop("go_away", "reseeded", 400)]


def test_an_old_session_is_left_before_anybody_announces_its_end() -> None:
    script = with_handle()
    for _ in range(9):
        script.wait(59_000)
        script.say("still there?", 100)
        script.feed(i.ResumptionOffered("h2"))
    (connect,) = only(script.wait(7_600), a.ConnectModel)
    assert connect.handle == "h2"
    assert only(ready(script), a.NoteHop)[0].reason == "age"


def test_what_is_queued_is_played_out_over_a_hop_and_no_greeting_follows() -> None:
    script = with_handle()
    script.feed(i.ModelAudio(bytes(48 * 4_000), 24_000), i.GenerationCompleted(), i.GoAwayAnnounced(1_000))
    script.wait(500)
    assert only(script.log, a.ConnectModel)[-1].generation == 2, "left in the middle of its sentence"
    ready(script)
    assert not only(script.log, a.FlushPlayback)
    assert sum(isinstance(each, a.RequestGreeting) for each in script.log) == 1


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


# -- at the beginning, and at the end -------------------------------------------------------------------------------


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


# -- functions -----------------------------------------------------------------------------------------------------


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


# -- what the next session is told ---------------------------------------------------------------------------------


def test_the_seed_has_cart_answers_and_lines() -> None:
    script = with_handle()
    script.feed(i.CallerWords("one burger please"))
    script.call("addItem")
    script.answer(1, ("c1", "addItem", CART), version=2)
    connect = lose(script, "closed_1007")
    assert connect is not None
    seed = connect.seed
    assert seed is not None
    assert (seed.cart, seed.cart_version) == ({"lines": ["one burger"]}, 2)
    assert seed.said == (Said("agent", "hello"), Said("caller", "one burger please"))
    assert [answer.name for answer in seed.answers] == ["addItem"]


def test_the_seed_knows_how_much_was_heard_of_a_turn_that_was_cut_off() -> None:
    script = with_handle()
    script.feed(i.AgentWords("That is two burgers and a cola"), i.ModelAudio(4 * SECOND_OF_24K, 24_000))
    script.wait(1_000)
    script.feed(i.ModelInterrupted(), i.TurnCompleted(), i.CallerWords("no cola"))
    connect = lose(script, "closed_1007")
    assert connect is not None
    assert connect.seed is not None
    cut = Said("agent", "That is two burgers and a cola", 0.25)
    assert connect.seed.said == (Said("agent", "hello"), cut, Said("caller", "no cola"))


def test_a_caller_who_waits_for_an_answer_gets_one() -> None:
    script = with_handle()
    script.feed(i.CallerSpoke(400))
    script.wait(1_000)
    lose(script, "closed_1011")
    script.wait(1_000)
    assert "waiting for you" in only(ready(script), a.GoOn)[0].text


def test_a_caller_who_spoke_between_two_sessions_is_heard_by_the_next_one() -> None:
    script = with_handle()
    lose(script, "closed_1011")
    script.wait(200)
    script.feed(i.CallerSpoke(150))
    script.wait(200)
    script.feed(i.CallerSpoke(200))
    script.wait(800)
    assert not only(ready(script), a.GoOn), "it has the caller's own voice to answer"


def test_a_sentence_that_broke_off_is_said_again() -> None:
    script = with_handle()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    lose(script, "closed_1011")
    assert "broke off" in only(ready(script), a.GoOn)[0].text


def test_a_session_that_is_gone_says_nothing_more() -> None:
    script = with_handle()
    lose(script, "closed_1011")
    late = (i.ModelAudio(SECOND_OF_24K, 24_000), i.ToolsRequested((i.ToolRequest("c9", "addItem"),)), i.TurnCompleted())
    assert script.feed(*late, i.ModelReady(1), i.ModelClosed("closed_1000", 1)) == []


def test_the_table_knows_every_state() -> None:
    assert {state for state, _ in TABLE} == set(ModelState) - {ModelState.GONE}
    assert {trigger for _, trigger in TABLE} == set(ModelTrigger)
    assert set(TABLE.values()) == set(ModelState)
