"""Reading the books at the end: the database as its administrator, the streams as they stand in Redis."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
import redis

from agiza.cli.branches import known_branches
from agiza.cli.stack import BRANCHES
from agiza.contracts.streams import orders_stream
from agiza.domain.codec import cart_from_json
from agiza.domain.menu import BranchFile
from agiza.domain.views import cart_view
from agiza.runtime.publisher import EVENT_FIELD
from benchmarks.faults.ledger import Books, FeedRow, OrderRow

REDIS_S: Final = 10.0


def read_books(
    database_url: str, redis_url: str, branches: Sequence[str], kitchens: Mapping[str, frozenset[str]]
) -> Books:
    """All of them. ``kitchens`` is what their readers were given so far; it is handed on."""
    with psycopg.connect(database_url) as connection:
        orders = [_order(*row) for row in connection.execute(_ORDERS).fetchall()]
        outbox = [_event(event, sequence) for event, sequence in connection.execute(_OUTBOX).fetchall()]
        counters = connection.execute("SELECT branch_id, day::text, last_number FROM order_counters").fetchall()
        carts = connection.execute("SELECT call_id, branch_id, pii_state FROM carts").fetchall()
    files = {file.branch.id: file for file in known_branches(BRANCHES).values()}
    return Books(
        orders=orders,
        outbox=outbox,
        last_numbers={(branch, day): last for branch, day, last in counters},
        carts={call_id: _shown(state, files[branch]) for call_id, branch, state in carts},
        streams=read_streams(redis_url, branches),
        kitchens=kitchens,
    )


def read_streams(redis_url: str, branches: Sequence[str]) -> dict[str, list[FeedRow]]:
    """The feed of each branch as it stands in Redis."""
    with redis.Redis.from_url(redis_url, decode_responses=True, socket_timeout=REDIS_S) as client:
        found: dict[str, Any] = {branch: client.xrange(orders_stream(branch)) for branch in branches}
    return {
        branch: [_event(json.loads(fields[EVENT_FIELD]), int(id.partition("-")[0])) for id, fields in entries]
        for branch, entries in found.items()
    }


_ORDERS: Final = """
    SELECT o.order_id, o.call_id, o.branch_id, o.day::text, o.order_number, o.total_minor,
           (SELECT jsonb_agg(l.line) FROM order_lines l WHERE l.order_id = o.order_id)
      FROM orders o ORDER BY o.branch_id, o.day, o.order_number
"""
_OUTBOX: Final = "SELECT pii_event, sequence FROM outbox ORDER BY branch_id, sequence"


def _order(
    order_id: str, call_id: str, branch: str, day: str, number: int, total_minor: int, lines: list[dict[str, Any]]
) -> OrderRow:
    counted = tuple(sorted((line["item"], line["quantity"]) for line in lines or ()))
    return OrderRow(order_id, call_id, branch, day, number, total_minor, counted)


def _event(event: Mapping[str, Any], sequence: int | None) -> FeedRow:
    body = event["data"]
    return FeedRow(
        event["id"], body["branch_id"], event["type"], body["order_id"], int(body.get("total_minor", 0)), sequence
    )


def _shown(state: Mapping[str, Any], file: BranchFile) -> dict[str, Any]:
    """The cart as a caller's model is shown it, through JSON as every answer."""
    shown: dict[str, Any] = json.loads(json.dumps(cart_view(cart_from_json(dict(state)), file.menu, file.branch)))
    return shown
