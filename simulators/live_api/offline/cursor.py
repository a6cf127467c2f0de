"""A place in an utterance, and how to read a pointed-at thing ("the large fries", "one of them") from there."""

from collections.abc import Sequence

from simulators.live_api.offline.intents import Ref, Wish
from simulators.live_api.offline.lexicon import Choice, Lexicon
from simulators.live_api.offline.phrases import NUMBER_WORDS
from simulators.live_api.offline.segments import BARE, NAME, NUMBER, UNKNOWN, Segment

_NOTHING = Segment("end", ())
_SKIPPED_IN_REF = frozenset(("of", "the", "filler", "container", "more", "and_the"))
_BETWEEN_OPTION_AND_ITEM = frozenset(("container", "filler", "of"))


class Cursor:
    """Walks over segments. Past the end there is a segment of kind "end", for ever."""

    def __init__(self, segments: Sequence[Segment], lexicon: Lexicon) -> None:
        self._segments = segments
        self.lexicon = lexicon
        self.at = 0
        self.said_all = False

    def ahead(self, count: int = 0) -> Segment:
        place = self.at + count
        return self._segments[place] if 0 <= place < len(self._segments) else _NOTHING

    @property
    def now(self) -> Segment:
        return self.ahead()

    def take(self) -> Segment:
        segment = self.now
        self.at += 1
        return segment

    def skip(self, *kinds: str) -> bool:
        """Step over segments of these kinds; whether there was one."""
        start = self.at
        while self.now.kind in kinds:
            self.at += 1
        return self.at > start

    def item_ahead(self) -> tuple[str, ...]:
        """The item(s) that the option just taken may stand in front of: only options and small words are between."""
        place = 0
        while True:
            segment = self.ahead(place)
            if is_item(segment):
                return segment.items
            if segment.kind == NAME and (implied := self.lexicon.implied_item(segment.choices)):
                return (implied,)
            if segment.kind not in _BETWEEN_OPTION_AND_ITEM and not is_option(segment):
                return ()
            place += 1

    def reference(self) -> tuple[Ref, int | None, bool]:
        """(what is pointed at, how many of it, whether anything was named). The cursor ends behind it."""
        number: int | None = None
        wishes: list[Wish] = []
        said: list[tuple[Choice, ...]] = []
        named = self.said_all = False
        while True:
            segment = self.now
            if segment.kind == NUMBER and not wishes:
                number = segment.number
            elif segment.kind == "all":
                number, named, self.said_all = None, True, True
            elif segment.kind in ("that", "of_them"):
                named = True
            elif segment.kind == NAME and is_item(segment):
                self.at += 1
                return _ref(segment, wishes), number, True
            elif segment.kind == NAME or segment.kind == BARE:
                said.append(choices_of(segment))
                wishes.append(option_ids(said[-1]))
            elif segment.kind not in _SKIPPED_IN_REF:
                break
            self.at += 1
            if segment.kind == "that":
                break
        implied = {self.lexicon.implied_item(choices) for choices in said} - {None}
        return Ref(implied.pop() if len(implied) == 1 else None, wishes=tuple(wishes)), number, named


def _ref(segment: Segment, wishes: Sequence[Wish]) -> Ref:
    if len(segment.items) == 1:
        return Ref(segment.items[0], wishes=tuple(wishes))
    return Ref(candidates=segment.items, wishes=tuple(wishes))


def is_item(segment: Segment) -> bool:
    return segment.kind == NAME and bool(segment.items)


def is_option(segment: Segment) -> bool:
    return segment.kind in (NAME, BARE) and not segment.items


def choices_of(segment: Segment, negative: bool = False) -> tuple[Choice, ...]:
    """What an option's words can mean; a bare noun goes on with the list it stands in ("no onions or pickles")."""
    if segment.bare is None:
        return segment.choices
    return tuple((negative and segment.bare.without) or segment.bare.extra)


def option_ids(choices: Sequence[Choice]) -> Wish:
    return tuple(dict.fromkeys(option for _, option in choices))


def is_word_of_content(segment: Segment) -> bool:
    return segment.kind == UNKNOWN and len(segment.words[0]) > 2 and segment.words[0] not in NUMBER_WORDS
