"""``make chaos``: processes are killed with -9 in the middle of calls; no ticket may be lost or doubled.

    python -m benchmarks.chaos [--rounds 1]

Killed are the four services, Postgres and Redis (those that are our own processes), and the model's simulator. The call
itself may end. What must hold: an order number that the caller was told is the number of just this call's
one ticket; no ticket stands for a caller who did not say yes; kitchen events and tickets agree; and after the process
is started again the next call is served. A caller who asked for a person still reaches one, once.

What the caller was told comes from the live transcript in Redis, which outlives the bridge, and from the simulated
caller's own memory. Both servers keep their data as in production: Postgres flushes, Redis has its append-only file.
The kills follow the conversation, so that they fall around the placing of the order.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis.asyncio as redis
import uvloop

from agiza.cli.branches import branch_to_call
from agiza.cli.call import CallRequest, Line, PlacedCall, place_call
from agiza.cli.errors import CliError
from agiza.cli.stack import BRANCHES, SERVICES, Stack, StackOptions, running_stack
from agiza.contracts.streams import session_turns_key
from agiza.domain.menu import BranchFile
from agiza.domain.money import number_in_words
from benchmarks.eval_audio import NOON

SAID = ("two chicken burgers, one with no onions, a large fries, and a soda", "that's all", "yes")
PERSON = ("can i speak to a person please",)
TOTAL_MINOR = 153_000
LIVE = "live"
NEXT_CALLER = "+254711000077"
NOT_RECORDED = "not recorded"
CALL_LIMIT_S = 90.0
POLL_S = 0.02
ROUNDS_MAX = 50

_NUMBERS = {number_in_words(number): number for number in range(1, 10_000)}
_TOLD = re.compile(r"order number is ([a-z0-9 -]+?)(?:,| and it |[.!])")


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of a conversation."""

    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """When to strike: ``after_s`` after the transcript shows what ``seen`` looks for."""

    name: str
    seen: Callable[[Sequence[Said]], bool]
    after_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.name} + {self.after_s} s"


def is_greeted(turns: Sequence[Said]) -> bool:
    """The agent has said its first sentence."""
    return any(turn.who == "agent" for turn in turns)


def is_read_back(turns: Sequence[Said]) -> bool:
    """The agent has read the order back and asked whether to place it."""
    return any(turn.who == "agent" and "shall i place" in turn.text for turn in turns)


def is_confirmed(turns: Sequence[Said]) -> bool:
    """The caller has said yes to the read-back. The model places the order in the same instant."""
    return any(turn.who == "caller" and turn.text == "yes" for turn in turns)


def is_asked_for(turns: Sequence[Said]) -> bool:
    """The caller has asked for a person; the hand-off is requested in the same instant."""
    return any(turn.who == "caller" and "person" in turn.text for turn in turns)


MOMENTS = (
    Moment("greeting", is_greeted, 0.3),
    *(Moment("read-back", is_read_back, after_s) for after_s in (0.0, 0.3, 0.6)),
    Moment("yes", is_confirmed),
)
PERSON_MOMENTS = (Moment("greeting", is_greeted), Moment("asked", is_asked_for), Moment("asked", is_asked_for, 0.5))


@dataclass(frozen=True, slots=True)
class Strike:
    """One kill: which process, when, how its call ended, and whether the call after it was served.

    ``staff_reached`` counts the people who picked up. It is None, and the outcome "not recorded", when the call was
    over before the killed process could be asked about it again. ``next_exact`` is None when nothing is started again.
    """

    service: str
    moment: str
    outcome: str
    told: tuple[int, ...]
    tickets: tuple[int, ...]
    staff_reached: int | None
    next_exact: bool | None
    problems: tuple[str, ...]


async def strike(stack: Stack, branch: BranchFile, service: str, moment: Moment, say: Sequence[str] = SAID) -> Strike:
    """Kill ``service`` at this moment of a call, start it again, and place one more call."""
    line = Line(stack.voice_url, stack.endpoints, stack.redis_url)
    request = CallRequest(branch=branch, say=say, text=True)
    problems = []
    calling = asyncio.create_task(_call(line, request))
    if not await _reached(stack.redis_url, request.call_id, moment, calling):
        problems.append(f"the call was over before the moment: {moment}")
    await stack.kill(service)
    if service != LIVE:
        await stack.restart(service)
    placed = await calling
    async with redis.Redis.from_url(stack.redis_url, decode_responses=True) as client:
        turns = [*await _turns(client, request.call_id), *_remembered(placed)]
    told = told_numbers(turns)
    # Somebody else: who was cut off and rings again would go on with the cart that was left open.
    following = (
        await _call(line, CallRequest(branch=branch, say=SAID, text=True, from_number=NEXT_CALLER))
        if service != LIVE
        else None
    )
    tickets, found = await asyncio.to_thread(_tickets, stack.database_url, request.call_id)
    problems += found + _lies(told, tickets)
    if tickets and not is_confirmed(turns):
        problems.append("a ticket that the caller did not say yes to")
    if say == PERSON:
        problems += _not_connected(placed)
    return Strike(
        service=service,
        moment=str(moment),
        outcome=placed.result.outcome if placed else NOT_RECORDED,
        told=told,
        tickets=tickets,
        staff_reached=len(placed.record.staff_reached) if placed else None,
        next_exact=None if service == LIVE else is_exact(following),
        problems=tuple(problems),
    )


@contextlib.asynccontextmanager
async def durable_stack() -> AsyncIterator[Stack]:
    """A system at noon whose servers may be killed: what they have acknowledged is on disk, thrown away at the end."""
    with tempfile.TemporaryDirectory(prefix="agiza-chaos-") as folder:
        # Postgres may run as another account, which must reach its folder inside.
        os.chmod(folder, 0o711)  # noqa: S103
        async with running_stack(StackOptions(now=NOON, voice="marked", data_folder=Path(folder))) as stack:
            yield stack


