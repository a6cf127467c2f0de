"""What waits for a person of one branch: hand-offs and calls back, with the caller, the cart and the last words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row
from redis.exceptions import RedisError

from agiza.contracts import streams
from agiza.domain.codec import CodecError, cart_from_json
from agiza.domain.kitchen_words import printed
from agiza.domain.menu import BranchFile, parse_branch
from agiza.domain.money import format_minor
from agiza.domain.pricing import price_cart
from agiza.domain.views import cart_view
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import Connection, Pool
from agiza.runtime.redis_clients import Client

JsonObject = dict[str, Any]

log = get_logger(__name__)

SHOWN_MINUTES: Final = 30
"""Finished matters stay on the page for so long, so that nobody wonders where they went."""
SHOWN_MAX: Final = 50
TURNS_SHOWN: Final = 8
SUMMARY_CHARS_MAX: Final = 240
OPEN_HANDOFF: Final = ("requested", "leaving", "dial_served", "failed", "callback")
OPEN_CALLBACK: Final = ("waiting", "calling", "failed")


@dataclass(frozen=True, slots=True)
class _Menus:
    """Branch documents that were read for this answer, by version."""

    read: dict[int, BranchFile]

    async def get(self, conn: Connection, branch_id: str, version: int) -> BranchFile:
        if version not in self.read:
            cursor = await conn.execute(
                "SELECT document FROM menus WHERE branch_id = %s AND version = %s", (branch_id, version)
            )
            row = await cursor.fetchone()
            assert row is not None, "a cart's menu version is kept for good"
            self.read[version] = parse_branch(row[0])
        return self.read[version]


async def matters_of(pool: Pool, redis: Client, branch_id: str, now: datetime) -> list[JsonObject]:
    """Open matters first, the longest waiting on top; then those finished a short while ago.

    Raises psycopg's errors. Without Redis the last words of live calls are missing, and nothing else.
    """
    async with pool.connection() as conn:
        rows = await _rows(conn, branch_id, now)
        carts = await _carts(conn, branch_id, [row["call_id"] for row in rows])
    turns = await _live_turns(redis, [row["call_id"] for row in rows])
    return [_matter(row, carts.get(row["call_id"]), turns.get(row["call_id"])) for row in rows]


_QUERY: Final = """
SELECT coalesce(h.call_id, b.call_id) AS call_id, h.handoff_id, h.state AS handoff_state, h.reason, h.pii_summary,
       h.requested_at, h.taken_by, h.taken_at, t.name AS contact,
       b.callback_id, b.kind AS callback_kind, b.state AS callback_state, b.reason AS callback_reason, b.pii_phone,
       b.promised_for, b.attempts, b.closed_by, b.created_at, b.taken_by AS callback_taken_by,
       c.pii_caller, c.pii_transcript
  FROM (SELECT * FROM handoffs WHERE branch_id = %(branch)s
           AND (state = ANY(%(open_handoff)s) OR updated_at > %(now)s - make_interval(mins => %(minutes)s))
           AND requested_at > %(now)s - interval '1 day') h
  FULL JOIN (SELECT * FROM callbacks WHERE branch_id = %(branch)s
           AND (state = ANY(%(open_callback)s) OR updated_at > %(now)s - make_interval(mins => %(minutes)s))
           AND created_at > %(now)s - interval '7 days') b ON b.handoff_id = h.handoff_id
  LEFT JOIN calls c ON c.call_id = coalesce(h.call_id, b.call_id)
  LEFT JOIN contacts t ON t.branch_id = h.branch_id AND t.contact_id = h.contact_id
 ORDER BY (coalesce(b.state = ANY(%(open_callback)s), h.state = ANY(%(open_handoff)s))) DESC,
          coalesce(h.requested_at, b.created_at)
 LIMIT %(limit)s
