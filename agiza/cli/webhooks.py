"""``agiza webhooks``: what integrators do with their endpoints, over the orders API."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from agiza.cli.orders_client import OrdersClient

PAGE: Final = 200
POLL_S: Final = 0.3
FAILED: Final = 1
"""Exit code of a ping that was not answered with a 2xx."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Screen:
    """Where answers go: for people, or as exactly one JSON object."""

    out: Console
    notes: Console
    as_json: bool = False

    def show(self, answer: Mapping[str, Any], shown: Table | str) -> int:
        """Print it; exit code 0."""
        if self.as_json:
            self.line(json.dumps(answer, ensure_ascii=False))
        elif isinstance(shown, str):
            self.line(shown)
        else:
            self.out.print(shown)
        return 0

    def line(self, text: str) -> None:
        """One line, as it is."""
        self.out.print(text, soft_wrap=True, markup=False, highlight=False)

    def note(self, text: str) -> None:
        """Something beside the answer."""
        self.notes.print(text, soft_wrap=True, markup=False, highlight=False)


async def create(
    orders: OrdersClient, screen: Screen, url: str, branches: Sequence[str], types: Sequence[str], description: str
) -> int:
    """Make an endpoint; its secret is printed this once."""
    body = {"url": url, "branches": list(branches), "types": list(types), "description": description}
    made = await orders.ask("POST", "/v1/webhooks", body)
    screen.show(made, f"{made['webhook_id']}  {made['secret']}")
    screen.note("The secret is shown this once: keep it where the endpoint checks signatures.")
    return 0


async def show_list(orders: OrdersClient, screen: Screen, branch: str | None) -> int:
    """All endpoints of the key."""
    found = await _pages(orders, "/v1/webhooks", "webhooks", None, branch_id=branch)
    table = Table("webhook", "state", "branches", "types", "URL", "description", box=None, pad_edge=False)
    for each in found:
        table.add_row(
            each["webhook_id"],
            _state(each),
            ", ".join(each["branches"]),
            ", ".join(_short(type) for type in each["types"]) or "all",
            each["url"],
            each["description"],
        )
    return screen.show({"webhooks": found}, table if found else "there are no webhooks: agiza webhooks create")


async def show_one(orders: OrdersClient, screen: Screen, webhook_id: str) -> int:
    """One endpoint, with everything that is known of it."""
    found = await orders.ask("GET", _path(webhook_id))
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in found.items():
        if value not in (None, "", []):
            table.add_row(name, ", ".join(value) if isinstance(value, list) else str(value))
    return screen.show(found, table)


async def pause(orders: OrdersClient, screen: Screen, webhook_id: str) -> int:
    """Deliveries wait from now on."""
    changed = await orders.ask("PATCH", _path(webhook_id), {"state": "paused"})
    return screen.show(changed, f"{webhook_id} is paused: deliveries wait, and expire when their time is over")


async def resume(orders: OrdersClient, screen: Screen, webhook_id: str) -> int:
    """Send again, also where it was disabled."""
    changed = await orders.ask("POST", _path(webhook_id, "resume"))
    return screen.show(changed, f"{webhook_id} is active")


async def rotate(orders: OrdersClient, screen: Screen, webhook_id: str, hours: int, drop_former: bool) -> int:
    """Another secret, printed this once."""
    body = {"former_hours": hours, "drop_former": drop_former}
    changed = await orders.ask("POST", _path(webhook_id, "rotate"), body)
    screen.show(changed, str(changed["secret"]))
    screen.note(f"Shown this once. The secret before signs as well until {changed['former_secret_until']}.")
    return 0