def told_numbers(turns: Sequence[Said]) -> tuple[int, ...]:
    """The different order numbers that the agent told, in words or figures; -1 for what is no number.

    A sentence that was cut short within the number tells none.
    """
    spoken = [words for turn in turns if turn.who == "agent" for words in _TOLD.findall(turn.text)]
    return tuple(sorted({int(words) if words.isdigit() else _NUMBERS.get(words, -1) for words in spoken}))


def is_exact(placed: PlacedCall | None) -> bool:
    """Whether this call of :data:`SAID` came to its one ticket."""
    orders = placed.result.orders if placed else []
    return [order["total_minor"] for order in orders] == [TOTAL_MINOR]


async def _call(line: Line, request: CallRequest) -> PlacedCall | None:
    try:
        async with asyncio.timeout(CALL_LIMIT_S):
            return await place_call(line, request, None)
    except (CliError, TimeoutError):
        return None


async def _reached(redis_url: str, call_id: str, moment: Moment, calling: asyncio.Task[PlacedCall | None]) -> bool:
    """Wait for the moment. False when the call ended before it."""
    async with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        while not calling.done():
            if moment.seen(await _turns(client, call_id)):
                await asyncio.sleep(moment.after_s)
                return not calling.done()
            await asyncio.sleep(POLL_S)
    return False


async def _turns(client: redis.Redis, call_id: str) -> list[Said]:
    """What the bridge has written down of the conversation so far; it stays when the bridge is gone."""
    lines: list[str] = await client.lrange(session_turns_key(call_id), 0, -1)  # type: ignore[misc]
    return [Said(turn["who"], turn["text"].lower()) for turn in map(json.loads, lines)]


def _remembered(placed: PlacedCall | None) -> list[Said]:
    """What the simulated caller said and understood."""
    return [Said(one.who, one.text.lower()) for one in placed.record.talk] if placed else []


def _tickets(database_url: str, call_id: str) -> tuple[tuple[int, ...], list[str]]:
    """The order numbers of this call, and what is wrong with its orders."""
    problems = []
    with psycopg.connect(database_url) as connection:
        orders = connection.execute(
            "SELECT order_number, total_minor FROM orders WHERE call_id = %s ORDER BY order_number", (call_id,)
        ).fetchall()
        events = connection.execute(
            "SELECT count(*) FROM outbox WHERE type = 'agiza.order.placed' AND pii_event->>'callid' = %s", (call_id,)
        ).fetchone()
    if len(orders) > 1:
        problems.append(f"{len(orders)} tickets for one order")
    problems += [f"ticket {number} says {total}" for number, total in orders if total != TOTAL_MINOR]
    if events is None or events[0] != len(orders):
        problems.append("orders and events for the kitchen differ")
    return tuple(number for number, _ in orders), problems


def _lies(told: Sequence[int], tickets: Sequence[int]) -> list[str]:
    """Each number that was told must be that of a ticket of this call. A ticket may go untold: the line was cut."""
    return [f"told number {number}, but the tickets are {tickets}" for number in told if number not in tickets]


def _not_connected(placed: PlacedCall | None) -> list[str]:
    """A caller who asked for a person reaches one, and nobody is rung after somebody has picked up."""
    if placed is None:
        return ["the call left no record"]
    outcomes = [dial.outcome for dial in placed.record.dials]
    if "answered" not in outcomes:
        return [f"nobody was reached: {outcomes}, ended by {placed.record.ended_by}"]
    return ["a second Dial after somebody had picked up"] if outcomes.index("answered") < len(outcomes) - 1 else []


async def rounds(stack: Stack, branch: BranchFile, count: int) -> list[Strike]:
    """Every service and server at every moment, ``count`` times; last the model, which is not started again."""
    plan: list[tuple[str, Moment, Sequence[str]]] = [
        (service, moment, SAID) for service in (*SERVICES, *stack.servers) for moment in MOMENTS
    ]
    plan += [(service, moment, PERSON) for service in ("escalation", *stack.servers) for moment in PERSON_MOMENTS]
    strikes = []
    for service, moment, say in plan * count + [(LIVE, Moment("yes", is_confirmed), SAID)]:
        strikes.append(await strike(stack, branch, service, moment, say))
        print(strikes[-1], flush=True)
    return strikes


def summary(strikes: Sequence[Strike]) -> str:
    """The figures of all strikes."""
    followed = [one for one in strikes if one.next_exact is not None]
    return "\n".join(
        (
            f"{len(strikes)} kills, {sum(bool(one.problems) for one in strikes)} with something lost or doubled",
            f"tickets {sum(len(one.tickets) for one in strikes)}, of them told {sum(len(one.told) for one in strikes)}",
            f"{sum(bool(one.staff_reached) for one in strikes)} calls reached a person",
            f"{sum(one.outcome == NOT_RECORDED for one in strikes)} calls without a report",
            f"{sum(bool(one.next_exact) for one in followed)} of {len(followed)} following calls exact",
        )
    )


async def main() -> int:
    """Strike every process at several moments. The exit code is 0 only when nothing was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, choices=range(1, ROUNDS_MAX + 1), metavar="1-50")
    chosen = parser.parse_args()
    async with durable_stack() as stack:
        strikes = await rounds(stack, branch_to_call(BRANCHES, "westlands"), chosen.rounds)
    print(f"\n{summary(strikes)}")
    return 1 if any(one.problems or one.next_exact is False for one in strikes) else 0


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        raise SystemExit(runner.run(main()))
