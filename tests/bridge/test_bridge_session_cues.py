"""The session as a script: what a caller hears without the model, how long they hear nothing, and where it ends."""

from __future__ import annotations

import pytest
from cue_script import CUES, MS, NO_OTHER_MODEL, cues, script
from session_script import FACTS, SECOND_OF_24K, Script, only

from services.bridge.session import CallFacts, CallSession, Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.phases import Phase
from services.bridge.session.watch import CALL_IS_LONG

# -- a model that is slow, and one that is gone --------------------------------------------------------------------


def test_a_caller_who_waits_hears_a_word_after_three_seconds() -> None:
    call = script().talking()
    call.feed(i.CallerSpoke(400))
    assert not cues(call.wait(2_999))
    assert only(call.wait(1), a.PlayCue) == [a.PlayCue("en", "one_moment")]
    call.say("Here you are.", 1_000)
    assert not cues(call.wait(MS["one_moment"] + 1_000 + 5_000)), "the answer ends it"


def test_an_answer_follows_the_cue_that_it_meets() -> None:
    call = script().talking()
    call.feed(i.CallerSpoke(400))
    call.wait(3_000)
    before = call.session._leg.speech.playback.ends_at
    call.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    assert call.session._leg.speech.playback.ends_at == before + 1_000


def test_a_model_that_stays_silent_is_reminded_and_then_a_person_takes_over() -> None:
    call = script().talking()
    call.feed(i.CallerSpoke(400))
    assert cues(call.wait(7_999)) == ["one_moment"]
    assert len(only(call.last, a.TellModel)) == 1
    assert cues(call.wait(1)) == ["connecting"]
    (asked,) = only(call.last, a.RequestHandoff)
    assert (asked.reason, asked.by_session) == ("technical", True)
    call.feed(i.HandoffAnswered(asked.request_id, "ann", "I am calling Ann."))
    assert not only(call.last, a.TellModel), "the caller knows already"
    assert not only(call.wait(MS["connecting"] + 249), a.CloseCarrier)
    assert only(call.wait(1), a.CloseCarrier), "left behind the cue, not at the end of six seconds"
    assert call.report.outcome == "handoff"


def test_a_silent_model_is_replaced_once_and_the_caller_asked_again() -> None:
    call = script(Limits()).talking()
    call.feed(i.CallerSpoke(400))
    assert cues(call.wait(8_000)) == ["one_moment"]
    (opened,) = only(call.last, a.ConnectModel)
    assert (opened.generation, opened.handle) == (2, None), "told everything; the handle would lead back"
    assert opened.seed is not None
    call.wait(100)
    call.feed(i.ModelReady(2))
    assert cues(call.last) == ["say_again"]
    assert not only(call.last, a.GoOn), "it is the caller's turn"
    call.wait(MS["say_again"])
    call.feed(i.CallerSpoke(400))
    call.say("Here you are.", 1_000)
    assert not only(call.wait(5_000), (a.RequestHandoff, a.PlayCue))


def test_a_replaced_model_that_stays_silent_is_not_replaced_again() -> None:
    call = script(Limits()).talking()
    call.feed(i.CallerSpoke(400), i.CallerWords("a burger"))
    call.wait(8_000)
    call.wait(4_700)
    call.feed(i.ModelReady(2))
    call.wait(7_999)
    assert not only(call.log, a.RequestHandoff)
    assert call.session.phase is Phase.TALKING


def test_a_person_is_dialled_also_where_nobody_is_on_duty() -> None:
    call = script().talking()
    call.feed(i.CallerSpoke(400))
    call.wait(8_000)
    (asked,) = only(call.log, a.RequestHandoff)
    call.call("escalate")
    call.feed(i.HandoffAnswered(asked.request_id, None, "Nobody is here."))
    call.wait(MS["connecting"] + 250)
    assert call.report.outcome == "handoff", "what was said is kept, whatever the model asks meanwhile"


