"""The session as a script: greeting, speech, interruption, transcript, usage, ends."""

from __future__ import annotations

import pytest
from session_script import SECOND_OF_24K, Script, only

from services.bridge.session import CallFacts, CallSession
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.phases import IllegalTransition, Phase, Trigger, next_phase


def test_an_opened_call_connects_the_model_and_then_greets_once() -> None:
    script = Script()
    assert only(script.feed(i.Opened()), a.ConnectModel)
    assert only(script.feed(i.ModelReady()), a.RequestGreeting) == [a.RequestGreeting()]
    assert script.feed(i.Opened()) == []
    with pytest.raises(IllegalTransition):
        script.feed(i.ModelReady())
    assert len(only(script.log, a.RequestGreeting)) == 1


def test_an_illegal_transition_is_reported_in_production() -> None:
    script = Script(strict=False).talking()
    (complaint,) = only(script.feed(i.ModelReady()), a.Complain)
    assert complaint.kind == "illegal_transition"
    assert script.session.phase is Phase.TALKING


def test_nothing_happens_before_the_opening_and_after_the_end() -> None:
    script = Script()
    assert script.feed(i.ModelAudio(SECOND_OF_24K, 24_000), i.Tick(), i.CarrierClosed()) == []
    assert script.session.next_deadline() is None
    script.feed(i.Opened(), i.CarrierClosed())
    assert script.feed(i.ModelReady(), i.ModelAudio(SECOND_OF_24K, 24_000), i.Stopped("x"), i.Tick()) == []
    assert script.session.next_deadline() is None


def test_a_model_that_is_not_set_up_says_nothing() -> None:
    script = Script()
    script.feed(i.Opened())
    assert script.feed(i.ModelAudio(SECOND_OF_24K, 24_000), i.ToolsRequested((i.ToolRequest("c1", "endCall"),))) == []


def test_caller_audio_goes_up_from_the_first_frame() -> None:
    script = Script()
    script.feed(i.Opened())
    assert script.feed(i.CallerAudio(b"\1\0")) == [a.SendCallerAudio(b"\1\0")]


def test_agent_audio_is_played_in_the_present_generation() -> None:
    script = Script().talking()
    assert only(script.feed(i.ModelAudio(b"\0\0", 24_000)), a.PlayAudio) == [a.PlayAudio(b"\0\0", 24_000, 0)]


def test_an_utterance_ends_once() -> None:
    script = Script().talking()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    assert script.feed(i.GenerationCompleted()) == [a.EndUtterance(0)]
    assert script.feed(i.TurnCompleted()) == []
    assert script.feed(i.TurnCompleted()) == []


def test_an_interruption_flushes_and_drops_the_rest_of_the_turn() -> None:
    script = Script().talking()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000))
    script.wait(300)
    assert script.feed(i.ModelInterrupted()) == [a.FlushPlayback(1)]
    assert script.feed(i.ModelAudio(SECOND_OF_24K, 24_000)) == [a.Complain("stale_audio")]
    script.feed(i.TurnCompleted())
    assert only(script.feed(i.ModelAudio(b"\0\0", 24_000)), a.PlayAudio)[0].generation == 1


def test_stale_audio_is_dropped_for_a_limited_time_only() -> None:
    script = Script().talking()
    script.feed(i.ModelAudio(SECOND_OF_24K, 24_000), i.ModelInterrupted())
    script.wait(3_000)
    assert only(script.feed(i.ModelAudio(b"\0\0", 24_000)), a.PlayAudio)


def test_an_interruption_after_the_turn_stops_what_still_plays_and_nothing_later() -> None:
    script = Script().talking()
    script.say("a long sentence", 3_000)
    script.wait(500)
    assert only(script.feed(i.ModelInterrupted()), a.FlushPlayback)
    assert only(script.feed(i.ModelAudio(b"\0\0", 24_000)), a.PlayAudio), "this is a new turn"


def test_a_phantom_interruption_changes_nothing_in_what_is_played() -> None:
    script = Script().talking()
    script.wait(2_000)
    assert script.feed(i.ModelInterrupted()) == [a.Complain("model_phantom_interruption")]


def test_an_interrupted_greeting_counts_as_a_greeting() -> None:
    script = Script()
    script.feed(i.Opened(), i.ModelReady(), i.ModelAudio(SECOND_OF_24K, 24_000), i.ModelInterrupted())
    assert script.session.phase is Phase.TALKING


def test_an_empty_turn_is_not_a_greeting() -> None:
    script = Script()
    script.feed(i.Opened(), i.ModelReady(), i.TurnCompleted())
    assert script.session.phase is Phase.GREETING


def test_latencies_are_first_audio_and_end_of_speech_to_audio() -> None:
    script = Script()
    script.feed(i.Opened())
    script.wait(200)
    script.feed(i.ModelReady())
    script.wait(300)
    assert a.Observe("first_audio", 500) in script.feed(i.ModelAudio(b"\0\0", 24_000))
    script.feed(i.TurnCompleted(), i.CallerSpoke(20))
    script.wait(700)
    assert a.Observe("response", 700) in script.feed(i.ModelAudio(b"\0\0", 24_000))
    assert not only(script.feed(i.ModelAudio(b"\0\0", 24_000)), a.Observe)
    script.feed(i.CarrierClosed())
    assert script.report.latencies_ms == {"first_audio": (500,), "response": (700,)}


