"""``make bench-load``: many calls at once, on two branches; every ticket must be exact.

python -m benchmarks.load [--text-calls 20] [--audio-calls 5]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence

import uvloop

from agiza.cli.branches import known_branches
from agiza.cli.call import Line
from agiza.cli.place import caller_voice
from agiza.cli.stack import BRANCHES, StackOptions, running_stack
from agiza.domain.menu import BranchFile
from benchmarks.callers import CorpusCaller
from benchmarks.eval_audio import NOON, Verdict, evaluate, report
from simulators.carrier.settings import Voice

ORDERS: tuple[tuple[str, str, dict[tuple[str, tuple[str, ...]], int]], ...] = (
    (
        "westlands",
        "two chicken burgers, one with no onions, a large fries, and a soda",
        {
            ("chicken-burger", ()): 1,
            ("chicken-burger", ("no-onions",)): 1,
            ("fries", ("large",)): 1,
            ("soda", ()): 1,
        },
    ),
    ("kilimani", "two greek salads and an iced tea", {("greek-salad", ()): 2, ("iced-tea", ()): 1}),
    ("westlands", "three beef burgers and two coffees", {("beef-burger", ()): 3, ("coffee", ()): 2}),
    ("kilimani", "one beef lasagne and a tiramisu", {("lasagne", ()): 1, ("tiramisu", ()): 1}),
    ("westlands", "a fish burger and a small fries", {("fish-burger", ()): 1, ("fries", ("small",)): 1}),
)
CALLS_MAX = 100


def callers(count: int, name: str) -> list[CorpusCaller]:
    """``count`` callers who take turns with the orders above."""
    return [
        CorpusCaller(f"{name}-{number:02d}", branch, (said, "that's all", "yes"), "placed", ticket)
        for number, (branch, said, ticket) in ((n, ORDERS[n % len(ORDERS)]) for n in range(count))
    ]


async def round_of(
    name: str, count: int, line: Line, branches: dict[str, BranchFile], voice: Voice | None
) -> Sequence[Verdict]:
    """All calls of one kind at the same moment, with their figures."""
    began = time.monotonic()
    verdicts = await evaluate(callers(count, name), line, branches, voice, at_once=count)
    report(f"{count} at once by {name}", verdicts, branches, show=False)
    tools = [call["ms"] for verdict in verdicts for call in verdict.result.tool_calls]
    if len(tools) > 1:
        print(
            f"  {time.monotonic() - began:.0f} s; {len(tools)} function calls, "
            f"median {statistics.median(tools):.0f} ms, slowest {max(tools)} ms"
        )
    return verdicts


async def main() -> int:
    """Both rounds on one stack. The exit code is 0 only when every ticket is exact."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text-calls", type=int, default=20)
    parser.add_argument("--audio-calls", type=int, default=5)
    chosen = parser.parse_args()
    if not (0 <= chosen.text_calls <= CALLS_MAX and 0 <= chosen.audio_calls <= CALLS_MAX):
        parser.error(f"at most {CALLS_MAX} calls of a kind")
    branches = known_branches(BRANCHES)
    misses = 0
    async with running_stack(StackOptions(now=NOON)) as stack:
        line = Line(stack.voice_url, stack.endpoints, stack.redis_url)
        for name, count, voice in (
            ("text", chosen.text_calls, None),
            ("audio", chosen.audio_calls, await asyncio.to_thread(caller_voice) if chosen.audio_calls else None),
        ):
            if count:
                verdicts = await round_of(name, count, line, branches, voice)
                misses += sum(not verdict.exact for verdict in verdicts)
    return 1 if misses else 0


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        raise SystemExit(runner.run(main()))
