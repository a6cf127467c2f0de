"""The kitchen speaks, or is silent, while the caller is still on the line: the agent says so at the next pause."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from session_script import Script, only

from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.news import PAUSE_MS
from services.bridge.session.order_words import ORDERS_MAX
from services.bridge.session.phases import Phase

ACCEPTED = i.OrderMoved("ord-1", 17, "accepted", eta_minutes=20)
REJECTED = i.OrderMoved("ord-1", 17, "rejected", reason="sold_out")
SILENT = i.OrderMoved("ord-1", 17, "unacknowledged")


def told(actions: list[a.Action]) -> list[dict[str, Any]]:
    """The answers of ``orderStatus`` in what the model is told."""
    answers: list[dict[str, Any]] = []
    for note in only(actions, a.TellModel):
        if note.text.startswith("[These functions have an answer now"):
            answers += json.loads(note.text.removesuffix("]").partition("caller: ")[2])
    assert all(answer["function"] == "orderStatus" for answer in answers)
    return [answer["result"] for answer in answers]


def messages(actions: list[a.Action]) -> list[str]:
    return [answer["message"] for answer in told(actions)]


def test_a_quiet_moment_is_used_at_once() -> None:
    call = Script().talking()
    (answer,) = told(call.feed(ACCEPTED))
    assert answer == {
        "status": "ok",
        "code": "order_accepted",
        "order_number": 17,
        "eta_minutes": 20,
        "message": "The kitchen has accepted order seventeen. It will take about twenty minutes.",
    }


def test_the_agent_finishes_its_sentence_first() -> None:
    call = Script().talking()
    call.feed(i.AgentWords("Your order number is"), i.ModelAudio(bytes(48 * 2_000), 24_000))
    assert told(call.feed(ACCEPTED)) == []
    call.feed(i.GenerationCompleted(), i.TurnCompleted())
    assert told(call.wait(1_900)) == []
    assert len(told(call.wait(200))) == 1
    assert not only(call.log, a.FlushPlayback)


def test_the_caller_finishes_first_too() -> None:
    call = Script().talking()
    call.feed(i.CallerSpoke(200))
    assert told(call.feed(ACCEPTED)) == []
    call.wait(1_000)
    call.feed(i.CallerSpoke(200))
    assert told(call.wait(PAUSE_MS - 1)) == []
    assert len(told(call.wait(1))) == 1


def test_what_the_agent_answers_the_caller_comes_before_the_news() -> None:
    call = Script().talking()
    call.feed(i.CallerSpoke(400), ACCEPTED)
    call.wait(500)
    call.say("We are open until ten.", 3_000)
    assert told(call.wait(2_900)) == []
    assert len(told(call.wait(200))) == 1


def test_the_same_word_is_told_once_and_another_time_again() -> None:
    call = Script().talking()
    assert len(told(call.feed(ACCEPTED, ACCEPTED))) == 1
    call.say("It takes twenty minutes.", 1_000)
    call.wait(1_100)
    assert told(call.feed(ACCEPTED)) == []
    later = replace(ACCEPTED, eta_minutes=35)
    assert messages(call.feed(later)) == [
        "The kitchen has accepted order seventeen. It will take about thirty-five minutes."
    ]


def test_only_the_newest_word_of_an_order_is_told() -> None:
    call = Script().talking()
    call.feed(i.AgentWords("Well"), i.ModelAudio(bytes(48 * 2_000), 24_000), SILENT, ACCEPTED)
    call.feed(i.OrderMoved("ord-2", 18, "owned"), i.GenerationCompleted(), i.TurnCompleted())
    assert [answer["code"] for answer in told(call.wait(2_100))] == ["order_accepted", "order_owned"]


@pytest.mark.parametrize(
    ("moved", "message"),
    [
        (
            REJECTED,
            "I am sorry, the kitchen cannot take order seventeen, something in it is sold out. There is nothing to"
            " pay. Shall I get a person for you?",
        ),
        (
            i.OrderMoved("ord-1", 17, "cancelled", reason="other"),
            "I am sorry, the kitchen had to cancel order seventeen. There is nothing to pay. Shall I get a person for"
            " you?",
        ),
        (
            SILENT,
            "The kitchen has not confirmed order seventeen yet. I have let our team know, and we ring you if there is"
            " any trouble.",
        ),
        (i.OrderMoved("ord-1", 17, "owned"), "A member of our team is looking after order seventeen now."),
        (i.OrderMoved("ord-1", 17, "accepted"), "The kitchen has accepted order seventeen."),
    ],
)
def test_what_is_said(moved: i.OrderMoved, message: str) -> None:
    call = Script().talking()
    assert messages(call.feed(moved)) == [message]


def test_it_is_said_in_the_language_of_the_call() -> None:
    call = Script().talking()
    call.feed(i.LanguagesKnown(("en", "sw"), "sw"))
    assert messages(call.feed(ACCEPTED)) == [
        "Jikoni wamekubali oda namba kumi na saba. Itachukua kama dakika ishirini."
    ]


def saying_goodbye() -> Script:
    call = Script().talking()
    call.call("endCall")
    call.feed(i.AgentWords("Goodbye."), i.ModelAudio(bytes(48 * 2_000), 24_000))
    assert call.session.phase is Phase.FAREWELL
    return call


def test_trouble_ends_a_goodbye_and_is_said_after_it() -> None:
    call = saying_goodbye()
    call.feed(REJECTED, i.GenerationCompleted(), i.TurnCompleted())
    assert call.session.phase is Phase.TALKING
    assert [answer["offer"] for answer in told(call.wait(2_100))] == ["person"]
    call.say("I am sorry, the kitchen cannot take it.", 2_000)
    call.wait(4_000)
    assert call.session.phase is Phase.TALKING


def test_the_call_is_not_ended_before_trouble_was_told() -> None:
    call = Script().talking()
    call.feed(i.AgentWords("Thank you."), i.ModelAudio(bytes(48 * 2_000), 24_000), REJECTED)
    call.call("endCall")
    call.feed(i.GenerationCompleted(), i.TurnCompleted())
    assert call.session.phase is Phase.TALKING
    assert len(told(call.wait(2_100))) == 1
    call.say("I am sorry, the kitchen cannot take it.", 1_000)
    call.wait(1_100)
    call.call("endCall", start=2)
    assert str(call.session.phase) == "farewell"


def test_a_goodbye_is_not_disturbed_by_good_news() -> None:
    call = saying_goodbye()
    call.feed(ACCEPTED, i.GenerationCompleted(), i.TurnCompleted())
    assert call.session.phase is Phase.FAREWELL
    assert told(call.wait(10_000)) == []
    assert str(call.session.phase) == "ended"


def test_a_model_that_is_away_is_told_when_there_is_one_again() -> None:
    call = Script().talking()
    call.feed(i.ResumptionOffered("h1"), i.ModelClosed("lost", 1))
    assert told(call.feed(REJECTED)) == []
    call.wait(200)
    back = call.feed(i.ModelReady(2))
    spoken = [getattr(each, "text", "") for each in (*back, *call.wait(500))]
    assert any("the kitchen cannot take order seventeen" in text for text in spoken)


def test_nobody_is_told_after_the_end_or_while_a_person_takes_over() -> None:
    call = Script().talking()
    call.call("escalate", reason="caller_asked", summary="")
    call.feed(i.HandoffAnswered(f"{'HD_1234abcd'}:0:h1", "front", "I am putting you through."))
    assert call.session.phase is Phase.HANDING_OVER
    assert told(call.feed(REJECTED)) == []
    call.feed(i.CarrierClosed())
    assert call.feed(ACCEPTED) == []


def test_a_flood_of_orders_is_bounded() -> None:
    call = Script().talking()
    call.feed(i.AgentWords("Well"), i.ModelAudio(bytes(48 * 500), 24_000))
    call.feed(*(i.OrderMoved(f"ord-{n}", n, "owned") for n in range(1, ORDERS_MAX + 10)))
    call.feed(i.GenerationCompleted(), i.TurnCompleted())
    assert len(told(call.wait(600))) == ORDERS_MAX
