"""Which names something that was said is like: how surely it is one of them, and how worth asking about each is.

Two scales from 0 to 1, 0 for "not at all". The numbers below were found with the tuning half of the labelled phrasings;
a change of them is judged by `make eval-names`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agiza.domain.likeness import LIKE_MIN, other_start, sounding_alike, spelt_alike
from agiza.domain.name_forms import Form, joined_sound
from agiza.domain.sounds import sound_of
from agiza.domain.words import Words, has_own_meaning, is_carrier

# To be certain:
WORD_MIN = 0.62  # of a word, where the rest of the name is certain: "tummy special"
ALONE_MIN = 0.8  # where there is nothing else to tell the name by
JOINED_MIN = 0.82  # where words were joined or parted: "cold slaw"
SURE = 0.95
_JOINED_LETTERS_APART_MAX = 2
_SPELT = 0.97  # one slip in a word of six letters is forgiven; one in five ("wafer", water) is asked about
_OWN_MEANING = 0.55  # of a word with a meaning of its own to any other: it is not that one misheard

# To be asked about:
_NEAR_MIN = 0.6
_PART = 0.6  # a whole name within what was said
_EVIDENCE_CHARS_MIN = 4

_Row = dict[str, float]
_Pairs = dict[int, tuple[int, float]]
_NO_PAIR = (-1, 0.0)


@dataclass(frozen=True, slots=True)
class Likely:
    key: str
    certain: float
    close: float


class NameLikeness:
    """The forms of a set of names, ready for being compared with. It never changes."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self._forms = [form for form in forms if form.words.content]
        self._joined = [form.joined for form in self._forms]
        self._sounds = [form.sound for form in self._forms]
        self._full = [form.sound.full for form in self._forms]
        pairs = [zip(form.words.content, form.words.said, strict=True) for form in self._forms]
        words = list(dict.fromkeys(pair for some in pairs for pair in some))
        self._words = [word for word, _ in words]
        self._word_sounds = [sound_of(said) for _, said in words]
        self._word_full = [sound.full for sound in self._word_sounds]
        self._vocabulary = frozenset(self._words)
        self._used: dict[str, frozenset[str]] = {}
        for form in self._forms:
            self._used[form.key] = self._used.get(form.key, frozenset()) | set(form.words.content)

    def covered(self, words: Words) -> str | None:
        """The one id that has a name within `words` and uses all the others of them too: "beef combo meal". Never where
        something is denied: "no gluten free base" is not "without gluten"."""
        said = set(words.content)
        if words.denied or len(said) < len(words.content):  # what says a word twice means something by it
            return None
        keys = {key for key, used in self._used.items() if said <= used}
        hits = {
            form.key
            for form in (self._forms if keys else ())
            if form.key in keys and form.words.marks == words.marks and said > set(form.words.content)
        }
        return hits.pop() if len(hits) == 1 else None

    def likely(self, words: Words) -> Iterator[Likely]:
        """Each form that `words` are like at all."""
        rows = [self._row(word, said) for word, said in zip(words.content, words.said, strict=True)]
        like = {word for row in rows for word in row}
        own = [self._means_itself(word) for word in words.content]
        head = words.head
        joined = "".join(words.plain)
        letters = spelt_alike(joined, self._joined)
        sounds = sounding_alike(joined_sound(words.plain), self._sounds, self._full)
        for place, form in enumerate(self._forms):
            together = max(letters.get(place, 0.0), sounds.get(place, 0.0))
            if not together and like.isdisjoint(form.words.content):
                continue
            if form.words.denied != words.denied:  # the opposite is never close enough, unless within a sentence
                if words.denied and set(form.words.content) < set(words.content):
                    yield Likely(form.key, 0.0, _PART + together / 2)
                continue
            foreign = [
                itself and word not in self._used[form.key] for itself, word in zip(own, words.content, strict=True)
            ]
            pairs = _paired(rows, form.words.content, foreign)
            certain = self._word_by_word(words, form, pairs)
            if not certain and not all(foreign):  # "lemon tea" is no lemonade
                certain = _as_one(words, form, together, len(joined))
            yield Likely(form.key, certain, self._closeness(words, form, pairs, together, own, head))

    def _row(self, mine: str, said: str) -> _Row:
        """The words of all names that are like this one."""
        row: _Row = {}
        for place, likeness in sounding_alike(sound_of(said), self._word_sounds, self._word_full).items():
            word = self._words[place]
            row[word] = max(row.get(word, 0.0), likeness)
        for place, likeness in spelt_alike(mine, self._words).items():
            word = self._words[place]
            # short words differ by a letter all the time (tea, pea), and nobody misses the first letter of a word
            if min(len(mine), len(word)) >= _EVIDENCE_CHARS_MIN and mine[0] == word[0]:
                row[word] = max(row.get(word, 0.0), likeness * _SPELT)
        if mine in self._vocabulary:
            row[mine] = 1.0
        return row

    def _word_by_word(self, words: Words, form: Form, pairs: _Pairs) -> float:
        same_number = len(pairs) == len(words.content) == len(form.words.content)
        if not same_number or form.words.marks != words.marks:
            return 0.0
        likes = [like for _, like in pairs.values()]
        marked = bool(words.numbers or words.denied or words.extra)
        if len(pairs) == 1 and not marked and likes[0] < 1:
            likes[0] *= other_start(sound_of(words.said[0]), sound_of(form.words.said[0]))
        helped = marked or (len(pairs) > 1 and max(likes) >= SURE)
        if min(likes) < (WORD_MIN if helped else ALONE_MIN):
            return 0.0
        lengths = [len(word) for word in words.content]
        return sum(like * length for like, length in zip(likes, lengths, strict=True)) / sum(lengths)

    def _closeness(self, words: Words, form: Form, pairs: _Pairs, together: float, own: list[bool], head: int) -> float:
        mine, theirs = words.content, form.words.content
        if len(mine) > 1:  # of several words, what only comes with a name or is short and inexact tells nothing
            pairs = {
                i: (j, like)
                for i, (j, like) in pairs.items()
                if not is_carrier(mine[i]) and (like == 1.0 or _is_evidence(mine[i], theirs[j]))
            }
        shared = sum(like >= ALONE_MIN for _, like in pairs.values())
        if shared and shared == len(theirs):
            return _PART + together / 2  # "large fries" for fries
        kind, first = pairs.get(head, _NO_PAIR), pairs.get(0, _NO_PAIR)
        same_kind = kind[0] == form.head and kind[1] >= ALONE_MIN
        if shared and shared == len(mine):  # "burger" for each of the burgers, before the burger combo
            return 0.4 + 0.4 * kind[1] + 0.02 * together + (0.1 if same_kind else 0.0)
        if same_kind:
            return 0.4 + together / 2  # "turkey burger"
        if first[0] == 0 and first[1] >= ALONE_MIN:
            return 0.3 + together / 2  # "chocolate cake"
        if any(itself and word not in theirs for itself, word in zip(own, mine, strict=True)):
            return 0.0
        return together if together >= _NEAR_MIN else 0.0

    def _means_itself(self, word: str) -> bool:
        return word in self._vocabulary or has_own_meaning(word)


