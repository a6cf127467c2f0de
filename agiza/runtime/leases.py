"""Leases on streams in Redis: who reads which one now, and which processes want a part of them.

    leases = Leases(client, streams=[...], group="orders", owner="orders-host-1a2b", life_ms=3000)
    seen = await leases.look()            # says that we live, and tells who else does and who holds what
    gained = await leases.take([...])     # those of them that were free
    kept = await leases.prolong([...])    # those of them that are still ours
    await leases.let_go(stream)

At most one process at a time believes that it holds a lease, and a dead one loses it by itself. Written without
scripts (services may not run any): the holders are compared and their lives prolonged in one optimistic transaction. A
process that was paused may believe for a moment too long; what is done under a lease must therefore be harmless when
done twice. The lease gives order, not safety. Every time is Redis' own, so the clocks of machines may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from redis.exceptions import WatchError

from agiza.contracts.streams import lease_key, members_key
from agiza.runtime.redis_clients import Client

LIFE_MS: Final = 3000
"""A dead reader's streams wait for so long; meanwhile a caller's function calls come over HTTP."""
MEMBERS_KEPT: Final = 10
"""The list of members outlives its last member by so many lives."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One moment: the living members, ourselves among them, and each stream's holder (None: free).

    ``is_new`` says that we were not on the list before: just started, away for too long, or Redis lost its data.
    """

    members: frozenset[str]
    holders: Mapping[str, str | None]
    is_new: bool


class Leases:
    """The leases on these streams of one group, as ``owner`` (unique per process) sees them.

    Every method raises redis-py's errors when Redis does not answer; then nothing is known about what was done.
    """

    def __init__(self, client: Client, *, streams: Sequence[str], group: str, owner: str, life_ms: int) -> None:
        self._client = client
        self._streams = tuple(streams)
        self._members = members_key(group)
        self.owner = owner
        self._life_ms = life_ms

    async def look(self) -> Seen:
        """Say that we live and want a part, drop members that have said nothing for a life, and look at everything."""
        seconds, microseconds = await self._client.time()
        now_ms = seconds * 1000 + microseconds // 1000
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.zadd(self._members, {self.owner: now_ms})
            pipe.zremrangebyscore(self._members, "-inf", now_ms - self._life_ms)
            pipe.zrange(self._members, 0, -1)
            pipe.pexpire(self._members, self._life_ms * MEMBERS_KEPT)
            pipe.mget([lease_key(stream) for stream in self._streams])
            added, _, members, _, holders = await pipe.execute()
        return Seen(frozenset(members), dict(zip(self._streams, holders, strict=True)), bool(added))

    async def leave(self) -> None:
        """We want no part any more: the others may take ours as soon as we let go."""
        await self._client.zrem(self._members, self.owner)

    async def take(self, streams: Sequence[str]) -> frozenset[str]:
        """Take those of them that nobody holds; returns which."""
        if not streams:
            return frozenset()
        async with self._client.pipeline(transaction=False) as pipe:
            for stream in streams:
                pipe.set(lease_key(stream), self.owner, nx=True, px=self._life_ms)
            answers = await pipe.execute()
        return frozenset(stream for stream, answer in zip(streams, answers, strict=True) if answer)

    async def prolong(self, streams: Iterable[str]) -> frozenset[str]:
        """Prolong those of them that are still ours; returns which. Without those that changed hands in this moment."""
        wanted = tuple(streams)
        kept = await self._if_ours(wanted, self._prolonging)
        if kept is not None:
            return kept
        # One of them changed hands, as many do when a part is handed over. The others must not run out for that.
        each = [await self._if_ours((stream,), self._prolonging) for stream in wanted]
        return frozenset[str]().union(*(one for one in each if one is not None))

    def _prolonging(self, key: str) -> tuple[str | int, ...]:
        return "PEXPIRE", key, self._life_ms

    async def let_go(self, stream: str) -> bool:
        """Give it up, so that another need not wait for its end. Only if it is still ours; returns whether."""
        return bool(await self._if_ours((stream,), lambda key: ("DEL", key)))

    async def _if_ours(
        self, streams: tuple[str, ...], command: Callable[[str], tuple[str | int, ...]]
    ) -> frozenset[str] | None:
        """Those of them that were ours, with the command carried out; None when one changed hands meanwhile."""
        if not streams:
            return frozenset()
        keys = {stream: lease_key(stream) for stream in streams}
        async with self._client.pipeline(transaction=True) as pipe:
            try:
                await pipe.watch(*keys.values())
                holders = await pipe.mget(list(keys.values()))
                ours = [stream for stream, holder in zip(keys, holders, strict=True) if holder == self.owner]
                pipe.multi()  # type: ignore[no-untyped-call]
                for stream in ours:
                    pipe.execute_command(*command(keys[stream]))
                await pipe.execute()
            except WatchError:  # one of them ran out, or changed hands, in this very moment
                return None
        return frozenset(ours)
