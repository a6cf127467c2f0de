"""``make bench-screen``: from what a caller has said to what the kitchen sees.

    python -m benchmarks.screen [--times 100] [--load 20] [--write]

``orders`` runs as in production, as its own process; the screen is the real page in a real Chromium on this machine.
Something is seen in the frame that has been painted with it. Measured are a cart's change to its provisional line, and
the placing of an order to its ticket, first alone, then while ``--load`` other callers order in another branch of the
same process. ``--write`` puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import secrets
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import httpx
import uvloop
import yaml
from playwright.async_api import Page

from agiza.cli.processes import start_child
from agiza.cli.stack import BRANCHES
from agiza.runtime.backends import demo_servers
from agiza.runtime.branch_keys import branch_key
from agiza.runtime.clock import Clock
from agiza.runtime.postgres import open_pool
from agiza.runtime.prepare import prepare
from agiza.runtime.redis_users import USERS, User
from benchmarks.bridge.machine import describe, load_average, occasion
from benchmarks.bridge.report import into_page
from benchmarks.screen.callers import Callers
from benchmarks.screen.page import open_screen, shown_at
from benchmarks.screen.report import BEGIN, END, Figures, page_part

PAGE: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"
NOON: Final = datetime(2026, 3, 6, 12, tzinfo=ZoneInfo("Africa/Nairobi"))
SEEN, BUSY = "westlands", "westlands-busy"
LINES: Final = 5
"""So many changes each call makes before it places."""
WARM_UP: Final = 2
CLEAR: Final = """
async (order) => {
  for (const word of [{ act: "accept", minutes: 15 }, { act: "ready" }, { act: "completed" }]) {
    const answer = await fetch(`${location.pathname}/orders/${order}`, {
      method: "POST", body: JSON.stringify({ ...word, screen: "bench", request_id: `${word.act}-${order}` }),
      headers: { "content-type": "application/json", "x-requested-by": "kitchen" },
    });
    if (!answer.ok) throw new Error(await answer.text());
  }
}
"""


async def measure(page: Page, callers: Callers, times: int, load: int) -> list[Figures]:
    """So many changes of carts and so many placed orders, shown on the page."""
    lines: tuple[list[float], list[float]] = ([], [])
    tickets: tuple[list[float], list[float]] = ([], [])
    missed = {"lines": 0, "tickets": 0}
    for each in range(times + WARM_UP):
        kept = each >= WARM_UP
        call_id = await callers.ring()
        await page.evaluate("window.forgetLines()")
        wanted = LINES if len(lines[0]) < times else 1
        for count in range(1, wanted + 1):
            item = ("chicken-burger", "fries", "samosa", "soda", "bhajia")[count - 1]
            _, asked, answered = await callers.timed(call_id, "addItem", name=item)
            shown = await shown_at(page, f"{count} lines")
            _note(lines, shown, asked, answered, missed, "lines", kept=kept)
        heard = await callers.read_back(call_id)
        placed, asked, answered = await callers.timed(call_id, "placeOrder", heard=heard)
        shown = await shown_at(page, f"#{placed['order_number']}")
        _note(tickets, shown, asked, answered, missed, "tickets", kept=kept)
        await callers.hang_up(call_id)
        await _clear(page, placed["order_id"])
    return [
        Figures("a cart's change to its provisional line", load, *lines, missed["lines"]),
        Figures("placing an order to its ticket", load, *tickets, missed["tickets"]),
    ]


def _note(
    times: tuple[list[float], list[float]], shown: float | None, asked: float, answered: float, missed: dict[str, int],
    what: str, *, kept: bool,
) -> None:  # fmt: skip
    if not kept:
        return
    if shown is None:
        missed[what] += 1
        return
    times[0].append(shown - asked)
    times[1].append(max(0.0, shown - answered))


async def _clear(page: Page, order_id: str) -> None:
    """Work the ticket off as its buttons do, so that the board stays as long as a kitchen's is."""
    await page.evaluate(CLEAR, order_id)


def write_branches(folder: Path) -> None:
    """Westlands, whose screen is watched, and another branch with its menu for the other callers."""
    document = yaml.safe_load((BRANCHES / "westlands.yaml").read_text())
    for name, phone in ((SEEN, document["branch"]["phone"]), (BUSY, "+254709000099")):
        branch = {**document["branch"], "id": name, "phone": phone}
        (folder / f"{name}.json").write_text(json.dumps({**document, "branch": branch}))


async def run(times: int, load: int) -> list[Figures]:
    """Alone, then with the other callers."""
    set_at, token, secret = datetime.now(UTC), secrets.token_hex(24), secrets.token_hex(24)
    with demo_servers({}) as servers, tempfile.TemporaryDirectory() as folder:
        write_branches(Path(folder))
        passwords: dict[User, str] = {user: secrets.token_hex(24) for user in USERS}
        prepared = await asyncio.to_thread(prepare, servers.database_url, servers.redis_url, passwords)
        environment = {
            "DATABASE_URL": prepared["orders"].database_url or "",
            "REDIS_URL": prepared["orders"].redis_url,
            "AGIZA_PORT": "0",
            "AGIZA_INTERNAL_TOKEN": token,
            "AGIZA_SCREEN_SECRET": secret,
            "AGIZA_HTTPS": "false",
            "AGIZA_BRANCHES_DIR": folder,
            "AGIZA_NOW": NOON.isoformat(),
            "AGIZA_NOW_SET_AT": set_at.isoformat(),
        }
        orders = await start_child("orders", ["-m", "services.orders"], environment)
        try:
            url = str((await orders.wait_ready(60))["url"])
            async with (
                open_pool(prepared["webhook"].database_url or "", service="bench") as calls,
                httpx.AsyncClient(base_url=url, timeout=10) as http,
                open_screen(f"{url}/kitchen/{SEEN}", branch_key(SEEN, secret)) as page,
            ):
                clock = Clock.starting_at(NOON, set_at)
                ids = itertools.count(1)
                here, there = (Callers(http, calls, clock, branch, token, ids) for branch in (SEEN, BUSY))
                figures = await measure(page, here, times, 0)
                stopping = asyncio.Event()
                others = [asyncio.create_task(there.go_on(stopping, random.Random(seed))) for seed in range(load)]
                try:
                    figures += await measure(page, here, times, load)
                finally:
                    stopping.set()
                    ordered = sum(await asyncio.gather(*others))
                print(f"{ordered} orders by the other callers meanwhile", file=sys.stderr)
        finally:
            await orders.stop()
    return figures


async def main() -> int:
    """Exit code 0 only when everything was shown, and in time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100, help="orders of each kind")
    parser.add_argument("--load", type=int, default=20, help="other callers")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    chosen = parser.parse_args()
    if not (1 <= chosen.times <= 10_000 and 0 <= chosen.load <= 200):
        parser.error("1 to 10000 times, 0 to 200 other callers")
    load = load_average()
    figures = await run(chosen.times, chosen.load)
    part = page_part(figures, f"{occasion('make bench-screen', load)}: {describe()}.")
    print(part)
    if chosen.write:
        PAGE.write_text(into_page(PAGE.read_text(), part, BEGIN, END))
    return 0 if all(each.is_good for each in figures) else 1


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
