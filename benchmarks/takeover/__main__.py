"""``make bench-takeover``: the serving bridge is killed with -9 in the middle of a sentence, again and again.

    python -m benchmarks.takeover [--kills 10] [--asked 5] [--silent 2] [--hung-up 2]

Two replicas of the bridge stand behind one door. In each kill several callers talk at once, on three carriers. One asks
again when a stream ends (R1): another replica must speak within 3 s, with the cart as it was and without a second
greeting. One stays silent (R3), one hangs up (R4): the line is ended by REST, and the customer rung back within 30 s,
with the cart open. Every caller's cart must become exactly one right ticket. Ends with 1 when anything is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

import uvloop

from benchmarks.takeover.site import READINGS, Caller, open_site
from benchmarks.takeover.strike import strike
from benchmarks.takeover.verdict import problems, table

AT_ONCE_MAX = 40
KILLS_MAX = 200


def callers_of(kills: int, counts: tuple[int, int, int]) -> list[list[Caller]]:
    """The callers of each kill; ``counts`` goes with :data:`READINGS`."""
    batches: list[list[Caller]] = []
    number = 0
    for _ in range(kills):
        batch = []
        for reading, count in zip(READINGS, counts, strict=True):
            for _ in range(count):
                number += 1
                batch.append(Caller(number, reading))
        batches.append(batch)
    return batches


async def main() -> int:
    """Kill and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--asked", type=int, default=5, help="callers of each kill whose carrier asks again")
    parser.add_argument("--silent", type=int, default=2, help="callers whose carrier stays silent")
    parser.add_argument("--hung-up", type=int, default=2, help="callers whose carrier hangs up")
    parser.add_argument("--logs", type=Path, help="where the services' logs go")
    chosen = parser.parse_args()
    counts = chosen.asked, chosen.silent, chosen.hung_up
    if not 1 <= chosen.kills <= KILLS_MAX or not 1 <= sum(counts) <= AT_ONCE_MAX or min(counts) < 0:
        parser.error(f"1 to {KILLS_MAX} kills of 1 to {AT_ONCE_MAX} callers")
    batches = callers_of(chosen.kills, counts)
    began, aftermaths = time.monotonic(), []
    async with open_site([caller for batch in batches for caller in batch], chosen.logs) as site:
        for number, batch in enumerate(batches, start=1):
            after = await strike(site, batch)
            aftermaths += after
            for each in after:
                for problem in problems(each):
                    print(f"  {each.caller.call_id} ({each.caller.reading}): {problem}", flush=True)
                if problems(each):
                    print("\n".join(f"    {line}" for line in each.talk), flush=True)
            well = sum(not problems(each) for each in after)
            print(f"kill {number}: {well} of {len(after)} well, {time.monotonic() - began:.0f} s", flush=True)
    print()
    for line in table(aftermaths, len(batches)):
        print(line)
    return 1 if any(problems(each) for each in aftermaths) else 0


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
