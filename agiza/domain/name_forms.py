"""The forms of a name: what an id is called, and the ways in which something said can be the same as one of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agiza.domain.sounds import Sound, sound_of
from agiza.domain.words import Words, named, words_of

# Spoken names by id. `Any` for the key: Mapping is invariant in it, and every kind of id is a text.
Names = Mapping[Any, tuple[str, ...]]

_TURNS_MAX = 64


@dataclass(frozen=True, slots=True)
class Form:
    """One name of one id; `joined` are its letters without blanks, `sound` is how they sound."""

    key: str
    words: Words
    joined: str
    sound: Sound
    head: int

    @classmethod
    def of(cls, key: str, words: Words) -> "Form":
        return cls(key, words, "".join(words.plain), joined_sound(words.plain), words.head)


def forms_of(names: Names) -> Iterator[Form]:
    """Every name and every id. Articles count for nothing here."""
    for key, spoken in names.items():
        plains = dict.fromkeys(" ".join(words_of(name)) for name in (*spoken, key))
        for words in dict.fromkeys(named(plain) for plain in plains if plain):
            yield Form.of(key, words)


def turned(forms: list[Form]) -> Iterator[Form]:
    """More names of the same id (all of `forms` are of one). Two names that differ by one word make the two words one:
    with "barbecue dip", "bbq dip" and "barbecue sauce" there is a "bbq sauce". A name of one word is never made so."""
    pairs = [pair for one in forms for other in forms for pair in _one_apart(one.words, other.words)]
    made = 0
    for form in forms:
        for place, word in enumerate(form.words.content) if len(form.words.content) > 1 else ():
            for old, (content, said) in pairs:
                if word == old and made < _TURNS_MAX:
                    made += 1
                    new_said = _put(form.words.said, place, said)
                    new_content = _put(form.words.content, place, content)
                    yield Form.of(form.key, replace(form.words, plain=new_said, said=new_said, content=new_content))


def looks(words: Words) -> tuple[object, ...]:
    """The ways in which two names are the same without being like each other only: two names with a look in common."""
    if not words.content and not words.numbers:
        return ()
    return (
        ("words", words.content, words.marks),
        ("any order", tuple(sorted(words.content)), words.marks),
        ("letters", "".join(words.content), words.marks),
    )


def rejoined(words: Words) -> Iterator[object]:
    """The looks of the same with two neighbours joined: "milk shake vanilla"."""
    content = words.content
    for i in range(len(content) - 1) if len(content) > 2 else ():
        joined = (*content[:i], content[i] + content[i + 1], *content[i + 2 :])
        yield ("any order", tuple(sorted(joined)), words.marks)


def joined_sound(words: tuple[str, ...]) -> Sound:
    """The sound of words said without a pause: a sound that ends one and begins the next is heard once."""
    full = bones = ""
    for word in words:
        sound = sound_of(word)
        full += sound.full[1:] if full[-1:] == sound.full[:1] else sound.full
        bones += sound.bones[1:] if bones[-1:] == sound.bones[:1] else sound.bones
    return Sound(full, bones)


def _one_apart(one: Words, other: Words) -> Iterator[tuple[str, tuple[str, str]]]:
    """The word of `one`, and that of `other` in the singular and as said, where the names differ by a single word."""
    if len(one.content) != len(other.content) or one.marks != other.marks:
        return
    apart = [i for i, (mine, theirs) in enumerate(zip(one.content, other.content, strict=True)) if mine != theirs]
    if len(apart) == 1:
        (place,) = apart
        yield one.content[place], (other.content[place], other.said[place])


def _put(words: tuple[str, ...], place: int, word: str) -> tuple[str, ...]:
    return (*words[:place], word, *words[place + 1 :])
