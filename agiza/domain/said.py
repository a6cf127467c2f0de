"""Text that can be said in more than one language.

Rules are written in one language. What they say is a `Said`: English text, which is what every test and log sees, that
knows its key and its parts, so that at the end it can be put into the caller's language. The sentences stand in one
table for each language; pieces with a grammar of their own (numbers, lines of an order, lists) are made in `replies`.
"""

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Self

from agiza.domain.sentences_en import ENGLISH
from agiza.domain.sentences_sw import SWAHILI

TABLES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "sw": SWAHILI}
Render = Callable[[str], str]
_PLAIN = frozenset({str, int, bool, NoneType})


class Said(str):
    """English text, and how it is said in another language. Made by `said` and `piece`."""

    _render: Render

    def __new__(cls, english: str, render: Render) -> Self:
        made = super().__new__(cls, english)
        made._render = render
        return made

    def __deepcopy__(self, memo: object) -> Self:
        return self  # immutable, as every text; without this a copy would be asked for without its `render`

    def in_language(self, language: str) -> str:
        """In this language, or in English where it is not known."""
        base = language.partition("-")[0]
        return self._render(base) if base != "en" and base in TABLES else str(self)


def said(key: str, **parts: str | int) -> Said:
    """The sentence of this key. Parts that are `Said` themselves are put into the other language with it."""
    spoken = {name: str(part) for name, part in parts.items()}

    def render(language: str) -> str:
        inside = {name: in_language(part, language) for name, part in parts.items()}
        return TABLES[language][key].format(**inside)

    return Said(ENGLISH[key].format(**spoken), render)


def piece(english: str, **others: Callable[[], str]) -> Said:
    """A piece of a sentence: English, and by language how to make the other one. One that is not given is English."""
    return Said(english, lambda language: others[language]() if language in others else english)


def joined(parts: tuple[str, ...], mark: str = " ") -> Said:
    """Several texts behind each other."""
    return Said(mark.join(parts), lambda language: mark.join(text_in_language(part, language) for part in parts))


def text_in_language(text: str, language: str) -> str:
    """A text in this language, as far as it can be said in it; never a `Said`."""
    return text.in_language(language) if isinstance(text, Said) else text


def in_language(value: object, language: str) -> object:
    """`value` with everything that is `Said` in it put into this language; nothing in it is `Said` any more."""
    # Nearly all that comes here is plain, and stands in answers of hundreds of values: that is looked at first.
    if type(value) in _PLAIN:
        return value
    match value:
        case Said():
            return value.in_language(language)
        case list() | tuple():
            return type(value)([part if type(part) in _PLAIN else in_language(part, language) for part in value])
        case dict() | Mapping():
            return {name: part if type(part) in _PLAIN else in_language(part, language) for name, part in value.items()}
        case _:
            return value
