"""One replica of a service that shares 16 streams, as a process of its own that tests kill, pause and stop.

    python share_worker.py REDIS_URL NAME LIFE_MS

It notes each entry that it handles in a list per stream (``handled:STREAM``, "NUMBER NAME"). A line on standard output
says that it runs; SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from agiza.contracts import streams
from agiza.contracts.events import ToolCancelled
from agiza.runtime.clock import Clock
from agiza.runtime.consumer import Delivery, Done, Limits, Outcome, StreamConsumer
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import open_redis

WORK_S = 0.003
LIMITS = Limits(idle_ms=60_000, sweep_s=0.1, deliveries_max=50, batch=5, block_ms=100, pause_s=(0.01, 0.05))
"""Nothing is ever idle for so long: what a dead process leaves comes to the next one by its seat alone."""


async def main(url: str, name: str, life_ms: int) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with open_redis(url, service="test") as clients:

        async def handle(delivery: Delivery) -> Outcome:
            event = delivery.received.event
            assert isinstance(event, ToolCancelled)
            await asyncio.sleep(WORK_S)
            await clients.commands.rpush(f"handled:{delivery.stream}", f"{event.leg_epoch} {name}")
            return Done()

        consumer = StreamConsumer(
            clients,
            streams=[streams.tools_stream_of(number) for number in range(streams.TOOL_PARTITIONS)],
            group="orders",
            handler=handle,
            limits=LIMITS,
            clock=Clock(),
            metrics=Metrics(),
            exclusive=True,
            lease_life_ms=life_ms,
            consumer=name,
        )
        print("running", flush=True)
        await consumer.run(stopping)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
