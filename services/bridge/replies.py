"""Answers and commands of other services on this bridge's own channel, to the calls that they are for.

A lost answer is no harm: the asker asks again by HTTP, or goes on without.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from agiza.contracts.envelope import Received
from agiza.contracts.events import Event
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import Client
from agiza.runtime.subscriber import Subscriber

Take = Callable[[Event], None]


class Replies:
    """The channel's only listener."""

    def __init__(self, redis: Client, channel: str, metrics: Metrics) -> None:
        self.channel = channel
        self._takers: dict[str, Take] = {}
        self._subscriber = Subscriber(redis, [channel], self._hear, metrics)

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until ``stopping``; to be supervised."""
        await self._subscriber.run(stopping)

    async def listens(self) -> bool:
        """For readiness: without this channel every answer would be late."""
        return self._subscriber.listening.is_set()

    @contextlib.contextmanager
    def of_call(self, call_id: str, take: Take) -> Iterator[None]:
        """Within the context, events of this call go to ``take``. The newest leg of a call gets them."""
        self._takers[call_id] = take
        try:
            yield
        finally:
            if self._takers.get(call_id) is take:
                del self._takers[call_id]

    def _hear(self, received: Received) -> None:
        taker = self._takers.get(received.envelope.callid or "")
        if taker is not None:
            taker(received.event)
