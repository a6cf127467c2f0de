"""Text in, wishes out: what a caller's utterance means against one menu. Pure, and never raises."""

import re

from simulators.live_api.offline.customer import take_customer
from simulators.live_api.offline.homophones import settle
from simulators.live_api.offline.intents import Act, Intent, NotOnMenu, Person, Unclear
from simulators.live_api.offline.lexicon import Lexicon
from simulators.live_api.offline.menu_text import Menu
from simulators.live_api.offline.phrases import NUMBER_WORDS, plain_words
from simulators.live_api.offline.reading import Reader
from simulators.live_api.offline.segments import cut

TEXT_CHARS_MAX = 2000

# Constructions whose words stand apart, put together: "take the soda off" is "remove the soda".
_TAKEN = r"(?<!ill )(?<!will )\b(?:take|leave) ((?:the |my |that |those )?(?:\w+ ){1,4}?)(?:off|out|away)\b"
_NUMBERS = "|".join(sorted(NUMBER_WORDS))
_CLOCK = rf"(?:(?:half past|quarter past|quarter to|half|an|{_NUMBERS}) ?)+"
_UNIT = "(?:minutes?|hours?|oclock|pm|am)"
_ASKED = r"\bwhat (?!(?:is|are|do|does|about|have|can|else|time)\b)((?:\w+ ){1,3}?)(?:do|have|are) you\b"
_REWRITES = (
    (re.compile(_TAKEN + r"(?= (?:the|my|it|that|one|both)\b)"), r"remove \1from"),
    (re.compile(_TAKEN), r"remove \1"),
    (re.compile(_ASKED), r"which \1"),
    (re.compile(r"\bput (?:the )?(\w+) back(?: on| in)?\b"), r"with \1"),
    (re.compile(r"^sorry$"), "pardon"),
    (re.compile(rf"\b(?:in|at|by|around|after|within) (?:about |like )?{_CLOCK} {_UNIT}\b"), ""),
    (re.compile(rf"\b(?:at|by|around) (?:about )?{_CLOCK}$"), ""),
)
_POLITE = frozenset(("thanks", "hello", "continue"))


class Understanding:
    """Reads utterances against one menu. Made once per call."""

    def __init__(self, menu: Menu) -> None:
        self.menu = menu
        self.lexicon = Lexicon(menu)

    def read(self, text: str, ordered: frozenset[str] = frozenset()) -> tuple[Intent, ...]:
        """At least one intent; a single `Unclear` when nothing was understood. `ordered`: items in the cart."""
        rest, customer = take_customer(text[:TEXT_CHARS_MAX])
        words = " ".join(plain_words(rest))
        for pattern, replacement in _REWRITES:
            words = pattern.sub(replacement, words)
        settled = settle(tuple(words.split()), self.lexicon)
        intents = list(Reader(cut(settled, self.lexicon), self.lexicon, ordered).read())
        if customer is not None:
            intents.append(customer)
        person = next((intent for intent in intents if isinstance(intent, Person)), None)
        if person is not None:
            return (_graver(intents) or person,)
        intents = _tidy(intents)
        return tuple(intents) or (Unclear(" ".join(plain_words(text))),)


def _graver(intents: list[Intent]) -> Person | None:
    """Of several reasons for a person, the one that staff must know: health before money before anger."""
    reasons = {intent.reason: intent for intent in intents if isinstance(intent, Person)}
    order = ("allergy", "payment", "complaint", "abuse", "asked", "lost")
    return next((reasons[reason] for reason in order if reason in reasons), None)


def _tidy(intents: list[Intent]) -> list[Intent]:
    """Politeness around a wish is no move of its own, and a thing is missed once."""
    unique: list[Intent] = []
    for intent in intents:
        if intent not in unique or not isinstance(intent, Act | NotOnMenu):
            unique.append(intent)
    wishes = [intent for intent in unique if not (isinstance(intent, Act) and intent.kind in _POLITE)]
    return wishes or unique
