"""The few sentences that the session itself gives the agent to say, in the call's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from agiza.contracts.instructions import LANGUAGE_NAMES

Saying = Literal["putting_through", "being_rung", "joined", "switched"]

SAYINGS: Final[Mapping[str, Mapping[Saying, str]]] = {
    "en": {
        "putting_through": "I am putting you through to a colleague now. Please stay on the line.",
        "being_rung": "I am ringing a colleague already. Shall we go on with the order meanwhile?",
        "joined": "A colleague is on the line now, I am connecting you.",
        "switched": "All right, let us go on in English.",
    },
    "sw": {
        "putting_through": "Ninakuunganisha na mwenzangu sasa. Tafadhali usikate simu.",
        "being_rung": "Tayari ninampigia mwenzangu. Tuendelee na oda kwa sasa?",
        "joined": "Mwenzangu yuko kwenye laini sasa, ninakuunganisha naye.",
        "switched": "Sawa, tuendelee kwa Kiswahili.",
    },
}


def saying(what: Saying, language: str) -> str:
    """In this language, or in English."""
    return SAYINGS.get(language.partition("-")[0], SAYINGS["en"])[what]


def switched(language: str) -> str:
    """The sentence with which the talk goes on in another language; an order to the model where there is none."""
    base = language.partition("-")[0]
    return SAYINGS[base]["switched"] if base in SAYINGS else f"Say, in {language}, that you go on in this language."


def language_name(language: str) -> str:
    """For the model: "Swahili", or the code of a language without a name here."""
    return LANGUAGE_NAMES.get(language.partition("-")[0], language)
