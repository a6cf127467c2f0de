"""Loose comparison of spoken sentences: numbers in words or digits, plurals, articles and small talk do not count.

Pure. It knows no menu: "chips" and "fries" are two things to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_SWAHILI = "moja mbili tatu nne tano sita saba nane tisa kumi"
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50}
NUMBERS: dict[str, int] = (
    {word: value for value, word in enumerate(_UNITS.split(" "))}
    | {word: value for value, word in enumerate(_SWAHILI.split(" "), 1)}
    | _TENS
    | {"couple": 2, "pair": 2, "single": 1, "double": 2, "dozen": 12}
)
ARTICLES = frozenset({"a", "an"})
_SAME = {"without": "no", "hold": "no", "minus": "no", "bila": "no"} | dict.fromkeys(
    ("yeah", "yep", "ndiyo", "ndio"), "yes"
)
_FILLER = _set(
    """
    the of to for with and that thats is it its was were some my your me us i you we he she can could get give have had
    has like want would will order ordered please also add then so just in on at each say said mean meant this those
    these them right correct ok okay sorry thanks thank take do did am are be id ill lets let make bring all everything
    na ya wa kwa tafadhali naomba nataka
    """
)
_AFFIRMING = _set(
    """
    yes yeah yep yup sure ok okay correct right exactly perfect great fine good confirm confirmed ndiyo ndio sawa
    thats that is it its please go ahead place the order thank thanks you i do lovely absolutely definitely all
    """
)
_AFFIRMATION = _set("yes yeah yep yup sure ok okay correct right exactly confirm ndiyo ndio sawa")
_CLOSER = re.compile(
    r"\b(that(?:'?s| is| will be| would be) (?:all|it|everything)|nothing else|no more|no,? thank(?:s| you)|basi|"
    r"(?:hayo|hiyo) tu|i'?m done)\b"
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One thing out of a list: how many (empty when not said) and what."""

    numbers: frozenset[int]
    words: frozenset[str]


def plain(text: str) -> str:
    return text.lower().replace("’", "'").strip()


def tokens(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", plain(text).replace("'", ""))


def singular(word: str) -> str:
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith(("shes", "ches", "xes", "sses", "oes")):
        return word[:-2]
    stem = word.removesuffix("s")
    return stem[:-2] + "y" if stem.endswith("ie") else stem


def chunks(text: str) -> list[Chunk]:
    """What a sentence lists, piece by piece; pieces without any content are left out."""
    found = []
    for piece in pieces(text):
        numbers: set[int] = set()
        words: set[str] = set()
        for token in tokens(piece):
            if token.isdigit():
                numbers.add(int(token[:6]))
            elif token in NUMBERS:
                numbers.add(NUMBERS[token])
            elif token in ARTICLES:
                numbers.add(1)
            elif token not in _FILLER:
                words.add(singular(_SAME.get(token, token)))
        if words:
            found.append(Chunk(frozenset(numbers), frozenset(words)))
    return found


def pieces(text: str) -> list[str]:
    """The sentence cut at commas and conjunctions, as it was written."""
    parts = re.split(r"[,;.!?]|\b(?:and|plus|na|then)\b", text, flags=re.IGNORECASE)
    return [part.strip(" '\"") for part in parts if part.strip(" '\"")]


def was_said(asked: str, mine: str) -> bool:
    """Whether everything in `asked` is in `mine`, in a number that was said for it or with none said at all."""
    own = chunks(mine)
    own_words = frozenset(word for chunk in own for word in chunk.words)
    wanted = chunks(asked)
    return bool(wanted) and all(chunk.words <= own_words and _number_fits(chunk, own) for chunk in wanted)


def _number_fits(asked: Chunk, own: list[Chunk]) -> bool:
    related = [chunk for chunk in own if chunk.words & asked.words]
    counted = [chunk for chunk in related if chunk.numbers]
    if not asked.numbers or not counted:
        return True
    return any(asked.numbers & chunk.numbers for chunk in counted)


def is_affirmation(text: str) -> bool:
    """A plain yes, with nothing else asked for in it."""
    said = tokens(text)
    return any(word in _AFFIRMATION for word in said) and all(word in _AFFIRMING for word in said)


def is_closer(text: str) -> bool:
    """Says that the order is complete, and orders nothing."""
    return bool(_CLOSER.search(plain(text))) and not any(c.numbers for c in chunks(_CLOSER.sub(" ", plain(text))))
