"""What a reader does with one stream and one consumer group: Redis' commands with their traps, and no policy.

Delivered entries stay on the group's pending list until they are acknowledged; the list remembers the reader, how
long the entry lies there, and how often it was delivered. Written for Redis 7.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import ResponseError

from agiza.contracts import streams
from agiza.runtime.janitor import sweep_stream
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import Client

DEAD_ENTRIES_MAX: Final = 10_000
GIVEN_BACK_IDLE_MS: Final = 24 * 3600 * 1000
"""Pretended idle time of an entry that is handed back: any other reader may take it at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivered entry. ``deliveries`` counts this delivery as well. ``fields`` is what was added."""

    id: str
    fields: Mapping[str, str]
    deliveries: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far a group is behind. ``lag`` is None while Redis cannot tell (after trimming or data loss)."""

    lag: int | None
    pending: int
    oldest_pending_s: float


def is_group_missing(error: ResponseError) -> bool:
    """Whether Redis lost the stream or the group, also in the middle of a waiting read."""
    return str(error).startswith(("NOGROUP", "UNBLOCKED"))


class StreamGroup:
    """One stream as seen by one reader (``consumer``) of one group."""

    def __init__(self, commands: Client, blocking: Client, *, stream: str, group: str, consumer: str) -> None:
        self._commands = commands
        self._blocking = blocking
        self.stream = stream
        self.group = group
        self.consumer = consumer

    async def create(self) -> bool:
        """Make the group, from the stream's beginning, and the stream if need be; False if it was there.

        Never from the end: what lies in the stream would be skipped. Repeats are for the handler to know.
        """
        try:
            await self._commands.xgroup_create(self.stream, self.group, id="0", mkstream=True)
        except ResponseError as error:
            if str(error).startswith("BUSYGROUP"):
                return False
            raise
        return True

    async def read(self, *, count: int, block_ms: int) -> list[Entry]:
        """New entries, waiting for the first one."""
        answer = await self._blocking.xreadgroup(
            self.group, self.consumer, {self.stream: ">"}, count=count, block=block_ms
        )
        return [Entry(id, fields, 1) for _, entries in answer or [] for id, fields in entries if fields is not None]

    async def claim_idle(self, *, idle_ms: int, count: int) -> tuple[list[Entry], int]:
        """Take over entries that lie unacknowledged for ``idle_ms``, our own included; oldest first.

        Also returns how many had lost their body to trimming: those are gone for good.
        """
        answer: Any = await self._commands.xautoclaim(
            self.stream, self.group, self.consumer, min_idle_time=idle_ms, start_id="0-0", count=count
        )
        claimed = [(id, fields) for id, fields in answer[1] if fields]
        lost = len(answer[2]) if len(answer) > 2 else 0
        if not claimed:
            return [], lost
        counts = await self._delivery_counts(claimed[0][0], claimed[-1][0], count)
        return [Entry(id, fields, counts[id]) for id, fields in claimed if id in counts], lost

    async def read_own(self, *, count: int) -> tuple[list[Entry], int]:
        """Our own unacknowledged entries, oldest first, and how many had lost their body (those are acknowledged).

        Only right after a failure: each reading hides how long an entry has been lying there.
        """
        answer = await self._commands.xreadgroup(self.group, self.consumer, {self.stream: "0"}, count=count)
        pending = [(id, fields) for _, entries in answer or [] for id, fields in entries]
        lost = [id for id, fields in pending if not fields]
        for id in lost:
            await self.acknowledge(id)
        whole = [(id, fields) for id, fields in pending if fields]
        if not whole:
            return [], len(lost)
        counts = await self._delivery_counts(whole[0][0], whole[-1][0], count)
        return [Entry(id, fields, counts[id]) for id, fields in whole if id in counts], len(lost)

    async def is_mine(self, id: str) -> bool:
        """Whether the entry is still pending, and ours: another reader may have taken it for abandoned."""
        pending = await self._commands.xpending_range(self.stream, self.group, id, id, 1, self.consumer)
        return bool(pending)

    async def touch(self, id: str, *, count_delivery: bool) -> None:
        """Keep an entry of ours from being taken for abandoned; may count as one more delivery."""
        # JUSTID leaves the counter alone, which is the only way to say so.
        await self._commands.xclaim(
            self.stream, self.group, self.consumer, min_idle_time=0, message_ids=[id], justid=not count_delivery
        )

    async def give_back(self, entries: Iterable[Entry]) -> None:
        """Leave these entries to any other reader, at once. This delivery does not count: nobody failed."""
        for entry in entries:
            await self._commands.xclaim(
                self.stream,
                self.group,
                self.consumer,
                min_idle_time=0,
                message_ids=[entry.id],
                idle=GIVEN_BACK_IDLE_MS,
                retrycount=entry.deliveries - 1,
                justid=True,
            )

    async def acknowledge(self, id: str) -> None:
        """The entry is done with."""
        await self._commands.xack(self.stream, self.group, id)

    async def bury(self, entry: Entry, reason: str) -> None:
        """Move the entry to the dead letters, with where it came from and why, and acknowledge it."""
        async with self._commands.pipeline(transaction=True) as pipe:
            pipe.xadd(
                streams.dead_stream(self.stream),
                {
                    **dict[Any, Any](entry.fields),
                    "dead_stream": self.stream,
                    "dead_group": self.group,
                    "dead_id": entry.id,
                    "dead_reason": reason,
                    "dead_deliveries": str(entry.deliveries),
                },
                maxlen=DEAD_ENTRIES_MAX,
                approximate=True,
            )
            pipe.xack(self.stream, self.group, entry.id)
            await pipe.execute()

    async def backlog(self) -> Backlog | None:
        """How far the group is behind; None when there is no such group."""
        groups: list[dict[str, Any]] = await self._commands.xinfo_groups(self.stream)
        state = next((group for group in groups if group["name"] == self.group), None)
        if state is None:
            return None
        oldest_s = 0.0
        if state["pending"]:
            summary: dict[str, Any] = await self._commands.xpending(self.stream, self.group)
            if summary["min"] is not None:
                seconds, microseconds = await self._commands.time()
                oldest_s = max(0.0, seconds + microseconds / 1e6 - int(str(summary["min"]).partition("-")[0]) / 1000)
        return Backlog(state.get("lag"), int(state["pending"]), oldest_s)

    async def sweep(self, metrics: Metrics) -> None:
        """Trim the stream behind all its groups."""
        await sweep_stream(self._commands, self.stream, metrics)

    async def forget_idle_consumers(self, *, idle_ms: int) -> int:
        """Remove readers that are gone and own nothing: each process start makes a new name."""
        consumers: list[dict[str, Any]] = await self._commands.xinfo_consumers(self.stream, self.group)
        gone = [
            str(consumer["name"])
            for consumer in consumers
            if consumer["name"] != self.consumer and consumer["pending"] == 0 and consumer["idle"] > idle_ms
        ]
        for name in gone:
            await self._commands.xgroup_delconsumer(self.stream, self.group, name)
        return len(gone)

    async def _delivery_counts(self, first: str, last: str, count: int) -> dict[str, int]:
        pending: list[dict[str, Any]] = await self._commands.xpending_range(
            self.stream, self.group, first, last, count * 10, self.consumer
        )
        return {str(item["message_id"]): int(item["times_delivered"]) for item in pending}
