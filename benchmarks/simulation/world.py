"""One world: some calls, everything that breaks meanwhile, and the judgement at the end."""

from __future__ import annotations

import contextlib
import gc
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from agiza.domain.call_state import DialTarget
from agiza.domain.desk import GUARDS, Guards
from agiza.domain.menu import BranchFile
from agiza.runtime.branch_files import load_branch_files
from benchmarks.simulation.agenda import Agenda
from benchmarks.simulation.books import Books, Violation
from benchmarks.simulation.chance import ROUGH, Chance, Faults
from benchmarks.simulation.database import Database
from benchmarks.simulation.feed import Feed
from benchmarks.simulation.leg import Leg
from benchmarks.simulation.line import Line
from benchmarks.simulation.orders import Orders
from benchmarks.simulation.redis import Redis

BRANCHES: Final = Path(__file__).parents[2] / "branches"
BRIDGES: Final = 3
ARRIVAL_MS_MAX: Final = 90_000
"""All calls of a world begin within this time."""
QUIET_MS: Final = 60_000
"""So long after everything has ended nothing may wait any more."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a world is made of. ``unique_orders``: whether the database has its unique keys."""

    seed: str
    calls: int = 100
    faults: Faults = ROUGH
    guards: Guards = GUARDS
    unique_orders: bool = True
    is_eager: bool = False
    """Whether all callers say yes into the read-back."""


@dataclass(slots=True)
class Outcome:
    """What came of worlds. ``digest`` is one number for their whole history."""

    calls: int = 0
    digest: str = ""
    violations: list[Violation] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@cache
def branch_file() -> BranchFile:
    """The branch that everybody calls."""
    return next(each.file for each in load_branch_files(BRANCHES) if each.file.branch.id == "westlands")


