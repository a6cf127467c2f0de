"""``make bench-faults``: real processes under faults; placed tickets must be confirmed orders, exactly.

    python -m benchmarks.faults [--calls 500] [--faults 100] [--seed 1] [--write]

Callers order over the bridge's own ladder (stream, after 400 ms the same event by HTTP) from two replicas of orders on
real Postgres and Redis, flushed to disk as in production. Among the calls, where the seed says, five kinds of faults
are struck in turn: `kill -9` of a replica; Postgres restarted, in order or not; Redis killed and started again without
the last 2 s of its file; the same, empty; answers swallowed by a proxy that then cuts the lines.

At the end every caller's account is compared with the database, the branches' streams and what a slow kitchen's reader
was given. A caller whose answer never came is with a person by then, as the ladder says; orders is asked the same
again and must tell the truth of it. The exit code is 0 only when nothing differs.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

import uvloop

from agiza.runtime.logs import configure_logging
from benchmarks.bridge.machine import describe, load_average, occasion, python_with
from benchmarks.bridge.report import into_page
from benchmarks.faults.report import BEGIN, END, page_part, told
from benchmarks.faults.run import Options, run

PAGE: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"
CALLS_MAX: Final = 10_000
FAULTS_MAX: Final = 2_000
SEED_MAX: Final = 2**31 - 1
RUN_S_MAX: Final = 7_200.0


async def main() -> int:
    """Exit code 0 only when placed tickets and confirmed orders are the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1, help="of what is wanted, and of which fault is struck when")
    parser.add_argument("--logs", type=Path, help="a folder for the logs of the replicas")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    chosen = parser.parse_args()
    if not (1 <= chosen.calls <= CALLS_MAX and 0 <= chosen.faults <= FAULTS_MAX and 0 <= chosen.seed <= SEED_MAX):
        parser.error(f"1 to {CALLS_MAX} calls, 0 to {FAULTS_MAX} faults, a seed from 0 to {SEED_MAX}")
    configure_logging("faults", level="error")  # that something is away is what is wanted here
    load = load_average()
    options = Options(chosen.calls, chosen.faults, chosen.seed, log_folder=chosen.logs)
    with tempfile.TemporaryDirectory(prefix="agiza-faults-") as folder:
        async with asyncio.timeout(RUN_S_MAX):
            result = await run(Path(folder), options, lambda line: print(line, file=sys.stderr, flush=True))
    command = f"make bench-faults` with `--calls {chosen.calls} --faults {chosen.faults} --seed {chosen.seed}"
    circumstances = f"{occasion(command, load)}: {describe()}; {python_with('psycopg', 'redis', 'httpx', 'uvloop')}."
    part = page_part(result, circumstances)
    print(part)
    for line in told(result.problems):
        print(line)
    if chosen.write:
        PAGE.write_text(into_page(PAGE.read_text(), part, BEGIN, END))
    return 0 if result.is_good else 1


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
