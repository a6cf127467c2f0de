"""What somebody holds of a branch's events, judged without asking anybody: doubles, contradictions, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agiza.contracts.feed_digest import body_hash, canonical_json, chain_of_hashes


class NotAnEvent(ValueError):
    """A line that is no event of a feed; the text says what it lacks, not what it holds."""


@dataclass
class Holding:
    """Events by their number, of which only hashes are kept: a million of them take a hundred megabytes."""

    hashes: dict[int, bytes] = field(default_factory=dict)
    doubles: list[int] = field(default_factory=list)
    """Numbers that came again with the same content: harmless, if they had no second effect."""
    contradicting: list[int] = field(default_factory=list)
    """Numbers that came again with another content."""
    repeated_ids: list[int] = field(default_factory=list)
    """Numbers whose event id another number had before."""
    _ids: dict[str, int] = field(default_factory=dict)

    def add(self, event: Mapping[str, Any]) -> int:
        """Take one more event; gives its number. Raises :class:`NotAnEvent`."""
        number, event_id = event.get("sequence"), event.get("id")
        if not isinstance(number, str) or not number.isdecimal() or int(number) < 1:
            raise NotAnEvent("has no sequence")
        if not isinstance(event_id, str) or not event_id:
            raise NotAnEvent("has no id")
        sequence, digest = int(number), body_hash(canonical_json(event))
        if sequence in self.hashes:
            (self.doubles if self.hashes[sequence] == digest else self.contradicting).append(sequence)
            return sequence
        if self._ids.setdefault(event_id, sequence) != sequence:
            self.repeated_ids.append(sequence)
        self.hashes[sequence] = digest
        return sequence

    def missing(self, first: int, last: int) -> list[int]:
        """Numbers of this range that are not held."""
        return [number for number in range(first, last + 1) if number not in self.hashes]

    def beyond(self, newest: int) -> list[int]:
        """Numbers that the feed has not given yet."""
        return sorted(number for number in self.hashes if number > newest)

    def chain(self, seed: bytes, first: int, last: int) -> bytes:
        """The end of the chain over this range, of which nothing may be missing."""
        return chain_of_hashes(seed, (self.hashes[number] for number in range(first, last + 1)))

    def different(self, theirs: Iterable[tuple[int, bytes]]) -> Iterator[int]:
        """Numbers that are held with another content than these hashes of the feed's say."""
        return (number for number, digest in theirs if self.hashes.get(number, digest) != digest)


def ranges(numbers: Iterable[int]) -> str:
    """Numbers as one reads them: ``3, 7-12, 40``."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)
