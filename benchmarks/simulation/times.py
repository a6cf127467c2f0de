"""The world's milliseconds and the moments that rules are asked with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

BEGINNING: Final = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
"""A Friday noon in Nairobi: every branch of the examples is open, and stays so for the hours that a world lasts."""
BEGINNING_MS: Final = int(BEGINNING.timestamp() * 1000)


@lru_cache(maxsize=4096)
def moment(now: int) -> datetime:
    """The wall clock at this millisecond of the world."""
    return BEGINNING + timedelta(milliseconds=now)


def unix_ms(now: int) -> int:
    """Unix time at this millisecond of the world."""
    return BEGINNING_MS + now
