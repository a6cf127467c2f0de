"""What the agent is given to tell the caller about a hand-off, in the caller's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_COMING: Final[Mapping[str, str]] = {
    "en": "I am putting you through to a member of our team now. Please stay on the line.",
    "sw": "Ninakuunganisha na mhudumu wetu sasa. Tafadhali usikate simu.",
}
_NOBODY: Final[Mapping[str, str]] = {
    "en": "I am sorry, nobody of our team can come to the phone just now. I can go on with your order myself.",
    "sw": "Samahani, hakuna mhudumu anayeweza kupokea simu sasa. Naweza kuendelea na agizo lako.",
}


def coming(language: str) -> str:
    """A person is being called."""
    return _COMING.get(language.partition("-")[0], _COMING["en"])


def nobody(language: str) -> str:
    """Nobody is on duty; the call goes on."""
    return _NOBODY.get(language.partition("-")[0], _NOBODY["en"])
