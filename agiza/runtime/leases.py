"""A lease: at most one process at a time believes that it holds a name, and a dead one loses it by itself.

Written without scripts (services may not run any): the holder is compared and the life prolonged in one optimistic
transaction. A process that was paused may believe for a moment too long; what is done under a lease must therefore be
harmless when done twice. The lease gives order, not safety.
"""

from __future__ import annotations

from typing import Final

from redis.exceptions import WatchError

from agiza.contracts import streams
from agiza.runtime.clock import Clock
from agiza.runtime.redis_clients import Client

LIFE_MS: Final = 6000


class Lease:
    """One name, wanted by ``owner`` (unique per process)."""

    def __init__(self, client: Client, name: str, owner: str, clock: Clock, *, life_ms: int = LIFE_MS) -> None:
        self._client = client
        self._key = f"{streams.LEASES_PREFIX}{name}"
        self._owner = owner
        self._clock = clock
        self._life_ms = life_ms
        self._renewed_at: float | None = None

    async def hold(self) -> bool:
        """Take or prolong the lease; asks Redis only when a third of its life has passed."""
        now = self._clock.monotonic()
        if self._renewed_at is not None and now - self._renewed_at < self._life_ms / 3000:
            return True
        if await self._client.set(self._key, self._owner, nx=True, px=self._life_ms) or await self._prolong():
            self._renewed_at = now
            return True
        self._renewed_at = None
        return False

    async def release(self) -> None:
        """Give it up, so that another need not wait for its end. Only if it is still ours."""
        self._renewed_at = None
        await self._if_ours("DEL", self._key)

    async def _prolong(self) -> bool:
        return await self._if_ours("PEXPIRE", self._key, self._life_ms)

    async def _if_ours(self, *command: str | int) -> bool:
        async with self._client.pipeline(transaction=True) as pipe:
            try:
                await pipe.watch(self._key)
                if await pipe.get(self._key) != self._owner:
                    return False
                pipe.multi()  # type: ignore[no-untyped-call]
                pipe.execute_command(*command)
                await pipe.execute()
            except WatchError:  # it ran out, or changed hands, in this very moment
                return False
        return True
