"""What the agent is given to tell the caller about a hand-off, in the caller's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal
from zoneinfo import ZoneInfo

from agiza.domain.callback import Promise
from agiza.domain.hours import spoken_opening
from agiza.domain.menu import Branch

Name = Literal["coming", "coming_for_sure", "ringing", "nobody", "offer", "number_needed", "promised", "soon", "later"]

_SENTENCES: Final[Mapping[str, Mapping[Name, str]]] = {
    "en": {
        "coming": "I am putting you through to a member of our team now. Please stay on the line.",
        "coming_for_sure": "I am putting you through to a member of our team now. If the line drops, we will ring"
        " you back.",
        "ringing": "I am calling a member of our team for you. While it rings, we can go on with your order.",
        "nobody": "I am sorry, nobody of our team can come to the phone just now. I can go on with your order myself.",
        "offer": "I am sorry, nobody of our team can come to the phone just now. Shall we ring you back {when}?",
        "number_needed": "I am sorry, nobody of our team can come to the phone just now. We can ring you back {when}."
        " On which number?",
        "promised": "We will ring you back {when}.",
        "soon": "within {minutes} minutes",
        "later": "{opening}",
    },
    "sw": {
        "coming": "Ninakuunganisha na mhudumu wetu sasa. Tafadhali usikate simu.",
        "coming_for_sure": "Ninakuunganisha na mhudumu wetu sasa. Simu ikikatika, tutakupigia.",
        "ringing": "Ninampigia mhudumu wetu kwa ajili yako. Wakati simu inaita, tunaweza kuendelea na oda yako.",
        "nobody": "Samahani, hakuna mhudumu anayeweza kupokea simu sasa. Naweza kuendelea na oda yako.",
        "offer": "Samahani, hakuna mhudumu anayeweza kupokea simu sasa. Tukupigie {when}?",
        "number_needed": "Samahani, hakuna mhudumu anayeweza kupokea simu sasa. Tunaweza kukupigia {when}."
        " Kwa namba gani?",
        "promised": "Tutakupigia {when}.",
        "soon": "ndani ya dakika {minutes}",
        "later": "wahudumu wetu wakirudi kazini",
    },
}


def sentence(name: Name, branch: Branch, language: str, promise: Promise | None = None) -> str:
    """One sentence. ``promise`` says by when the customer is rung back."""
    words = _SENTENCES.get(language.partition("-")[0], _SENTENCES["en"])
    text = words[name].format(when=_when(words, branch, promise) if promise else "")
    return text.replace(" .", ".").replace(" ?", "?")


def _when(words: Mapping[Name, str], branch: Branch, promise: Promise) -> str:
    if promise.is_soon:
        return words["soon"].format(minutes=branch.escalation.callback_minutes)
    local = promise.first_attempt_at.astimezone(ZoneInfo(branch.timezone))
    return words["later"].format(opening=spoken_opening(local, promise.promised_at))
