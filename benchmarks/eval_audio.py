"""``make eval-audio``: forty spoken callers through the whole stack, twenty of them never tuned on.

    python -m benchmarks.eval_audio [--only blind|tuned] [--at-once 2] [--text] [--show]

Prints the share of exact tickets for both halves, every miss with what was heard, and whether a wrong ticket was ever
placed that had not been read back and confirmed. A wrong ticket can only be one that the caller said yes to.

The exit code is 1 when an order was placed without confirmation, or when by audio fewer than 95 % of the tuned callers
got their exact ticket.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import uvloop

from agiza.cli.branches import known_branches
from agiza.cli.call import CallRequest, Line, place_call
from agiza.cli.place import caller_voice
from agiza.cli.result import CallResult
from agiza.cli.stack import BRANCHES, StackOptions, running_stack
from agiza.contracts.tools import GET_TOTAL, MUTATING_TOOLS
from agiza.domain.menu import BranchFile
from agiza.domain.money import amount_in_words
from benchmarks.callers import CorpusCaller, is_exact, load_callers, ticket_of
from simulators.carrier.settings import Voice

NOON = datetime(2026, 3, 6, 12, tzinfo=ZoneInfo("Africa/Nairobi"))
CORPORA = ("tuned", "blind")
TUNED_EXACT_MIN = 0.95


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one caller fared."""

    caller: CorpusCaller
    result: CallResult
    exact: bool
    unconfirmed: bool
    seconds: float


async def evaluate(
    callers: Sequence[CorpusCaller], line: Line, branches: dict[str, BranchFile], voice: Voice | None, at_once: int
) -> list[Verdict]:
    """Let these callers ring, at most ``at_once`` at the same time."""
    gate = asyncio.Semaphore(at_once)

    async def one(number: int, caller: CorpusCaller) -> Verdict:
        async with gate:
            began = time.monotonic()
            branch = branches[caller.branch]
            request = CallRequest(
                branch=branch, say=caller.say, text=voice is None, from_number=f"+2547110{number:05d}"
            )
            placed = await place_call(line, request, voice)
            exact = is_exact(caller, placed.result, branch)
            return Verdict(caller, placed.result, exact, was_unconfirmed(placed.result), time.monotonic() - began)

    return await asyncio.gather(*(one(number, caller) for number, caller in enumerate(callers)))


def was_unconfirmed(result: CallResult) -> bool:
    """Whether an order was placed without a read-back of just that cart, or without a word of the caller after it."""
    done = [call["name"] for call in result.tool_calls if call["status"] == "ok"]
    if not result.orders:
        return False
    if "placeOrder" not in done:
        return True
    before = done[: len(done) - 1 - done[::-1].index("placeOrder")]
    if GET_TOTAL not in before:
        return True
    since = before[len(before) - before[::-1].index(GET_TOTAL) :]
    return bool(MUTATING_TOOLS.intersection(since) - {"setCustomer"}) or not was_answered(result)


def was_answered(result: CallResult) -> bool:
    """Whether the caller spoke after the agent had last said the total of the last order that was placed."""
    order = result.orders[-1]
    total = amount_in_words(order["total_minor"], order["currency"]).lower()
    turns = result.transcript
    said = [place for place, turn in enumerate(turns) if turn["who"] == "agent" and total in turn["text"].lower()]
    return bool(said) and any(turn["who"] == "caller" for turn in turns[said[-1] + 1 :])


def report(name: str, verdicts: Sequence[Verdict], branches: dict[str, BranchFile], show: bool) -> None:
    """The figures of one corpus, and every miss."""
    exact = sum(verdict.exact for verdict in verdicts)
    wrong = [v for v in verdicts if v.result.orders and not v.exact]
    print(f"\n{name}: {exact} of {len(verdicts)} exact ({100 * exact / len(verdicts):.0f} %)")
    print(f"  wrong tickets {len(wrong)}, of them not read back and confirmed {sum(v.unconfirmed for v in wrong)}")
    print(f"  placed without confirmation {sum(v.unconfirmed for v in verdicts)}")
    for verdict in verdicts:
        if verdict.exact and not show:
            continue
        print(f"  {'ok  ' if verdict.exact else 'MISS'} {verdict.caller.id} ({verdict.result.outcome})")
        print(f"       said     {json.dumps(list(verdict.caller.say))}")
        print(f"       expected {sorted(verdict.caller.ticket.items())}")
        print(f"       got      {sorted(ticket_of(verdict.result, branches[verdict.caller.branch]).items())}")
        for turn in verdict.result.transcript:
            print(f"         {turn['who']:>6}: {turn['text']}")


async def main() -> int:
    """Run the chosen corpora and judge them by the promises above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CORPORA)
    parser.add_argument("--at-once", type=int, default=2, choices=range(1, 9))
    parser.add_argument("--text", action="store_true", help="without speech: shows what the dialogue alone can do")
    parser.add_argument("--show", action="store_true", help="print every call, not only the misses")
    chosen = parser.parse_args()
    branches = known_branches(BRANCHES)
    voice = None if chosen.text else await asyncio.to_thread(caller_voice)
    began, cpu_began = time.monotonic(), os.times()
    unconfirmed, poor = 0, False
    async with running_stack(StackOptions(now=NOON, voice="marked" if chosen.text else "piper")) as stack:
        line = Line(stack.voice_url, stack.endpoints, stack.redis_url)
        for name in [chosen.only] if chosen.only else CORPORA:
            verdicts = await evaluate(load_callers(name), line, branches, voice, chosen.at_once)
            report(name, verdicts, branches, chosen.show)
            unconfirmed += sum(verdict.unconfirmed for verdict in verdicts)
            exact = sum(verdict.exact for verdict in verdicts)
            poor = poor or (voice is not None and name == "tuned" and exact < TUNED_EXACT_MIN * len(verdicts))
    cpu = os.times()
    used = cpu.user + cpu.children_user - cpu_began.user - cpu_began.children_user
    print(f"\n{time.monotonic() - began:.0f} s wall, {used:.0f} s CPU in user mode, start included")
    return 1 if unconfirmed or poor else 0


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        raise SystemExit(runner.run(main()))
