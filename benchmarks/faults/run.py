"""One run: calls and faults side by side, then quiet, then the questions and the books."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import open_pool
from agiza.runtime.redis_clients import open_redis
from benchmarks.faults.books import read_books
from benchmarks.faults.caller import BRANCHES, Account, Caller
from benchmarks.faults.kitchen import Kitchens
from benchmarks.faults.ledger import Books, Problem, Told, compare
from benchmarks.faults.line import Bridge, Line, open_bridge
from benchmarks.faults.plan import Fault, plan
from benchmarks.faults.site import Site, open_site
from services.orders.upkeep import Upkeep

LIVE: Final = 8
"""So many calls are going on at any time."""
BEHIND_MAX: Final = 4
"""A call begins only when every fault that is due so many calls before it was struck: faults fall among calls."""
FEEDS_S: Final = 60.0
"""Within this every branch's stream must be whole again, and read to its end."""
LOOK_S: Final = 0.5
QUIET_S: Final = 8.0
"""Until nothing that was asked before can still be carried out: the deadline of a function call, with its slack."""
ASKING_AT_ONCE: Final = 8

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What is run. ``mends_feeds`` does the replicas' upkeep of the feeds at the end at once, for a short run."""

    calls: int
    faults: int
    seed: int
    mends_feeds: bool = False
    live: int = LIVE
    quiet_s: float = QUIET_S
    log_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it."""

    options: Options
    struck: Sequence[Fault]
    accounts: Sequence[Account]
    books: Books
    problems: Sequence[Problem]
    ended_alone: int
    swallowed: int
    bytes_cut: int
    whole_after_s: float
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether everything fits, all faults were struck, and no process ended that nobody had killed."""
        return not self.problems and not self.ended_alone and len(self.struck) == self.options.faults


class Pace:
    """Calls begin in their order, and wait where the faults have fallen behind."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._begun = 0
        self.struck: list[Fault] = []
        self._moved = asyncio.Condition()

    async def begin(self, number: int) -> None:
        """Returns when call ``number`` may begin."""
        due = sum(fault.at_call <= number - BEHIND_MAX for fault in self._faults)
        async with self._moved:
            await self._moved.wait_for(lambda: len(self.struck) >= due)
            self._begun = max(self._begun, number)
            self._moved.notify_all()

    async def strike_all(self, site: Site, say: Say) -> None:
        """Strike every fault at its time, one after the other."""
        for fault in self._faults:
            async with self._moved:
                while self._begun < fault.at_call:
                    await self._moved.wait()
            await asyncio.sleep(fault.after_s)
            began = time.monotonic()
            await site.strike(fault)
            say(f"call {fault.at_call}: {fault.kind} {fault.form}, {time.monotonic() - began:.1f} s")
            async with self._moved:
                self.struck.append(fault)
                self._moved.notify_all()


async def run(folder: Path, options: Options, say: Say = lambda line: None) -> Result:
    """The whole of it. Raises what keeps a server from being started again; everything that is wrong is a problem."""
    began = time.monotonic()
    pace = Pace(plan(options.seed, options.calls, options.faults))
    async with open_site(folder, options.log_folder) as site:
        kitchens = Kitchens(options.seed)
        async with (
            kitchens.open(site.urls["orders"].redis_url, BRANCHES),
            open_bridge(site.bridge_redis_url, site.orders_url, site.token, site.clock) as bridge,
        ):
            calls = _Calls(options, pace, bridge)
            async with asyncio.TaskGroup() as group:
                group.create_task(pace.strike_all(site, say))
                for _ in range(options.live):
                    group.create_task(calls.work())
            say(f"all calls are over, {time.monotonic() - began:.0f} s")
            await asyncio.gather(*(each.until_serving() for each in site.replicas))
            await asyncio.sleep(options.quiet_s)
            told = await calls.told()
            kitchens.hurried.set()
            if options.mends_feeds:
                await _mend_feeds(site)
            whole_after_s = await _until_whole(site, kitchens)
            books = await _books(site, kitchens)
            say(f"all books are read, {time.monotonic() - began:.0f} s")
            return Result(
                options,
                pace.struck,
                calls.accounts,
                books,
                compare(told, books),
                sum(each.ended_alone for each in site.replicas),
                sum(each.swallowed for each in site.links.values()),
                site.bytes_cut,
                whole_after_s,
                time.monotonic() - began,
            )


class _Calls:
    """All calls of a run: first they order, later they are asked once more."""

    def __init__(self, options: Options, pace: Pace, bridge: Bridge) -> None:
        self._options = options
        self._pace = pace
        self._bridge = bridge
        self._next = 0
        self.accounts: list[Account] = []
        self._lines: dict[str, Line] = {}

    async def work(self) -> None:
        """One call after the other, until there are no more."""
        while self._next < self._options.calls:
            self._next += 1
            number = self._next
            await self._pace.begin(number)
            caller = Caller(self._options.seed, number)
            line = Line(caller.account.call_id, caller.account.branch_id, self._bridge)
            self.accounts.append(caller.account)
            self._lines[caller.account.call_id] = line
            async with line.open():
                await caller.call(line)

    async def told(self) -> list[Told]:
        """What every caller believes, after orders was asked once more: what nobody heard, and what was confirmed."""
        gate = asyncio.Semaphore(ASKING_AT_ONCE)

        async def one(account: Account) -> Told:
            async with gate:
                return await self._ask_again(account)

        return list(await asyncio.gather(*(one(account) for account in self.accounts)))

    async def _ask_again(self, account: Account) -> Told:
        line, untrue = self._lines[account.call_id], []
        if account.open_request is not None:
            truth = await line.ask_again(account.open_request)
            if truth is None:
                untrue.append("orders does not say what became of the request whose answer never came")
            else:
                account.learn(truth)
        for request_id, order in account.placings:
            again = await line.ask_again(request_id) or {}
            said = again.get("status"), again.get("order_number"), again.get("total_minor")
            if said != ("ok", order.number, order.total_minor):
                untrue.append(f"asked again, orders says {said} of order {order.number}")
        return Told(
            account.call_id, tuple(account.confirmed), tuple(account.unheard), account.cart, account.wanted, untrue
        )


async def _books(site: Site, kitchens: Kitchens) -> Books:
    given = {branch: frozenset(ids) for branch, ids in kitchens.given.items()}
    return await asyncio.to_thread(read_books, site.servers.database_url, site.servers.redis_url, BRANCHES, given)


async def _until_whole(site: Site, kitchens: Kitchens) -> float:
    """Wait until feeds and kitchens are what the outbox says, :data:`FEEDS_S` at most; returns how long it took."""
    began = time.monotonic()
    while time.monotonic() < began + FEEDS_S:
        flaws = Counter(problem.flaw for problem in compare((), await _books(site, kitchens)))
        if not flaws["feed"] and not flaws["kitchen"]:
            break
        await asyncio.sleep(LOOK_S)
    return time.monotonic() - began


async def _mend_feeds(site: Site) -> None:
    urls = site.urls["orders"]
    async with (
        open_pool(urls.database_url or "", service="upkeep") as pool,
        open_redis(urls.redis_url, service="upkeep") as redis,
    ):
        await Upkeep(pool, redis.commands, Metrics()).look_after_feeds()
