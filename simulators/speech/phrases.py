"""Reads a carrier text (see carriers.py), draws sentences from it and lists its runs of words.

book = PhraseBook(vocabulary)
book.sentences(10_000, seed=1)      # "can i have two chicken burgers one without onions please"
book.chunks()                       # "can i have", "one without", "please", ...
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from simulators.speech.carriers import CARRIERS
from simulators.speech.smalltalk import TALK
from simulators.speech.vocabulary import Name, Vocabulary
from simulators.speech.words import normalise

_TOKEN = re.compile(r"<[a-z-]+>|[\[\]()|]|[a-z']+")
_PARTLESS = ("no ", "without ", "hold the ", "extra ", "add ", "with ", "very ")
_DEPTH_MAX = 30
_USUAL_NAME_WEIGHT = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the alternatives, by weight."""

    weights: tuple[int, ...]
    alternatives: tuple["Sequence", ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A rule or a vocabulary slot, by name."""

    name: str


Part = str | Slot | Choice
Sequence = tuple[Part, ...]
_NOTHING: Sequence = ()


class PhraseBook:
    """The carriers with a vocabulary in their slots."""

    def __init__(self, vocabulary: Vocabulary, carriers: str = CARRIERS + TALK) -> None:
        self._rules = _parse(carriers)
        self._fill_slots(vocabulary)

    def sentences(self, count: int, *, seed: int) -> Iterator[str]:
        """Sentences of the rule `utterance`, each drawn on its own; the same seed gives the same ones."""
        chance = random.Random(seed)
        for _ in range(count):
            words: list[str] = []
            self._draw(self._rules["utterance"], chance, words, 0)
            yield " ".join(words)

    def chunks(self) -> tuple[str, ...]:
        """Every run of words between slots, brackets resolved both ways, and every slot's phrases; sorted, once."""
        found: set[str] = set()
        for rule in self._rules.values():
            for alternative in rule.alternatives:
                for expanded in _expanded(alternative):
                    found.update(_runs(expanded))
        return tuple(sorted(found))

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(sorted({word for chunk in self.chunks() for word in chunk.split()}))

    def _draw(self, choice: Choice, chance: random.Random, words: list[str], depth: int) -> None:
        if depth > _DEPTH_MAX:
            raise ValueError("the carriers go round in circles")
        for part in chance.choices(choice.alternatives, choice.weights)[0]:
            match part:
                case str():
                    words.append(part)
                case Slot(name):
                    self._draw(self._rules[name], chance, words, depth + 1)
                case Choice():
                    self._draw(part, chance, words, depth + 1)

    def _fill_slots(self, vocabulary: Vocabulary) -> None:
        items, options = _spoken(vocabulary.items), _spoken(vocabulary.options)
        self._rules["item"] = _any_of(items)
        self._rules["items"] = _any_of([(weight, plural(item)) for weight, item in items])
        self._rules["option"] = _any_of(options)
        self._rules["part"] = _any_of([(1, part) for _, option in options for part in _parts(option)])
        missing = {slot.name for rule in self._rules.values() for slot in _slots(rule) if slot.name not in self._rules}
        if missing:
            raise ValueError(f"rules without a definition: {', '.join(sorted(missing))}")


def plural(phrase: str) -> str:
    """The phrase with its last word in the plural, as callers say it after a number."""
    if phrase.endswith(("s", "i", "u")):  # fries, wings; Swahili names have no English plural
        return phrase
    if phrase.endswith(("ch", "sh", "x", "z")):
        return f"{phrase}es"
    if phrase.endswith("y") and phrase[-2:-1] not in "aeiou":
        return f"{phrase[:-1]}ies"
    return f"{phrase}s"


def _parts(option: str) -> list[str]:
    """What an option is about, singular or plural as it is spoken: "no onions" gives "onions"."""
    for start in _PARTLESS:
        if option.startswith(start):
            return [option.removeprefix(start)]
    return []


def _spoken(names: tuple[Name, ...]) -> list[tuple[int, str]]:
    """(weight, phrase): the usual name is what most callers say."""
    return [
        (_USUAL_NAME_WEIGHT if number == 0 else 1, normalise(spoken))
        for name in names
        for number, spoken in enumerate(name.spoken)
    ]


def _any_of(phrases: list[tuple[int, str]]) -> Choice:
    weights: dict[str, int] = {}
    for weight, phrase in phrases:
        weights[phrase] = max(weight, weights.get(phrase, 0))
    weights.pop("", None)
    if not weights:  # an empty menu still needs a slot that can be filled
        return Choice((1,), (_NOTHING,))
    return Choice(tuple(weights.values()), tuple(tuple(phrase.split()) for phrase in weights))


def _slots(choice: Choice) -> Iterator[Slot]:
    for alternative in choice.alternatives:
        for part in alternative:
            if isinstance(part, Slot):
                yield part
            elif isinstance(part, Choice):
                yield from _slots(part)


def _expanded(sequence: Sequence) -> Iterator[tuple[str | Slot, ...]]:
    if not sequence:
        yield ()
        return
    head, rest = sequence[0], sequence[1:]
    heads: Iterator[tuple[str | Slot, ...]] = (
        (expanded for alternative in head.alternatives for expanded in _expanded(alternative))
        if isinstance(head, Choice)
        else iter(((head,),))
    )
    tails = tuple(_expanded(rest))
    for start in heads:
        for tail in tails:
            yield start + tail


def _runs(sequence: tuple[str | Slot, ...]) -> Iterator[str]:
    run: list[str] = []
    for part in (*sequence, Slot("end")):
        if isinstance(part, str):
            run.append(part)
        else:
            if run:
                yield " ".join(run)
            run = []


def _parse(text: str) -> dict[str, Choice]:
    rules: dict[str, list[tuple[int, Sequence]]] = {}
    current: list[tuple[int, Sequence]] = []
    for line in filter(None, map(str.rstrip, text.splitlines())):
        if not line.startswith(" "):
            current = rules.setdefault(line.removesuffix(":"), [])
            continue
        weight, body = re.fullmatch(r"\s+(?:(\d+) )?(.*)", line).groups()  # type: ignore[union-attr]
        tokens = _TOKEN.findall(body)
        sequence, rest = _sequence(tokens, 0)
        if rest != len(tokens):
            raise ValueError(f"unbalanced brackets: {line.strip()}")
        current.append((int(weight or 1), sequence))
    return {
        name: Choice(tuple(weight for weight, _ in lines), tuple(sequence for _, sequence in lines))
        for name, lines in rules.items()
    }


def _sequence(tokens: list[str], at: int) -> tuple[Sequence, int]:
    parts: list[Part] = []
    while at < len(tokens) and tokens[at] not in {"|", ")", "]"}:
        symbol = tokens[at]
        if symbol in {"(", "["}:
            alternatives, at = _alternatives(tokens, at + 1, ")" if symbol == "(" else "]")
            if symbol == "[":
                # Left out half of the time, however many ways there are to say it.
                alternatives = [*alternatives, *[_NOTHING] * len(alternatives)]
            parts.append(Choice((1,) * len(alternatives), tuple(alternatives)))
        else:
            parts.append(Slot(symbol[1:-1]) if symbol.startswith("<") else symbol)
            at += 1
    return tuple(parts), at


def _alternatives(tokens: list[str], at: int, closing: str) -> tuple[list[Sequence], int]:
    found: list[Sequence] = []
    while True:
        sequence, at = _sequence(tokens, at)
        found.append(sequence)
        if at >= len(tokens) or tokens[at] not in {"|", closing}:
            raise ValueError(f"a bracket without its {closing!r}: {' '.join(tokens)}")
        at += 1
        if tokens[at - 1] == closing:
            return found, at
