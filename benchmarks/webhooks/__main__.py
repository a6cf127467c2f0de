"""``make bench-webhooks``: deliveries to four subscribers, with and without a fifth that hangs, and the ledgers of all.

    python -m benchmarks.webhooks [--seconds 20] [--turns 3] [--rate 130] [--write]

Postgres and Redis are real and flush to disk; the relay and the delivery engine run as one process, the receivers as
another. Windows with and without the endpoint that hangs take turns in one run, so that whatever else the machine does
meets both. A time goes from the moment in which an event is numbered to the 2xx in the engine's hands. Then a backlog
is sent as quickly as it goes, and at the end what the receivers have noted is compared with the feed. Before all that,
in virtual time, a subscriber is down for half an hour. ``--write`` puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import uvloop

from agiza.cli.processes import Child, start_child
from agiza.runtime.backends import demo_servers
from agiza.runtime.clock import StoppedClock
from agiza.runtime.postgres import Pool, open_pool, transaction
from agiza.runtime.prepare import prepare
from agiza.runtime.redis_clients import open_redis
from agiza.runtime.redis_users import USERS, User
from benchmarks.bridge.machine import cpu_seconds, describe, load_average, occasion, python_with
from benchmarks.bridge.report import into_page
from benchmarks.tools.__main__ import file_system, on_disk, server_versions
from benchmarks.webhooks.down import Down, half_an_hour_down
from benchmarks.webhooks.ledger import compare
from benchmarks.webhooks.receivers import Entry
from benchmarks.webhooks.report import BEGIN, END, Figures, Window, is_good, page_part
from benchmarks.webhooks.shop import BRANCHES
from services.orders.webhooks.endpoints import new_secret
from services.orders.webhooks.store_endpoints import (
    Change,
    NewEndpoint,
    add_endpoint,
    change_endpoint,
    disable_endpoint,
    resume_endpoint,
)

PAGE: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"
WELL: Final = tuple(f"whe_well{place}" for place in range(4))
HANGING: Final = "whe_hanging"
READY_S: Final = 60.0
SWITCH_S: Final = 3.0
"""Left out at the beginning of each window: by then the lanes of the endpoints are as the window wants them."""
DRAINED_S_MAX: Final = 120.0


class Bench:
    """One run on servers that are there."""

    def __init__(self, pool: Pool, shop: Child, receivers: Child) -> None:
        self._pool = pool
        self._shop = shop
        self._receivers = receivers

    async def windows(self, seconds: float, turns: int) -> list[Window]:
        """In turns without and with the endpoint that hangs."""
        self._tell(signal.SIGUSR1)
        await asyncio.sleep(SWITCH_S)
        found = [await self._window(seconds, hangs=hangs) for _ in range(turns) for hangs in (False, True)]
        await self._hang(False)
        self._tell(signal.SIGUSR2)
        await self._drained()
        return [await self._with_times(window, *bounds) for window, bounds in found]

    async def backlog(self, seconds: float) -> tuple[int, float]:
        """How many deliveries of a backlog were sent, and in what time."""
        await self._change(WELL, Change(state="paused"))
        await asyncio.sleep(SWITCH_S)
        from_ = datetime.now(UTC)
        self._tell(signal.SIGUSR1)
        await asyncio.sleep(seconds)
        self._tell(signal.SIGUSR2)
        await asyncio.sleep(1.0)
        await self._change(WELL, Change(state="active"))
        await self._drained()
        [(count, took_s)] = await self._rows(
            "SELECT count(*), extract(epoch FROM max(at) - min(at))::float8 FROM webhook_attempts"
            " WHERE endpoint_id = ANY(%s) AND at > %s AND status < 300",
            list(WELL),
            from_,
        )
        assert count, "nothing was written"
        return count, took_s

    async def feed(self) -> list[tuple[Any, ...]]:
        """Every event that the receivers should have."""
        return await self._rows(
            "SELECT event_id, branch_id, sequence FROM outbox WHERE branch_id = ANY(%s)", list(BRANCHES)
        )

    async def _window(self, seconds: float, *, hangs: bool) -> tuple[Window, tuple[datetime, datetime]]:
        await self._hang(hangs)
        await asyncio.sleep(SWITCH_S)
        began, cpu_s = datetime.now(UTC), cpu_seconds(self._shop.pid)
        await asyncio.sleep(seconds)
        ended, cpu_s = datetime.now(UTC), cpu_seconds(self._shop.pid) - cpu_s
        return Window(hangs, (ended - began).total_seconds(), (), cpu_s), (began, ended)

    async def _with_times(self, window: Window, began: datetime, ended: datetime) -> Window:
        """The window with the times of what was numbered in it."""
        rows = await self._rows(
            "SELECT extract(epoch FROM (SELECT min(at) FROM webhook_attempts AS a WHERE a.endpoint_id = d.endpoint_id"
            " AND a.event_id = d.event_id AND a.status < 300) - began_at)::float8 * 1000"
            " FROM webhook_deliveries AS d WHERE endpoint_id = ANY(%s) AND began_at BETWEEN %s AND %s",
            list(WELL),
            began,
            ended,
        )
        ms = [row[0] for row in rows]
        return Window(window.hangs, window.seconds, ms, window.cpu_s)

    async def _hang(self, hangs: bool) -> None:
        now = datetime.now(UTC)
        async with transaction(self._pool) as conn:
            if hangs:
                await resume_endpoint(conn, HANGING, now)
            else:
                await disable_endpoint(conn, HANGING, "left out of this window", now)

    async def _change(self, endpoints: Sequence[str], change: Change) -> None:
        async with transaction(self._pool) as conn:
            for each in endpoints:
                await change_endpoint(conn, each, change, datetime.now(UTC))

    async def _drained(self) -> None:
        """Until nothing waits for an endpoint that is well."""
        async with asyncio.timeout(DRAINED_S_MAX):
            while await self._is_waiting():  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.1)

    async def _is_waiting(self) -> bool:
        unpublished = await self._rows("SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1")
        pending = "SELECT 1 FROM webhook_deliveries WHERE endpoint_id = ANY(%s) AND state = 'pending' LIMIT 1"
        return bool(unpublished or await self._rows(pending, list(WELL)))

    async def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as conn:
            return list(await (await conn.execute(statement, values or None)).fetchall())

    def _tell(self, number: signal.Signals) -> None:
        os.kill(self._shop.pid, number)


async def measure(
    urls: Mapping[str, str], admin_url: str, *, seconds: float, turns: int, rate: float, down_s: float = 1800.0
) -> Figures:
    """Everything, on an empty database. ``urls``: "database" and "redis" of orders."""
    secret = new_secret(secrets.token_bytes)
    environment = {"DATABASE_URL": urls["database"], "REDIS_URL": urls["redis"]}
    async with open_pool(admin_url, service="bench", size_max=2, statement_timeout_ms=60_000) as pool:
        down = await _down(urls, down_s)
        with tempfile.TemporaryDirectory(prefix="agiza-ledgers-") as folder:
            receivers = await start_child(
                "receivers",
                [
                    *("-m", "benchmarks.webhooks.receivers", "--secret", secret, "--ledger", folder),
                    *("--well", str(len(WELL)), "--hanging", "1"),
                ],
                {},
            )
            shop = None
            try:
                ports = (await receivers.wait_ready(READY_S))["ports"]
                await _add_endpoints(pool, ports, secret)
                shop = await start_child(
                    "shop",
                    ["-m", "benchmarks.webhooks.shop", "--rate", str(rate), "--allow", "127.0.0.1"],
                    environment,
                )
                await shop.wait_ready(READY_S)
                bench = Bench(pool, shop, receivers)
                windows = await bench.windows(seconds, turns)
                drained = await bench.backlog(seconds)
                feed = await bench.feed()
            finally:
                if shop is not None:
                    await shop.stop()
                await receivers.stop()
            verdicts = [compare(feed, _ledger(Path(folder), place)) for place in range(len(WELL))]
            left_waiting = int((Path(folder) / "left-waiting").read_text())
    return Figures(windows, drained, verdicts, down, left_waiting)


async def _down(urls: Mapping[str, str], down_s: float) -> Down:
    async with (
        open_pool(urls["database"], service="orders") as pool,
        open_redis(urls["redis"], service="orders") as redis,
    ):
        return await half_an_hour_down(pool, redis.commands, StoppedClock(datetime.now(UTC)), down_s=down_s)


async def _add_endpoints(pool: Pool, ports: Sequence[int], secret: str) -> None:
    async with transaction(pool) as conn:
        for id, port in zip((*WELL, HANGING), ports, strict=True):
            url = f"http://127.0.0.1:{port}/agiza"
            await add_endpoint(conn, NewEndpoint(id, BRANCHES, url, "", (), secret, "a benchmark"), datetime.now(UTC))


def _ledger(folder: Path, place: int) -> list[Entry]:
    return [Entry(**json.loads(line)) for line in (folder / f"{place}.jsonl").read_text().splitlines()]


async def main() -> int:
    """Exit code 0 only when every bar is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="of each window")
    parser.add_argument("--turns", type=int, default=3, help="windows of each kind")
    parser.add_argument("--rate", type=float, default=130, help="events in a second, each to four endpoints")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    chosen = parser.parse_args()
    if not (1 <= chosen.seconds <= 600 and 1 <= chosen.turns <= 20 and 1 <= chosen.rate <= 1000):
        parser.error("1 to 600 seconds, 1 to 20 turns, 1 to 1000 events in a second")
    load = load_average()
    with on_disk() as folder, demo_servers({}, keep_in=folder) as servers:
        passwords: dict[User, str] = {user: secrets.token_hex(24) for user in USERS}
        prepared = await asyncio.to_thread(prepare, servers.database_url, servers.redis_url, passwords)
        urls = {"database": prepared["orders"].database_url or "", "redis": prepared["orders"].redis_url}
        figures = await measure(
            urls, servers.database_url, seconds=chosen.seconds, turns=chosen.turns, rate=chosen.rate
        )
        versions = f"{server_versions(servers.database_url, servers.redis_url)}, on {file_system(folder)}"
    circumstances = (
        f"{occasion('make bench-webhooks', load)}, {chosen.rate:.0f} events in a second, {chosen.turns}"
        f" windows of {chosen.seconds:.0f} s of each kind: {describe()};"
        f" {python_with('aiohttp', 'psycopg', 'uvloop')}; {versions}."
    )
    part = page_part(figures, circumstances)
    print(part)
    if chosen.write:
        PAGE.write_text(into_page(PAGE.read_text(), part, BEGIN, END))
    return 0 if is_good(figures) else 1


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