def test_where_ringing_back_is_promised_that_is_said_instead() -> None:
    call = script().talking()
    (asked,) = only(call.call("escalate", reason="callback"), a.RequestHandoff)
    call.feed(i.HandoffAnswered(asked.request_id, None, "We ring you back.", callback="promised"))
    assert cues(call.wait(8_000))[-1] == "call_back"
    assert len(only(call.log, a.RequestHandoff)) == 1
    call.wait(MS["call_back"] + 400)
    assert (call.report.outcome, call.report.reason) == ("no_order", "goodbye")


def test_a_promise_that_the_agent_told_is_not_told_again() -> None:
    call = script().talking()
    (asked,) = only(call.call("escalate", reason="callback"), a.RequestHandoff)
    call.feed(i.HandoffAnswered(asked.request_id, None, "We ring you back.", callback="promised"))
    call.say("We ring you back.", 1_000)
    call.wait(1_000)
    call.feed(i.CallerSpoke(400))
    call.wait(8_000)
    assert cues(call.log)[-1] == "connecting"


def test_who_answers_over_the_agents_last_words_waits_for_an_answer() -> None:
    call = script().talking()
    call.say("What would you like?", 2_000)
    call.wait(1_500)
    call.feed(i.CallerSpoke(400))
    assert cues(call.wait(3_500)) == ["one_moment"]


@pytest.mark.parametrize("after", ["results", "interruption", "half a turn"])
def test_the_model_owes_more_than_answers_to_words(after: str) -> None:
    call = script().talking()
    match after:
        case "results":
            call.call("addItem")
            call.answer(1, ("c1", "addItem", {"status": "ok"}))
        case "interruption":
            call.feed(i.ModelAudio(SECOND_OF_24K * 5, 24_000))
            call.wait(1_000)
            call.feed(i.ModelInterrupted(), i.TurnCompleted())
        case "half a turn":
            call.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
            call.wait(1_000)
    assert not cues(call.wait(2_999))
    assert cues(call.wait(1)) == ["one_moment"]
    assert len(only(call.wait(2_000), a.TellModel)) == 1
    assert cues(call.wait(3_000)) == ["connecting"]


def test_functions_without_end_are_no_sound_either() -> None:
    call = script().talking()
    call.feed(i.CallerSpoke(400))
    for number in range(1, 11):
        call.wait(1_000)
        call.call("searchMenu", start=number, query=number)
        call.answer(number, (f"c{number}", "searchMenu", {"status": "ok"}))
    assert cues(call.log) == ["one_moment", "still_here"]
    assert not only(call.log, a.TellModel), "it does something"


# -- the beginning -------------------------------------------------------------------------------------------------


def test_a_start_without_the_model_is_explained_before_it_is_left() -> None:
    call = script()
    call.feed(i.Opened())
    assert not cues(call.wait(2_999))
    assert cues(call.wait(1)) == ["one_moment"]
    call.feed(i.ModelReady())
    assert cues(call.wait(5_000)) == ["connecting"]
    assert not only(call.wait(MS["connecting"] + 249), a.CloseCarrier)
    call.wait(1)
    assert (call.report.outcome, call.report.reason) == ("dropped", "first_audio_late")


def test_a_greeting_that_comes_late_is_one_greeting() -> None:
    call = script()
    call.feed(i.Opened())
    call.wait(4_500)
    call.feed(i.ModelReady())
    assert len(only(call.log, a.RequestGreeting)) == 1
    call.say("Hello.", 1_000)
    assert not cues(call.wait(5_000))


def test_who_is_being_put_through_before_a_greeting_is_told_once() -> None:
    call = script()
    call.feed(i.Opened(), i.ModelReady())
    call.wait(5_000)
    (asked,) = only(call.call("escalate"), a.RequestHandoff)
    call.feed(i.HandoffAnswered(asked.request_id, "ann", "I am calling Ann."))
    call.wait(8_000)
    assert cues(call.log) == ["one_moment", "connecting"]
    assert call.report.outcome == "handoff"


# -- functions and hand-overs --------------------------------------------------------------------------------------


