"""The session as a script: the model asks for a person, and the stream is left when the caller was told."""

from __future__ import annotations

from session_script import SECOND_OF_24K, Script, answers, only

from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.phases import Phase


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
