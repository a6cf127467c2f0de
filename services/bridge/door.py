"""How many connections may be without an accepted handshake: whoever only connects costs memory and says nothing."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

from agiza.runtime.metrics import Metrics

OPENING_MAX: Final = 400
"""Of all addresses together, some 30 kB each."""


class Door:
    """Counts connections from the accepted TCP connection to the accepted or refused handshake."""

    def __init__(self, per_address: int, metrics: Metrics) -> None:
        self._per_address = per_address
        self._metrics = metrics
        self._opening: Counter[str] = Counter()

    def enter(self, address: str) -> Pass | None:
        """A connection is there. None: it is one too many, and is to be closed without a word."""
        if self._opening.total() >= OPENING_MAX:
            self._refuse("opening_of_all")
            return None
        if self._opening[address] >= self._per_address:
            self._refuse("opening_of_one")
            return None
        self._opening[address] += 1
        return Pass(self, address)

    def leave(self, address: str) -> None:
        """A connection is accepted or gone."""
        self._opening[address] -= 1
        if not self._opening[address]:
            del self._opening[address]

    def _refuse(self, reason: Literal["opening_of_all", "opening_of_one"]) -> None:
        # Counted, not logged: what comes in masses must not fill the log.
        self._metrics.add("voice_media_refused_total", reason=reason)


class Pass:
    """One connection's place at the door. Giving it back twice is giving it back once."""

    def __init__(self, door: Door, address: str) -> None:
        self._door: Door | None = door
        self._address = address

    def give_back(self) -> None:
        """The handshake is over, or the connection is."""
        if self._door is not None:
            self._door.leave(self._address)
            self._door = None
