"""``make chaos``: each process is killed with -9 once in the middle of a call; no ticket may be lost or doubled.

    python -m benchmarks.chaos [--rounds 1]

The call itself may end. What must hold: every order that the caller was told a number of is in the database once, and
nothing else is; after the process is started again the next call is served.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
import uvloop

from agiza.cli.branches import branch_to_call
from agiza.cli.call import CallRequest, Line, place_call
from agiza.cli.errors import CliError
from agiza.cli.result import CallResult
from agiza.cli.stack import BRANCHES, SERVICES, Stack, StackOptions, running_stack
from agiza.domain.menu import BranchFile
from benchmarks.eval_audio import NOON

SAID = ("two chicken burgers, one with no onions, a large fries, and a soda", "that's all", "yes")
TOTAL_MINOR = 153_000
KILL_AFTER_S: Sequence[float] = (1.5, 3.0, 4.5, 6.0)
CALL_LIMIT_S = 90.0
ROUNDS_MAX = 50


@dataclass(frozen=True, slots=True)
class Strike:
    """One kill: which process, when, how its call ended, and whether the call after it was served."""

    service: str
    after_s: float
    outcome: str
    told_number: bool
    next_exact: bool
    problems: tuple[str, ...]


async def strike(stack: Stack, line: Line, branch: BranchFile, service: str, after_s: float) -> Strike:
    """Kill ``service`` during a call, start it again, and place one more call."""
    request = CallRequest(branch=branch, say=SAID, text=True)
    calling = asyncio.create_task(_result(line, request))
    await asyncio.sleep(after_s)
    stack.children[service].kill()
    await stack.children[service].process.wait()
    await stack.restart(service)
    result = await calling
    following = await _result(line, CallRequest(branch=branch, say=SAID, text=True))
    said = [turn["text"].lower() for turn in result.transcript if turn["who"] == "agent"] if result else []
    told = any("order number" in text for text in said)
    return Strike(
        service=service,
        after_s=after_s,
        outcome=result.outcome if result else "no answer",
        told_number=told,
        next_exact=bool(following and following.order and following.order["total_minor"] == TOTAL_MINOR),
        problems=tuple(await asyncio.to_thread(_problems, stack.database_url, request.call_id, told)),
    )


async def _result(line: Line, request: CallRequest) -> CallResult | None:
    try:
        async with asyncio.timeout(CALL_LIMIT_S):
            return (await place_call(line, request, None)).result
    except (CliError, TimeoutError):
        return None


def _problems(database_url: str, call_id: str, told_number: bool) -> list[str]:
    """What is wrong with the orders of this call, and with the promises that hold for all orders."""
    problems = []
    with psycopg.connect(database_url) as connection:
        orders = connection.execute("SELECT total_minor FROM orders WHERE call_id = %s", (call_id,)).fetchall()
        events = connection.execute(
            "SELECT count(*) FROM outbox WHERE type = 'agiza.order.placed' AND pii_event->>'callid' = %s", (call_id,)
        ).fetchone()
    if len(orders) > 1:
        problems.append(f"{len(orders)} tickets for one order")
    if told_number and not orders:
        problems.append("the caller was told a number, and there is no ticket")
    if orders and orders[0][0] != TOTAL_MINOR:
        problems.append(f"the ticket says {orders[0][0]}")
    if events is None or events[0] != len(orders):
        problems.append("orders and events for the kitchen differ")
    return problems


async def main() -> int:
    """Strike every process at several moments. The exit code is 0 only when nothing was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, choices=range(1, ROUNDS_MAX + 1), metavar="1-50")
    chosen = parser.parse_args()
    branch = branch_to_call(BRANCHES, "westlands")
    strikes = []
    async with running_stack(StackOptions(now=NOON, voice="marked")) as stack:
        line = Line(stack.voice_url, stack.endpoints, stack.redis_url)
        for _ in range(chosen.rounds):
            for service in SERVICES:
                for after_s in KILL_AFTER_S:
                    strikes.append(await strike(stack, line, branch, service, after_s))
                    print(strikes[-1])
    bad = [one for one in strikes if one.problems or not one.next_exact]
    print(f"\n{len(strikes)} kills, {sum(len(one.problems) for one in strikes)} tickets lost or doubled")
    print(f"{sum(one.next_exact for one in strikes)} of {len(strikes)} following calls exact")
    return 1 if bad else 0


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        raise SystemExit(runner.run(main()))
