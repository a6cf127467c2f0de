"""The kitchens: for each branch a reader of its feed, as somebody writes one who has a consumer group and no more.

It is slow, so that there is always something that it has not read when Redis loses its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from agiza.contracts.streams import orders_stream
from agiza.runtime.publisher import EVENT_FIELD
from agiza.runtime.redis_clients import open_redis
from agiza.runtime.tasks import end

GROUP: Final = "kitchen"
BLOCK_MS: Final = 500
PAUSE_S: Final = 0.1
COOK_S: Final = (0.0, 4.0)


class Kitchens:
    """``given`` has the ids of all events that each branch's reader was given."""

    def __init__(self, seed: int) -> None:
        self.given: dict[str, set[str]] = defaultdict(set)
        self.hurried = asyncio.Event()
        """Set when only the end of the feed is still waited for: no more cooking."""
        self._chance = random.Random(f"kitchen {seed}")

    @contextlib.asynccontextmanager
    async def open(self, redis_url: str, branches: Sequence[str]) -> AsyncIterator[Kitchens]:
        """Read for the length of the context. Redis may be away, cut off or empty meanwhile."""
        async with open_redis(redis_url, service="kitchen") as redis:
            reading = [asyncio.create_task(self._read(redis.blocking, branch)) for branch in branches]
            try:
                yield self
            finally:
                await end(reading)
        for task in reading:  # one that broke by a fault of ours would look like a feed with a hole
            if not task.cancelled():
                task.result()

    async def _read(self, client: Redis, branch: str) -> None:
        stream, begin = orders_stream(branch), "0"  # first what was given to us and not acknowledged
        while True:
            try:
                answer = await client.xreadgroup(GROUP, "cook", {stream: begin}, count=1, block=BLOCK_MS)
                entries = [entry for _, found in answer or [] for entry in found]
                for id, fields in entries:
                    if fields:
                        self.given[branch].add(str(json.loads(fields[EVENT_FIELD])["id"]))
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self.hurried.wait(), self._chance.uniform(*COOK_S))
                    await client.xack(stream, GROUP, id)
                begin = ">" if not entries else begin
            except ResponseError:  # the group is gone, with the stream or alone
                begin = "0"
                await asyncio.sleep(PAUSE_S)
                with contextlib.suppress(RedisError, OSError):
                    await client.xgroup_create(stream, GROUP, id="0", mkstream=True)
            except (RedisError, OSError):
                begin = "0"
                await asyncio.sleep(PAUSE_S)
