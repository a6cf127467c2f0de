"""``agiza up``: the whole system, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agiza.cli.branches import known_branches
from agiza.cli.call import Line
from agiza.cli.errors import CliError
from agiza.cli.running import forget_line, write_line
from agiza.cli.stack import Stack, StackOptions, running_stack
from agiza.cli.up_note import HOME, forget_orders, note_orders
from agiza.runtime.branch_keys import branch_key

API_URL, API_KEY = "AGIZA_CARRIER_API_URL", "AGIZA_CARRIER_API_KEY"


async def up(
    *, live: bool, live_url: str | None, live_ca: Path | None, fresh: bool, now: datetime | None, branches: Path
) -> int:
    """Start, say where everything is, wait for the end."""
    key = os.environ.get("GEMINI_API_KEY")
    if live and not key:
        raise CliError("--live needs the environment variable GEMINI_API_KEY")
    api_url, api_key = carrier_of(os.environ)
    known = known_branches(branches)
    console = Console()
    console.print("starting Postgres, Redis and four services ...", style="dim")
    options = StackOptions(
        branches_folder=branches,
        data_folder=None if fresh else HOME / "data",
        log_folder=HOME / "logs",
        now=now,
        live_url=live_url,
        live_ca_file=live_ca,
        live_key=key if live else None,
        carrier_api_url=api_url,
        carrier_api_key=api_key,
    )
    async with running_stack(options) as stack:
        path = write_line(Line(stack.voice_url, stack.endpoints, stack.redis_url))
        note_orders({**stack.environments["orders"], "AGIZA_ORDERS_URL": stack.endpoints.orders_url})
        try:
            console.print(_overview(stack, api_url))
            for branch, key in branch_keys(stack, sorted(known)):
                console.print(f"{branch}: key {key} opens", soft_wrap=True)
                console.print(f"  {stack.endpoints.orders_url}/kitchen/{branch}  the kitchen's screen", soft_wrap=True)
                console.print(
                    f"  {stack.endpoints.escalation_url}/handoffs/{branch}  who needs a person", soft_wrap=True
                )
            first = next(iter(sorted(known)))
            console.print(f"\nCall it:  agiza call --branch {first} --carrier-url {stack.voice_url} --say ...")
            console.print(f"Logs are in {HOME / 'logs'}, tokens in {path}. Ctrl-C ends it.", style="dim")
            await _until_ended(stack)
        finally:
            forget_line()
            forget_orders()
    return 0


def carrier_of(environment: Mapping[str, str]) -> tuple[str | None, str | None]:
    """URL and key of the carrier's REST interface, if it may be used. Raises :class:`CliError` for half of it."""
    url, key = (environment.get(name) or None for name in (API_URL, API_KEY))
    if (url is None) != (key is None):
        raise CliError(f"{API_URL} and {API_KEY}: set both, so that calls can be placed, or neither")
    return url, key


def branch_keys(stack: Stack, branches: list[str]) -> list[tuple[str, str]]:
    """Each branch with the key of its screens."""
    secret = stack.environments["escalation"]["AGIZA_SCREEN_SECRET"]
    return [(branch, branch_key(branch, secret)) for branch in branches]


async def _until_ended(stack: Stack) -> None:
    """Wait for Ctrl-C or for a process that ends by itself, which is an error."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    ends = {asyncio.create_task(child.process.wait()): name for name, child in stack.children.items()}
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait({*ends, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*ends, stopping):
            task.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    if stopping not in done:
        name = ends[next(iter(done))]
        raise CliError(f"{name} ended by itself: {stack.children[name].last_words()}")


def _overview(stack: Stack, api_url: str | None) -> Table:
    table = Table(title=f"Agiza is up after {stack.started_in_s:.1f} s", title_justify="left", show_header=False)
    rows = {
        "voice URL (for the carrier)": stack.voice_url,
        "webhook": stack.endpoints.webhook_url,
        "bridge": stack.bridge_url,
        "orders": stack.endpoints.orders_url,
        "escalation": stack.endpoints.escalation_url,
        "model": stack.live_url or "Gemini Live",
        "calls are placed at": api_url or f"nowhere: set {API_URL} and {API_KEY}",
        "health": "/healthz, /readyz, /metrics on each",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table
