"""The caller speaks over the agent: ducked at once, stopped when they go on, and what was heard is known."""

from __future__ import annotations

from session_script import SECOND_OF_24K, Script, only

from services.bridge.session import Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.ducking import UNYIELDING
from services.bridge.session.phases import Phase
from services.bridge.session.said import said_line
from services.bridge.session.stuck import NUDGE

OWN = i.CallerSpoke(20, 20, 20)
NOISE = i.CallerSpoke(20, 0, 20)


def speak(script: Script, ms: int, event: i.Input = OWN) -> list[a.Action]:
    """A voice for so long, a frame each 20 ms; all that came of it."""
    seen = len(script.log)
    for _ in range(ms // 20):
        script.wait(20)
        script.feed(event)
    return script.log[seen:]


def agent_speaks(ms: int = 10_000, words: str = "a long sentence of the agent") -> Script:
    """A call in which the agent has just begun a turn, all of whose audio is here."""
    script = Script().talking()
    script.feed(i.AgentWords(words), i.ModelAudio(bytes(48 * ms), 24_000), i.GenerationCompleted())
    script.wait(500)
    return script


def test_the_first_own_voice_over_the_agent_ducks_it_once() -> None:
    script = agent_speaks()
    assert only(script.feed(i.CallerSpoke(20, 100, 100)), a.Duck | a.Unduck) == [a.Duck()]
    assert not only(speak(script, 400), a.Duck | a.Unduck)


def test_a_duck_ends_when_the_caller_falls_silent_and_nothing_is_cut() -> None:
    script = agent_speaks()
    speak(script, 500)
    assert not only(script.wait(399), a.Unduck)
    assert only(script.wait(1), a.Unduck) == [a.Unduck()]
    assert not only(script.log, a.FlushPlayback)
    script.wait(3_000)
    assert len(only(script.log, a.Unduck)) == 1


def test_noise_and_what_nobody_looked_at_do_nothing() -> None:
    for event in (NOISE, i.CallerSpoke(20), i.CallerSpoke(20, None, 20)):
        script = agent_speaks()
        assert not only(speak(script, 4_000, event), (a.Duck, a.FlushPlayback))


def test_a_voice_while_the_agent_is_silent_ducks_nothing() -> None:
    script = Script().talking()
    script.wait(2_000)
    assert not only(speak(script, 3_000), (a.Duck, a.FlushPlayback))


def test_who_talks_on_has_the_floor_after_1400_ms() -> None:
    script = agent_speaks()
    assert not only(speak(script, 1_380), a.FlushPlayback)
    actions = speak(script, 20)
    assert only(actions, (a.FlushPlayback, a.Unduck)) == [a.FlushPlayback(1, by_session=True), a.Unduck()]
    assert not only(speak(script, 2_000), (a.Duck, a.FlushPlayback)), "there is nothing left to make way"


def test_a_pause_as_at_a_comma_does_not_begin_anew_and_a_longer_one_does() -> None:
    script = agent_speaks()
    speak(script, 400)
    script.wait(580)
    assert only(speak(script, 420), a.FlushPlayback)
    script = agent_speaks()
    for _ in range(5):  # a caller who says "mm-hm" again and again
        speak(script, 800)
        script.wait(620)
    assert not only(script.log, a.FlushPlayback)
    assert len(only(script.log, a.Duck)) == len(only(script.log, a.Unduck)) == 5


def test_crumbs_of_a_voice_are_not_a_caller_who_talks_on() -> None:
    script = agent_speaks()
    for _ in range(40):
        script.wait(80)
        script.feed(OWN)
    assert not only(script.log, a.FlushPlayback)


def test_what_the_model_still_sends_of_that_turn_is_dropped_until_its_end() -> None:
    script = Script().talking()
    script.feed(i.ModelAudio(bytes(48 * 9_000), 24_000))
    speak(script, 1_400)
    assert script.feed(i.ModelAudio(SECOND_OF_24K, 24_000)) == [a.Complain("stale_audio")]
    speak(script, 6_000)
    assert script.feed(i.ModelAudio(SECOND_OF_24K, 24_000)) == [a.Complain("stale_audio")], "longer than 3 s"
    script.feed(i.TurnCompleted())
    assert only(script.feed(i.ModelAudio(b"\0\0", 24_000)), a.PlayAudio) == [a.PlayAudio(b"\0\0", 24_000, 1)]


def test_a_turn_that_never_ends_is_heard_again_at_last() -> None:
    script = Script(limits=Limits(discarded_ms=4_000)).talking()
    script.feed(i.ModelAudio(bytes(48 * 9_000), 24_000))
    speak(script, 1_400)
    speak(script, 4_000)
    assert only(script.feed(i.ModelAudio(b"\0\0", 24_000)), a.PlayAudio)


def test_the_models_late_yes_to_it_flushes_nothing_twice() -> None:
    script = agent_speaks()
    speak(script, 1_500)
    assert not only(script.feed(i.ModelInterrupted()), a.FlushPlayback)
    assert script.feed(i.ModelAudio(SECOND_OF_24K, 24_000)) == [a.Complain("stale_audio")]
    script.feed(i.TurnCompleted())
    assert only(script.feed(i.ModelAudio(b"\0\0", 24_000)), a.PlayAudio)


def test_the_models_own_interruption_ends_a_duck() -> None:
    script = agent_speaks()
    speak(script, 300)
    flushed = script.feed(i.ModelInterrupted())
    assert only(flushed, (a.FlushPlayback, a.Unduck)) == [a.FlushPlayback(1), a.Unduck()]


def test_a_model_that_talks_on_in_silence_is_told_to_stop_and_its_answer_is_heard() -> None:
    script = agent_speaks()
    speak(script, 1_500)
    assert not only(script.wait(1_499), a.TellModel)
    assert only(script.wait(1), (a.Complain, a.TellModel)) == [a.Complain("model_unyielding"), a.TellModel(UNYIELDING)]
    script.feed(i.ModelInterrupted(), i.TurnCompleted())
    assert only(script.feed(i.ModelAudio(b"\0\0", 24_000)), a.PlayAudio)
    assert not only(script.wait(4_000), a.TellModel)


def test_a_model_whose_turn_is_over_is_not_told_but_reminded_as_ever() -> None:
    script = agent_speaks()
    speak(script, 1_500)
    script.feed(i.TurnCompleted())
    assert only(script.wait(4_999), a.TellModel) == []
    assert only(script.wait(2), a.TellModel) == [a.TellModel(NUDGE)]


def test_a_function_that_runs_is_not_cancelled_by_being_told() -> None:
    script = Script().talking()
    script.feed(i.ModelAudio(bytes(48 * 9_000), 24_000))
    speak(script, 1_400)
    script.call("addItem")
    assert not only(script.wait(2_000), a.TellModel)


def test_a_read_back_is_stopped_later() -> None:
    script = Script().talking()
    script.quote()
    script.feed(i.ModelAudio(bytes(48 * 9_000), 24_000))
    assert not only(speak(script, 2_180), a.FlushPlayback)
    assert only(speak(script, 20), a.FlushPlayback)
    assert script.evidence().outcome == "cut"
    assert script.evidence().played_ms == 2_200


def test_the_sentence_before_a_person_takes_over_is_not_stopped() -> None:
    script = Script().talking()
    (request,) = only(script.call("escalate", reason="caller_asked", summary="x"), a.RequestHandoff)
    script.feed(i.HandoffAnswered(request.request_id, "ann", "I am calling Ann."))
    script.feed(i.ModelAudio(bytes(48 * 4_000), 24_000))
    assert script.session.phase is Phase.HANDING_OVER
    assert not only(speak(script, 2_500), a.FlushPlayback)


def test_who_talks_over_the_goodbye_goes_on() -> None:
    script = Script().talking()
    script.call("endCall")
    script.feed(i.ModelAudio(bytes(48 * 4_000), 24_000))
    speak(script, 1_500)
    assert script.session.phase is Phase.TALKING


# -- what was heard ------------------------------------------------------------------------------------------------


def test_a_turn_that_was_cut_off_says_how_much_was_heard() -> None:
    script = agent_speaks(words="That is two burgers and a soda, nine hundred shillings")
    script.wait(1_500)
    (saved,) = only(script.feed(i.ModelInterrupted()), a.SaveTurn)
    assert (saved.turn.heard_ms, saved.turn.length_ms) == (2_000, 10_000)
    assert saved.turn.as_said().heard == 0.2
    script.feed(i.AgentWords("in all"))
    script.feed(i.TurnCompleted())
    assert only(script.last, a.SaveTurn)[0].turn.heard_ms == 2_000, "words that came late are of the same turn"
    script.say("Yes?", 500)
    script.wait(700)
    script.feed(i.CarrierClosed())
    assert [turn.heard_ms for turn in script.report.transcript][-1] is None


def test_a_turn_that_was_complete_and_still_played_is_marked_afterwards() -> None:
    script = Script().talking()
    script.say("A long goodbye to you", 4_000)
    script.wait(1_000)
    (record,) = only(script.feed(i.ModelInterrupted()), a.SaveRecord)
    assert record.fields == {"cut_turn_at_ms": "1500", "cut_heard_ms": "1000", "cut_length_ms": "4000"}
    script.feed(i.CarrierClosed())
    assert script.report.transcript[-1] == a.Turn(
        "agent", "A long goodbye to you", 1_500, heard_ms=1_000, length_ms=4_000
    )


def test_what_was_cut_off_is_told_as_a_part_of_it() -> None:
    nothing, nearly_all = a.Turn("agent", "Hello", 0, 0, 900), a.Turn("agent", "Hello", 0, 880, 900)
    assert said_line(nothing.as_said()) == '{"agent": "Hello", "cut_off": "the caller heard about 0 % of it"}'
    assert said_line(nearly_all.as_said()) == '{"agent": "Hello"}'
    assert said_line(a.Turn("agent", "Hello", 0, 0, 0).as_said()) == '{"agent": "Hello"}', "it had no sound yet"


# -- the read-back -------------------------------------------------------------------------------------------------


def reading(ms: int = 3_000) -> Script:
    """A quote whose read-back was sent and has just begun to play."""
    script = Script().talking()
    script.quote()
    script.say("Two burgers, nine hundred shillings. Is that right?", ms)
    return script


def test_ducked_audio_is_heard() -> None:
    script = reading()
    script.wait(2_000)
    speak(script, 600)
    script.wait(1_000)
    evidence = script.evidence()
    assert (evidence.outcome, evidence.played_ms, evidence.caller_speech_ms) == ("completed", 3_000, 600)


def test_an_echo_or_a_noise_is_no_answer() -> None:
    script = reading()
    speak(script, 4_000, i.CallerSpoke(20, 0, 0))
    assert (script.evidence().outcome, script.evidence().caller_speech_ms) == ("completed", 0)


def test_where_nobody_can_tell_every_voice_is_an_answer() -> None:
    script = reading()
    speak(script, 400, i.CallerSpoke(20))
    assert script.evidence().caller_speech_ms == 400


def test_a_cue_is_not_the_read_back_and_does_not_shift_it() -> None:
    script = Script(cue_times={"en": {"one_moment": 1_000}}).talking()
    script.quote()
    assert script.session._leg.cues.play("one_moment", script.now, at_once=True)
    assert script.evidence().outcome == "none"
    script.say("Nine hundred shillings. Is that right?", 2_000)
    script.wait(1_500)
    assert (script.evidence().outcome, script.evidence().played_ms) == ("playing", 500)
    script.wait(1_500)
    assert (script.evidence().outcome, script.evidence().played_ms) == ("completed", 2_000)


def test_a_reading_that_a_lost_model_session_broke_off_is_none() -> None:
    script = Script().talking()
    script.quote()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    script.session._leg.speech.on_model_lost()
    script.wait(3_000)
    assert script.session._leg.speech.read_back.state(script.now) is None


def test_a_reading_that_was_over_survives_the_models_session() -> None:
    script = reading()
    script.session._leg.speech.on_model_lost()
    script.wait(3_000)
    assert script.evidence().outcome == "completed"


def test_after_placing_nobody_listens_closely_for_a_yes() -> None:
    script = reading()
    script.wait(4_000)
    assert script.session.wants_closer_look(script.now)
    script.call("placeOrder")
    script.answer(2, ("c1", "placeOrder", {"status": "ok"}), version=2)
    assert not script.session.wants_closer_look(script.now)


def test_the_closer_look_is_wanted_while_the_agent_or_its_echo_is_heard() -> None:
    script = Script()
    assert not script.session.wants_closer_look(script.now)
    script = Script().talking()
    script.wait(2_000)
    assert not script.session.wants_closer_look(script.now)
    script.say("hello", 1_000)
    assert script.session.wants_closer_look(script.now + 1_399)
    assert not script.session.wants_closer_look(script.now + 1_400)
