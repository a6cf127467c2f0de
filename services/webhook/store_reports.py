"""The bridges' reports of a call's legs, joined into one record of the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any, Final

from psycopg.types.json import Jsonb

from agiza.contracts.events import CallEnded
from agiza.runtime.postgres import Connection
from services.webhook.tolls import cost_from_json, cost_to_json

JsonObject = dict[str, Any]

_OF_A_LEG: Final = ("transcript", "pii_tool_calls", "latencies_ms", "usage", "duration_ms", "cost")


async def store_report(conn: Connection, ended: CallEnded) -> bool:
    """Keep the report of a leg; a repeated one changes nothing. False for a call that is not known.

    The newest leg says how the call ended. What was said and done on a leg before stays part of the call, also when
    its report comes late.
    """
    cursor = await conn.execute(
        "SELECT leg_epoch, pii_legs FROM calls WHERE call_id = %s FOR NO KEY UPDATE", (ended.call_id,)
    )
    found = await cursor.fetchone()
    if found is None:
        return False
    newest, legs = found
    content = ended.model_dump(mode="json")
    legs[str(ended.leg_epoch)] = {name: content[name] for name in _OF_A_LEG}
    whole = joined(legs)
    counts = ended.leg_epoch >= int(newest)
    await conn.execute(
        "UPDATE calls SET pii_legs = %(legs)s, duration_ms = %(duration)s, pii_transcript = %(transcript)s,"
        " pii_tool_calls = %(tools)s, latencies_ms = %(latencies)s, usage = %(usage)s, cost = %(cost)s,"
        " updated_at = now(), language = CASE WHEN %(counts)s THEN coalesce(%(language)s, language) ELSE language END,"
        " outcome = CASE WHEN %(counts)s THEN %(outcome)s ELSE outcome END,"
        " end_reason = CASE WHEN %(counts)s THEN %(reason)s ELSE end_reason END WHERE call_id = %(call)s",
        {
            "legs": Jsonb(legs), "duration": whole["duration_ms"], "transcript": Jsonb(whole["transcript"]),
            "tools": Jsonb(whole["pii_tool_calls"]), "latencies": Jsonb(whole["latencies_ms"]),
            "usage": Jsonb(whole["usage"]), "cost": Jsonb(whole["cost"]) if whole["cost"] else None,
            "language": ended.language, "counts": counts, "outcome": ended.outcome, "reason": ended.reason,
            "call": ended.call_id,
        },
    )  # fmt: skip
    return counts


def joined(legs: Mapping[str, JsonObject]) -> JsonObject:
    """All legs as one, in their order. Times of turns go on counting where the leg before ended."""
    whole: JsonObject = {"transcript": [], "pii_tool_calls": [], "latencies_ms": {}, "usage": {}, "duration_ms": 0}
    whole["cost"] = _cost([leg.get("cost") for leg in legs.values()])
    for leg in (legs[number] for number in sorted(legs, key=int)):
        past_ms = whole["duration_ms"]
        whole["transcript"] += [turn | {"at_ms": turn["at_ms"] + past_ms} for turn in leg["transcript"]]
        whole["pii_tool_calls"] += leg["pii_tool_calls"]
        for name, values in leg["latencies_ms"].items():
            whole["latencies_ms"][name] = [*whole["latencies_ms"].get(name, []), *values]
        whole["usage"] = _sum(whole["usage"], leg["usage"])
        whole["duration_ms"] = past_ms + leg["duration_ms"]
    return whole


def _sum(one: JsonObject, other: JsonObject) -> JsonObject:
    total = dict(one)
    for name, value in other.items():
        total[name] = _sum(total.get(name, {}), value) if isinstance(value, dict) else total.get(name, 0) + value
    return total


def _cost(legs: Sequence[JsonObject | None]) -> JsonObject | None:
    """Model and telephony of all legs; null where one leg's is not known, or is of another currency."""
    whole = {part: _part([leg.get(part) if leg else None for leg in legs]) for part in ("model", "telephony")}
    return whole if any(whole.values()) else None


def _part(amounts: Sequence[JsonObject | None]) -> JsonObject | None:
    costs = [cost_from_json(amount) for amount in amounts]
    known = [cost for cost in costs if cost is not None]
    if not known or len(known) < len(costs) or len({cost.currency for cost in known}) > 1:
        return None
    return cost_to_json(reduce(add, known))
