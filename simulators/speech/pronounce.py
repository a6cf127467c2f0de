"""Pronunciations of any word in the recogniser's 39 phones.

The recogniser's own dictionary knows 125,000 English words. What it lacks is tried as a plural, then as a compound of
two words it knows ("cheeseburger"), then spelt out by espeak-ng in English and in Swahili ("bhajia", "kachumbari"):
callers say a Swahili dish either way.
"""

import functools
import itertools
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from simulators.speech import espeak
from simulators.speech.extra import require

Phones = tuple[str, ...]
Dictionary = dict[str, tuple[Phones, ...]]

# The languages in which an unknown word is spelt out; English first, as it is what an English voice would say.
_LANGUAGES = ("en-us", "sw")
_COMPOUND_PART_MIN = 3

_PHONES_OF_IPA = {
    "aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW", "ɔɪ": "OY", "tʃ": "CH", "dʒ": "JH",
    "æ": "AE", "a": "AA", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO", "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ɚ": "ER", "ɜ": "ER",
    "ɝ": "ER", "ɛ": "EH", "e": "EH", "i": "IY", "ɪ": "IH", "ᵻ": "IH", "o": "OW", "u": "UW", "ʊ": "UH", "y": "UW",
    "b": "B", "ɓ": "B", "d": "D", "ɗ": "D", "ɖ": "D", "f": "F", "ɡ": "G", "g": "G", "ɠ": "G", "ɣ": "G", "h": "HH",
    "x": "HH", "ɟ": "JH", "ʄ": "JH", "k": "K", "q": "K", "l": "L", "ɫ": "L", "m": "M", "n": "N", "ɲ": "N Y",
    "ŋ": "NG", "p": "P", "r": "R", "ɹ": "R", "ɾ": "T", "s": "S", "ʃ": "SH", "t": "T", "ʈ": "T", "θ": "TH", "ð": "DH",
    "v": "V", "w": "W", "j": "Y", "z": "Z", "ʒ": "ZH", "c": "CH",
}  # fmt: skip


def dictionary(words: Iterable[str]) -> Dictionary:
    """Every word (in normal form) with one or more pronunciations, sorted by word."""
    return {word: pronunciations(word) for word in sorted(set(words))}


@functools.lru_cache(maxsize=20_000)
def pronunciations(word: str) -> tuple[Phones, ...]:
    """At least one. ValueError for what is not a word in normal form."""
    if not word.strip("'").replace("'", "").isascii() or not word.replace("'", "").isalpha():
        raise ValueError(f"not a word: {word!r}")
    return _listed().get(word) or _plural(word) or _compound(word) or _spelt_out(word)


def write_dictionary(words: Dictionary, path: Path) -> None:
    """In the recogniser's format: "word PH PH", further pronunciations as "word(2) PH PH"."""
    lines = [
        f"{word if number == 1 else f'{word}({number})'} {' '.join(phones)}\n"
        for word, variants in words.items()
        for number, phones in enumerate(variants, 1)
    ]
    path.write_text("".join(lines), encoding="utf-8")


def model_folder() -> Path:
    """The acoustic model, dictionary and language models inside the recogniser's package."""
    return Path(require("pocketsphinx").get_model_path()) / "en-us"


@functools.cache
def _listed() -> Dictionary:
    found: defaultdict[str, list[Phones]] = defaultdict(list)
    with (model_folder() / "cmudict-en-us.dict").open(encoding="utf-8") as lines:
        for line in lines:
            word, *phones = line.split()
            found[word.partition("(")[0]].append(tuple(phones))
    return {word: tuple(variants) for word, variants in found.items()}


def _plural(word: str) -> tuple[Phones, ...]:
    if not word.endswith("s"):
        return ()
    stem = word[:-1]
    variants = _listed().get(stem) or (_compound(stem) if len(stem) > _COMPOUND_PART_MIN else ())
    return tuple(phones + _ending(phones[-1]) for phones in variants)


def _ending(last: str) -> Phones:
    if last in {"S", "Z", "SH", "ZH", "CH", "JH"}:
        return ("IH", "Z")
    return ("S",) if last in {"P", "T", "K", "F", "TH"} else ("Z",)


def _compound(word: str) -> tuple[Phones, ...]:
    """Two listed words in one, the cut that makes the shorter part longest."""
    cuts = range(_COMPOUND_PART_MIN, len(word) - _COMPOUND_PART_MIN + 1)
    known = [cut for cut in cuts if word[:cut] in _listed() and word[cut:] in _listed()]
    # A short odd part ("kac" + "humbari") means a foreign word, not a compound.
    known = [cut for cut in known if min(cut, len(word) - cut) > _COMPOUND_PART_MIN]
    if not known:
        return ()
    cut = max(known, key=lambda at: min(at, len(word) - at))
    return tuple(first + second for first in _listed()[word[:cut]] for second in _listed()[word[cut:]])


def _spelt_out(word: str) -> tuple[Phones, ...]:
    variants = (_phones(espeak.phonemes(word, language)) for language in _LANGUAGES)
    found = tuple(dict.fromkeys(phones for phones in variants if phones))
    if not found:
        raise ValueError(f"no pronunciation for {word!r}")
    return found


def _phones(ipa: list[str]) -> Phones:
    phones: list[str] = []
    for symbol in ipa:
        at = 0
        while at < len(symbol):
            size = 2 if symbol[at : at + 2] in _PHONES_OF_IPA else 1
            phones += _PHONES_OF_IPA.get(symbol[at : at + size], "").split()
            at += size
    return tuple(phone for phone, _ in itertools.groupby(phones))
