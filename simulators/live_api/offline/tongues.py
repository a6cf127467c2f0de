"""Asking the agent to speak another language, and its own fixed sentences in Swahili.

The agent understands English with a few words of Swahili (phrases.py); what it says by itself is in the language of
the call where the sentence stands in the table, else in English.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final

from simulators.live_api.offline.wording import (
    ANYTHING_ELSE,
    GOODBYE,
    IS_THAT_EVERYTHING,
    IS_THAT_RIGHT,
    NOT_CAUGHT,
    ONE_AT_A_TIME,
    PUTTING_THROUGH,
    SAY_AGAIN,
    SHALL_I_PLACE,
    SOMETHING_WRONG,
    WHAT_TO_CHANGE,
    WHAT_WOULD_YOU_LIKE,
)

SWITCH_LANGUAGE: Final = "switchLanguage"

_ASKS: Final = (
    r"(?:(?:can|could|may|shall) (?:we|you|i)|let us|lets|please|i (?:want|would like|prefer)|id like|do you|tafadhali"
    r"|naomba|nataka|tunaweza|unaweza|ninaweza|naweza|je)"
)
_SPEAK: Final = (
    r"(?:speak|talk|use|continue|go on|switch|change|ongea|uongee|tuongee|kuongea|zungumza|uzungumze|tuzungumze"
)
_NAMES: Final[Mapping[str, str]] = {"sw": r"(?:kiswahili|swahili)", "en": r"(?:english|kiingereza)"}
_REQUESTS: Final = {
    language: re.compile(
        rf"\b(?:{_ASKS} (?:to )?)*{_SPEAK}) (?:to )?(?:in |with me in |to me in |kwa )?{name}(?: please| tafadhali)?\b"
        rf"|\b(?:in|kwa) {name}(?: please| tafadhali)?$|^{name}(?: please| tafadhali)$"
    )
    for language, name in _NAMES.items()
}

_SWAHILI: Final[Mapping[str, str]] = {
    ANYTHING_ELSE: "Kuna kingine?",
    WHAT_WOULD_YOU_LIKE: "Ungependa nini?",
    IS_THAT_RIGHT: "Je, ni sawa?",
    SHALL_I_PLACE: "Niweke oda?",
    NOT_CAUGHT: "Samahani, sikusikia vizuri. Unaweza kurudia?",
    WHAT_TO_CHANGE: "Nibadilishe nini?",
    ONE_AT_A_TIME: "Twende moja moja. Cha kwanza ni nini?",
    IS_THAT_EVERYTHING: "Ni hayo tu?",
    SAY_AGAIN: "Samahani. Unaweza kurudia?",
    PUTTING_THROUGH: "Ninakuunganisha na mtu. Tafadhali usikate simu.",
    SOMETHING_WRONG: "Samahani, kuna hitilafu upande wangu.",
    GOODBYE: "Asante kwa kupiga simu. Kwaheri.",
}


def asked_language(text: str, offered: Collection[str]) -> tuple[str, str] | None:
    """(the language that the caller asks for, the rest of what was said); None when nothing of the kind was said."""
    words = " ".join(re.findall(r"[a-z0-9']+", text.lower())).replace("'", "")
    for language, request in _REQUESTS.items():
        code = next((code for code in offered if code.partition("-")[0] == language), None)
        if code is not None and (found := request.search(words)):
            return code, f"{words[: found.start()]} {words[found.end() :]}".strip()
    return None


def in_language(sentence: str, language: str) -> str:
    """The agent's own sentence in this language, as far as it is known there."""
    return _SWAHILI.get(sentence.strip(), sentence) if language.partition("-")[0] == "sw" else sentence
