"""One clock hand for all calls of a process: what is due at about the same time shares one wake-up of the loop."""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections.abc import Callable
from typing import Final

from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics

TICK_S: Final = 0.01
"""Nothing is called early; everything may be called so much late."""

_log = get_logger(__name__)


class Ticks:
    """Calls things at a time rounded up to the next tick. For what happens all the time and must not be exact."""

    def __init__(self, metrics: Metrics) -> None:
        self._loop = asyncio.get_running_loop()
        self._metrics = metrics
        self._due: dict[int, list[tuple[contextvars.Context, Callable[[], None]]]] = {}

    def at(self, when: float, call: Callable[[], None]) -> float:
        """Call this once, in the present context, at ``when`` of the loop's clock or up to a tick later.

        Returns when. It cannot be cancelled: what has nothing to do any more does nothing. A fault in one is logged and
        does not keep others from being called.
        """
        number = math.ceil(when / TICK_S)
        waiting = self._due.get(number)
        if waiting is None:
            waiting = self._due[number] = []
            self._loop.call_at(number * TICK_S, self._tick, number)
        waiting.append((contextvars.copy_context(), call))
        return number * TICK_S

    def _tick(self, number: int) -> None:
        for context, call in self._due.pop(number):
            try:
                context.run(call)
            except Exception as error:  # the border between calls
                context.run(_log.error, "tick_fault", exc_info=error)
                self._metrics.add("unexpected_error_total", where="call")
