"""The bridge's events on their way out.

Nothing in a call waits for Redis: an event that cannot be published is logged and counted. Tool calls then go over
HTTP by the session's ladder, a hand-off leaves the stream by its own deadline.
"""

from __future__ import annotations

import asyncio
from typing import Final

import httpx

from agiza.contracts.envelope import ContractError, decode
from agiza.contracts.events import Event
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.publisher import Publisher, PublishFailed, Stamped

HTTP_S: Final = 2.0
HTTP_ATTEMPTS: Final = 3
HTTP_PAUSE_S: Final = 0.5
PUBLISH_ATTEMPTS: Final = 3
PUBLISH_PAUSE_S: Final = 0.3

_log = get_logger(__name__)


class Outlet:
    """Sends stamped events, over Redis or HTTP. One for all calls. ``stamp`` raises EventTooLarge."""

    def __init__(self, publisher: Publisher, orders: httpx.AsyncClient, clock: Clock, metrics: Metrics) -> None:
        self._publisher = publisher
        self._orders = orders
        self._clock = clock
        self._metrics = metrics
        self.stamp = publisher.stamp

    def now_ms(self) -> int:
        """Unix time of this service."""
        return int(self._clock.now().timestamp() * 1000)

    async def send(self, stamped: Stamped) -> None:
        """Publish once. Whoever needs an answer asks again in another way."""
        await self._is_sent(stamped)

    async def send_surely(self, stamped: Stamped) -> None:
        """Publish, and try again for a moment: nobody will ask for this one."""
        for attempt in range(1, PUBLISH_ATTEMPTS + 1):
            if await self._is_sent(stamped):
                return
            if attempt < PUBLISH_ATTEMPTS:
                await asyncio.sleep(PUBLISH_PAUSE_S)
        self._metrics.add("unexpected_error_total", where="event_lost")
        _log.error("event_lost", type=stamped.type, event_id=stamped.id)

    async def _is_sent(self, stamped: Stamped) -> bool:
        try:
            await self._publisher.send(stamped)
        except PublishFailed as failed:
            _log.warning("event_not_published", type=stamped.type, event_id=stamped.id, why=str(failed))
            return False
        return True

    async def ask_orders(self, stamped: Stamped) -> Event | None:
        """The same event over HTTP, with the same id. None when ``orders`` gave no answer."""
        headers = {"content-type": "application/cloudevents+json"}
        for attempt in range(1, HTTP_ATTEMPTS + 1):
            try:
                response = await self._orders.post(
                    "/internal/tool-calls", content=stamped.body, headers=headers, timeout=HTTP_S
                )
                response.raise_for_status()
                return decode(response.content).event
            except (httpx.HTTPError, ContractError) as error:
                _log.warning("tool_http_failed", attempt=attempt, why=type(error).__name__)
            if attempt < HTTP_ATTEMPTS:
                await asyncio.sleep(HTTP_PAUSE_S)
        return None