"""


async def _rows(conn: Connection, branch_id: str, now: datetime) -> list[JsonObject]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            _QUERY,
            {
                "branch": branch_id, "now": now, "minutes": SHOWN_MINUTES, "limit": SHOWN_MAX,
                "open_handoff": list(OPEN_HANDOFF), "open_callback": list(OPEN_CALLBACK),
            },
        )  # fmt: skip
        return await cursor.fetchall()


async def _carts(conn: Connection, branch_id: str, call_ids: Sequence[str]) -> dict[str, JsonObject]:
    """Carts as lines to read, by call."""
    cursor = await conn.execute(
        "SELECT call_id, menu_version, pii_state FROM carts WHERE branch_id = %s AND call_id = ANY(%s)",
        (branch_id, list(call_ids)),
    )
    menus = _Menus({})
    shown: dict[str, JsonObject] = {}
    for call_id, version, state in await cursor.fetchall():
        file = await menus.get(conn, branch_id, version)
        try:
            cart = cart_from_json(state)
        except CodecError:
            # written by newer code than this, in the minutes of a deploy: the matter itself can be taken all the same
            log.warning("cart_not_readable", call_id=call_id)
            continue
        view: JsonObject = dict(cart_view(cart, file.menu, file.branch))
        priced = price_cart(cart, file.menu, file.branch)
        shown[call_id] = {
            "lines": [line["spoken"] for line in view["lines"]],
            "kitchen": [row for line in priced.lines for row in printed(line)],
            "total": format_minor(view["total_minor"], view["currency"]) if view["lines"] else None,
            "fulfilment": view["fulfilment"],
            "placed": [order["order_number"] for order in view["placed"]],
        }
    return shown


async def _live_turns(redis: Client, call_ids: Sequence[str]) -> dict[str, list[JsonObject]]:
    """The last words of calls that are live, which Postgres does not have yet."""
    turns: dict[str, list[JsonObject]] = {}
    try:
        for call_id in call_ids:
            reading: Any = redis.lrange(streams.session_turns_key(call_id), -TURNS_SHOWN, -1)  # typed as sync, too
            if lines := await reading:
                turns[call_id] = [json.loads(line) for line in lines]
    except RedisError:
        return turns
    return turns


def _matter(row: JsonObject, cart: JsonObject | None, turns: list[JsonObject] | None) -> JsonObject:
    phone = row["pii_phone"] or row["pii_caller"]
    told = turns if turns is not None else [
        {"who": turn["who"], "text": turn["pii_text"]} for turn in (row["pii_transcript"] or [])[-TURNS_SHOWN:]
    ]  # fmt: skip
    taken_by = row["taken_by"] or row["callback_taken_by"] or row["closed_by"]
    handoff_open = row["handoff_state"] in OPEN_HANDOFF
    callback_open = row["callback_state"] in OPEN_CALLBACK
    return {
        "id": row["handoff_id"] or row["callback_id"],
        "call_id": row["call_id"],
        "is_open": callback_open if row["callback_state"] else handoff_open,
        "reason": row["reason"] or row["callback_reason"],
        "summary": (row["pii_summary"] or "")[:SUMMARY_CHARS_MAX],
        "state": row["callback_state"] or row["handoff_state"],
        "since": (row["requested_at"] or row["created_at"]).isoformat(),
        "contact": row["contact"],
        # Who has not taken the matter does not need the number.
        "caller": phone if taken_by else masked(phone),
        "taken_by": taken_by,
        "callback": row["callback_id"] and {
            "id": row["callback_id"],
            "kind": row["callback_kind"],
            "state": row["callback_state"],
            "promised_for": row["promised_for"].isoformat(),
            "attempts": row["attempts"],
        },
        "cart": cart,
        "transcript": [{"who": turn["who"], "text": turn["text"]} for turn in told],
    }  # fmt: skip


def masked(phone: str | None) -> str | None:
    """Enough of a number to tell two callers apart."""
    return f"{phone[:4]} … {phone[-2:]}" if phone else None
