"""Runs cases in three phases on one stack: with the job worker, with one that is killed in mid-job, with none.

    verdicts = await run(cases, at_once=20)

The phases come in this order, since each takes something away: first one replica that works on jobs; then a second one
that only sweeps is started beside it, and the first is killed in the middle of each batch's jobs and started again for
the next; at last only the sweeping one is left.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.escalation_matrix.cases import Case, Jobs
from benchmarks.escalation_matrix.evidence import carry_out
from benchmarks.escalation_matrix.people import Gate
from benchmarks.escalation_matrix.repeats import repeating
from benchmarks.escalation_matrix.replicas import kill_in_mid_job, start_sweeping_replica
from benchmarks.escalation_matrix.site import Site, open_site
from benchmarks.escalation_matrix.verdict import Seen, Verdict, judge

GREETED_S = 15.0
POLL_S = 0.02

OnVerdict = Callable[[Verdict], None]


async def run(
    cases: Sequence[Case],
    *,
    at_once: int,
    on_verdict: OnVerdict = lambda verdict: None,
    log_folder: Path | None = None,
) -> list[Verdict]:
    """The verdicts in the order of the cases."""
    by_number: dict[int, Verdict] = {}

    async def batches(site: Site, jobs: Jobs) -> None:
        own = [case for case in cases if case.jobs == jobs]
        for first in range(0, len(own), at_once):
            batch = own[first : first + at_once]
            if jobs == "killed" and first:
                await site.stack.restart("escalation")
            for case, seen in zip(batch, await run_batch(site, batch, kills=jobs == "killed"), strict=True):
                by_number[case.number] = judge(case, seen)
                on_verdict(by_number[case.number])

    async with open_site(cases, jobs=True, log_folder=log_folder) as site:
        await batches(site, "up")
        sweeping = await start_sweeping_replica(site.stack, log_folder)
        try:
            await batches(site, "killed")
            if site.stack.children["escalation"].process.returncode is None:
                await site.stack.kill("escalation")
            await batches(site, "absent")
        finally:
            await sweeping.stop()
    return [by_number[case.number] for case in cases]


async def run_batch(site: Site, batch: Sequence[Case], *, kills: bool) -> list[Seen]:
    """These cases at once; all callers ask for a person in the same moment."""
    gate = Gate()
    doubled = {case.call_id for case in batch if case.doubled}
    async with repeating(site.stack.redis_url, doubled) as repeated:
        calls = [asyncio.create_task(carry_out(site, case, gate), name=str(case)) for case in batch]
        await _until_greeted(gate, calls)
        gate.opened.set()
        running = await kill_in_mid_job(site.stack, {case.call_id for case in batch}) if kills else set()
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
