"""``make bench-bridge``: how many calls one core bridges, ours beside others, in one run.

    make bench-bridge [ARGS="--only ours,node --calls 20,50 --seconds 5 --part-ms 320 --quick"]

Every bridge is its own process, pinned to one core; all callers and the model are one process on the other core. The
callers send 20 ms frames of 16 kHz in real time, at phases of their own. The model speaks over TLS: utterances of
3.2 s every 6 s, sent twice as fast as they are spoken, JSON in binary frames with audio of 24 kHz. The callers answer
for 1.8 s after each, and say "mm-hm" over it.

*Added latency up* is counted for every message that reaches the model: from the moment at which the last caller frame
in it was written to the carrier's socket to the moment at which the model read it. Every frame bears its number. So
the time that a chunk took to fill is not counted, and all else is.

*Added latency down* is counted for the first audio of every utterance, after a silence in which everything earlier was
played: from the model's write to the first message with a sample other than zero at the carrier. The model sends
240 ms at once, so that no bridge has a reason to hold the first of it back; what is sent later is paced on purpose and
says nothing. An utterance counts as lost when less than 99 % of its audio was at the carrier before the next began.

The *knee* is the largest number of calls with both latencies at p99 <= 20 ms and nothing lost.

CPU is user and system time of the bridge's process tree, in milliseconds for each second of each call. Memory is the
proportional set size above that of the same process after its first call. Figures are medians of the windows,
which begin when all calls are up and three seconds have passed. A run of everything writes docs/benchmarks.md;
``--quick`` only shows that all of this works.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.bridge import machine, report
from benchmarks.bridge.measure import Bench, Plan
from benchmarks.bridge.result import Result
from benchmarks.bridge.subjects import BY_NAME, NODE_FOLDER, PIPECAT, World, free_port
from benchmarks.bridge.surroundings import surroundings
from simulators.live_api.certificate import make_certificate

CALLS: Final = (20, 50, 100, 150, 200)
QUICK: Final = Plan(calls=(10,), seconds=5, windows=1, part_ms=40, knee=False, warm_up_s=1.5)
QUICK_NAMES: Final = ("plain", "fastapi")
ROOT: Final = Path(__file__).parents[2]


async def run(names: Sequence[str], plan: Plan) -> list[Result]:
    """Every bridge, one after the other. Callers, model, Redis and ``orders`` have the load side's core."""
    cores = machine.choose_cores()
    with machine.pinned_to(cores.load), tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder), now=datetime.now(UTC))
        async with surroundings() as around:
            bench = Bench(
                plan, certificate, lambda model_port: World(free_port(), model_port, certificate.ca_file, around), cores
            )
            return [await bench.measure(BY_NAME[name]) for name in names]


def circumstances(plan: Plan, load_before: float) -> list[str]:
    """Date, machine, versions and what was done, for the page."""
    versions = [machine.python_with("websockets", "google-genai", "uvloop", "fastapi", "uvicorn")]
    versions += [each for each in (machine.node_version(NODE_FOLDER), machine.pipecat_version(PIPECAT)) if each]
    return [
        f"{machine.occasion('make bench-bridge', load_before)}, {machine.choose_cores()}: "
        f"{machine.describe()}; {'; '.join(versions)}. "
        f"{plan.windows} windows of {plan.seconds:g} s, medians; the model's audio in parts of {plan.part_ms} ms."
    ]


def main() -> int:
    """Exit code 0 only when no bar is missed; with ``--quick`` when nothing was lost."""
    plan, names, is_whole, is_quick = _chosen()
    load_before = machine.load_average()
    _provide(names)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(run(names, plan))
    if is_quick:
        return _judge_quick(results)
    judged = report.bars({result.subject.name: result for result in results})
    part = report.page_part(results, judged, circumstances(plan, load_before))
    print(part)
    if is_whole:
        report.PAGE.write_text(report.into_page(report.PAGE.read_text(), part))
    return 0 if report.is_good(judged) else 1


def _judge_quick(results: Sequence[Result]) -> int:
    for result in results:
        for row in result.rows:
            # A busy machine may be too slow for a peer; what it has not lost was still measured.
            is_whole = row.is_whole if row.subject == "plain" else not (row.lost_up or row.dropped)
            is_fine = is_whole and row.utterances > 0 and row.cpu_ms > 0
            print(f"{result.subject.name}: {row} {'ok' if is_fine else 'LOST AUDIO OR CALLS'}")
            if not is_fine:
                return 1
    return 0


def _chosen() -> tuple[Plan, list[str], bool, bool]:
    """The plan, the names, whether it is a run of everything, and whether it is the short one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"some of {','.join(BY_NAME)}")
    parser.add_argument("--calls", help=f"instead of {','.join(map(str, CALLS))}; for every bridge")
    parser.add_argument("--seconds", type=float, default=10, help="length of a window")
    parser.add_argument("--windows", type=int, default=3)
    parser.add_argument("--part-ms", type=int, default=40, help="audio in one message of the model")
    parser.add_argument("--no-knee", action="store_true", help="do not look for the knee")
    parser.add_argument("--quick", action="store_true", help="10 calls, two bridges: does the harness work?")
    chosen = parser.parse_args()
    if chosen.quick:
        return QUICK, list(QUICK_NAMES), False, True
    names = chosen.only.split(",") if chosen.only else list(BY_NAME)
    unknown = [name for name in names if name not in BY_NAME]
    calls = [int(n) for n in chosen.calls.split(",")] if chosen.calls else list(CALLS)
    if unknown or not all(1 <= n <= 900 for n in calls) or sorted(set(calls)) != calls:
        parser.error(f"--only takes some of {','.join(BY_NAME)}; --calls takes rising numbers from 1 to 900")
    if not (2 <= chosen.seconds <= 600 and 1 <= chosen.windows <= 20 and 20 <= chosen.part_ms <= 400):
        parser.error("2 to 600 seconds, 1 to 20 windows, parts of 20 to 400 ms")
    plan = Plan(calls, chosen.seconds, chosen.windows, chosen.part_ms, not chosen.no_knee, is_fixed=bool(chosen.calls))
    return plan, names, not (chosen.only or chosen.calls or chosen.no_knee), False


def _provide(names: Sequence[str]) -> None:
    """Our compiled bridge, and what the peers run in; quick when it is there."""
    peers = [name for name in names if name in ("node", "pipecat")]
    commands = [[sys.executable, str(ROOT / "scripts" / "compile_bridge.py")]] if "ours" in names else []
    commands += [[str(ROOT / "scripts" / "peers.sh"), *peers]] if peers else []
    for command in commands:
        made = subprocess.run(command, check=False)
        if made.returncode:  # it has said why
            sys.exit(made.returncode)


if __name__ == "__main__":
    sys.exit(main())
