"""How alike words are, from 0 to 1: in spelling, for slips of the pen, and in sound, for what was misheard.

The only file that imports rapidfuzz, for its edit distances; see docs/decisions/names.md.
"""

from collections.abc import Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from agiza.domain.sounds import Sound

# Below this nothing is told apart any more.
LIKE_MIN = 0.5
_SAME_SOUND = 0.96
_LONG_SOUND = 6
_OTHER_START = 0.85
_SHORT = 0.85


def spelt_alike(mine: str, theirs: Sequence[str]) -> dict[int, float]:
    """Of `theirs` those that are spelt like `mine`, by their place."""
    found = process.extract(mine, theirs, scorer=OSA.normalized_similarity, score_cutoff=LIKE_MIN, limit=None)
    return {place: likeness for _, likeness, place in found}


def sounding_alike(mine: Sound, theirs: Sequence[Sound], full: Sequence[str]) -> dict[int, float]:
    """Of `theirs`, whose full sounds are `full`, those that sound like `mine`, by their place."""
    return {place: _sound_likeness(mine, theirs[place], like) for place, like in spelt_alike(mine.full, full).items()}


def other_start(mine: Sound, theirs: Sound) -> float:
    """What to multiply the likeness of two short words with that stand alone and begin differently: hardly anybody
    misses how a word begins."""
    short = min(len(mine.full), len(theirs.full)) < _LONG_SOUND
    return _OTHER_START if short and mine.full[:1] != theirs.full[:1] else 1.0


def _sound_likeness(mine: Sound, theirs: Sound, full: float) -> float:
    if full == 1.0:
        return _SAME_SOUND
    bones = OSA.normalized_similarity(mine.bones, theirs.bones) if mine.bones and theirs.bones else 0.0
    # two sounds are too few to tell one word by (tea, pea)
    short = min(len(mine.full), len(theirs.full)) < 3
    return (full + bones) / 2 * (_SHORT if short else 1.0)
