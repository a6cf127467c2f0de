"""Which of several offered things a reply means."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulators.live_api.offline.phrases import plain_words
from simulators.speech.words import singular

_ORDINALS = (
    {"first", "one"},
    {"second", "two"},
    {"third", "three"},
    {"fourth", "four"},
    {"fifth", "five"},
    {"sixth", "six"},
)
_AROUND_ORDINALS = frozenset(
    ("the", "one", "number", "option", "please", "yes", "want", "ill", "take", "that", "thats")
)
_NOT_TELLING = frozenset(("the", "a", "an", "of", "with", "and", "one"))
_INDIFFERENT = ("any", "anything", "either", "whatever", "whichever", "you choose", "does not matter", "doesnt matter")


@dataclass(frozen=True, slots=True)
class Offered:
    """Something to choose, and the ways to say it."""

    id: str
    spoken: tuple[str, ...]


def pick(options: Sequence[Offered], text: str) -> Offered | None:
    """The option whose own words were said; by place ("the second one") or for want of a wish ("any") otherwise."""
    if not options:
        return None
    heard = _stems(text)
    scores = [max((_score(name, heard, options, option) for name in option.spoken), default=0.0) for option in options]
    best = max(scores)
    if best > 0:
        return options[scores.index(best)] if scores.count(best) == 1 else None
    words = " ".join(plain_words(text))
    if any(f" {phrase} " in f" {words} " for phrase in _INDIFFERENT):
        return options[0]
    rest = set(words.split()) - _AROUND_ORDINALS or set(words.split()) & {"one"}
    for place, names in enumerate(_ORDINALS[: len(options)]):
        if rest and rest <= names:
            return options[place]
    return options[-1] if rest == {"last"} else None


def _score(name: str, heard: set[str], options: Sequence[Offered], own: Offered) -> float:
    """How many of the words that tell this option from the others were heard; a whole name counts a little more."""
    words = _stems(name)
    others = [option for option in options if option is not own]
    common = {word for word in words if others and all(word in _all_stems(option) for option in others)}
    telling = (words - common or words) - _NOT_TELLING
    hits = len(telling & heard)
    return hits + 0.5 * (words <= heard) if hits else 0.0


def _all_stems(option: Offered) -> set[str]:
    return {word for name in option.spoken for word in _stems(name)}


def _stems(text: str) -> set[str]:
    return {singular(word) for word in plain_words(text)}
