"""What proves that a reader holds a branch's events: each event's one form in bytes, and a chain of hashes over them.

    chain(NOTHING, [canonical_json(event) for event in events]).hex()

h(0) is 32 zero bytes; h(n) = SHA-256(h(n-1) || SHA-256(body of event n)). Lost, added, swapped or changed events give
another end. A chain can be gone on with from any earlier end, so a reader need not keep what it has proved already.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import msgspec

NOTHING: Final = bytes(32)
"""h(0): the end of the chain over no events."""


def canonical_json(event: Any) -> bytes:
    """The event as RFC 8785 wants it: names in order, no spaces, UTF-8. Its numbers are integers, its names ASCII."""
    return msgspec.json.encode(event, order="sorted")


def chain(seed: bytes, bodies: Iterable[bytes]) -> bytes:
    """The end of the chain that begins at ``seed`` and goes over these bodies, in this order."""
    return chain_of_hashes(seed, map(body_hash, bodies))


def body_hash(body: bytes) -> bytes:
    """What of a body goes into the chain. Whoever keeps this may forget the body."""
    return hashlib.sha256(body).digest()


def chain_of_hashes(seed: bytes, hashes: Iterable[bytes]) -> bytes:
    """As :func:`chain`, of bodies whose :func:`body_hash` was kept."""
    end = seed
    for each in hashes:
        end = hashlib.sha256(end + each).digest()
    return end
