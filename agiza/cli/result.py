"""What a call came to, put together from what the services recorded; its JSON is what ``agiza call --json`` prints."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from agiza.cli.errors import CliError

Outcome = Literal["placed", "no_order", "handoff", "dropped"]

RECORD_WAIT_S = 5.0
"""The bridge's last report reaches the call record after the line is down; this long it is waited for."""
RECORD_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the services answer, and the token that they ask for."""

    webhook_url: str
    orders_url: str
    escalation_url: str
    internal_token: str


@dataclass(frozen=True, slots=True)
class CallResult:
    """The whole of one call. Money in minor units; times in ms."""

    call_id: str
    outcome: Outcome
    orders: Sequence[Mapping[str, Any]]
    tool_calls: Sequence[Mapping[str, Any]]
    transcript: Sequence[Mapping[str, Any]]
    latencies_ms: Mapping[str, Any]
    handoff: Mapping[str, Any] | None

    @property
    def order(self) -> Mapping[str, Any] | None:
        """The call's first order; a supplementary one follows it in :attr:`orders`."""
        return self.orders[0] if self.orders else None

    def to_json(self) -> dict[str, Any]:
        """One object, as documented in docs/cli.md."""
        return {
            "call_id": self.call_id,
            "outcome": self.outcome,
            "order": self.order,
            "supplementary_orders": list(self.orders[1:]),
            "tool_calls": list(self.tool_calls),
            "transcript": list(self.transcript),
            "latencies_ms": dict(self.latencies_ms),
            "handoff": self.handoff,
        }


async def read_result(endpoints: Endpoints, call_id: str) -> CallResult:
    """Ask the services what became of the call. Waits until the bridge's report has arrived, or its time is over."""
    async with _client(endpoints) as http:
        record = await _call_record(http, endpoints.webhook_url, call_id)
        ordered = await _orders(http, endpoints, call_id)
        handoffs = (await _get(http, f"{endpoints.escalation_url}/v1/handoffs?call_id={call_id}"))["handoffs"]
    handoff = _handoff(handoffs[0]) if handoffs else None
    return CallResult(
        call_id=call_id,
        outcome=_outcome(record, bool(ordered), handoff),
        orders=ordered,
        tool_calls=[
            {"name": call["name"], "args": call["args"], "status": call["status"], "ms": call["ms"]}
            for call in record["tool_calls"]
        ],
        transcript=[{"who": turn["who"], "text": turn["pii_text"]} for turn in record["transcript"]],
        latencies_ms=record["latencies_ms"],
        handoff=handoff,
    )


async def read_orders(endpoints: Endpoints, call_id: str) -> list[dict[str, Any]]:
    """The orders of a call that may still be going on, oldest first."""
    async with _client(endpoints) as http:
        return await _orders(http, endpoints, call_id)


async def _orders(http: httpx.AsyncClient, endpoints: Endpoints, call_id: str) -> list[dict[str, Any]]:
    orders = (await _get(http, f"{endpoints.orders_url}/v1/orders?call_id={call_id}"))["orders"]
    return [_order(order) for order in reversed(orders)]


def _client(endpoints: Endpoints) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {endpoints.internal_token}"}
    return httpx.AsyncClient(headers=headers, timeout=5.0, trust_env=False)


async def _call_record(http: httpx.AsyncClient, webhook_url: str, call_id: str) -> dict[str, Any]:
    deadline = asyncio.get_running_loop().time() + RECORD_WAIT_S
    while True:
        record = await _get(http, f"{webhook_url}/v1/calls/{call_id}")
        if record["outcome"] is not None or asyncio.get_running_loop().time() > deadline:
            return record
        await asyncio.sleep(RECORD_POLL_S)


async def _get(http: httpx.AsyncClient, url: str) -> dict[str, Any]:
    try:
        answer = await http.get(url)
        answer.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise CliError(f"{url} answered {error.response.status_code}") from None
    except httpx.HTTPError as error:
        raise CliError(f"{url} does not answer ({type(error).__name__}): is the stack running?") from None
    content: dict[str, Any] = answer.json()
    return content


def _outcome(record: Mapping[str, Any], ordered: bool, handoff: Mapping[str, Any] | None) -> Outcome:
    """A person on the line or on the way counts before an order: the caller asked for one, whatever was placed."""
    if handoff is not None and handoff["state"] not in {"failed", "closed"}:
        return "handoff"
    if ordered:
        return "placed"
    return "no_order" if record["outcome"] == "no_order" else "dropped"


def _order(order: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": order["order_number"],
        "lines": [
            {
                "item": line["item"],
                "quantity": line["quantity"],
                "options": [{"id": option["id"], "quantity": option["quantity"]} for option in line["options"]],
                "unit_minor": line["unit_minor"],
                "total_minor": line["total_minor"],
            }
            for line in order["lines"]
        ],
        "total_minor": order["total_minor"],
        "currency": order["currency"],
        "fulfilment": order["fulfilment"],
        "state": order["state"],
    }


def _handoff(handoff: Mapping[str, Any]) -> dict[str, Any]:
    return {"reason": handoff["reason"], "contact": handoff["contact_id"], "state": handoff["state"]}