def test_transcript_turns_end_with_the_other_side_or_with_quiet() -> None:
    script = Script()
    script.feed(i.Opened(), i.ModelReady(), i.AgentWords("Hel"), i.AgentWords("lo  there"))
    script.feed(i.ModelAudio(b"\0\0", 24_000))
    assert script.feed(i.TurnCompleted())[1:2] == [a.SaveTurn(a.Turn("agent", "Hello there", 0))]
    script.feed(i.CallerWords(" "), i.CallerWords("two "), i.CallerWords("burgers"))
    assert a.SaveTurn(a.Turn("caller", "two burgers", 0)) in script.feed(i.ModelAudio(b"\0\0", 24_000))
    script.feed(i.TurnCompleted(), i.CallerWords("and"))
    script.wait(699)
    assert not only(script.last, a.SaveTurn)
    assert only(script.wait(1), a.SaveTurn)
    script.feed(i.AgentWords("late"))
    assert only(script.wait(700), a.SaveTurn)[0].turn.pii_text == "late"
    script.feed(i.CallerWords("bye"), i.CarrierClosed())
    assert [turn.pii_text for turn in script.report.transcript] == ["Hello there", "two burgers", "and", "late", "bye"]


def test_while_the_agent_speaks_its_turn_stays_open() -> None:
    script = Script().talking()
    script.feed(i.ModelAudio(b"\0\0", 24_000), i.AgentWords("one"), i.CallerWords("mhm"))
    assert [each.turn.who for each in only(script.wait(1_500), a.SaveTurn)] == ["caller"]
    assert [each.turn.who for each in only(script.feed(i.ModelInterrupted()), a.SaveTurn)] == ["agent"]


def test_usage_is_summed_over_all_reports() -> None:
    script = Script().talking()
    script.feed(i.UsageReported(100, 10, 110, {"prompt_audio": 60}), i.UsageReported(200, 5, 205, {"prompt_audio": 90}))
    script.feed(i.CarrierClosed())
    assert script.report.usage == i.UsageReported(
        300, 15, 315, {"prompt_audio": 150, "prompt_unknown": 150, "response_unknown": 15}
    )


def test_the_record_holds_what_another_replica_would_need() -> None:
    script = Script()
    (first,) = only(script.feed(i.Opened()), a.SaveRecord)
    assert first.fields == {
        "branch_id": "westlands", "menu_version": "3", "language": "en", "phase": "connecting",
    }  # fmt: skip
    script.feed(i.ModelReady())
    assert script.feed(i.ResumptionOffered("h1")) == [a.SaveRecord({"handle": "h1"})]
    assert only(script.feed(i.GoAwayAnnounced(50_000)), a.Complain)[0].kind == "go_away"


@pytest.mark.parametrize(
    ("events", "outcome", "reason"),
    [
        ((i.CarrierClosed(),), "dropped", "caller_hung_up"),
        ((i.Stopped("drained"),), "dropped", "drained"),
        ((i.LeaveRequested(),), "handoff", "leave_requested"),
    ],
)
def test_ends_of_a_call_without_an_order(events: tuple[i.Input, ...], outcome: str, reason: str) -> None:
    script = Script().talking()
    actions = script.feed(*events)
    assert [type(action) for action in actions[-3:]] == [a.PublishEnded, a.CloseModel, a.CloseCarrier]
    assert (script.report.outcome, script.report.reason) == (outcome, reason)
    assert script.report.duration_ms == 1_500
    assert script.session.phase is Phase.ENDED


def test_a_model_that_cannot_be_had_ends_the_leg() -> None:
    script = Script()
    script.feed(i.Opened(), i.ModelClosed("refused_429"))
    assert (script.report.outcome, script.report.reason) == ("dropped", "model_refused_429")


def test_a_silent_start_ends_the_leg_so_that_a_person_is_dialled() -> None:
    script = Script()
    script.feed(i.Opened(), i.ModelReady())
    assert not only(script.wait(7_999), a.CloseCarrier)
    assert only(script.wait(1), a.CloseCarrier) == [a.CloseCarrier(1000)]
    assert (script.report.outcome, script.report.reason) == ("dropped", "first_audio_late")


def test_a_leg_without_frames_is_gone() -> None:
    script = Script().talking()
    script.wait(500)
    script.wait(10_000, frames=False)
    assert script.report.reason == "caller_frames_missing"


def test_a_very_long_call_goes_to_a_person() -> None:
    script = Script().talking()
    assert only(script.wait(15 * 60_000), a.RequestHandoff)[0].reason == "technical"
    script.wait(10_000)
    assert (script.report.outcome, script.report.reason) == ("handoff", "handoff")


def test_phases_not_in_the_table_raise() -> None:
    assert next_phase(Phase.TALKING, Trigger.OVER) is Phase.ENDED
    with pytest.raises(IllegalTransition, match="greeted in phase ended"):
        next_phase(Phase.ENDED, Trigger.GREETED)


def test_every_phase_can_end_and_the_end_is_final() -> None:
    for phase in Phase:
        if phase is not Phase.ENDED:
            assert next_phase(phase, Trigger.OVER) is Phase.ENDED
    for trigger in Trigger:
        with pytest.raises(IllegalTransition):
            next_phase(Phase.ENDED, trigger)


def test_a_session_without_limits_uses_the_standard_ones() -> None:
    assert CallSession(CallFacts("HD_1", "b", 1)).phase is Phase.CONNECTING
