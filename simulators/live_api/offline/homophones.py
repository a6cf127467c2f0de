"""Words that sound alike ("to", "too", "two"), settled by what stands around them.

A recogniser writes whichever it likes. In front of something that is counted it is the number ("to cokes", "for
samosas", "won soda"); in a change, between the thing and what it becomes, it is not ("change the soda two large").
"""

from collections.abc import Sequence

from simulators.live_api.offline.cursor import is_option
from simulators.live_api.offline.lexicon import Lexicon
from simulators.live_api.offline.segments import NAME, NUMBER, Segment, cut
from simulators.speech.words import singular

_NUMBERS = {"to": "two", "too": "two", "tu": "two", "for": "four", "fore": "four", "ate": "eight", "won": "one"}
_NUMBERS |= {"tree": "three", "free": "three", "fo": "four", "sicks": "six"}
_NEVER_MEANT = frozenset(("won", "tree", "tu", "fore", "fo", "sicks"))
_PREPOSITIONS = {"two": "to", "too": "to", "four": "for"}
_CHANGING = frozenset(("change", "make"))
_BEGINS = frozenset(("and", "add", "start", "with", "filler", "correct", "act:hello", "act:yes", "act:no"))
_ENDS_CHANGE = frozenset(("and", "add", "remove", "start"))


def settle(words: tuple[str, ...], lexicon: Lexicon) -> tuple[str, ...]:
    """The words with each number or preposition written as it is meant."""
    if not any(word in _NUMBERS or word in _PREPOSITIONS for word in words):
        return words
    segments = cut(words, lexicon)
    settled: list[str] = []
    for place, segment in enumerate(segments):
        if len(segment.words) == 1:
            settled.append(_meant(segments, place, segment.text))
        else:
            settled.extend(segment.words)
    return (*settled, *words[len(settled) :])


def _meant(segments: Sequence[Segment], place: int, word: str) -> str:
    before = segments[place - 1] if place else Segment("start", ())
    after = segments[place + 1 : place + 4]
    changing = _in_change(segments[:place])
    if word in _PREPOSITIONS and changing and _is_becoming(before, after):
        return _PREPOSITIONS[word]
    if word in ("two", "too") and after and after[0].kind == "the" and before.kind == NAME:
        return "to"  # "add cheese two the burger"
    if word not in _NUMBERS:
        return word
    if not after:
        # "Make that to."
        return _NUMBERS[word] if changing and before.kind == "that" and word != "too" else word
    if after[0].kind == "of_them" and (word == "to" or before.kind in _BEGINS):
        return _NUMBERS[word]
    if not _is_counted(after) or (changing and before.kind != "that"):
        return _NUMBERS[word] if word in _NEVER_MEANT and after[0].kind == NAME else word
    if before.kind.startswith("ask:") or (is_option(before) and not _was_counted(segments[: place - 1])):
        return word  # "what do you have for drinks", "add cheese to fries"
    if word in _NEVER_MEANT or _is_plural(after) or before.kind in _BEGINS:
        return _NUMBERS[word]
    return word


def _was_counted(before: Sequence[Segment]) -> bool:
    """ "three chilli dips": the option behind a number is a thing that was counted."""
    return bool(before) and before[-1].kind in (NUMBER, NAME, "with", "and")


def _in_change(before: Sequence[Segment]) -> bool:
    """ "Change the soda ...": the clause that is being said is one of changing."""
    for segment in reversed(before):
        if segment.kind in _CHANGING:
            return True
        if segment.kind in _ENDS_CHANGE or segment.kind.startswith("act:"):
            return False
    return False


def _is_becoming(before: Segment, after: Sequence[Segment]) -> bool:
    """ "the soda (two) large", "that (two) three", "the soda (two) a water": what it becomes follows."""
    if before.kind not in (NAME, "that") or not after:
        return False
    if after[0].kind in (NUMBER, "the"):
        return True
    return before.kind == NAME and after[0].kind == NAME and not _is_plural(after)


def _named(after: Sequence[Segment]) -> Segment | None:
    """The item that follows, behind its options; of options alone the last one."""
    named = None
    for segment in after:
        if segment.kind != NAME or not (segment.strong or segment.head):
            break
        named = segment
        if segment.items:
            break
    return named


def _is_counted(after: Sequence[Segment]) -> bool:
    return _named(after) is not None or (len(after) > 1 and after[0].kind == "container")


def _is_plural(after: Sequence[Segment]) -> bool:
    named = _named(after)
    last = named.words[-1] if named is not None else after[0].words[-1] if after[0].kind == "container" else ""
    return last.endswith("s") and (singular(last) != last or last.endswith("is"))
