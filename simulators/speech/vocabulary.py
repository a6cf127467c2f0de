"""What a caller may name: the shape in which a menu's words reach ears and dialogue."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from simulators.speech.words import normalise


@dataclass(frozen=True, slots=True)
class Name:
    """One thing and the ways to say it, the usual one first."""

    id: str
    spoken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Items, options, and which options (by id) each item (by id) can have."""

    items: tuple[Name, ...] = ()
    options: tuple[Name, ...] = ()
    options_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def phrases(self) -> Iterator[str]:
        """Every spoken form in normal form, items first."""
        for name in (*self.items, *self.options):
            yield from (phrase for phrase in map(normalise, name.spoken) if phrase)

    def words(self) -> tuple[str, ...]:
        """Every word of every spoken form, sorted, once."""
        return tuple(sorted({word for phrase in self.phrases() for word in phrase.split()}))
