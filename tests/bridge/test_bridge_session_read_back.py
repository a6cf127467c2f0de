"""The session as a script: what the bridge knows of the reading of a quote."""

from __future__ import annotations

from session_script import SECOND_OF_24K, Script, only

from services.bridge.session import actions as a
from services.bridge.session import inputs as i


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
    script.feed(i.CallerSpoke(500))
    assert script.evidence().caller_speech_ms == 0, "they were still at what they had said before"
    script.say("the total is ..., shall I place the order?", 2_000)
    script.wait(100)
    script.feed(i.CallerSpoke(220))
    assert script.evidence() == a.ReadBackState("q1", "cut", 1_300, 220, asked_again=True)


def test_a_question_that_was_dropped_before_it_was_heard_has_no_answer() -> None:
    script = Script().talking()
    script.quote()
    script.feed(i.ModelAudio(bytes(48_000 * 5), 24_000), i.GenerationCompleted(), i.TurnCompleted())
    script.wait(1_300)
    script.call("placeOrder")
    script.answer(2, ("c1", "placeOrder", {"status": "ask", "code": "confirm_again"}))
    script.say("shall I?", 1_000)
    script.wait(200)
    script.feed(i.CallerSpoke(300), i.ModelInterrupted())
    script.wait(5_000)
    script.feed(i.CallerSpoke(300))
    assert script.evidence().caller_speech_ms == 0
    script.say("shall I place the order?", 1_000)
    script.wait(200)
    script.feed(i.CallerSpoke(300))
    assert script.evidence() == a.ReadBackState("q1", "cut", 1_500, 300, asked_again=True)


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
