"""The proof of holding everything: a hash chain over the bodies of the events, in the order of their numbers.

    h(0) = 32 zero bytes;  h(n) = SHA-256(h(n-1) || SHA-256(body of event n))

Sender and receiver each compute it over the same numbers. The same digest means: the same events, none missing, none
twice, none changed, none in another place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Digest:
    """``hex`` over ``count`` bodies."""

    count: int
    hex: str


def digest_of(bodies: Iterable[bytes]) -> Digest:
    """The chain over these bodies, one after the other."""
    chained, count = bytes(32), 0
    for body in bodies:
        chained = hashlib.sha256(chained + hashlib.sha256(body).digest()).digest()
        count += 1
    return Digest(count, chained.hex())
