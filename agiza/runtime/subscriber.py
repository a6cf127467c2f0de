"""Listening on Pub/Sub channels: answers to a bridge, carts for a screen.

What is sent while nobody listens is lost; whoever needs it asks again. After a broken connection the subscription is
made anew by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Final

from redis.exceptions import RedisError

from agiza.contracts.envelope import ContractError, Received, decode
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import Client

WAIT_S: Final = 1.0
PAUSE_S: Final = (0.05, 0.25)

_log = get_logger(__name__)

Listener = Callable[[Received], None]
"""Called for each event, in order. It must return at once: put work into a queue or a task."""


class Subscriber:
    """Hears these channels between :meth:`run`'s start and ``stopping``."""

    def __init__(self, client: Client, channels: list[str], listener: Listener, metrics: Metrics) -> None:
        self._client = client
        self._channels = channels
        self._listener = listener
        self._metrics = metrics
        self.listening = asyncio.Event()
        """Set while the subscription stands. Wait for it before asking something that is answered here."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until ``stopping``; a lost connection is made again."""
        while not stopping.is_set():
            try:
                await self._listen(stopping)
            except (RedisError, OSError) as error:
                _log.warning("subscription_lost", error=type(error).__name__)
            finally:
                self.listening.clear()
            if not stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), random.uniform(*PAUSE_S))

    async def _listen(self, stopping: asyncio.Event) -> None:
        async with self._client.pubsub() as pubsub:
            await pubsub.subscribe(*self._channels)
            confirmed = 0
            while not stopping.is_set():
                message = await pubsub.get_message(timeout=WAIT_S)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    confirmed += 1
                    if confirmed == len(self._channels):
                        self.listening.set()
                elif message["type"] == "message":
                    self._hear(message["data"])

    def _hear(self, body: str) -> None:
        try:
            received = decode(body)
        except ContractError as error:
            _log.error("message_not_understood", reason=str(error))
            return
        try:
            self._listener(received)
        except Exception as error:  # one bad message must not end the listening of all calls
            self._metrics.add("unexpected_error_total", where="subscriber")
            _log.error("listener_failed", type=received.envelope.type, exc_info=error)