class World:
    """Everything that the parts of a world share. Made, run once, judged."""

    def __init__(self, setting: Setting) -> None:
        self.file = branch_file()
        self.faults = setting.faults
        self.is_eager = setting.is_eager
        self.agenda = Agenda()
        self.chance = Chance(setting.seed)
        self.books = Books(self.file.menu)
        self.database = Database(self.file, unique_orders=setting.unique_orders)
        self.redis = Redis(self.agenda, self.chance, self.faults)
        self.orders = Orders(
            self.agenda, self.chance, self.faults, self.database, self.redis, self.books, setting.guards
        )
        self.feed = Feed(self.agenda, self.chance, self.faults, self.database)
        self.orders.after_commit = self.feed.wake
        self.orders.superseded = self._superseded
        self.contacts = tuple(DialTarget(each.id, each.phone) for each in self.file.contacts)
        self.name = setting.seed.replace("/", "-")
        self.lines: list[Line] = []
        self.legs: list[Leg] = []
        self._calls = setting.calls

    def run(self) -> None:
        """From the first ring until everything has come to rest."""
        for number in range(self._calls):
            self.agenda.at(self.chance.ms(0, ARRIVAL_MS_MAX), lambda number=number: self._ring(number))  # type: ignore[misc]
        self._plan_faults()
        self.agenda.run()
        self._judge()

    def take_apart(self) -> None:
        """Let go of everything but the books: what refers to itself in a circle is costly to find."""
        for leg in self.legs:
            leg.__dict__.clear()
        for line in self.lines:
            line.__dict__.clear()
        self.database.carts.clear()
        for each in (self.redis, self.orders, self.feed, self.agenda, self.database):
            each.__dict__.clear()

    def free_bridge(self) -> int:
        """Where the next leg is taken."""
        return self.chance.ms(0, BRIDGES - 1)

    def legs_of(self, call_id: str) -> list[Leg]:
        """The legs of a call that still live."""
        return [leg for leg in self.legs if leg.line.call_id == call_id and leg.is_alive]

    def _ring(self, number: int) -> None:
        line = Line(self, number)
        self.lines.append(line)
        line.ring()

    def _superseded(self, call_id: str, leg_epoch: int) -> None:
        for line in self.lines:
            if line.call_id == call_id:
                line.superseded(leg_epoch)

    # -- what breaks ---------------------------------------------------------------------------------------------

    def _plan_faults(self) -> None:
        chance, faults, at = self.chance, self.faults, self.agenda.at

        def sometime() -> int:
            return chance.ms(3_000, ARRIVAL_MS_MAX + 20_000)

        if chance.hits(faults.orders_down_in_world):
            down_ms, when = chance.ms(1_000, 14_000), sometime()
            for replica in self.orders.replicas:
                at(when, lambda replica=replica: self.orders.crash(replica, down_ms))  # type: ignore[misc]
        if chance.hits(faults.redis_tail_in_world):
            at(sometime(), self.redis.lose_tail)
        if chance.hits(faults.redis_empty_in_world):
            at(sometime(), self.redis.lose_everything)
        if chance.hits(faults.redis_down_in_world):
            when = sometime()
            at(when, self._redis_down)
            at(when + chance.ms(300, 5_000), self.redis.come_back)
        if chance.hits(faults.bridge_crash_in_world):
            bridge = self.free_bridge()
            at(sometime(), lambda: self._kill_bridge(bridge))

    def _redis_down(self) -> None:
        self.redis.is_up = False

    def _kill_bridge(self, bridge: int) -> None:
        for leg in self.legs:
            if leg.bridge == bridge and leg.is_alive:
                self.books.count("legs killed")
                leg.line.bridge_died(leg)

    # -- judgement -----------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        books, now = self.books, self.agenda.now
        if self.redis.backlog or self.feed.unpublished:
            books.accuse("I9", "-", now, f"{self.redis.backlog} entries and {self.feed.unpublished} events wait")
        wanted = Counter(row.order_id for row in self.database.outbox if row.kind == "placed")
        if wanted != Counter(list(self.database.orders)):
            books.accuse("I2", "-", now, "orders and tickets differ")
        for number, sink in enumerate(self.feed.sinks):
            if Counter(sink.tickets) != wanted:
                books.accuse("I1", "-", now, f"sink {number} has other tickets than there are orders")
            if sink.sequences != list(range(1, len(self.database.outbox) + 1)):
                books.accuse("I6", "-", now, f"sink {number} heard events out of order")
        for line in self.lines:
            self._judge_line(line)

    def _judge_line(self, line: Line) -> None:
        books, now = self.books, self.agenda.now
        book = books.call(line.call_id)
        for order_id in dict.fromkeys(book.told):
            if order_id not in self.database.orders:
                books.accuse("I1", line.call_id, now, f"{order_id} was told and does not exist")
        if not line.is_over:
            books.accuse("I8", line.call_id, now, f"never ended: {line.end}")
        if not line.mind.is_honest or line.is_tainted:
            return
        for order, wants in zip(book.orders, (line.caller.wants, line.caller.wants_more), strict=False):
            got: Counter[str] = Counter()
            for each in order.lines:
                got[each.item] += each.quantity
            if got != Counter({item: quantity for item, (quantity, _) in wants.items()}):
                books.accuse("W", line.call_id, now, f"order {order.number} has {dict(got)}")


def simulate(seed: int | str, calls: int, *, calls_per_world: int = 100, **setting: Any) -> Outcome:
    """So many calls, in worlds of their own seeds. Stops after the world in which an invariant did not hold."""
    total, outcome = hashlib.sha256(), Outcome()
    number = 0
    while outcome.calls < calls and not outcome.violations:
        count = min(calls_per_world, calls - outcome.calls)
        with _no_collection():
            books = _run(Setting(f"{seed}/{number}", count, **setting))
        total.update(books.digest.encode())
        outcome.violations += books.violations
        outcome.counts.update(books.counts)
        outcome.calls += count
        number += 1
    outcome.digest = total.hexdigest()[:16]
    return outcome


def _run(setting: Setting) -> Books:
    """A world from its first to its last moment; what is left of it are its books."""
    world = World(setting)
    world.run()
    world.take_apart()
    return world.books


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """A world is small and soon over; looking for garbage in it again and again costs a tenth of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    gc.freeze()  # what was there before need not be looked through when this world is cleared away
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
        if was_enabled:
            gc.enable()
