"""Whether a process is alive, and whether it takes work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal

CHECK_TIMEOUT_S: Final = 1.5

Phase = Literal["starting", "ready", "draining"]
Check = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer of /readyz: ready when the phase is and every check passes."""

    phase: Phase
    checks: dict[str, bool]

    @property
    def is_ready(self) -> bool:
        """Whether a load balancer may send work here."""
        return self.phase == "ready" and all(self.checks.values())


@dataclass(slots=True)
class Health:
    """Alive while it answers at all; ready between :meth:`ready` and :meth:`drain`."""

    phase: Phase = "starting"
    checks: dict[str, Check] = field(default_factory=dict)

    def needs(self, name: str, check: Check) -> None:
        """Readiness depends on this check. It is given :data:`CHECK_TIMEOUT_S` and may raise."""
        self.checks[name] = check

    def ready(self) -> None:
        """The service has started. Without effect once it drains."""
        if self.phase == "starting":
            self.phase = "ready"

    def drain(self) -> None:
        """The service takes no new work and finishes what it has. There is no way back."""
        self.phase = "draining"

    async def readiness(self) -> Readiness:
        """Run all checks at the same time."""
        names = list(self.checks)
        passed = await asyncio.gather(*(_passes(self.checks[name]) for name in names))
        return Readiness(self.phase, dict(zip(names, passed, strict=True)))


async def _passes(check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await check()
    except Exception:  # whatever goes wrong in a check means: not ready
        return False
