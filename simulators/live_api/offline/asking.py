"""Reads what a question is about: the dishes, the options and the unknown words that follow its first words."""

from simulators.live_api.offline.cursor import Cursor, choices_of, is_item, option_ids
from simulators.live_api.offline.intents import Ask, AskAbout, Wish
from simulators.live_api.offline.segments import BARE, NAME, NUMBER, UNKNOWN

_GOES_ON = frozenset(
    ("and", "the", "of", "with", "container", "filler", "more", "that", "prep", "all", "be", "of_them", "usual", NUMBER)
)


def read_ask(cursor: Cursor, about: AskAbout) -> Ask:
    """The question whose first words were just taken. The cursor ends at the first word that is not part of it."""
    items: list[str] = []
    wishes: list[Wish] = []
    words: list[str] = []
    while True:
        segment = cursor.now
        if is_item(segment):
            items.extend(segment.items)
            words.extend(() if segment.strong else segment.words)
        elif segment.kind in (NAME, BARE):
            wishes.append(option_ids(choices_of(segment)))
            items.extend(filter(None, (cursor.lexicon.implied_item(segment.choices),)))
        elif segment.kind == UNKNOWN:
            words.append(segment.text)
        elif segment.kind.startswith("ask:"):
            if about in ("other", "list") and not items:
                about = subject(segment.kind.removeprefix("ask:"))
        elif segment.kind not in _GOES_ON:
            break
        cursor.take()
    return Ask(about, tuple(dict.fromkeys(items)), tuple(wishes), " ".join(words))


def subject(name: str) -> AskAbout:
    """A subject by its name in the phrase table, which names exactly these; a test holds it to that."""
    return name  # type: ignore[return-value]
