"""Runs cases in three phases on one stack: with the job worker, with one that is killed in mid-job, with none.

    verdicts = await run(cases, at_once=20)

The phases come in this order, since each takes something away: first one replica that works on jobs; then a second one
that only sweeps is started beside it, and the first is killed in the middle of each batch's jobs and started again for
the next; at last only the sweeping one is left. From the last kill on nothing works on jobs, so a run that has little
time lets the last phase begin there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.escalation_matrix.cases import JOBS, Case
from benchmarks.escalation_matrix.evidence import carry_out
from benchmarks.escalation_matrix.people import Gate
from benchmarks.escalation_matrix.repeats import repeating
from benchmarks.escalation_matrix.replicas import kill_in_mid_job, start_sweeping_replica
from benchmarks.escalation_matrix.site import Site, open_site
from benchmarks.escalation_matrix.verdict import Seen, Verdict, judge

GREETED_S = 8.0
"""Less than the silence that fails a case: who was greeted first waits for who is greeted last."""
POLL_S = 0.02

OnVerdict = Callable[[Verdict], None]


async def run(
    cases: Sequence[Case],
    *,
    at_once: int,
    on_verdict: OnVerdict = lambda verdict: None,
    log_folder: Path | None = None,
    in_a_hurry: bool = False,
) -> list[Verdict]:
    """The verdicts in the order of the cases."""
    by_number: dict[int, Verdict] = {}
    phases = {jobs: [case for case in cases if case.jobs == jobs] for jobs in JOBS}

    async def batch(site: Site, own: Sequence[Case], killed: asyncio.Event | None = None) -> None:
        for case, seen in zip(own, await run_batch(site, own, killed), strict=True):
            by_number[case.number] = judge(case, seen)
            on_verdict(by_number[case.number])

    async def batches(site: Site, own: Sequence[Case]) -> None:
        for first in range(0, len(own), at_once):
            await batch(site, own[first : first + at_once])

    async def killed_batches(site: Site, own: Sequence[Case], last_killed: asyncio.Event) -> None:
        for first in range(0, len(own), at_once):
            if first:
                await site.stack.restart("escalation")
            is_last = first + at_once >= len(own)
            await batch(site, own[first : first + at_once], last_killed if is_last else asyncio.Event())
        if not own:
            await site.stack.kill("escalation")
            last_killed.set()

    async with open_site(cases, jobs=True, log_folder=log_folder) as site:
        await batches(site, phases["up"])
        sweeping = await start_sweeping_replica(site.stack, log_folder)
        last_killed = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                killing = group.create_task(killed_batches(site, phases["killed"], last_killed))
                await (last_killed.wait() if in_a_hurry else asyncio.wait([killing]))
                await batches(site, phases["absent"])
        finally:
            await sweeping.stop()
    return [by_number[case.number] for case in cases]


async def run_batch(site: Site, batch: Sequence[Case], killed: asyncio.Event | None = None) -> list[Seen]:
    """These cases at once; all callers ask for a person in the same moment.

    With ``killed``, the worker is killed in the middle of their jobs, and the event is set then.
    """
    gate = Gate()
    doubled = {case.call_id for case in batch if case.doubled}
    running: set[str] = set()
    async with repeating(site.stack.redis_url, doubled) as repeated:
        calls = [asyncio.create_task(carry_out(site, case, gate), name=str(case)) for case in batch]
        await _until_greeted(gate, calls)
        gate.opened.set()
        if killed is not None:
            running = await kill_in_mid_job(site.stack, {case.call_id for case in batch})
            killed.set()
        seen = await asyncio.gather(*calls)
    return [
        replace(
            each,
            was_mid_job=case.call_id in running,
            error=each.error or ("its request was not repeated" if case.call_id in doubled - repeated else ""),
        )
        for case, each in zip(batch, seen, strict=True)
    ]


async def _until_greeted(gate: Gate, calls: Sequence[asyncio.Task[Seen]]) -> None:
    """Until every caller has heard the greeting; a call that is over, or very late, is not waited for."""
    deadline = time.monotonic() + GREETED_S
    while time.monotonic() < deadline and gate.greeted < sum(not call.done() for call in calls):  # noqa: ASYNC110 - each is heard in line time
        await asyncio.sleep(POLL_S)