def _is_evidence(mine: str, theirs: str) -> bool:
    return len(mine) >= _EVIDENCE_CHARS_MIN and other_start(sound_of(mine), sound_of(theirs)) == 1.0


def _as_one(words: Words, form: Form, together: float, letters: int) -> float:
    """The likeness of all the words said as one, which is enough where they were joined or parted. A number that was
    not understood as one is forgiven where nothing else is: "sick swings"."""
    least = JOINED_MIN if len(words.plain) != len(form.words.plain) else SURE
    if together < least or abs(letters - len(form.joined)) > _JOINED_LETTERS_APART_MAX:
        return 0.0
    misheard_number = not words.numbers and form.words.numbers and together >= SURE
    return together if form.words.marks == words.marks or misheard_number else 0.0


def _paired(rows: list[_Row], theirs: tuple[str, ...], foreign: list[bool]) -> _Pairs:
    """By place of a word that was said: the place of the name's word that is its own, and their likeness. The best
    pairs are made first. A word with a meaning of its own stands for another one only where the id uses both."""
    every: list[tuple[float, int, int]] = []
    for i, row in enumerate(rows):
        for j, other in enumerate(theirs):
            like = row.get(other, 0.0)
            if like >= LIKE_MIN:
                every.append((min(like, _OWN_MEANING) if foreign[i] and like < SURE else like, -i, -j))
    pairs: _Pairs = {}
    used: set[int] = set()
    for like, i, j in sorted(every, reverse=True):
        if -i not in pairs and -j not in used:
            pairs[-i] = (-j, like)
            used.add(-j)
    return dict(sorted(pairs.items()))
