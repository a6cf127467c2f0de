"""``make escalation-matrix``: every way to a person, in all four readings of the carrier, with jobs killed and absent.

    python -m benchmarks.escalation_matrix [--few] [--at-once 20] [--only R3] [--logs DIR]

The exit code is 0 only when every case ends as it must, without a double Dial and without a stranded caller.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

import uvloop

from benchmarks.escalation_matrix.cases import chosen_few, whole_matrix
from benchmarks.escalation_matrix.run import run
from benchmarks.escalation_matrix.table import lines, one_line

AT_ONCE_MAX = 100


async def main() -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", action="store_true", help="the chosen few of the test suite")
    parser.add_argument("--at-once", type=int, default=20, help="calls in one batch")
    parser.add_argument("--only", action="append", default=[], help="cases with this word in their name; repeatable")
    parser.add_argument("--logs", type=Path, help="where the services' logs go")
    chosen = parser.parse_args()
    if not 1 <= chosen.at_once <= AT_ONCE_MAX:
        parser.error(f"1 to {AT_ONCE_MAX} calls at once")
    cases = chosen_few() if chosen.few else whole_matrix()
    cases = tuple(case for case in cases if all(word in str(case) for word in chosen.only))
    if not cases:
        parser.error("no case has all of these words")
    if chosen.logs is not None:
        chosen.logs.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    verdicts = await run(
        cases,
        at_once=chosen.at_once,
        on_verdict=lambda verdict: print(one_line(verdict, verdict.case), flush=True),
        log_folder=chosen.logs,
        in_a_hurry=chosen.few,
    )
    print()
    for line in lines(verdicts):
        print(line)
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if any(each.problems for each in verdicts) else 0


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
