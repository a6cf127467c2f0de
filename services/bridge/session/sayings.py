"""The few sentences that the session itself gives the agent to say, in the call's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Saying = Literal["putting_through", "being_rung", "joined"]

SAYINGS: Final[Mapping[str, Mapping[Saying, str]]] = {
    "en": {
        "putting_through": "I am putting you through to a colleague now. Please stay on the line.",
        "being_rung": "I am ringing a colleague already. Shall we go on with the order meanwhile?",
        "joined": "A colleague is on the line now, I am connecting you.",
    },
    "sw": {
        "putting_through": "Ninakuunganisha na mwenzangu sasa. Tafadhali usikate simu.",
        "being_rung": "Tayari ninampigia mwenzangu. Tuendelee na oda kwa sasa?",
        "joined": "Mwenzangu yuko kwenye laini sasa, ninakuunganisha naye.",
    },
}


def saying(what: Saying, language: str) -> str:
    """In this language, or in English."""
    return SAYINGS.get(language.partition("-")[0], SAYINGS["en"])[what]
