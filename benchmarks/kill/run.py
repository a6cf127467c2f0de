"""One run: our bridge on its core, N callers who interrupt it and their model on the other."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.bridge import machine
from benchmarks.bridge.gauge import percentile_ms
from benchmarks.bridge.load import Load
from benchmarks.bridge.subjects import BY_NAME, World, free_port, running
from benchmarks.bridge.surroundings import surroundings
from benchmarks.kill.caller import InterruptedCaller
from benchmarks.kill.ear import Log
from benchmarks.kill.figures import Figures
from benchmarks.kill.model import InterruptingModel
from benchmarks.kill.sound import CallerVoice, sayings
from simulators.live_api.certificate import make_certificate

FIRST_CALL_S: Final = 2.0
SETTLE_S: Final = 1.0
"""What follows the last interruption of a run has arrived by then."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    calls: int
    seconds: float
    part_ms: int
    warm_up_s: float


async def measure(plan: Plan) -> Figures:
    """The whole run. What cannot start raises what ``make bench-bridge`` raises."""
    ours = BY_NAME["plain"]
    cores = machine.choose_cores()
    log = Log()
    said, voice = sayings(plan.part_ms), CallerVoice()
    with machine.pinned_to(cores.load), tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder), now=datetime.now(UTC))
        async with surroundings() as around:
            load = Load(
                around.media_path,
                lambda index, gauge: InterruptedCaller(index, voice, gauge, log),
                lambda callers, gauge: InterruptingModel(callers, said, gauge),
            )
            async with load.running(certificate.context):
                world = World(free_port(), load.model_port, certificate.ca_file, around)
                load.port = world.port
                async with running(ours, world, cores.bridge) as child:
                    await load.bring_to(1)  # what is loaded on the first call belongs to no call
                    await asyncio.sleep(min(FIRST_CALL_S, plan.warm_up_s))
                    await load.bring_to(0)
                    figures = await _window(plan, load, log, machine.tree(child.pid))
                    await load.bring_to(0)  # a bridge without calls stops at once
                    return figures


async def _window(plan: Plan, load: Load, log: Log, bridge: Sequence[int]) -> Figures:
    """Times and counts are of the window; what lay at the carrier is of the whole run."""
    await load.bring_to(plan.calls)
    await asyncio.sleep(plan.warm_up_s)
    log.begin()
    began, own = time.perf_counter(), machine.cpu_seconds(os.getpid())
    ran, waited = machine.cpu_seconds(*bridge), machine.waited_seconds(*bridge)
    gauge = await load.window(plan.seconds)
    took = time.perf_counter() - began
    share = (machine.cpu_seconds(os.getpid()) - own) / took
    bridge_share = (machine.cpu_seconds(*bridge) - ran) / took
    bridge_waited = (machine.waited_seconds(*bridge) - waited) / took
    measured = len(log.interruptions)
    await asyncio.sleep(SETTLE_S)
    return Figures.of(
        log,
        measured,
        calls=plan.calls,
        seconds=took,
        lost_up=gauge.lost_up,
        dropped=plan.calls - load.calls,
        bridge_share=bridge_share,
        bridge_waited=bridge_waited,
        load_share=share,
        load_late_p99=percentile_ms(gauge.late, 0.99),
    )
