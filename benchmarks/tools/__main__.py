"""``make bench-tools``: how long a caller waits for a function call, through real Redis and Postgres.

    python -m benchmarks.tools [--seconds 30] [--rate 100] [--write]

``orders`` runs as in production, as its own process. A hundred calls order at once, at a steady rate, whether or not
what was asked before is answered; a time goes from the moment at which the entry was due to its answer in the bridge's
hands. Beside it, in turns of the same run and at the same rate: the same handler without Redis, and the same statements
with values that are known beforehand, which is what Postgres takes to make it durable. At the end the database is
asked whether every confirmed order is there, once. ``--write`` puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import psycopg
import uvloop

from agiza.cli.processes import start_child
from agiza.cli.stack import BRANCHES
from agiza.runtime.backends import demo_servers
from agiza.runtime.clock import Clock
from agiza.runtime.prepare import prepare
from agiza.runtime.redis_users import USERS, User
from benchmarks.bridge.machine import cpu_seconds, describe, load_average, occasion, python_with
from benchmarks.bridge.report import into_page
from benchmarks.tools.callers import LIVE_CALLS, Callers
from benchmarks.tools.report import BEGIN, END, Figures, is_good, page_part
from benchmarks.tools.ways import open_ways

PAGE: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"
NOON: Final = datetime(2026, 3, 6, 12, tzinfo=ZoneInfo("Africa/Nairobi"))
READY_S: Final = 60.0
WARM_UP_S: Final = 3.0
TURNS: Final = 3


class WrongLedger(Exception):
    """The database does not hold exactly what was confirmed."""


def environment(database_url: str, redis_url: str, now_set_at: datetime) -> dict[str, str]:
    """What ``orders`` is told."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "AGIZA_PORT": "0",
        "AGIZA_INTERNAL_TOKEN": secrets.token_hex(24),
        "AGIZA_BRANCHES_DIR": str(BRANCHES),
        "AGIZA_NOW": NOON.isoformat(),
        "AGIZA_NOW_SET_AT": now_set_at.isoformat(),
    }


async def measure(
    urls: Mapping[str, str], admin_url: str, *, seconds: float, rate: float, turns: int = TURNS
) -> list[Figures]:
    """The three lines, the round trip first. ``urls``: "database" and "redis" of orders, "bridge_redis".

    Raises :class:`WrongLedger`.
    """
    set_at = datetime.now(UTC)
    clock = Clock.starting_at(NOON, set_at)
    orders = await start_child(
        "orders", ["-m", "services.orders"], environment(urls["database"], urls["redis"], set_at)
    )
    try:
        await orders.wait_ready(READY_S)
        async with open_ways(urls["database"], urls["bridge_redis"], clock) as ways:
            count = max(1, round(seconds * rate / turns))
            live = min(LIVE_CALLS, max(1, round(rate)))
            streamed = Callers(ways.by_stream.ask, clock, ways.by_stream.reply_to, "stream", live)
            handled = Callers(ways.by_handler.ask, clock, ways.by_handler.reply_to, "handler", live)
            for warming in (streamed, handled):
                await warming.call_steadily(round(min(WARM_UP_S, seconds) * rate), rate)
                warming.forget()
            # As a service does when it is ready: what stays for good is not looked at again by the collector.
            gc.collect()
            gc.freeze()
            cpu_s = 0.0
            for _ in range(turns):
                before = cpu_seconds(orders.pid)
                await streamed.call_steadily(count, rate)
                cpu_s += cpu_seconds(orders.pid) - before
                await ways.direct.commit_steadily(count, rate)
                await handled.call_steadily(count, rate)
            check_ledger(admin_url, streamed.placed + handled.placed + ways.direct.placed)
    finally:
        await orders.stop()
    return [
        Figures("XADD, `orders`, Postgres, answer by Pub/Sub", streamed.ms, streamed.right, streamed.wrong, cpu_s),
        Figures("the same handler, without Redis", handled.ms, handled.right, handled.wrong),
        Figures("the same statements and commit alone", ways.direct.ms, ways.direct.done),
    ]


def check_ledger(admin_url: str, confirmed: int) -> None:
    """As many orders as were confirmed, one ticket for each, numbers without a hole."""
    with psycopg.connect(admin_url) as connection:
        row = connection.execute(
            "SELECT count(*), count(DISTINCT cart_id), (SELECT count(*) FROM outbox),"
            " (SELECT sum(last_number) FROM order_counters) FROM orders"
        ).fetchone()
    if row != (confirmed,) * 4:
        raise WrongLedger(f"{confirmed} orders were confirmed; orders, carts, tickets, numbers: {row}")


async def main() -> int:
    """Exit code 0 only when every answer was right and in time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30, help="of each way")
    parser.add_argument("--rate", type=float, default=100, help="function calls in a second")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    chosen = parser.parse_args()
    if not (1 <= chosen.seconds <= 3600 and 1 <= chosen.rate <= 1000):
        parser.error("1 to 3600 seconds, 1 to 1000 function calls in a second")
    load = load_average()
    # An empty environment: the servers are our own, empty, and flush to disk as in production.
    with on_disk() as folder, demo_servers({}, keep_in=folder) as servers:
        passwords: dict[User, str] = {user: secrets.token_hex(24) for user in USERS}
        prepared = await asyncio.to_thread(prepare, servers.database_url, servers.redis_url, passwords)
        urls = {
            "database": prepared["orders"].database_url or "",
            "redis": prepared["orders"].redis_url,
            "bridge_redis": prepared["bridge"].redis_url,
        }
        figures = await measure(urls, servers.database_url, seconds=chosen.seconds, rate=chosen.rate)
        versions = f"{server_versions(servers.database_url, servers.redis_url)}, on {file_system(folder)}"
    circumstances = (
        f"{occasion('make bench-tools', load)}, {chosen.rate:.0f} in a"
        f" second, {TURNS} turns: {describe()}; {python_with('psycopg', 'redis', 'uvloop')}; {versions}."
    )
    part = page_part(figures, circumstances)
    print(part)
    if chosen.write:
        PAGE.write_text(into_page(PAGE.read_text(), part, BEGIN, END))
    return 0 if is_good(figures) else 1


@contextlib.contextmanager
def on_disk() -> Iterator[Path]:
    """A folder for the servers' data that a restart of the machine does not empty: without one they would lie in
    memory, where flushing costs nothing."""
    with tempfile.TemporaryDirectory(prefix="agiza-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the account that Postgres runs as has to get in
        yield folder


def file_system(folder: Path) -> str:
    """The kind of the file system that holds it ("ext4"), as the kernel says."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    holding = [(mount[1], mount[2]) for mount in mounts if folder.is_relative_to(mount[1])]
    return max(holding, key=lambda mount: len(mount[0]))[1]


def server_versions(database_url: str, redis_url: str) -> str:
    """Of both servers, and whether Postgres flushes."""
    import redis

    with psycopg.connect(database_url) as connection:
        version = connection.info.parameter_status("server_version")
        row = connection.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')").fetchone()
    with redis.Redis.from_url(redis_url) as client:
        told = client.info("server")
    name = "Valkey" if "valkey_version" in told else "Redis"
    number = told.get("valkey_version") or told["redis_version"]
    assert row is not None
    return f"Postgres {version} (fsync {row[0]}, synchronous_commit {row[1]}), {name} {number}"


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
