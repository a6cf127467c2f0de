"""Whether "did you say X?" is what this caller said, in the menu's words instead of its own.

    agrees("one beef burger with extra patty and one water", "a double beef burger and a bottle of water")  -> True
    agrees("two beef burgers", "a beef burger")                                                             -> False

The caller knows no menu. It knows what everybody knows (a coke is a soda, a double has an extra patty, a regular one
may go unsaid) and is strict about the rest: each count, dish, size and "no ..." has to be there, and nothing more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .words import ARTICLES, NUMBERS, is_closer, plain, singular


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What goes without saying: small talk, what it comes in, and the size that everything has unless another one is named.
_UNHEARD = _set(
    """
    the of to for with and that thats is it its was were some my your me us i you we he she can could get give have had
    has like want would will order ordered please also add then so just in on at each say said mean meant this those
    these them right correct ok okay sorry thanks thank take do did am are be id ill lets let make bring all everything
    hi hello hey yes yeah actually now only both from by as well too there nothing else thatll
    na ya wa kwa tafadhali naomba nataka
    regular normal plain standard usual medium ordinary fresh single portion serving side piece
    bottle bottled cup glass can plate bowl box pack packet drink french fruit another other
    change swap turn switch upgrade instead
    """
)
_SAME = (
    {"without": "no", "hold": "no", "minus": "no", "bila": "no", "big": "large", "hamburger": "burger"}
    | {"coke": "cola", "pepsi": "cola", "coca": "cola", "fanta": "orange", "sprite": "lemon", "veg": "veggie"}
    | {"vegetarian": "veggie", "shake": "milkshake", "delete": "remove", "collect": "pickup", "chilly": "chilli"}
)
# Said of a drink, these name it; said of a soda, they are its kind. A soda of which nobody said the kind is a cola.
_SODAS = _set("cola orange lemon")
_PHRASES = (
    (re.compile(r"\b(?:take|leave) (?:off|out)\b"), "remove"),
    (re.compile(r"\btake ((?:the |my )?(?:\w+ ){1,3}?)(?:off|out)\b"), r"remove \1"),
    (re.compile(r"\bcoca[ -]cola\b"), "cola"),
    (re.compile(r"\bcheese burger"), "cheeseburger"),
    (re.compile(r"\bmilk shake"), "milkshake"),
    (re.compile(r"\bhalf (?:a )?dozen\b"), "six"),
    (re.compile(r"\b(?:a|one) (?=couple|pair|dozen|single|double)"), ""),
    (re.compile(r"\b(no|without) ([a-z]+)(?: or|,? nor| and no) ([a-z]+)"), r"no \2 no \3"),
    (re.compile(r"\bdouble (?=cheese|bacon|patty)"), "two "),
    # "A beef burger, sorry, a chicken burger": the later words are meant.
    (re.compile(r"[^,;.]*[,;.]? ?\b(?:sorry|no wait|wait no|i mean|i meant|actually)\b,? (?=\w)"), " "),
)
_HOW_BIG_OR_HOT = _set("extra hot mild spicy large small")
_CLOSING = re.compile(
    r"\b(?:and )?(?:that(?:'?s| is| will be| would be|'?ll be) (?:all|it|everything)|nothing else|"
    r"(?:i'?m |all )?done)\b"
)


@dataclass(slots=True)
class _Thing:
    """So many (None: not said) of what these words describe; `refused` is what it shall not have."""

    count: int | None
    words: set[str]
    refused: set[str]
    double: bool = False
    pack: int | None = None  # "two six wings": the name brings a number of its own

    def __bool__(self) -> bool:
        return bool(self.words or self.refused)


def agrees(asked: str, mine: str, earlier: str = "") -> bool:
    """Whether this caller, who said `mine`, says yes to "did you say `asked`?".

    What was said `earlier` tells what a shorter name means now: "four samosas", after "three beef samosas".
    """
    ends = bool(_CLOSING.search(plain(asked)))
    if ends and not (_CLOSING.search(plain(mine)) or is_closer(mine)):
        return False
    wanted, own, known = _things(asked), _things(mine), _things(earlier)
    if not wanted and not own:
        return ends or (bool(numbers := _numbers(asked)) and numbers == _numbers(mine))
    if not wanted or len(wanted) > len(own):
        return False
    if _one_change(wanted, own):
        return True
    used: set[int] = set()
    for place, thing in enumerate(wanted):
        # In the order of speaking when it can be; a list may be told in another one.
        found = next((at for at in range(len(own)) if at not in used and _same(thing, own[at], own[:at], known)), None)
        if found is None:
            return False
        used.add(found)
        if place and not thing.words and found != place:
            return False  # "one with no onions" belongs to what stands in front of it
    return len(used) == len(own)


def is_part(asked: str, mine: str) -> bool:
    """Whether one thing that is asked about is among those that were said, with all that was said about it."""
    wanted, own = _things(asked), _things(mine)
    return bool(wanted) and all(any(_same(thing, own[at], own[:at], []) for at in range(len(own))) for thing in wanted)


def _same(asked: _Thing, mine: _Thing, before: list[_Thing], known: list[_Thing]) -> bool:
    if not _as_many(asked, mine) or asked.refused != mine.refused:
        return False
    words = set(asked.words)
    if mine.double and not asked.double:
        if "extra" in words:
            words -= {"extra", "patty"}
        else:
            return False
    elif asked.double and not mine.double:
        return False
    if _drink(words) == _drink(mine.words):
        return True
    if mine.words and mine.words <= words and not words & _HOW_BIG_OR_HOT - mine.words:
        return any(words <= thing.words for thing in known)
    # "two sodas, one fanta" is told as "two sodas, one orange": what all of them are is not said again.
    whole = [thing for thing in before if (thing.count or 1) > (mine.count or 1)]
    missing = mine.words - words
    return bool(words) and words <= mine.words and any(missing <= thing.words for thing in whole)


def _as_many(asked: _Thing, mine: _Thing) -> bool:
    own, wanted = mine.count or 1, asked.count or 1
    if asked.pack is None or mine.pack is not None:
        return own == wanted and asked.pack == mine.pack
    return own in (wanted, wanted * asked.pack) if wanted > 1 else own == asked.pack


def _drink(words: set[str]) -> set[str]:
    kinds = words & _SODAS
    if not kinds or (words & {"juice", "cake", "pie", "chicken", "fish"}):
        return words
    rest = words - {"soda"}
    return (rest - {"cola"}) | {"soda"} if "cola" in kinds else rest


def _one_change(wanted: list[_Thing], own: list[_Thing]) -> bool:
    """ "Change the soda to a large" is told as "large on the soda": the same words about one thing, without a count."""
    if len(wanted) != 1 or wanted[0].count is not None or len(own) > 2 or any((o.count or 1) > 1 for o in own):
        return False
    said = {word for thing in own for word in thing.words}
    return wanted[0].words == said and wanted[0].refused == {w for thing in own for w in thing.refused}


def _things(text: str) -> list[_Thing]:
    """What is listed: a count begins another thing, so does an "and" or a comma before one; the rest describes it."""
    said = _CLOSING.sub(" ", plain(text))
    for pattern, replacement in _PHRASES:
        said = pattern.sub(replacement, said)
    found: list[_Thing] = [_Thing(None, set(), set())]
    refusing = False
    for spoken in re.findall(r"[a-z0-9]+|[,;.]", said.replace("'", "")):
        number = _number(spoken)
        if spoken == "double":
            found[-1].double = True
        elif number is not None:
            refusing = False
            last = found[-1]
            if last.count is not None and last.words <= _HOW_BIG_OR_HOT and not last.refused and number > 1:
                last.pack = number
            elif last:
                found.append(_Thing(number, set(), set()))
            else:
                last.count = number
        elif spoken in (",", ";", ".", "and", "with"):
            refusing = False
        elif (word := _SAME.get(spoken, spoken)) == "no":
            refusing = True
        elif word not in _UNHEARD:
            stem = word[:-1] if word.endswith("is") and len(word) > 4 else singular(word)
            stem = _SAME.get(stem, stem)
            if stem in _UNHEARD:
                continue
            (found[-1].refused if refusing else found[-1].words).add(stem)
    return [thing for thing in found if thing]


def _numbers(text: str) -> list[int]:
    return [number for spoken in re.findall(r"[a-z0-9]+", plain(text)) if (number := _number(spoken)) is not None]


def _number(spoken: str) -> int | None:
    if spoken.isdigit():
        return int(spoken[:6])
    if spoken in ARTICLES or spoken == "single":
        return 1
    return NUMBERS.get(spoken) if spoken != "double" else None
