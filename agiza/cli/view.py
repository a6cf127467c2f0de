"""A call on the screen: the conversation as it happens, tool calls with their times, the ticket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import redis.asyncio as redis
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agiza.cli.call import Line, PlacedCall
from agiza.cli.result import read_orders
from agiza.contracts.streams import session_turns_key
from agiza.contracts.tools import PLACE_ORDER
from agiza.domain.choice_names import spoken
from agiza.domain.menu import BranchFile
from agiza.domain.money import format_minor

POLL_S = 0.15


class CallView:
    """Shows one call at a time. With ``quiet`` it shows nothing, so that standard output stays one JSON object."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._placed = asyncio.Event()
        self._shown: set[int] = set()

    def note(self, text: str) -> None:
        """A line about what is going on."""
        self._print(Text(text, style="dim"))

    def headline(self, text: str) -> None:
        """A line that begins something new."""
        self._print(Text(f"\n{text}", style="bold"))

    def on_log(self, service: str, fields: Mapping[str, Any]) -> None:
        """A log line of a service: tool calls are shown with the time that they took."""
        if service == "bridge" and fields.get("event") == "tool_answered":
            if fields.get("tool") == PLACE_ORDER and fields.get("status") == "ok":
                self._placed.set()
            style = "green" if fields.get("status") == "ok" else "yellow"
            self._print(
                Text.assemble(
                    ("        ", ""),
                    (f"{fields.get('tool')}", style),
                    (f" -> {fields.get('status')} in {fields.get('ms')} ms", "dim"),
                )
            )

    @contextlib.asynccontextmanager
    async def following(
        self, line: Line, call_id: str, branch: BranchFile, on_ticket: Callable[[], None] = lambda: None
    ) -> AsyncIterator[None]:
        """Show the live transcript of this call, and each ticket when it is there, for the length of the block."""
        if self._quiet:
            yield
            return
        self._placed.clear()
        self._shown.clear()
        tasks = [
            asyncio.create_task(self._follow(line.redis_url, call_id), name="transcript on the screen"),
            asyncio.create_task(self._tickets(line, call_id, branch, on_ticket), name="tickets on the screen"),
        ]
        try:
            yield
        finally:
            await asyncio.sleep(POLL_S)  # the last turn
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def show_end(self, placed: PlacedCall, branch: BranchFile) -> None:
        """How the call ended, and where to listen. Tickets that were not shown yet are shown now."""
        result, record = placed.result, placed.record
        for order in result.orders:
            if order["number"] not in self._shown:
                self._print(_ticket(order, branch))
        if result.handoff is not None:
            contact = next((c for c in branch.contacts if c.id == result.handoff["contact"]), None)
            name = contact.name if contact else result.handoff["contact"]
            reached = ", ".join(placed.staff_reached) or "nobody"
            self._print(
                Text(f"hand-off ({result.handoff['reason']}) to {name}: {result.handoff['state']}; reached {reached}")
            )
        if not result.orders and result.handoff is None:
            self._print(Text(f"the call ended without an order ({result.outcome})", style="yellow"))
        if cost := cost_line(result.cost):
            self._print(Text(cost, style="dim"))
        if record.wavs:
            self._print(Text("listen: " + ", ".join(str(path) for path in _wavs(record.wavs)), style="dim"))

    async def _tickets(self, line: Line, call_id: str, branch: BranchFile, on_ticket: Callable[[], None]) -> None:
        """Each time an order has been placed, read it where a kitchen would."""
        while True:
            await self._placed.wait()
            self._placed.clear()
            for order in await read_orders(line.endpoints, call_id):
                if order["number"] not in self._shown:
                    self._shown.add(order["number"])
                    self._print(_ticket(order, branch))
                    on_ticket()

    async def _follow(self, redis_url: str, call_id: str) -> None:
        client: redis.Redis = redis.Redis.from_url(
            redis_url, decode_responses=True, socket_timeout=2, socket_connect_timeout=2
        )
        shown = 0
        try:
            while True:
                with contextlib.suppress(redis.RedisError):
                    lines: list[str] = await client.lrange(session_turns_key(call_id), shown, -1)  # type: ignore[misc]
                    shown += len(lines)
                    for line in lines:
                        self._turn(json.loads(line))
                await asyncio.sleep(POLL_S)
        finally:
            await client.aclose()

    def _turn(self, turn: Mapping[str, Any]) -> None:
        style = "cyan" if turn["who"] == "agent" else "magenta"
        stamp = f"{turn['at_ms'] / 1000:6.1f}s "
        self._print(Text.assemble((stamp, "dim"), (f"{turn['who']}: ", style), turn["text"]))

    def _print(self, what: Text | Table) -> None:
        if not self._quiet:
            self._console.print(what)


def cost_line(cost: Mapping[str, Any]) -> str:
    """ "cost: model USD 0.14 (at most USD 0.19), telephony KES 1.50"; empty where no price is known."""
    known = [
        f"{part} {format_minor(amount['minor'], amount['currency'])}"
        f" (at most {format_minor(amount['upper_minor'], amount['currency'])})"
        for part in ("model", "telephony")
        if (amount := cost.get(part)) is not None
    ]
    return f"cost: {', '.join(known)}" if known else ""


def _ticket(order: Mapping[str, Any], branch: BranchFile) -> Table:
    currency = order["currency"]
    table = Table(title=f"Ticket {order['number']}, {branch.branch.name}, {order['fulfilment']}", title_justify="left")
    table.add_column("", justify="right")
    table.add_column("item")
    table.add_column("amount", justify="right")
    for line in order["lines"]:
        table.add_row(str(line["quantity"]), _described(line, branch), format_minor(line["total_minor"], currency))
    table.add_section()
    table.add_row("", "total", format_minor(order["total_minor"], currency), style="bold")
    return table


def _described(line: Mapping[str, Any], branch: BranchFile) -> str:
    item = branch.menu.item(line["item"])
    if item is None:
        return str(line["item"])
    defaults = {place.id for place in item.places.values() if place.option.id in place.group.default}
    names = {place.id: str(spoken(place, item)) for place in item.places.values()}
    options = [*line["options"], *(option for part in line.get("parts", ()) for option in part["options"])]
    chosen = [
        names.get(option["id"], option["id"]) + (f" x{option['quantity']}" if option["quantity"] > 1 else "")
        for option in options
        if option["id"] not in defaults
    ]
    return item.name + (f" ({', '.join(chosen)})" if chosen else "")


def _wavs(wavs: Mapping[str, Path]) -> list[Path]:
    return [path for path in wavs.values() if path.exists()]
