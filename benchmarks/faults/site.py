"""Everything that runs: Postgres, Redis, two replicas of orders, and a proxy on each way between them and the callers.

async with open_site(folder) as site:
    await site.strike(fault)        # returns when what was struck is there again
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, assert_never
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from agiza.cli.stack import BRANCHES
from agiza.runtime.backends import Servers, demo_servers
from agiza.runtime.clock import Clock
from agiza.runtime.prepare import ServiceUrls, prepare
from agiza.runtime.redis_users import USERS, User
from benchmarks.faults import aof
from benchmarks.faults.plan import FORMS, REPLICAS, Fault
from benchmarks.faults.proxy import LOOPBACK, Proxy
from benchmarks.faults.replicas import Replica

NOON: Final = datetime(2026, 3, 6, 12, tzinfo=ZoneInfo("Africa/Nairobi"))
TAIL_S: Final = 2.0
"""So much of Redis' append-only file is cut off: with ``appendfsync everysec`` a machine that stops loses no more."""

BRIDGE_LINKS: Final = ("bridge-redis", "http")


@dataclass(slots=True)
class Site:
    """The running whole. ``urls`` lead straight to the servers."""

    servers: Servers
    redis_folder: Path
    urls: Mapping[User, ServiceUrls]
    clock: Clock
    token: str
    links: Mapping[str, Proxy]
    replicas: Sequence[Replica]
    bytes_cut: int = 0
    """Of Redis' append-only file, by all faults together."""

    @property
    def bridge_redis_url(self) -> str:
        """Redis as a bridge reaches it: over its proxy."""
        return through(self.urls["bridge"].redis_url, self.links["bridge-redis"])

    @property
    def orders_url(self) -> str:
        """The internal door of orders as a bridge reaches it: over its proxy, to whichever replica takes it."""
        return f"http://{LOOPBACK}:{self.links['http'].port}"

    async def strike(self, fault: Fault) -> None:
        """Carry out this fault. Afterwards both servers run; whether all is mended is another question."""
        match fault.kind:
            case "replica":
                await self.replicas[FORMS[fault.kind].index(fault.form)].kill(fault.away_s)
            case "postgres":
                await asyncio.to_thread(self._restart_postgres, fault)
            case "redis-cut" | "redis-empty":
                await asyncio.to_thread(self._restart_redis, fault)
            case "replies":
                names = BRIDGE_LINKS if fault.form == "bridge" else (fault.form,)
                await asyncio.gather(*(self.links[name].swallow(fault.away_s) for name in names))
            case never:
                assert_never(never)

    def _restart_postgres(self, fault: Fault) -> None:
        postgres = self.servers.embedded["postgres"]
        match fault.form:
            case "fast":
                postgres.stop()
            case "immediate":
                os.kill(postgres.pid, signal.SIGQUIT)
            case _:
                postgres.kill()
        time.sleep(fault.away_s)
        postgres.start_again()

    def _restart_redis(self, fault: Fault) -> None:
        redis = self.servers.embedded["redis"]
        redis.kill()
        killed_at = time.time()
        if fault.kind == "redis-cut":
            self.bytes_cut += aof.cut_tail(self.redis_folder, killed_at - TAIL_S)
        else:
            aof.remove(self.redis_folder)
        time.sleep(fault.away_s)
        redis.start_again()


@contextlib.asynccontextmanager
async def open_site(folder: Path, log_folder: Path | None = None) -> AsyncIterator[Site]:
    """Start it, with the data of the servers in this folder, flushed to disk as in production."""
    async with contextlib.AsyncExitStack() as cleanup:
        # An empty environment: servers that are killed must be our own.
        servers = cleanup.enter_context(demo_servers({}, keep_in=folder))
        passwords: dict[User, str] = {user: secrets.token_hex(24) for user in USERS}
        urls = await asyncio.to_thread(prepare, servers.database_url, servers.redis_url, passwords)
        replicas: list[Replica] = []
        turns = itertools.count()

        def in_turn() -> list[int]:
            """All replicas; another one comes first each time. One that is dead takes no connection."""
            first = next(turns) % REPLICAS
            ports = [each.port for each in replicas]
            return ports[first:] + ports[:first]

        async def link(*ports: int) -> Proxy:
            return await cleanup.enter_async_context(Proxy(lambda: ports).open())

        postgres_port, redis_port = (servers.embedded[name].port for name in ("postgres", "redis"))
        links = {"bridge-redis": await link(redis_port)}
        for slot in range(REPLICAS):
            links[f"postgres-{slot}"], links[f"redis-{slot}"] = await link(postgres_port), await link(redis_port)
        links["http"] = await cleanup.enter_async_context(Proxy(in_turn).open())
        set_at = datetime.now(UTC)
        token = secrets.token_hex(24)
        for slot in range(REPLICAS):
            environment = {
                "DATABASE_URL": through(urls["orders"].database_url or "", links[f"postgres-{slot}"]),
                "REDIS_URL": through(urls["orders"].redis_url, links[f"redis-{slot}"]),
                "AGIZA_INTERNAL_TOKEN": token,
                "AGIZA_BRANCHES_DIR": str(BRANCHES),
                "AGIZA_NOW": NOON.isoformat(),
                "AGIZA_NOW_SET_AT": set_at.isoformat(),
            }
            replicas.append(Replica(slot, environment, log_folder))
        async with contextlib.AsyncExitStack() as running:
            # At once: the second need not wait until the first is ready.
            await asyncio.gather(*(running.enter_async_context(each.running()) for each in replicas))
            clock = Clock.starting_at(NOON, set_at)
            yield Site(servers, folder / "redis", urls, clock, token, links, replicas)


def through(url: str, proxy: Proxy) -> str:
    """The same URL, over this proxy."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{LOOPBACK}:{proxy.port}"))
