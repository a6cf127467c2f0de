"""``make bench-bridge``: how many calls one core bridges, ours beside others, in one run.

    python -m benchmarks.bridge [--only ours,node] [--calls 20,50,100,150,200] [--seconds 10] [--quick] [--write]

Every bridge is its own process, pinned to one core; all callers and the model are one process on the other core. The
callers send 20 ms frames of 16 kHz in real time, at phases of their own. The model speaks over TLS: utterances of
3.2 s every 4 s, sent twice as fast as they are spoken, JSON in binary frames with audio of 24 kHz.

*Added latency up* is counted for every message that reaches the model: from the moment at which the last caller frame
in it was written to the carrier's socket to the moment at which the model read it. Every frame bears its number. So
the time that a chunk took to fill is not counted, and all else is.

*Added latency down* is counted for the first audio of every utterance, after a silence in which everything earlier was
played: from the model's write to the first message with a sample other than zero at the carrier. The model sends
240 ms at once, so that no bridge has a reason to hold the first of it back; what is sent later is paced on purpose and
says nothing. An utterance counts as lost when less than 99 % of its audio was at the carrier before the next began.

CPU is user and system time of the bridge's process tree, in milliseconds for each second of each call. Memory is the
proportional set size above that of the same process after its first call. Figures are medians of the windows.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from benchmarks.bridge import machine
from benchmarks.bridge.measure import Bench, Plan, Result
from benchmarks.bridge.subjects import BY_NAME, SUBJECTS, World, free_port
from benchmarks.bridge.surroundings import surroundings
from simulators.live_api.certificate import make_certificate

CALLS = (20, 50, 100, 150, 200)


async def run(names: list[str], plan: Plan) -> list[Result]:
    """Every bridge, one after the other."""
    cores = machine.choose_cores()
    os.sched_setaffinity(0, {cores.load})
    results = []
    with tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder), now=datetime.now(UTC))
        async with surroundings() as around:

            def world(model_port: int) -> World:
                return World(free_port(), model_port, certificate.ca_file, around)

            bench = Bench(plan, certificate, world, cores)
            for name in names:
                results.append(await bench.measure(BY_NAME[name]))
    return results


def main() -> int:
    """Exit code 0 only when every bar is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(subject.name for subject in SUBJECTS))
    parser.add_argument("--calls", default=",".join(map(str, CALLS)))
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--windows", type=int, default=3)
    parser.add_argument("--part-ms", type=int, default=40)
    parser.add_argument("--no-knee", action="store_true")
    chosen = parser.parse_args()
    plan = Plan([int(n) for n in chosen.calls.split(",")], chosen.seconds, chosen.windows, chosen.part_ms,
                not chosen.no_knee)  # fmt: skip
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(run(chosen.only.split(","), plan))
    for result in results:
        print(result.subject.name, result.knee, *result.rows, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
