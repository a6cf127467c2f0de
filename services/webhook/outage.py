"""Whether Postgres and Redis answer: a caller who rings must not wait for a server that is gone.

Whoever had no answer asks :meth:`Watched.check`, which finds out at once for all who ask at the same time. A slow
answer on a busy machine is not an outage, and a caller must not lose the agent for it. While a server is away nobody
waits for it; the watch finds out when it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import psycopg

from agiza.runtime.logs import get_logger
from agiza.runtime.redis_clients import UNAVAILABLE, Client, reread

WATCH_S: Final = 0.5
PROBE_LIMIT_S: Final = 1.0

log = get_logger(__name__)

Probe = Callable[[], Awaitable[bool]]


class Watched:
    """One server. ``is_up`` can be read at any time."""

    def __init__(self, name: str, probe: Probe) -> None:
        self.name = name
        self.is_up = True
        self._probe = probe
        self._checking: asyncio.Task[bool] | None = None

    async def check(self) -> bool:
        """Ask now, together with all who ask at this moment. Takes :data:`PROBE_LIMIT_S` at most."""
        self.suspect()
        assert self._checking is not None, "it was started just now, at the latest"
        return await asyncio.shield(self._checking)

    def suspect(self) -> None:
        """Ask in the background; nobody waits for the answer."""
        if self._checking is None:
            self._checking = asyncio.create_task(self._ask(), name=f"check of {self.name}")

    async def watch(self, stopping: asyncio.Event) -> None:
        """Look for the return of a server that is away, until the service stops."""
        while not stopping.is_set():
            if not self.is_up:
                await self.check()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), WATCH_S)

    async def _ask(self) -> bool:
        answered = False
        try:
            async with asyncio.timeout(PROBE_LIMIT_S):
                answered = await self._probe()
        except TimeoutError:
            pass
        finally:
            self._checking = None
        if answered is not self.is_up:
            log.warning("server_back" if answered else "server_away", server=self.name)
            self.is_up = answered
        return answered


def postgres_probe(url: str) -> Probe:
    """A connection of its own: the pool would wait for a server that refuses, and that is known at once."""

    async def probe() -> bool:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=2) as connection:
                await connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    return probe


def redis_probe(client: Client) -> Probe:
    """One PING, and another when the first had no answer."""

    async def probe() -> bool:
        try:
            return bool(await reread(client.ping))
        except UNAVAILABLE:
            return False

    return probe
