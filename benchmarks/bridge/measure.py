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
from benchmarks.bridge.caller import Caller
from benchmarks.bridge.gauge import percentile_ms
from benchmarks.bridge.load import Load
from benchmarks.bridge.model import ModelConnection
from benchmarks.bridge.result import Result, Row
from benchmarks.bridge.sound import UTTERANCE_MS, caller_bodies, utterance
from benchmarks.bridge.subjects import Subject, World, running
from simulators.live_api.certificate import Certificate

WARM_UP_S: Final = 3.0
FIRST_CALL_S: Final = 3.0
KNEE_GRAIN: Final = 0.3
"""The knee is known to this part of the step by which it is looked for."""
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
    is_fixed: bool = False
    """Whether ``calls`` holds for bridges too that have numbers of their own."""


@dataclass(slots=True)
class Bench:
    """Runs a plan for one bridge after the other."""

    plan: Plan
    certificate: Certificate
    make_world: Callable[[int], World]
    cores: machine.Cores

    async def measure(self, subject: Subject) -> Result:
        """All of the plan's N, then the knee."""
        ladder = self.plan.calls if subject.calls is None or self.plan.is_fixed else subject.calls
        rows = await self._climb(subject, ladder)
        if not self.plan.knee:
            return Result(subject, rows, None)
        good = max((row.calls for row in rows if row.is_within_knee), default=0)
        bad = min((row.calls for row in rows if not row.is_within_knee and row.calls > good), default=None)
        while bad is None:
            row = (await self._climb(subject, [good + subject.knee_step]))[0]
            rows.append(row)
            if not row.is_load_fit:
                return Result(subject, rows, good, knee_is_bound=True)
            good, bad = (row.calls, None) if row.is_within_knee else (good, row.calls)
        while bad - good > subject.knee_step * KNEE_GRAIN:
            row = (await self._climb(subject, [(good + bad) // 2]))[0]
            rows.append(row)
            good, bad = (row.calls, bad) if row.is_within_knee else (good, row.calls)
        return Result(subject, sorted(rows, key=lambda row: row.calls), good)

    async def _climb(self, subject: Subject, ladder: Sequence[int]) -> list[Row]:
        """One process of the bridge, with ever more calls. Ends early where more would only be worse."""
        rows: list[Row] = []
        world = self.make_world(0)
        said, bodies = utterance(self.plan.part_ms), caller_bodies()
        utterance_bytes = (UTTERANCE_MS - subject.held_back_ms) * subject.carrier_rate * 2 / 1000
        load = Load(
            lambda: subject.path(world),
            lambda index, gauge: Caller(index, bodies, gauge, utterance_bytes),
            lambda callers, gauge: ModelConnection(callers, said, gauge),
        )
        async with load.running(self.certificate.context):
            world = self.make_world(load.model_port)
            load.port = world.port
            async with running(subject, world, self.cores.bridge) as child:
                await load.bring_to(1)  # what is loaded on the first call belongs to no call
                await asyncio.sleep(min(FIRST_CALL_S, self.plan.warm_up_s))
                await load.bring_to(0)
                idle_mb = machine.pss_mb(child.pid)
                for calls in ladder:
                    row = await self._row(subject, child, load, calls, idle_mb)
                    rows.append(row)
                    print(f"  {row}", file=sys.stderr, flush=True)
                    if max(row.up_p99, row.down_p99) > HOPELESS_MS or not row.is_load_fit:
                        break
        return rows

    async def _row(self, subject: Subject, child: Child, load: Load, calls: int, idle_mb: float) -> Row:
        await load.bring_to(calls)
        await asyncio.sleep(self.plan.warm_up_s)
        figures: list[tuple[float, ...]] = []
        lost = short = utterances = 0
        for _ in range(self.plan.windows):
            pids = machine.tree(child.pid)
            began, own, theirs = time.perf_counter(), machine.cpu_seconds(os.getpid()), machine.cpu_seconds(*pids)
            gauge = await load.window(self.plan.seconds)
            took = time.perf_counter() - began
            figures.append(
                (
                    (machine.cpu_seconds(*pids) - theirs) * 1000 / took / calls,
                    percentile_ms(gauge.up, 0.5),
                    percentile_ms(gauge.up, 0.99),
                    percentile_ms(gauge.down, 0.5),
                    percentile_ms(gauge.down, 0.99),
                    (machine.cpu_seconds(os.getpid()) - own) / took,
                    percentile_ms(gauge.late, 0.99),
                )
            )
            lost += gauge.lost_up
            short += gauge.short_down
            utterances += gauge.utterances
        cpu_ms, up_p50, up_p99, down_p50, down_p99, share, late = map(statistics.median, zip(*figures, strict=True))
        return Row(
            subject=subject.name,
            calls=calls,
            cpu_ms=cpu_ms,
            up_p50=up_p50,
            up_p99=up_p99,
            down_p50=down_p50,
            down_p99=down_p99,
            memory_mb=(machine.pss_mb(child.pid) - idle_mb) / calls,
            lost_up=lost,
            short_down=short,
            utterances=utterances,
            dropped=calls - load.calls,
            load_share=share,
            load_late_p99=late,
        )
