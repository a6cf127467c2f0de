"""Cuts an utterance into names, numbers and phrases.

Of all ways to cut it, the one with the longest pieces is taken (each piece counts its words squared), so that
"add cheese burger" is "add" + "cheese burger" although "add cheese" is a name as well.
"""

from dataclasses import dataclass

from simulators.live_api.offline.lexicon import NAME_WORDS_MAX, BareNoun, Choice, Lexicon
from simulators.live_api.offline.phrases import (
    ARTICLES,
    NUMBER_LENGTH_MAX,
    NUMBERS_AFTER,
    PHRASE_WORDS_MAX,
    PHRASES,
    number_of,
)

UNKNOWN = "unknown"
NAME = "name"
NUMBER = "number"
BARE = "bare"

_SPAN_MAX = max(NAME_WORDS_MAX, PHRASE_WORDS_MAX, NUMBER_LENGTH_MAX)
_WEAK_NAME = 0.6
_PREFERENCE = {NAME: 0.3, NUMBER: 0.2, BARE: 0.1}
UTTERANCE_WORDS_MAX = 200
"""Longer talk is cut off: nobody orders in a sentence of 200 words, and the work stays bounded."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of an utterance. `kind` is NAME, NUMBER, BARE, UNKNOWN or the kind of a phrase."""

    kind: str
    words: tuple[str, ...]
    items: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    strong: bool = True
    head: bool = False
    plural: bool = False
    times: int = 1
    number: int = 0
    article: bool = False
    after: bool = False
    bare: BareNoun | None = None

    @property
    def text(self) -> str:
        return " ".join(self.words)


def cut(words: tuple[str, ...], lexicon: Lexicon) -> list[Segment]:
    """The segments in order; together they are the words."""
    words = words[:UTTERANCE_WORDS_MAX]
    best: list[tuple[float, Segment | None, int]] = [(0.0, None, 0)]
    for end in range(1, len(words) + 1):
        choices = [(best[end - 1][0], Segment(UNKNOWN, words[end - 1 : end]), end - 1)]
        choices += [
            (best[start][0] + weight, segment, start)
            for start in range(max(0, end - _SPAN_MAX), end)
            for segment, weight in _pieces(words[start:end], lexicon)
        ]
        best.append(max(choices, key=lambda choice: choice[0]))
    found: list[Segment] = []
    end = len(words)
    while end > 0:
        _, last, end = best[end]
        assert last is not None
        found.append(last)
    return found[::-1]


def _pieces(span: tuple[str, ...], lexicon: Lexicon) -> list[tuple[Segment, float]]:
    """Everything this span can be, with its weight."""
    length = len(span) ** 2
    found: list[tuple[Segment, float]] = []
    entry = lexicon.name(span)
    if entry is not None:
        plural = entry.singular_only and span[-1].endswith("s") and bool(entry.items)
        segment = Segment(NAME, span, tuple(entry.items), tuple(entry.choices), plural=plural, times=entry.times)
        found.append((segment, length + _PREFERENCE[NAME]))
    elif (weak := lexicon.weak(span)) is not None:
        plural = weak.singular_only and span[-1].endswith("s")
        segment = Segment(NAME, span, tuple(weak.items), strong=False, head=weak.head, plural=plural)
        found.append((segment, length * _WEAK_NAME))
    if (bare := lexicon.bare(span)) is not None:
        found.append((Segment(BARE, span, bare=bare), length * _WEAK_NAME + _PREFERENCE[BARE]))
    if len(span) <= NUMBER_LENGTH_MAX and (number := number_of(span)) is not None:
        found.append((Segment(NUMBER, span, number=number), length + _PREFERENCE[NUMBER]))
    if span in NUMBERS_AFTER:
        found.append((Segment(NUMBER, span, number=NUMBERS_AFTER[span], after=True), length + _PREFERENCE[NUMBER]))
    if span in ARTICLES:
        found.append((Segment(NUMBER, span, number=1, article=True), length + _PREFERENCE[NUMBER]))
    if (kind := PHRASES.get(span)) is not None:
        found.append((Segment(kind, span), float(length)))
    return found
