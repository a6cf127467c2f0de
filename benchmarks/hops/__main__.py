"""``make bench-hop``: what a caller hears when the call goes from one model session to the next.

    python -m benchmarks.hops [--hops 100] [--at-once 4]

Whole calls through the real services, the SDK, the Live simulator and the simulated carrier, in real time. The times
are taken at the carrier's playout. Measured are

- planned hops (the end is announced): by how much the next answer comes later than an answer without a hop before it,
  when the caller speaks 0.16 to 0.66 s after the agent's last sound, which is when the hop is made;
- forced hops and losses in the middle of a sentence: the longest silence until the agent goes on;
- function calls whose session is lost meanwhile: whether their result is heard.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import uvloop

from agiza.cli.branches import known_branches
from agiza.cli.processes import start_child
from agiza.cli.stack import BRANCHES, StackOptions, running_stack
from benchmarks.eval_audio import NOON
from benchmarks.hops.caller import HopCaller
from benchmarks.hops.turns import Kind, Turn, added_gaps, percentile, turns_of
from simulators.carrier.carrier import Carrier
from simulators.carrier.settings import CarrierSettings

HOPS_PER_CALL = 25
HOPS_MAX = 2_000
GAP_MS_MAX = 500.0
READY_S = 60.0
CALL_S_MAX = 600.0


async def measure(hops: int, at_once: int) -> tuple[list[HopCaller], list[Mapping[str, Any]]]:
    """All calls, and what the bridge said of its hops."""
    noted: list[Mapping[str, Any]] = []

    def on_line(child: str, fields: Mapping[str, Any]) -> None:
        if child == "bridge" and fields.get("event") == "model_hopped":
            noted.append(fields)

    branch = known_branches(BRANCHES)["westlands"].branch
    callers = [
        HopCaller(turns_of(min(HOPS_PER_CALL, hops - done), random.Random(done), first=40 * done + 1))
        for done in range(0, hops, HOPS_PER_CALL)
    ]
    with tempfile.TemporaryDirectory(prefix="agiza-hops-") as folder:
        ca_file = Path(folder) / "live-ca.pem"
        model = await start_child("model", ["-m", "benchmarks.hops.model", "--ca-file", str(ca_file)], {})
        try:
            ready = await model.wait_ready(READY_S)
            options = StackOptions(now=NOON, live_url=str(ready["url"]), live_ca_file=ca_file)
            async with running_stack(options, on_line) as stack:
                settings = CarrierSettings(
                    voice_url=stack.voice_url, our_numbers=frozenset({branch.phone}), call_limit_s=CALL_S_MAX
                )
                carrier = Carrier(settings)
                room = asyncio.Semaphore(at_once)

                async def one(number: int, caller: HopCaller) -> None:
                    async with room:
                        await carrier.call(caller, f"+2547110{number:05d}", branch.phone)

                try:
                    await asyncio.gather(*(one(number, caller) for number, caller in enumerate(callers)))
                finally:
                    await carrier.aclose()
        finally:
            await model.stop()
    return callers, noted


def line(name: str, values: Sequence[float], bar: str = "") -> str:
    """As printed."""
    shares = "".join(f"{percentile(values, share):9.0f}" for share in (0.5, 0.95, 1.0))
    return f"{name:58}{len(values):5}{shares}   {bar}"


def report(callers: Sequence[HopCaller], noted: Sequence[Mapping[str, Any]]) -> bool:
    """Print the table; whether every bar was met."""
    turns = [turn for caller in callers for turn in caller.turns]
    gaps = added_gaps(turns, Kind.PLANNED)
    cut = [float(turn.longest_gap_ms) for turn in turns if turn.kind in (Kind.FORCED, Kind.BROKEN)]
    calling = [turn for turn in turns if turn.kind in (Kind.ORDER, Kind.LOST)]
    silent = [turn for turn in turns if not turn.is_complete]
    print(f"{'milliseconds':58}{'n':>5}{'p50':>9}{'p95':>9}{'most':>9}")
    print(line("answer without a hop before it", _responses(turns, Kind.PLAIN)))
    print(line("answer after a planned hop", _responses(turns, Kind.PLANNED)))
    print(line("silence that a planned hop adds", gaps, f"p95 <= {GAP_MS_MAX:.0f}"))
    print(line("silence in a sentence that was cut (forced, lost)", cut, f"p95 <= {GAP_MS_MAX:.0f}"))
    print(line("answer to a function whose session was lost", _responses_of(turns, Kind.LOST)))
    print(line("without a session, by the bridge's own clock", [float(each["away_ms"]) for each in noted]))
    lost = [turn for turn in calling if not turn.is_complete]
    print(f"function results: {len(calling)}, lost: {len(lost)}")
    print("hops:", dict(Counter(f"{each['reason']}, {each['how']}" for each in noted)))
    print(f"turns without an answer: {[turn.words for turn in silent]}; calls: {len(callers)}, greetings: "
          f"{sum(caller.greetings for caller in callers)}")  # fmt: skip
    is_quick = percentile(gaps, 0.95) <= GAP_MS_MAX and percentile(cut, 0.95) <= GAP_MS_MAX
    return is_quick and not silent and all(caller.greetings == 1 for caller in callers)


def _responses(turns: Sequence[Turn], after: Kind) -> list[float]:
    easy = [turn for turn in turns if turn.kind in (Kind.PLAIN, Kind.PLANNED) and turn.after is after]
    return [float(turn.response_ms) for turn in easy if turn.response_ms is not None]


def _responses_of(turns: Sequence[Turn], kind: Kind) -> list[float]:
    return [float(turn.response_ms) for turn in turns if turn.kind is kind and turn.response_ms is not None]


async def main() -> int:
    """Exit code 0 only when every turn was answered, nobody was greeted twice, and the bars were met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hops", type=int, default=100, help="planned ones; others come on top")
    parser.add_argument("--at-once", type=int, default=4)
    chosen = parser.parse_args()
    if not (1 <= chosen.hops <= HOPS_MAX and 1 <= chosen.at_once <= HOPS_MAX):
        parser.error(f"1 to {HOPS_MAX} hops, and as many calls at once")
    began = time.monotonic()
    callers, noted = await measure(chosen.hops, chosen.at_once)
    is_good = report(callers, noted)
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if is_good else 1


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
