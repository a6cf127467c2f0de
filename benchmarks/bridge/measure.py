"""One bridge, brought to N calls step by step; and the largest N that it still carries well."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from agiza.cli.processes import Child
from benchmarks.bridge import machine
from benchmarks.bridge.gauge import percentile_ms
from benchmarks.bridge.load import Load
from benchmarks.bridge.subjects import Subject, World, running
from simulators.live_api.certificate import Certificate

WARM_UP_S: Final = 3.0
FIRST_CALL_S: Final = 4.0
KNEE_MS_MAX: Final = 20.0
KNEE_STEP: Final = 50
KNEE_GRAIN: Final = 15
"""The knee is known to so many calls."""
LOAD_SHARE_MAX: Final = 0.9
"""A load side that is busier than this would measure itself."""
HOPELESS_MS: Final = 1_000.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured of each bridge."""

    calls: Sequence[int]
    seconds: float
    windows: int
    part_ms: int
    knee: bool
    warm_up_s: float = WARM_UP_S


@dataclass(frozen=True, slots=True)
class Row:
    """One bridge with N calls. Latencies in milliseconds, medians of the windows."""

    subject: str
    calls: int
    cpu_ms: float
    """Per call and second."""
    up_p50: float
    up_p99: float
    down_p50: float
    down_p99: float
    memory_mb: float
    """Per call, above the idle process."""
    lost_up: int
    """Frames of callers, in all windows."""
    short_down: int
    utterances: int
    dropped: int
    """Calls that ended although nobody hung up."""
    load_share: float
    """Of its core that the load side used itself."""
    load_late_p99: float

    @property
    def calls_per_core(self) -> float:
        return 1000 / self.cpu_ms

    @property
    def is_whole(self) -> bool:
        """Whether no call and no audio was lost."""
        return not (self.lost_up or self.short_down or self.dropped)

    @property
    def is_load_fit(self) -> bool:
        return self.load_share <= LOAD_SHARE_MAX

    @property
    def is_within_knee(self) -> bool:
        return self.is_whole and self.up_p99 <= KNEE_MS_MAX and self.down_p99 <= KNEE_MS_MAX


@dataclass(frozen=True, slots=True)
class Result:
    """All rows of one bridge. ``knee`` is None where it was not looked for, 0 where the smallest N was too much."""

    subject: Subject
    rows: Sequence[Row]
    knee: int | None
    knee_is_bound: bool = False
    """The load side or the plan ended before the bridge did: the knee is at least this."""

    def at(self, calls: int) -> Row | None:
        return next((row for row in self.rows if row.calls == calls), None)


@dataclass(slots=True)
class Bench:
    """Runs a plan for one bridge after the other."""

    plan: Plan
    certificate: Certificate
    make_world: Callable[[int], World]
    cores: machine.Cores

    async def measure(self, subject: Subject) -> Result:
        """All of the plan's N, then the knee."""
        ladder = [n for n in self.plan.calls if n <= subject.calls_max]
        rows = await self._climb(subject, ladder)
        if not self.plan.knee:
            return Result(subject, rows, None)
        good = max((row.calls for row in rows if row.is_within_knee), default=0)
        bad = min((row.calls for row in rows if not row.is_within_knee and row.calls > good), default=None)
        while bad is None and good + KNEE_STEP <= subject.calls_max:
            row = (await self._climb(subject, [good + KNEE_STEP]))[0]
            rows.append(row)
            if not row.is_load_fit:
                return Result(subject, rows, good, knee_is_bound=True)
            good, bad = (row.calls, None) if row.is_within_knee else (good, row.calls)
        if bad is None:
            return Result(subject, rows, good, knee_is_bound=True)
        while bad - good > KNEE_GRAIN:
            row = (await self._climb(subject, [(good + bad) // 2 // 5 * 5]))[0]
            rows.append(row)
            good, bad = (row.calls, bad) if row.is_within_knee else (good, row.calls)
        return Result(subject, sorted(rows, key=lambda row: row.calls), good)

    async def _climb(self, subject: Subject, ladder: Sequence[int]) -> list[Row]:
        """One process of the bridge, with ever more calls. Ends early where more would only be worse."""
        rows: list[Row] = []
        world = self.make_world(0)
        load = Load(lambda: subject.path(world), world.port, subject.carrier_rate, self.plan.part_ms)
        async with load.running(self.certificate.context):
            world = self.make_world(load.model_port)
            load.port = world.port
            async with running(subject, world, self.cores.bridge) as child:
                await load.bring_to(1)  # what is loaded on the first call belongs to no call
                await asyncio.sleep(min(FIRST_CALL_S, self.plan.seconds))
                await load.bring_to(0)
                idle_mb = machine.pss_mb(child.pid)
                for calls in ladder:
                    row = await self._row(subject, child, load, calls, idle_mb)
                    rows.append(row)
                    print(f"  {subject.name} {calls}: {row}", file=sys.stderr, flush=True)
                    if max(row.up_p99, row.down_p99) > HOPELESS_MS or not row.is_load_fit:
                        break
        return rows

    async def _row(self, subject: Subject, child: Child, load: Load, calls: int, idle_mb: float) -> Row:
        await load.bring_to(calls)
        await asyncio.sleep(self.plan.warm_up_s)
        cpu, up_p50, up_p99, down_p50, down_p99, shares, late = ([] for _ in range(7))
        lost = short = utterances = 0
        for _ in range(self.plan.windows):
            pids = machine.tree(child.pid)
            began, own, theirs = time.perf_counter(), machine.cpu_seconds(os.getpid()), machine.cpu_seconds(*pids)
            gauge = await load.window(self.plan.seconds)
            took = time.perf_counter() - began
            cpu.append((machine.cpu_seconds(*pids) - theirs) * 1000 / took / calls)
            shares.append((machine.cpu_seconds(os.getpid()) - own) / took)
            up_p50.append(percentile_ms(gauge.up, 0.5))
            up_p99.append(percentile_ms(gauge.up, 0.99))
            down_p50.append(percentile_ms(gauge.down, 0.5))
            down_p99.append(percentile_ms(gauge.down, 0.99))
            late.append(percentile_ms(gauge.late, 0.99))
            lost += gauge.lost_up
            short += gauge.short_down
            utterances += gauge.utterances
        median = statistics.median
        return Row(
            subject=subject.name, calls=calls, cpu_ms=median(cpu), up_p50=median(up_p50), up_p99=median(up_p99),
            down_p50=median(down_p50), down_p99=median(down_p99),
            memory_mb=(machine.pss_mb(child.pid) - idle_mb) / calls,
            lost_up=lost, short_down=short, utterances=utterances, dropped=calls - load.calls,
            load_share=median(shares), load_late_p99=median(late),
        )  # fmt: skip
