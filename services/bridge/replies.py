"""Answers and commands of other services on this bridge's own channel, to the calls that they are for.

A lost answer is no harm: the asker asks again by HTTP, or goes on without.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from agiza.contracts import streams
from agiza.contracts.envelope import Received
from agiza.contracts.events import Event, TakeOverAnswered
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import Client
from agiza.runtime.subscriber import Subscriber

Take = Callable[[Event], None]


class Replies:
    """The channel's only listener; it also hears what is said to all bridges."""

    def __init__(self, redis: Client, channel: str, metrics: Metrics) -> None:
        self.channel = channel
        self._takers: dict[str, Take] = {}
        self._awaited: dict[str, asyncio.Future[Event]] = {}
        self._subscriber = Subscriber(redis, [channel, streams.ALL_BRIDGES], self._hear, metrics)

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

    @contextlib.contextmanager
    def awaited(self, request_id: str) -> Iterator[asyncio.Future[Event]]:
        """Within the context, the answer to this request of ours comes as a future instead of to the call."""
        answered: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._awaited[request_id] = answered
        try:
            yield answered
        finally:
            del self._awaited[request_id]
            answered.cancel()

    def _hear(self, received: Received) -> None:
        if isinstance(received.event, TakeOverAnswered):
            answered = self._awaited.get(received.event.request_id)
            if answered is not None and not answered.done():
                answered.set_result(received.event)
            return
        taker = self._takers.get(received.envelope.callid or "")
        if taker is not None:
            taker(received.event)
