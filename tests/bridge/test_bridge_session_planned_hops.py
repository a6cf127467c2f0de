"""The session as a script: a model session whose end is announced, or that is old, is left at a quiet point."""

from __future__ import annotations

import pytest
from hop_script import OK, ready, with_handle
from session_script import SECOND_OF_24K, Script, only

from services.bridge.session import Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.model_life import ModelLife
from services.bridge.session.phases import Phase


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
