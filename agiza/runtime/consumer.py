"""Reading streams as a consumer group: at least once, in each stream's order, with a limit on every repetition.

    consumer = StreamConsumer(clients, streams=[...], group="orders", handler=handle, limits=TOOL_LIMITS, ...)
    process.supervise("tools", consumer.run(process.stopping))

    async def handle(delivery: Delivery) -> Outcome:
        ...
        return Done()

What a handler says about a delivery is listed in :mod:`agiza.runtime.deliveries`.
An exception is one of these too: ``is_away(error)`` means Later, an attribute ``retryable = False`` means Dead,
anything else Retry. An entry that cannot be read as an event is Dead.

Each stream has its own loop and handles one entry after the other; an entry that is being repeated holds up its own
stream only. A reader that dies leaves its entries pending: they are taken over after ``idle_ms``, which must be much
longer than a handler takes. Every handler must know repeats.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Sequence

from agiza.runtime.clock import Clock
from agiza.runtime.deliveries import (
    ORDER_LIMITS,
    TOOL_LIMITS,
    Dead,
    Delivery,
    Done,
    Handler,
    Later,
    Limits,
    Outcome,
    Retry,
)
from agiza.runtime.leases import LIFE_MS, Leases
from agiza.runtime.metrics import Metrics
from agiza.runtime.partition_share import PartitionShare
from agiza.runtime.redis_clients import UNAVAILABLE, RedisClients
from agiza.runtime.stream_group import StreamGroup
from agiza.runtime.stream_reader import StreamReader

__all__ = [
    "ORDER_LIMITS",
    "TOOL_LIMITS",
    "Dead",
    "Delivery",
    "Done",
    "Handler",
    "Later",
    "Limits",
    "Outcome",
    "Retry",
    "StreamConsumer",
]


class StreamConsumer:
    """Reads these streams for this group.

    With ``exclusive`` all processes of the group share the streams, about equally many for each, and each stream has
    one reader at a time (by lease), which keeps its order across replicas. Without, any reader takes any entry.
    """

    def __init__(
        self,
        clients: RedisClients,
        *,
        streams: Sequence[str],
        group: str,
        handler: Handler,
        limits: Limits,
        clock: Clock,
        metrics: Metrics,
        is_away: Callable[[BaseException], bool] = lambda error: False,
        exclusive: bool = False,
        lease_life_ms: int = LIFE_MS,
        consumer: str | None = None,
    ) -> None:
        name = consumer or f"{group}-{socket.gethostname()}-{secrets.token_hex(4)}"
        self.share: PartitionShare | None = None
        if exclusive:
            leases = Leases(clients.commands, streams=streams, group=group, owner=name, life_ms=lease_life_ms)
            self.share = PartitionShare(leases, streams, clock, metrics, group=group, life_ms=lease_life_ms)
        self._readers = [
            StreamReader(
                StreamGroup(clients.commands, clients.blocking, stream=stream, group=group, consumer=name),
                handler,
                limits,
                clock,
                metrics,
                lambda error: isinstance(error, UNAVAILABLE) or is_away(error),
                self.share.seat(stream) if self.share else None,
            )
            for stream in streams
        ]

    async def run(self, stopping: asyncio.Event) -> None:
        """Read until ``stopping``. Then the entry in hand is finished, the rest is handed back, and it returns.

        Redis may be away, come back empty, or be restarted at any time meanwhile.
        """
        async with asyncio.TaskGroup() as group:
            if self.share is not None:
                group.create_task(self.share.run(stopping), name="share of the streams")
            for reader in self._readers:
                group.create_task(reader.run(stopping), name=f"reader of {reader.group.stream}")
