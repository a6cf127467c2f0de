"""``agiza demo``: two spoken calls through all four services, with the conversation on the screen."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from datetime import time as clock_time
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from agiza.cli.branches import branch_to_call
from agiza.cli.call import CallRequest, Line, PlacedCall, place_call, seconds_since
from agiza.cli.place import caller_voice
from agiza.cli.stack import StackOptions, running_stack
from agiza.cli.view import CallView
from simulators.carrier.exchange import open_exchange

BRANCH = "westlands"
ORDER = ("two chicken burgers, one with no onions, a large fries, and a soda", "that's all", "yes")
TOTAL_MINOR = 153_000
PERSON = ("I would like to speak to a person please",)


async def demo(options: StackOptions, record_folder: Path) -> int:
    """Show both calls. The exit code is 0 only when the ticket is exact and the staff phone was reached."""
    began = time.monotonic()
    view = CallView(Console())
    branch = branch_to_call(options.branches_folder, BRANCH)
    noon = datetime.combine(datetime.now(UTC).date(), clock_time(12), ZoneInfo(branch.branch.timezone))
    view.note("starting Postgres, Redis, the model and four services ...")
    voice_task = asyncio.create_task(asyncio.to_thread(caller_voice))
    async with (
        open_exchange() as exchange,
        running_stack(
            replace(options, now=noon, carrier_api_url=exchange.url, carrier_api_key=exchange.api_key), view.on_log
        ) as stack,
    ):
        view.note(f"everything is up after {stack.started_in_s:.1f} s; it is noon in {branch.branch.timezone}")
        line = Line(stack.voice_url, stack.endpoints, stack.redis_url)
        voice = await voice_task

        def on_ticket() -> None:
            view.note(f"ticket {seconds_since(began):.1f} s after the start")

        async def one(say: tuple[str, ...], from_number: str) -> PlacedCall:
            request = CallRequest(branch=branch, say=say, from_number=from_number, record_folder=record_folder)
            async with view.following(line, request.call_id, branch, on_ticket):
                placed = await place_call(line, request, voice, exchange)
            view.show_end(placed, branch)
            return placed

        view.headline(f"1. A caller rings {branch.branch.name} and orders")
        ordered = await one(ORDER, "+254711000001")
        view.headline("2. A caller asks for a person")
        helped = await one(PERSON, "+254711000002")
        view.note(f"both callers served {seconds_since(began):.1f} s after the start")
    problems = _problems(ordered, helped)
    for problem in problems:
        view.note(f"not as it should be: {problem}")
    return 1 if problems else 0


def _problems(ordered: PlacedCall, helped: PlacedCall) -> list[str]:
    problems = [*ordered.record.violations, *helped.record.violations]
    order = ordered.result.order
    if order is None or order["total_minor"] != TOTAL_MINOR:
        problems.append("the first caller's ticket is not the order that was spoken")
    if not helped.staff_reached:
        problems.append("the second caller did not reach the staff phone")
    return problems
