"""Calls as operators are shown them: what was said, what came of it, and what it cost."""

from __future__ import annotations

from typing import Any, Final

from agiza.runtime.postgres import Connection
from services.webhook.tolls import shown_cost

JsonObject = dict[str, Any]

_SHOWN: Final = (
    "call_id", "kind", "branch_id", "menu_version", "pii_caller", "language", "stage", "leg_epoch", "traceparent",
    "started_at", "ended_at", "outcome", "end_reason", "duration_ms",
)  # fmt: skip
_SHOWN_WHOLE: Final = ("pii_transcript", "pii_tool_calls", "latencies_ms", "usage", "cost", "tolls")
_PLACED_MAX: Final = 50
"""Calls of ours that are shown beside the call for which they were placed."""


async def show_call(conn: Connection, call_id: str) -> JsonObject | None:
    """The whole record of a call, without its token."""
    columns = (*_SHOWN, *_SHOWN_WHOLE)
    cursor = await conn.execute(
        f"SELECT {', '.join(columns)}, state->'call' FROM calls WHERE call_id = %s",  # noqa: S608 - constants
        (call_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    shown = dict(zip(columns, row, strict=False))
    return {
        **{name: shown[name] for name in _SHOWN},
        "transcript": shown["pii_transcript"],
        "tool_calls": shown["pii_tool_calls"],
        "latencies_ms": shown["latencies_ms"],
        "usage": shown["usage"],
        "cost": _cost(shown["cost"], shown["tolls"], row[-1]),
        "tolls": shown["tolls"],
        "placed_calls": await _placed_calls(conn, call_id),
        "dial": row[-1]["dial"],
    }


async def _placed_calls(conn: Connection, call_id: str) -> list[JsonObject]:
    """The calls that we placed because of this one, each with its own cost."""
    cursor = await conn.execute(
        "SELECT c.call_id, c.kind, c.cost, c.tolls, c.state->'call' FROM outbound_calls o"
        " JOIN calls c ON c.outbound_id = o.outbound_id WHERE o.call_id = %s ORDER BY c.started_at LIMIT %s",
        (call_id, _PLACED_MAX),
    )
    return [
        {"call_id": placed, "kind": kind, "cost": _cost(cost, tolls, call)}
        for placed, kind, cost, tolls, call in await cursor.fetchall()
    ]


def _cost(cost: JsonObject | None, tolls: list[JsonObject], call: JsonObject) -> JsonObject:
    return shown_cost(cost, tolls, had_agent=call["offered_at"] is not None)


async def list_calls(conn: Connection, limit: int) -> list[JsonObject]:
    """The newest calls, without what was said."""
    cursor = await conn.execute(
        f"SELECT {', '.join(_SHOWN)} FROM calls ORDER BY started_at DESC, call_id LIMIT %s",  # noqa: S608 - constants
        (limit,),
    )
    return [dict(zip(_SHOWN, row, strict=True)) for row in await cursor.fetchall()]
