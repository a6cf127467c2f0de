"""Words in normal form, so that "2 Cheese-burgers!" and "two cheeseburgers" can be compared.

`normalise` is what recognisers emit and references are written in. `same_words` also forgives what an order taker
does not hear: plural endings and the space in a compound name.
"""

import itertools
import re
import unicodedata

_UNITS = tuple(
    word
    for words in (
        "zero one two three four five six seven eight nine",
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    )
    for word in words.split()
)
_TENS_WORDS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = tuple(_TENS_WORDS.split())
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_NOT_WORD = re.compile(r"[^a-z']+")
_LONGEST_NUMBER = 999_999


def number_words(number: int) -> str:
    """`1530` as "one thousand five hundred thirty"; from 0 to 999,999."""
    if not 0 <= number <= _LONGEST_NUMBER:
        raise ValueError(f"no words for {number}")
    if number < 20:
        return _UNITS[number]
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = number % size
            return f"{number_words(number // size)} {name}" + (f" {number_words(rest)}" if rest else "")
    return _TENS[number // 10] + (f" {_UNITS[number % 10]}" if number % 10 else "")


def normalise(text: str) -> str:
    """Lower-case words of a-z and inner apostrophes, single spaces, digits spelt out; an empty string for no words."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'")).encode("ascii", "ignore").decode().lower()
    spelt = _NUMBER.sub(lambda found: f" {_spell(found.group())} ", plain)
    words = (word.strip("'") for word in _NOT_WORD.split(spelt))
    return " ".join(word for word in words if word)


def _spell(digits: str) -> str:
    whole, _, fraction = digits.replace(",", "").partition(".")
    # A phone number is said digit by digit.
    long = len(whole) > len(str(_LONGEST_NUMBER)) or (len(whole) > 1 and whole.startswith("0"))
    words = " ".join(_UNITS[int(digit)] for digit in whole) if long else number_words(int(whole))
    if fraction.strip("0"):
        words += " point " + " ".join(_UNITS[int(digit)] for digit in fraction)
    return words


def singular(word: str) -> str:
    """A common stem for a word and its plural. Not always a word itself ("cookie" gives "cooky")."""
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("ie"):
        return word[:-2] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "oes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "'s")):
        return word[:-1]
    return word


def stems(text: str) -> tuple[str, ...]:
    """The words in normal form without plural endings."""
    return tuple(singular(word) for word in normalise(text).split())


def same_words(one: str, other: str) -> bool:
    """Equal but for plural endings and the space in compounds ("cheese burgers", "cheeseburger")."""
    return "".join(stems(one)) == "".join(stems(other))


# Words that carry no part of an order or answer; recognisers differ on them without harm.
_FILLER_WORDS = """
a an the oh um uh er hmm hello hi hey please thanks thank you and some of also then well so just i i'd i'll i'm we we'd
we'll can could may would like have get take want give me us with to let let's do
"""
_FILLERS = frozenset(_FILLER_WORDS.split())
# Before a dish, "all" is what a drawled "a" sounds like; at the end ("that's all") and here it is meant.
_ALL_IS_MEANT_BEFORE = frozenset(("", "of", "the", "them", "my", "for", "thanks", "thank"))
_SAME = {"nope": "no", "nah": "no", "yeah": "yes", "yep": "yes", "yup": "yes", "ok": "okay", "alright": "right"}


def gist(text: str) -> str:
    """What two recognisers must agree on: the stems that change what is meant, run together. "" for no words at all.

    Ordering politely or bluntly is the same; "without", "no", "don't" and "remove" are never dropped.
    """
    words = normalise(text).split()
    kept = [
        word
        for word, following in itertools.zip_longest(words, words[1:], fillvalue="")
        if word not in _FILLERS and not (word == "all" and following not in _ALL_IS_MEANT_BEFORE)
    ] or words
    return "".join(singular(_SAME.get(word, word)) for word in kept)
