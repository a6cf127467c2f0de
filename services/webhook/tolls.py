"""What the carrier charges for a call, as far as its requests tell: the call's own minutes, and those of its Dials.

A Dial that was answered is a second, outbound leg. Its length is what the carrier says, else the time since it was
served, which has the ringing in it. A way into a room is no leg. Media streams are counted by the bridge.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from agiza.domain.call_answers import CallEvent, Decision, DialEnded, OutboundMoved
from agiza.domain.call_state import Callback, CallKind, Phase
from agiza.domain.cost import CarrierLeg, CarrierPrices, Cost, added
from agiza.runtime.cost_metrics import count_cost
from agiza.runtime.metrics import Metrics
from services.webhook.store import CallRow

JsonObject = dict[str, Any]


def new_tolls(
    row: CallRow, callback: Callback, decision: Decision, prices: CarrierPrices | None, now: datetime
) -> tuple[JsonObject, ...]:
    """Legs that ended by this decision. ``row`` is the call before it; what stands in its tolls is not told twice."""
    known = {toll["what"] for toll in row.tolls}
    tolls: list[JsonObject] = []
    dial = row.call.dial
    if dial is not None and dial.room is None and any(map(_connected, decision.events)):
        talked_s = callback.talk_s if callback.talk_s is not None else _since(dial.served_at, now)
        tolls.append(_toll(f"dial-{dial.attempt}", "outbound", talked_s, prices))
    if decision.call.phase is Phase.ENDED and row.call.phase is not Phase.ENDED:
        tolls.append(_toll("call", *_call(row, callback.duration_s, now), prices))
    return tuple(toll for toll in tolls if toll["what"] not in known)


def cost_of(toll: JsonObject) -> Cost | None:
    """The amount of a toll, where its price was known."""
    return cost_from_json(toll.get("cost"))


def cost_from_json(amount: JsonObject | None) -> Cost | None:
    """An amount as stored; the same shape as in a bridge's report."""
    return Cost(amount["currency"], amount["micro_minor"], amount["upper_micro_minor"]) if amount is not None else None


def cost_to_json(cost: Cost) -> JsonObject:
    """The reverse."""
    return {
        "currency": cost.currency,
        "micro_minor": cost.micro_minor,
        "upper_micro_minor": cost.upper_micro_minor,
    }


def shown_cost(cost: JsonObject | None, tolls: Iterable[JsonObject], *, had_agent: bool) -> JsonObject:
    """Model and telephony of one call, each null where a part of it is not known.

    ``cost`` is the legs' part; a call with the agent has one, and other calls have nothing that a bridge reports.
    Amounts in whole minor units (rounded here, once), beside the exact ones.
    """
    cost = cost or {}
    model = cost_from_json(cost.get("model"))
    streams = cost_from_json(cost.get("telephony"))
    telephony: Cost | None = streams
    amounts = [cost_of(toll) for toll in tolls]
    try:
        for amount in amounts:
            telephony = added(telephony, amount)
    except ValueError:  # the services were given prices in two currencies
        telephony = None
    if None in amounts or (had_agent and streams is None):
        telephony = None
    return {"model": _shown(model), "telephony": _shown(telephony)}


def count_tolls(tolls: Iterable[JsonObject], metrics: Metrics) -> None:
    """Tolls that are new, for the metrics."""
    for toll in tolls:
        if (cost := cost_of(toll)) is not None:
            count_cost(metrics, "telephony", cost.currency, cost.micro_minor, cost.upper_micro_minor)


def _connected(event: CallEvent) -> bool:
    match event:
        case DialEnded(connected=True) | OutboundMoved(step="connected"):
            return True
        case _:
            return False


def _call(row: CallRow, duration_s: int | None, now: datetime) -> tuple[CarrierLeg, int]:
    if row.call.kind is CallKind.INBOUND:
        return "inbound", duration_s if duration_s is not None else _since(row.started_at, now)
    if not row.call.picked_up and not duration_s:
        return "outbound", 0  # nobody answered; that is not charged
    return "outbound", duration_s if duration_s is not None else _since(row.started_at, now)


def _toll(what: str, leg: CarrierLeg, seconds: int, prices: CarrierPrices | None) -> JsonObject:
    toll: JsonObject = {"what": what, "leg": leg, "seconds": seconds}
    return toll | ({"cost": cost_to_json(prices.cost(leg, seconds * 1_000))} if prices is not None else {})


def _since(moment: datetime, now: datetime) -> int:
    return max(round((now - moment).total_seconds()), 0)


def _shown(cost: Cost | None) -> JsonObject | None:
    if cost is None:
        return None
    return {**cost_to_json(cost), "minor": cost.minor, "upper_minor": cost.upper_minor}
