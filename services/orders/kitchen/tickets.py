"""What a screen is told of orders: a ticket as it stands, and each numbered event as a change of one.

Board and events give a ticket in the same shape. A screen gets what the kitchen needs and no more: no telephone number,
no address. A move is known by its state and time, so a screen that has it from the board ignores it when its event
comes; board and events may overlap, and they do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from agiza.domain.orders import OrderState

JsonObject = dict[str, Any]

_PREFIX: Final = "agiza.order."
_STATES: Final = frozenset(state.value for state in OrderState)


def ticket_of_row(row: Mapping[str, Any]) -> JsonObject:
    """The ticket of an order as :mod:`services.orders.kitchen.board` reads it."""
    customer = row["pii_customer"]
    return {
        "id": row["order_id"],
        "number": row["order_number"],
        "call_id": row["call_id"],
        "since": row["since"].isoformat(),
        "placed_at": row["placed_at"].isoformat(),
        "fulfilment": row["fulfilment"],
        "name": customer.get("name"),
        "note": customer.get("note"),
        "lines": [printed_rows(line) for line in row["lines"]],
        "eta_minutes": row["eta_minutes"],
        "eta_at": _iso(row["eta_at"]),
        "state": row["state"],
        "reason": row["reason"],
        "moves": [{"state": move["state"], "at": move["at"]} for move in row["moves"]],
        "is_supplement": row["supplement_of"] is not None,
        "alarm": row["alarm"],
        "owned_by": row["owned_by"],
    }


def message_of(body: bytes) -> JsonObject:
    """A numbered event of the branch as a screen applies it. One of a type that this build does not know is only told
    to be there, so that the numbers stay whole."""
    event = json.loads(body)
    data: JsonObject = event["data"]
    kind = str(event["type"]).removeprefix(_PREFIX)
    told = {"id": data.get("order_id"), "number": data.get("order_number"), "at": data.get("at") or event["time"]}
    if kind == "placed":
        return {"kind": "placed", "ticket": _ticket_of_event(data)}
    if kind in _STATES:
        moved = {name: data.get(name) for name in ("eta_minutes", "eta_at", "reason")}
        return {"kind": "moved", "state": kind, **told, **moved}
    if kind == "unacknowledged":
        return {"kind": "alarm", "alarm": f"not_{data['missing']}", **told}
    if kind == "owned":
        return {"kind": "owned", "by": data["by"], **told}
    return {"kind": "other"}


def printed_rows(line: Mapping[str, Any]) -> list[str]:
    """A line in the kitchen's wording; orders from before it was kept have their head only."""
    return list(line.get("printed") or ()) or [f"{line['quantity']} x {line['kitchen']}"]


def _ticket_of_event(data: JsonObject) -> JsonObject:
    return {
        "id": data["order_id"],
        "number": data["order_number"],
        "call_id": data["call_id"],
        "since": None,
        "placed_at": data["placed_at"],
        "fulfilment": data["fulfilment"],
        "name": data.get("pii_customer_name"),
        "note": data.get("note"),
        "lines": [printed_rows(line) for line in data["lines"]],
        "eta_minutes": data.get("eta_minutes"),
        "eta_at": None,
        "state": OrderState.PLACED.value,
        "reason": None,
        "moves": [],
        "is_supplement": data.get("supplement_of") is not None,
        "alarm": None,
        "owned_by": None,
    }


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment is not None else None
