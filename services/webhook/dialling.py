"""Whether machines may dial at this moment: the setting, the switch that can be thrown in a running system, and
whether calls of our own can be placed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from redis.exceptions import RedisError

from agiza.contracts import streams
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import Client

LOOK_S: Final = 1.0

log = get_logger(__name__)


class Dialling:
    """Read at any time. Without Redis the switch stays as it was seen last."""

    def __init__(
        self, redis: Client, metrics: Metrics, *, is_allowed: bool, can_place_calls: bool, per_caller_day: int
    ) -> None:
        self._redis = redis
        self._metrics = metrics
        self._is_allowed = is_allowed
        self._is_switched_off = False
        self.per_caller_day = per_caller_day
        """How many Dials one caller may cause in a day."""
        self._may_promise = can_place_calls
        self._can_place = False

    @property
    def is_on(self) -> bool:
        """Whether a Dial may be served."""
        return self._is_allowed and not self._is_switched_off

    @property
    def can_place_calls(self) -> bool:
        """Whether escalation says that it can place calls, so that a call back may be promised."""
        return self._may_promise and self._can_place

    def refused(self, call_id: str, branch_id: str) -> None:
        """A caller was told that nobody can come, because nobody may be dialled. Somebody has to look at it."""
        reason = "limit" if self.is_on else "off"
        self._metrics.add("dial_refused_total", reason=reason)
        log.error("dial_refused", call_id=call_id, branch_id=branch_id, reason=reason)

    async def watch(self, stopping: asyncio.Event) -> None:
        """Follow the switch until the service stops."""
        while not stopping.is_set():
            with contextlib.suppress(RedisError):
                await self.look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), LOOK_S)

    async def look(self) -> None:
        """Read the switch once. Raises :class:`RedisError`."""
        switch, outbound = await self._redis.mget([streams.DIAL_SWITCH, streams.OUTBOUND_STATE])
        self._can_place = outbound in ("ok", b"ok")
        is_off = switch in ("off", b"off")
        if is_off is not self._is_switched_off:
            log.error("dial_switched_off") if is_off else log.warning("dial_switched_on")
            self._is_switched_off = is_off
