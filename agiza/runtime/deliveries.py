"""What is said about an entry of a stream: the delivery, the limits of its repetition, and what came of it.

=========== =====================================================================================
Done        acknowledged
Retry       again after a pause; after ``deliveries_max`` deliveries it goes to the dead letters
Later       again after a pause, as long as it takes: the machinery is away, the entry is not at fault
Dead        to the dead letters at once
=========== =====================================================================================
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from agiza.contracts.envelope import Received
from agiza.runtime.redis_clients import BLOCK_MS


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient a consumer is. ``idle_ms``: pending for so long means that its reader is gone."""

    idle_ms: int
    sweep_s: float
    deliveries_max: int = 5
    batch: int = 10
    block_ms: int = BLOCK_MS
    pause_s: tuple[float, float] = (0.05, 2.0)
    """First and longest pause before a repetition."""


TOOL_LIMITS: Final = Limits(idle_ms=2_000, sweep_s=0.5)
"""A caller is waiting, and a healthy handler takes milliseconds."""
ORDER_LIMITS: Final = Limits(idle_ms=60_000, sweep_s=15)
"""Nobody waits at the telephone."""


@dataclass(frozen=True, slots=True)
class Done:
    """Handled, or known to have been handled before. ``is_acknowledged``: the handler had something to send anyway, and
    Redis was told in the same breath."""

    is_acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Failed; another try may succeed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Not tried: what it takes is away."""

    reason: str


@dataclass(frozen=True, slots=True)
class Dead:
    """Can never be handled."""

    reason: str


Outcome = Done | Retry | Later | Dead


@dataclass(frozen=True, slots=True)
class Receipt:
    """By which an entry is acknowledged."""

    stream: str
    group: str
    entry_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event from a stream. ``deliveries`` is 1 the first time."""

    receipt: Receipt
    received: Received
    deliveries: int

    @property
    def stream(self) -> str:
        """Where it was read."""
        return self.receipt.stream


Handler = Callable[[Delivery], Awaitable[Outcome]]
