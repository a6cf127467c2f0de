"""The session as a script: a caller who says nothing is asked and taken leave of; to one who speaks a cue gives way."""

from __future__ import annotations

from cue_script import MS, cues, script
from session_script import SECOND_OF_24K, only

from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.phases import Phase


def test_a_silent_caller_is_asked_twice_and_then_taken_leave_of() -> None:
    call = script().talking()
    call.wait(8_499)
    assert not cues(call.log)
    assert cues(call.wait(1)) == ["are_you_there"]
    assert cues(call.wait(MS["are_you_there"] + 9_000)) == ["are_you_there"]
    assert cues(call.wait(MS["are_you_there"] + 9_000)) == ["goodbye"]
    assert not only(call.wait(MS["goodbye"] + 399), a.CloseCarrier)
    call.wait(1)
    assert (call.report.outcome, call.report.reason) == ("no_order", "goodbye")
    assert not only(call.log, a.RequestHandoff)


def test_who_speaks_up_during_the_goodbye_goes_on() -> None:
    call = script().talking()
    call.wait(40_000 - MS["goodbye"])
    assert call.session.phase is Phase.FAREWELL
    call.feed(i.CallerSpoke(200))
    assert only(call.feed(i.CallerSpoke(200)), a.FlushPlayback)
    assert call.session.phase is Phase.TALKING
    call.say("There you are.", 1_000)
    assert not only(call.wait(5_000), a.CloseCarrier)


def test_a_word_begins_the_count_anew_and_a_cough_the_time() -> None:
    call = script().talking()
    call.wait(8_000)
    call.feed(i.CallerSpoke(100))
    assert not cues(call.wait(8_999))
    assert cues(call.wait(1)) == ["are_you_there"]
    call.wait(4_000)
    call.feed(i.CallerSpoke(400), i.CallerWords("yes"))
    call.say("What would you like?", 1_000)
    assert cues(call.wait(30_000)) == ["are_you_there", "are_you_there"], "not yet the goodbye"


def test_a_yes_to_the_question_confirms_no_order() -> None:
    call = script().talking()
    call.quote()
    call.say("That is 550 shillings, is that right?", 2_000)
    call.wait(2_100)
    assert call.evidence().outcome == "completed"
    call.wait(9_000)
    call.feed(i.CallerSpoke(400))
    assert (call.evidence().outcome, call.evidence().caller_speech_ms) == ("none", 0)


def test_nobody_is_asked_whether_they_are_there_while_a_person_is_rung() -> None:
    call = script().talking()
    (asked,) = only(call.call("escalate"), a.RequestHandoff)
    call.feed(i.HandoffAnswered(asked.request_id, "ann", "I am ringing Ann.", stay=True))
    call.say("I am ringing Ann.", 500)
    assert not cues(call.wait(60_000))


def test_a_cue_gives_way_to_the_caller_but_not_to_a_cough() -> None:
    call = script().talking()
    call.wait(8_500)
    call.wait(500)
    assert not only(call.feed(i.CallerSpoke(200)), a.FlushPlayback)
    assert only(call.feed(i.CallerSpoke(100)), a.FlushPlayback) == [a.FlushPlayback(1)]
    assert not only(call.feed(i.CallerSpoke(400)), a.FlushPlayback)
    call.feed(i.CarrierClosed())
    assert call.report.transcript == (a.Turn("agent", "hello", 0),), "what the agent had said was heard to its end"


def test_a_cue_that_says_what_was_decided_does_not_give_way() -> None:
    call = script().talking()
    call.feed(i.CallerSpoke(400))
    call.wait(8_100)
    assert not only(call.feed(i.CallerSpoke(1_000)), a.FlushPlayback)


def test_the_agents_words_behind_a_cue_are_not_dropped_with_it() -> None:
    call = script().talking()
    call.feed(i.CallerSpoke(400))
    call.wait(3_000)
    call.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    assert not only(call.feed(i.CallerSpoke(1_000)), a.FlushPlayback), "that is the model's own decision"


def test_no_cue_into_the_callers_words() -> None:
    call = script().talking()
    call.call("addItem")
    for _ in range(10):
        call.feed(i.CallerSpoke(20))
        call.wait(200)
    assert not cues(call.log)
    call.wait(300)
    assert cues(call.log) == ["one_moment"]
