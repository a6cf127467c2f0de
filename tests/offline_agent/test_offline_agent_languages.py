"""Asking the offline agent for another language."""

from __future__ import annotations

import pytest

from simulators.live_api.offline.agent import OfflineAgent
from simulators.live_api.offline.tongues import asked_language
from simulators.live_api.offline.turns import (
    AgentSetup,
    CallStarted,
    CallTools,
    Heard,
    Say,
    ToolRequest,
    ToolResult,
    ToolResults,
)

INSTRUCTION = """BRANCH Tamu Grill; currency KES; languages en, sw; speaking {speaking}; fulfilment pickup
GREETING Hello, this is Tamu Grill.
CHOICES
ITEMS
fries = fries / chips; 250.00
END OF MENU"""
SWITCH = {
    "name": "switchLanguage",
    "parameters": {"type": "OBJECT", "properties": {"language": {"type": "STRING", "enum": ["en", "sw"]}}},
}
NAMES = ("addItem", "getTotal", "placeOrder", "escalate", "endCall")


def agent(*, speaking: str = "en", can_switch: bool = True) -> OfflineAgent:
    declarations = [{"name": name} for name in NAMES] + ([SWITCH] if can_switch else [])
    started = OfflineAgent(AgentSetup(INSTRUCTION.format(speaking=speaking), declarations))
    started.handle(CallStarted())
    return started


def switched(language: str, message: str) -> ToolResults:
    return ToolResults(
        (ToolResult("switchLanguage", {"status": "ok", "language": language, "message": message}),)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Tafadhali ongea Kiswahili", ("sw", "")),
        ("Can we speak English?", ("en", "")),
        ("Naomba tuzungumze kwa Kiswahili", ("sw", "")),
        ("Swahili, please", ("sw", "")),
        ("please speak Swahili, I want two fries", ("sw", "i want two fries")),
        ("I would like to speak to a person", None),
        ("an English breakfast please", None),
        ("nataka kuongea na mtu", None),
        ("", None),
    ],
)
def test_what_counts_as_asking(text: str, asked: tuple[str, str] | None) -> None:
    assert asked_language(text, ("en", "sw")) == asked


def test_only_a_language_that_is_offered_can_be_asked_for() -> None:
    assert asked_language("Can we speak Swahili?", ("en",)) is None
    (said,) = agent(can_switch=False).handle(Heard("Tafadhali ongea Kiswahili"))
    assert isinstance(said, Say), "not a function that was not declared"


def test_the_next_sentences_are_in_the_new_language_and_back() -> None:
    one = agent()
    (call,) = one.handle(Heard("Tafadhali ongea Kiswahili"))
    assert call == CallTools((ToolRequest("switchLanguage", {"language": "sw"}),))
    assert one.handle(switched("sw", "Sawa, tuendelee kwa Kiswahili.")) == [
        Say("Sawa, tuendelee kwa Kiswahili. Ungependa nini?")
    ]
    one.handle(Heard("Can we speak English"))
    assert one.handle(switched("en", "All right.")) == [Say("All right. What would you like?")]


def test_a_wish_beside_it_is_not_lost() -> None:
    one = agent()
    one.handle(Heard("please speak Swahili, I want two fries"))
    said, call = one.handle(switched("sw", "Sawa."))
    assert said == Say("Sawa.")
    assert isinstance(call, CallTools)
    assert [request.name for request in call.requests] == ["addItem"]


def test_a_refused_switch_changes_nothing() -> None:
    one = agent()
    one.handle(Heard("Tafadhali ongea Kiswahili"))
    refused = ToolResults((ToolResult("switchLanguage", {"status": "error", "message": "English only."}),))
    assert one.handle(refused) == [Say("English only. What would you like?")]


def test_a_further_leg_goes_on_in_the_language_of_the_call() -> None:
    (said,) = agent(speaking="sw").handle(Heard("gari la moshi kubwa sana"))
    assert said == Say("Samahani, sikusikia vizuri. Unaweza kurudia?")