def test_who_waits_for_orders_hears_a_word_soon() -> None:
    call = script().talking()
    call.feed(i.CallerSpoke(400))
    call.wait(300)
    call.call("placeOrder")
    assert not cues(call.wait(1_299))
    assert cues(call.wait(1)) == ["one_moment"]


def test_while_the_agent_speaks_nobody_waits_for_orders() -> None:
    call = script().talking()
    call.feed(i.ModelAudio(SECOND_OF_24K * 3, 24_000))
    call.call("placeOrder")
    assert not cues(call.wait(2_400))


def test_a_hand_over_that_the_model_does_not_tell_of() -> None:
    call = script().talking()
    (asked,) = only(call.call("escalate"), a.RequestHandoff)
    call.feed(i.HandoffAnswered(asked.request_id, "ann", "I am calling Ann."))
    assert not cues(call.wait(2_499))
    assert cues(call.wait(1)) == ["connecting"]
    assert only(call.wait(MS["connecting"] + 250), a.CloseCarrier)
    assert call.report.outcome == "handoff"


def test_a_hand_over_that_the_model_tells_of() -> None:
    call = script().talking()
    (asked,) = only(call.call("escalate"), a.RequestHandoff)
    call.feed(i.HandoffAnswered(asked.request_id, "ann", "I am calling Ann."))
    call.wait(1_000)
    call.say("I am calling Ann.", 1_000)
    assert not cues(call.wait(1_250))
    assert call.session.phase is Phase.ENDED


def test_who_picked_up_does_not_wait_for_a_cue() -> None:
    call = script().talking()
    (asked,) = only(call.call("escalate"), a.RequestHandoff)
    call.feed(i.HandoffAnswered(asked.request_id, "ann", "I am ringing Ann.", stay=True))
    call.say("I am ringing Ann.", 500)
    call.wait(600)
    call.feed(i.LeaveRequested())
    assert not cues(call.wait(3_000)), "it would not be over when the stream is left"
    assert call.session.phase is Phase.ENDED


# -- the length of a call ------------------------------------------------------------------------------------------


def talk_until(call: Script, ms: int) -> None:
    while call.now < ms:
        call.feed(i.CallerSpoke(400))
        call.wait(500)
        call.say("Well.", 1_000)
        call.wait(3_000)


def test_a_long_call_is_told_to_the_model_and_then_goes_to_a_person() -> None:
    call = Script(limits=Limits(call_warn_ms=60_000, call_ms=90_000), cue_times=CUES).talking()
    talk_until(call, 61_000)
    call.wait(2_000)
    assert only(call.log, a.TellModel) == [a.TellModel(CALL_IS_LONG)]
    assert a.Complain("call_long") in call.log
    talk_until(call, 91_000)
    call.wait(2_000)
    assert only(call.log, a.TellModel) == [a.TellModel(CALL_IS_LONG)], "told once; the hand-over is said by the cue"
    assert cues(call.log) == ["long_call"]
    (asked,) = only(call.log, a.RequestHandoff)
    call.feed(i.HandoffAnswered(asked.request_id, "ann", "I am calling Ann."))
    call.wait(6_000)
    assert call.report.outcome == "handoff"


# -- languages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "spoken"), [("sw", "sw"), ("sw-KE", "sw"), ("en-GB", "en"), ("fr", "en")])
def test_cues_are_in_the_language_of_the_call(language: str, spoken: str) -> None:
    session = CallSession(CallFacts(FACTS.call_id, "westlands", 3, language=language), cue_times=CUES, strict=True)
    session.handle(i.Opened(), 0)
    assert only(session.handle(i.Tick(), 3_000), a.PlayCue) == [a.PlayCue(spoken, "one_moment")]


def test_without_cue_files_nothing_is_said_and_everything_ends_all_the_same() -> None:
    call = Script(limits=NO_OTHER_MODEL).talking()
    call.feed(i.CallerSpoke(400))
    call.wait(15_000)
    assert not cues(call.log)
    assert call.report.outcome == "handoff"
