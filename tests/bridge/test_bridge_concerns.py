"""Which words of a caller are a reason for a person, and which only sound like one."""

from __future__ import annotations

import pytest

from services.bridge.session.concerns import concerns_in


@pytest.mark.parametrize(
    ("said", "reasons"),
    [
        ("no nuts, I am allergic", ["allergy_or_medical"]),
        ("My son has a peanut ALLERGY.", ["allergy_or_medical"]),
        ("do you have any allergy information", ["allergy_or_medical"]),
        ("he is gluten-intolerant", ["allergy_or_medical"]),
        ("nina mzio wa karanga", ["allergy_or_medical"]),
        ("you charged me twice", ["payment"]),
        ("I want my money back!", ["payment"]),
        ("nirudishie pesa yangu", ["payment"]),
        ("can I speak to a person", ["caller_asked"]),
        ("let me talk with the manager please", ["caller_asked"]),
        ("I'd like to talk to someone", ["caller_asked"]),
        ("get me a human being", ["caller_asked"]),
        ("put me through to your manager", ["caller_asked"]),
        ("nataka kuongea na mtu", ["caller_asked"]),
        ("naomba niongee na meneja", ["caller_asked"]),
        ("you're so stupid", ["abuse"]),
        ("fuck off", ["abuse"]),
        ("mjinga wewe", ["abuse"]),
        ("I'm allergic, let me speak to a manager, you idiot", ["allergy_or_medical", "caller_asked", "abuse"]),
    ],
)
def test_a_reason_for_a_person(said: str, reasons: list[str]) -> None:
    assert list(concerns_in(said)) == reasons


@pytest.mark.parametrize(
    "said",
    [
        "a nut burger",
        "no nuts please",
        "I'm not allergic to anything",
        "I have no food allergies",
        "I don't have any allergies",
        "sina mzio wowote",
        "can I pay by card",
        "do you take mpesa",
        "I don't want a refund",
        "are you a real person",
        "food for one person",
        "I don't want to speak to a person",
        "sitaki kuongea na mtu",
        "a table for two people",
        "the manager's special",
        "nataka mtu mmoja",
        "I am such an idiot, I meant two",
        "that was stupid of me",
        "a stupid amount of cheese",
        "ten sherbets",
        "",
    ],
)
def test_no_reason(said: str) -> None:
    assert concerns_in(said) == ()
