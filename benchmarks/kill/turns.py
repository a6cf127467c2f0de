"""What happens in each turn of each call: a plan without chance, so that every run is the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.bridge.sound import UTTERANCE_MS

CUT_MS_MIN: Final = 1_200
CUT_MS_MAX: Final = 2_400
"""The model has sent all of its audio after 1.5 s: some interruptions come while more is on its way, most while what
is left lies at the bridge."""
WHOLE_EVERY: Final = 4
GAP_AFTER_CUT_MS: Final = 1_100
GAP_AFTER_WHOLE_MS: Final = 700
SPOKEN_OVER_MS: Final = 300
"""A caller speaks for so long before the model yields."""
_CALL_STEP: Final = 389
_TURN_STEP: Final = 617


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the model. Times are milliseconds from its first audio."""

    sign: int
    """Of all samples of its audio: a turn and the next are told apart by it."""
    cut_ms: int | None
    """When the model says that it was interrupted; None: the turn is heard to its end."""

    @property
    def next_after_ms(self) -> int:
        """When the next turn begins."""
        return UTTERANCE_MS + GAP_AFTER_WHOLE_MS if self.cut_ms is None else self.cut_ms + GAP_AFTER_CUT_MS


def turn_of(call: int, number: int) -> Turn:
    """The turn with this number, from 0, of this call. Interruptions are spread over every millisecond of the time in
    which they come: the bridge sends in steps of 40 ms, and no part of a step may be preferred."""
    is_whole = number % WHOLE_EVERY == WHOLE_EVERY - 1
    cut_ms = CUT_MS_MIN + (call * _CALL_STEP + number * _TURN_STEP) % (CUT_MS_MAX - CUT_MS_MIN + 1)
    return Turn(1 if number % 2 else -1, None if is_whole else cut_ms)
