"""What a caller says that a person of the branch should hear, found by a few words.

Only a net under the model, which hears far more: a phrase that is missing here costs nothing where the model does its
work, and one too many takes a caller away from their order. So whole words only, no guesses ("nut burger" is food),
and what is denied ("no allergies") is cut out first. All languages are searched in every call: callers mix them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from agiza.contracts.events import EscalationReason

_TALK_EN: Final = "(?:speak|talk|talking|speaking)(?: to| with)"
_SOMEBODY_EN: Final = (
    "(?:(?:an?|the|your|some|any) )?(?:(?:real|actual|live|human|other) )?"
    "(?:person|people|human|human being|man|lady|manager|supervisor|someone|somebody|operator|agent|attendant"
    "|representative|staff|member of staff)"
)
_SOMEBODY_SW: Final = "(?:mtu|binadamu|meneja|msimamizi|mhudumu|mkubwa)"
_TALK_SW: Final = "(?:kuongea|niongee|tuongee|kuzungumza|nizungumze) na"

DENIED: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        r"(?:no|not|without|never had|dont have|do not have|havent got|havent|doesnt have|isnt|arent)"
        r"(?: an| any| known| food| nut)* (?:allergy|allergies|allergic)",
        r"(?:dont|do not|didnt|no need|rather not)(?: want| need| have| like| wish)*(?: to)?"
        rf" {_TALK_EN} {_SOMEBODY_EN}",
        r"(?:dont|do not|didnt)(?: want| need| like)* (?:a |any |my )?(?:refund|money back)",
    ),
    "sw": (
        r"(?:sina|hana|hatuna|hakuna)(?: \w+)? (?:mzio|mizio|aleji)",
        rf"(?:sitaki|hataki|si lazima) {_TALK_SW} {_SOMEBODY_SW}",
    ),
}
"""Said to say that it is not so."""

PHRASES: Final[Mapping[str, Mapping[EscalationReason, tuple[str, ...]]]] = {
    "en": {
        "allergy_or_medical": (
            "allergic", "allergy", "allergies", "anaphylaxis", "anaphylactic", "epipen", "coeliac", "celiac",
            "(?:gluten|lactose|nut|egg|soy|fish|shellfish) intoleran(?:t|ce)",
        ),
        "payment": (
            "refund", "money back", "over ?charged", "double charged", "charged (?:me )?(?:twice|too much|double)",
            "charged me wrong", "(?:wrong|incorrect) amount", "(?:paid|billed)(?: me)? twice",
            "dispute (?:a|the|this|my) (?:payment|charge|bill)",
        ),
        "caller_asked": (
            f"{_TALK_EN} {_SOMEBODY_EN}",
            f"(?:get|give|find) me {_SOMEBODY_EN}",
            f"(?:put|transfer|connect|pass) me (?:through |over )?to {_SOMEBODY_EN}",
            "(?:want|need) (?:an?|the|your) (?:(?:real|actual|live) )?(?:person|human|human being|manager)",
        ),
        "abuse": (
            "fuck (?:you|off|yourself)", "screw you", "go to hell", "piece of shit", "bitch", "bastard", "asshole",
            "you(?:re| are)? (?:an? |such an? |so |fucking |bloody )*(?:idiot|moron|stupid|useless|dumb)",
            "(?:stupid|dumb|useless|fucking) (?:robot|machine|bot|computer|idiot)",
        ),
    },
    "sw": {
        "allergy_or_medical": ("mzio", "mizio", "aleji"),
        "payment": (
            "nirudishie pesa", "rudisha pesa", "mnirudishie pesa", "nimelipa mara mbili", "nililipa mara mbili",
            "mmenitoza mara mbili", "mmenitoza zaidi", "pesa zangu",
        ),
        "caller_asked": (
            f"{_TALK_SW} {_SOMEBODY_SW}",
            f"(?:nipe|nipatie|niitie) {_SOMEBODY_SW}",
            f"(?:niunganishe|uniunganishe) na {_SOMEBODY_SW}",
        ),
        "abuse": ("mjinga (?:wewe|kabisa)", "wewe ni mjinga", "pumbavu", "mpumbavu", "mshenzi", "shenzi", "fala wewe"),
    },
}  # fmt: skip
"""By language and reason; each a pattern of whole words in plain form."""


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b")


_DENIALS: Final = _any_of(pattern for patterns in DENIED.values() for pattern in patterns)
_REASONS: Final[Mapping[EscalationReason, re.Pattern[str]]] = {
    reason: _any_of(pattern for reasons in PHRASES.values() for pattern in reasons.get(reason, ()))
    for reason in PHRASES["en"]
}


def concerns_in(text: str) -> tuple[EscalationReason, ...]:
    """The reasons for a person in one turn of the caller, the gravest first. ``abuse`` is one insult."""
    plain = _DENIALS.sub(" ", " ".join(re.sub(r"[^\w\s]", " ", re.sub(r"['’]", "", text.casefold())).split()))
    return tuple(reason for reason, pattern in _REASONS.items() if pattern.search(plain))
