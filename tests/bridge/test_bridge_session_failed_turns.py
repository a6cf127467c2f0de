"""The session as a script: turns of the model that the caller cannot hear, and interruptions of nothing."""

from __future__ import annotations

import pytest
from cue_script import script
from session_script import SECOND_OF_24K, only

from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.phases import Phase
from services.bridge.session.stuck import NUDGE_FAILED, NUDGE_GREETING

SILENT = i.ModelAudio(SECOND_OF_24K, 24_000, is_audible=False)


@pytest.mark.parametrize("turn", [i.TurnCompleted(), i.TurnCompleted("RESPONSE_REJECTED")])
@pytest.mark.parametrize("audio", [(), (SILENT, SILENT, SILENT)])
def test_an_answer_that_cannot_be_heard_is_asked_for_again(turn: i.TurnCompleted, audio: tuple[i.Input, ...]) -> None:
    call = script().talking()
    call.feed(i.CallerSpoke(400))
    call.wait(500)
    call.feed(*audio, turn)
    assert a.Complain("model_turn_failed", turn.reason) in call.last
    assert (a.Complain("model_inaudible") in call.last) == bool(audio)
    assert not only(call.last, a.PlayAudio)
    assert only(call.wait(1_500), a.TellModel) == [a.TellModel(NUDGE_FAILED)]
    call.feed(turn)
    assert not only(call.wait(900), a.TellModel), "once"
    call.say("Here you are.", 1_000)
    assert not only(call.wait(5_000), a.TellModel)


def test_a_greeting_that_cannot_be_heard_is_asked_for_again() -> None:
    call = script()
    call.feed(i.Opened(), i.ModelReady(), SILENT, i.GenerationCompleted(), i.TurnCompleted())
    assert call.session.phase is Phase.GREETING
    assert only(call.wait(1_500), a.TellModel) == [a.TellModel(NUDGE_GREETING)]
    call.say("Hello.", 1_000)
    assert call.session.phase is Phase.TALKING


def test_a_hello_that_cut_the_greeting_off_before_it_was_heard_is_not_the_end() -> None:
    """The caller waits for the agent and the model for the caller: without a word of ours the line is given up."""
    call = script()
    call.feed(i.Opened(), i.ModelReady(), i.AgentWords("Hello, this is"))
    call.feed(i.ModelInterrupted(), i.TurnCompleted(), i.CallerSpoke(400))
    assert not only(call.wait(2_900), a.TellModel)
    assert only(call.wait(200), a.TellModel) == [a.TellModel(NUDGE_GREETING)]
    call.say("Hello.", 1_000)
    assert call.session.phase is Phase.TALKING


def test_a_model_that_is_there_late_is_given_its_time_to_greet() -> None:
    call = script()
    call.feed(i.Opened())
    call.feed(i.CallerSpoke(400))
    call.wait(4_000)
    call.feed(i.ModelReady())
    assert not only(call.wait(2_900), a.TellModel), "it counts from when the model is there"
    assert only(call.wait(200), a.TellModel) == [a.TellModel(NUDGE_GREETING)]


def test_a_model_that_is_slow_to_greet_a_silent_caller_is_not_hurried() -> None:
    call = script()
    call.feed(i.Opened(), i.ModelReady())
    assert not only(call.wait(7_900), a.TellModel)


def test_a_read_back_that_cannot_be_heard_is_none() -> None:
    call = script().talking()
    call.quote()
    call.feed(SILENT, SILENT, i.GenerationCompleted(), i.TurnCompleted())
    call.wait(1_000)
    assert call.evidence().outcome == "none"


def test_a_stray_end_of_a_turn_is_nothing() -> None:
    call = script().talking()
    assert call.feed(i.TurnCompleted()) == []
    assert not only(call.wait(8_000), a.TellModel)


def test_a_model_that_says_it_waits_for_the_caller_owes_nothing() -> None:
    call = script().talking()
    call.feed(i.CallerSpoke(400))
    call.feed(i.TurnCompleted(awaits_caller=True))
    assert not only(call.wait(8_000), (a.TellModel, a.PlayCue))


def test_pauses_of_a_voice_are_played_and_a_quiet_head_is_shortened() -> None:
    call = script().talking()
    quiet = i.ModelAudio(bytes(48 * 200), 24_000, is_audible=False)
    loud = i.ModelAudio(bytes(48 * 200), 24_000)
    assert not only(call.feed(quiet, quiet, quiet), a.PlayAudio)
    assert [len(each.pcm) for each in only(call.feed(loud), a.PlayAudio)] == [48 * 500]
    assert len(only(call.feed(*[quiet] * 7), a.PlayAudio)) == 7
    assert not only(call.feed(quiet), a.PlayAudio), "1.6 s of nothing are no pause"
    assert only(call.feed(loud), a.PlayAudio)


def test_a_phantom_interruption_is_asked_about() -> None:
    call = script().talking()
    call.wait(1_000)
    call.feed(i.ModelInterrupted())
    assert not only(call.wait(1_999), a.TellModel)
    assert only(call.wait(1), a.TellModel) == [a.TellModel(NUDGE_FAILED)]
    call.say("Are you still there?", 1_000)
    assert not only(call.wait(5_000), (a.TellModel, a.PlayCue))
