"""What a call came to, put together from what the services recorded; its JSON is what ``agiza call --json`` prints."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from agiza.cli.errors import CliError

Outcome = Literal["placed", "no_order", "handoff", "dropped"]

RECORD_WAIT_S = 5.0
"""The bridge's last report reaches the call record after the line is down; this long it is waited for."""
RECORD_POLL_S = 0.05
RESTART_WAIT_S = 20.0
"""A service that was killed may come back: this long a whole report is tried for."""
RESTART_POLL_S = 0.2
ANSWER_WAIT_S = 5.0
_RESTARTING = frozenset({502, 503})
"""What a proxy says for a service that is gone, and a service for a store that is gone."""


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
    cost: Mapping[str, Any] = field(default_factory=dict)
    """``model`` and ``telephony``, each null where no price is known."""

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
            "cost": dict(self.cost),
        }


@dataclass(frozen=True, slots=True)
class Clock:
    """How the reader waits. ``now`` in seconds, of any origin."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


async def read_result(
    endpoints: Endpoints,
    call_id: str,
    *,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> CallResult:
    """Ask the services what became of the call. Waits until the bridge's report has arrived, or its time is over.

    A service that is just being started again is asked anew, for :data:`RESTART_WAIT_S` in all; then, and at once for
    any other refusal, :class:`CliError` is raised.
    """
    async with _client(endpoints, transport) as http:
        reader = _Reader(http, clock or Clock(), RESTART_WAIT_S)
        record = await reader.call_record(endpoints.webhook_url, call_id)
        ordered = await reader.orders(endpoints.orders_url, call_id)
        handoffs = (await reader.get(f"{endpoints.escalation_url}/v1/handoffs?call_id={call_id}"))["handoffs"]
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
        cost=record["cost"],
    )


async def read_orders(endpoints: Endpoints, call_id: str) -> list[dict[str, Any]]:
    """The orders of a call that may still be going on, oldest first. Asks once."""
    async with _client(endpoints, None) as http:
        return await _Reader(http, Clock(), 0.0).orders(endpoints.orders_url, call_id)


def _client(endpoints: Endpoints, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {endpoints.internal_token}"}
    return httpx.AsyncClient(headers=headers, transport=transport, trust_env=False)


class _Reader:
    """Asks the services, patiently until one deadline for everything."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock, patience_s: float) -> None:
        self._http = http
        self._clock = clock
        self._deadline = clock.now() + patience_s

    async def call_record(self, webhook_url: str, call_id: str) -> dict[str, Any]:
        """The call's record, with the bridge's report unless that does not come within :data:`RECORD_WAIT_S`."""
        url = f"{webhook_url}/v1/calls/{call_id}"
        record = await self.get(url)
        deadline = self._clock.now() + RECORD_WAIT_S
        while record["outcome"] is None and self._clock.now() <= deadline:
            await self._clock.sleep(RECORD_POLL_S)
            record = await self.get(url)
        return record

    async def orders(self, orders_url: str, call_id: str) -> list[dict[str, Any]]:
        """The call's orders, oldest first."""
        orders = (await self.get(f"{orders_url}/v1/orders?call_id={call_id}"))["orders"]
        return [_order(order) for order in reversed(orders)]

    async def get(self, url: str) -> dict[str, Any]:
        """The JSON object at this address."""
        while True:
            left_s = self._deadline - self._clock.now()
            try:
                answer = await self._http.get(url, timeout=ANSWER_WAIT_S)
                answer.raise_for_status()
            except httpx.HTTPStatusError as error:
                if error.response.status_code not in _RESTARTING or left_s <= 0:
                    raise CliError(f"{url} answered {error.response.status_code}") from None
            except httpx.HTTPError as error:
                if left_s <= 0:
                    raise CliError(f"{url} does not answer ({type(error).__name__}): is the stack running?") from None
            else:
                content: dict[str, Any] = answer.json()
                return content
            await self._clock.sleep(min(RESTART_POLL_S, max(left_s, 0.0)))


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
