"""``make bench-feed``: whether a branch's feed keeps its word in every form, whoever is killed or away.

    python -m benchmarks.feed [--kills 100] [--reconnects 1000] [--away 30] [--seed 1] [--write]

Two replicas of ``orders`` as their own processes, on real Postgres and Redis; order events made by the service's own
code at a virtual time; one reader for each form, as its own process with its effects and its place in files. The
readers are away for half an hour of virtual time, then, with as much before them again, each is killed (SIGKILL) a
hundred times while orders are made and replicas are killed, then a thousand streams are opened at random places. In the
end the effects of every reader must be the whole feed, each event once and in order, with the digest that the endpoint
says. ``--write`` puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import uvloop

from agiza.runtime.backends import demo_servers
from agiza.runtime.clock import StoppedClock
from agiza.runtime.postgres import open_pool
from agiza.runtime.prepare import prepare
from agiza.runtime.redis_users import USERS, User
from benchmarks.bridge.machine import describe, load_average, occasion, python_with
from benchmarks.bridge.report import into_page
from benchmarks.feed.producer import Producer
from benchmarks.feed.replicas import NOON, replicas
from benchmarks.feed.run import Plan, Result, run

PAGE: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BEGIN: Final = "<!-- bench-feed: written by `make bench-feed` -->"
END: Final = "<!-- /bench-feed -->"
REPLICAS: Final = 2
NAMES: Final = {
    "sse": "SSE with `Last-Event-ID`",
    "pull": "pull, place kept by the reader",
    "cursor": "pull with a named cursor",
    "stream": "Redis stream, consumer group",
}


def page_part(result: Result, plan: Plan, circumstances: str, kills: int, seconds: float) -> str:
    """The table and the verdict."""
    lines = [
        circumstances,
        "",
        f"{result.events} events; {result.away_events} of them were there when the readers came back after"
        f" {plan.away_minutes:.0f} minutes of virtual time; {kills} times `kill -9` of a replica; {seconds:.0f} s.",
        "",
        "| form | reader killed | effects | came again | caught up after the absence in | digest, gaps, doubles |",
        "|---|---|---|---|---|---|",
    ]
    for each in result.outcomes:
        verdict = "; ".join(each.faults) or "equal, none, none"
        counted = f"{each.kills} | {each.effects} | {each.again} | {each.caught_up_s:.2f} s"
        lines.append(f"| {NAMES[each.form]} | {counted} | {verdict} |")
    lines += [
        "",
        f"{result.reconnects} SSE connections at random places read {result.read_again} events:"
        f" {'; '.join(result.faults[:5]) or 'each what the outbox has, byte for byte'}.",
        "",
    ]
    return "\n".join(lines)


async def main() -> int:
    """Exit code 0 only when nothing was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--away", type=float, default=30, help="virtual minutes of the readers' absence")
    parser.add_argument("--kills", type=int, default=100, help="of each form's reader")
    parser.add_argument("--reconnects", type=int, default=1000, help="SSE connections at random places")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    chosen = parser.parse_args()
    plan = Plan(chosen.away, chosen.kills, chosen.reconnects, seed=chosen.seed)
    load, began = load_average(), time.monotonic()
    with demo_servers({}) as servers, tempfile.TemporaryDirectory() as folder:
        passwords: dict[User, str] = {user: secrets.token_hex(24) for user in USERS}
        urls = (await asyncio.to_thread(prepare, servers.database_url, servers.redis_url, passwords))["orders"]
        database_url = urls.database_url or ""
        async with (
            replicas(database_url, urls.redis_url, REPLICAS) as orders,
            open_pool(database_url, service="bench") as pool,
        ):
            producer = Producer(pool, StoppedClock(NOON))
            result = await run(pool, servers.database_url, servers.redis_url, orders, producer, Path(folder), plan)
            kills = orders.kills
    circumstances = f"{occasion('make bench-feed', load)}: {describe()}; {python_with('psycopg', 'redis', 'uvloop')}."
    part = page_part(result, plan, circumstances, kills, time.monotonic() - began)
    print(part)
    if chosen.write:
        PAGE.write_text(into_page(PAGE.read_text(), part, BEGIN, END))
    return 0 if result.is_good else 1


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
