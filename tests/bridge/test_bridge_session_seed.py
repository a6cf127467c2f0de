"""The session as a script: what the next model session is told, and what it says first."""

from __future__ import annotations

from hop_script import CART, lose, ready, with_handle
from session_script import SECOND_OF_24K, only

from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.said import Said


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
