"""Reads a carrier text (see carriers/), draws sentences from it and lists its runs of words.

book = PhraseBook(vocabulary)
book.sentences(10_000, seed=1)      # "can i have two chicken burgers one without onions please"
book.chunks()                       # "can i have", "one without", "please", ...
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from simulators.speech.carriers import CARRIERS
from simulators.speech.vocabulary import Name, Vocabulary
from simulators.speech.words import normalise

_TOKEN = re.compile(r"<[a-z-]+>|[\[\]()|]|[a-z']+")
_PARTLESS = ("no ", "without ", "hold the ", "extra ", "add ", "with ", "very ")
_DEPTH_MAX = 30
_USUAL_NAME_WEIGHT = 3
_FITTING_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the alternatives, by weight."""

    weights: tuple[int, ...]
    alternatives: tuple["Parts", ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A rule or a vocabulary slot, by name."""

    name: str


Part = str | Slot | Choice
Parts = tuple[Part, ...]
_NOTHING: Parts = ()


class PhraseBook:
    """The carriers with a vocabulary in their slots."""

    def __init__(self, vocabulary: Vocabulary, carriers: str = CARRIERS) -> None:
        self._rules = _parse(carriers)
        self._menu = _Menu(vocabulary)
        self._check()

    def sentences(self, count: int, *, seed: int) -> Iterator[str]:
        """Sentences of the rule `utterance`, each drawn on its own; the same seed gives the same ones."""
        chance = random.Random(seed)
        for _ in range(count):
            draw = _Draw(chance, self._menu)
            self._draw(self._rules["utterance"], draw, 0)
            yield " ".join(draw.words)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word that a sentence may hold, sorted, once."""
        found = {word for phrase in self._menu.phrases() for word in phrase.split()}
        for rule in self._rules.values():
            found.update(_words(rule))
        return tuple(sorted(found))

    def _draw(self, choice: Choice, draw: "_Draw", depth: int) -> None:
        if depth > _DEPTH_MAX:
            raise ValueError("the carriers go round in circles")
        for part in draw.chance.choices(choice.alternatives, choice.weights)[0]:
            match part:
                case str():
                    draw.words.append(part)
                case Slot("item" | "items" | "option" | "options" | "part" as name):
                    draw.fill(name)
                case Slot(name):
                    self._draw(self._rules[name], draw, depth + 1)
                case Choice():
                    self._draw(part, draw, depth + 1)

    def _check(self) -> None:
        slots = {slot.name for rule in self._rules.values() for slot in _slots(rule)}
        missing = slots - self._rules.keys() - {"item", "items", "option", "options", "part"}
        if missing:
            raise ValueError(f"rules without a definition: {', '.join(sorted(missing))}")


class _Menu:
    """A vocabulary's phrases by id, with weights, and which belong together."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.items = {name.id: _spoken(name) for name in vocabulary.items if _spoken(name)}
        self.options = {name.id: _spoken(name) for name in vocabulary.options if _spoken(name)}
        self.options_of = {
            item: [option for option in options if option in self.options]
            for item, options in vocabulary.options_of.items()
            if item in self.items
        }
        self.items_of: dict[str, list[str]] = {}
        for item, options in self.options_of.items():
            for option in options:
                self.items_of.setdefault(option, []).append(item)

    def phrases(self) -> Iterator[str]:
        for weighted in (*self.items.values(), *self.options.values()):
            for phrase in weighted:
                yield from (phrase, plural(phrase), *_parts(phrase))


class _Draw:
    """One sentence in the making. It remembers the dish, as "orange fries" is not what callers say."""

    def __init__(self, chance: random.Random, menu: _Menu) -> None:
        self.chance, self.words = chance, list[str]()
        self._menu = menu
        self._item: str | None = None
        self._option_waits: str | None = None

    def fill(self, slot: str) -> None:
        phrase = self._an_item() if slot in {"item", "items"} else self._an_option()
        if slot in {"items", "options"}:
            phrase = plural(phrase)
        elif slot == "part":
            phrase = next(iter(_parts(phrase)), phrase)
        self.words += phrase.split()

    def _an_item(self) -> str:
        fitting = self._menu.items_of.get(self._option_waits or "", ())
        self._item = self._one_of(fitting, self._menu.items)
        self._option_waits = None
        return self._phrase(self._menu.items, self._item)

    def _an_option(self) -> str:
        fitting = self._menu.options_of.get(self._item or "", ())
        option = self._one_of(fitting, self._menu.options)
        # What comes before its dish ("a large ...") binds the dish that follows.
        self._option_waits = option
        return self._phrase(self._menu.options, option)

    def _one_of(self, fitting: Sequence[str], anything: Mapping[str, object]) -> str | None:
        if fitting and self.chance.random() < _FITTING_SHARE:
            return self.chance.choice(fitting)
        return self.chance.choice(tuple(anything)) if anything else None

    def _phrase(self, names: Mapping[str, Mapping[str, int]], chosen: str | None) -> str:
        if chosen is None:  # an empty menu
            return ""
        return self.chance.choices(tuple(names[chosen]), tuple(names[chosen].values()))[0]


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


def _spoken(name: Name) -> dict[str, int]:
    """Phrases with weights: the usual name is what most callers say."""
    phrases = [normalise(spoken) for spoken in name.spoken]
    return {
        phrase: 1 if number else _USUAL_NAME_WEIGHT for number, phrase in enumerate(dict.fromkeys(phrases)) if phrase
    }


def _slots(choice: Choice) -> Iterator[Slot]:
    for alternative in choice.alternatives:
        for part in alternative:
            if isinstance(part, Slot):
                yield part
            elif isinstance(part, Choice):
                yield from _slots(part)


def _words(choice: Choice) -> Iterator[str]:
    for alternative in choice.alternatives:
        for part in alternative:
            if isinstance(part, str):
                yield part
            elif isinstance(part, Choice):
                yield from _words(part)


def _parse(text: str) -> dict[str, Choice]:
    rules: dict[str, list[tuple[int, Parts]]] = {}
    current: list[tuple[int, Parts]] = []
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


def _sequence(tokens: list[str], at: int) -> tuple[Parts, int]:
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


def _alternatives(tokens: list[str], at: int, closing: str) -> tuple[list[Parts], int]:
    found: list[Parts] = []
    while True:
        sequence, at = _sequence(tokens, at)
        found.append(sequence)
        if at >= len(tokens) or tokens[at] not in {"|", closing}:
            raise ValueError(f"a bracket without its {closing!r}: {' '.join(tokens)}")
        at += 1
        if tokens[at - 1] == closing:
            return found, at