async def ping(
    orders: OrdersClient,
    screen: Screen,
    webhook_id: str,
    wait_s: float,
    *,
    sleep: Sleep = asyncio.sleep,
    now: Callable[[], float] = time.monotonic,
) -> int:
    """A test delivery, and what came of it; exit code 1 when that was no 2xx, or nothing in ``wait_s``."""
    sent = await orders.ask("POST", _path(webhook_id, "ping"))
    deadline, attempt = now() + wait_s, None
    while attempt is None and now() < deadline:
        await sleep(POLL_S)
        tried = await orders.ask("GET", _path(webhook_id, "attempts"), event_id=sent["event_id"], limit=1)
        attempt = tried["attempts"][0] if tried["attempts"] else None
    if attempt is None:
        told = f"no outcome yet: agiza webhooks attempts {webhook_id} --event {sent['event_id']}"
    else:
        told = f"{_outcome(attempt)} after {attempt['duration_ms']} ms"
    screen.show({**sent, "attempt": attempt}, told)
    arrived = attempt is not None and attempt["status"] is not None and 200 <= attempt["status"] < 300
    return 0 if arrived or wait_s == 0 else FAILED


async def replay(orders: OrdersClient, screen: Screen, webhook_id: str, branch: str, first: int, last: int) -> int:
    """Send a range of a branch's numbers again."""
    counts = await orders.ask("POST", _path(webhook_id, "replay"), {"branch_id": branch, "from": first, "to": last})
    told = (
        f"{branch} {counts['from']} to {counts['to']}: {counts['events']} events, {counts['queued']} go out again,"
        f" {counts['waiting']} were on their way, {counts['not_subscribed']} are not subscribed to"
    )
    return screen.show(counts, told)


async def show_attempts(orders: OrdersClient, screen: Screen, webhook_id: str, event: str | None, limit: int) -> int:
    """What was tried, newest first."""
    found = await _pages(orders, _path(webhook_id, "attempts"), "attempts", limit, event_id=event)
    table = Table("at", "event", "attempt", "outcome", "ms", box=None, pad_edge=False)
    for each in found:
        table.add_row(each["at"], each["event_id"], str(each["attempt"]), _outcome(each), str(each["duration_ms"]))
    return screen.show({"attempts": found}, table if found else "nothing was tried")


async def show_deliveries(orders: OrdersClient, screen: Screen, webhook_id: str, state: str | None, limit: int) -> int:
    """Deliveries, those that began last first."""
    found = await _pages(orders, _path(webhook_id, "deliveries"), "deliveries", limit, state=state)
    table = Table("began", "branch", "number", "type", "state", "attempts", "next", box=None, pad_edge=False)
    for each in found:
        table.add_row(
            each["began_at"],
            each["branch_id"],
            str(each["sequence"] or ""),
            _short(each["type"]),
            each["state"],
            str(each["attempts"]),
            each["due_at"] or "",
        )
    return screen.show({"deliveries": found}, table if found else "there are no such deliveries")


async def delete(orders: OrdersClient, screen: Screen, webhook_id: str) -> int:
    """End it for good."""
    gone = await orders.ask("DELETE", _path(webhook_id))
    return screen.show(gone, f"{webhook_id} is deleted, with its deliveries and attempts")


async def _pages(
    orders: OrdersClient, path: str, member: str, limit: int | None, **filters: Any
) -> list[dict[str, Any]]:
    """What the pages hold, up to ``limit``."""
    found: list[dict[str, Any]] = []
    cursor = None
    while limit is None or len(found) < limit:
        wanted = PAGE if limit is None else min(PAGE, limit - len(found))
        page = await orders.ask("GET", path, limit=wanted, cursor=cursor, **filters)
        found += page[member]
        cursor = page["next"]
        if cursor is None:
            break
    return found


def _path(webhook_id: str, what: str = "") -> str:
    return f"/v1/webhooks/{webhook_id}/{what}".rstrip("/")


def _short(type: str) -> str:
    return type.removeprefix("agiza.")


def _state(webhook: Mapping[str, Any]) -> str:
    if webhook["state"] == "active" and webhook["failing_since"] is not None:
        return f"failing since {webhook['failing_since']}"
    return str(webhook["state"])


def _outcome(attempt: Mapping[str, Any]) -> str:
    return " ".join(str(part) for part in (attempt["status"], attempt["error"]) if part is not None)
