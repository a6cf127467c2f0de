"""The POS over HTTP: where webhooks come in, and where a person or a test looks.

| route | |
|---|---|
| `POST /webhooks` | a delivery: 204 once it is on the disk; 401 not genuine, 400 no message, 413 too large, 503 later |
| `GET /ledger` | what is held, missing and owed |
| `GET /orders` | the orders, newest first |
| `GET /digest?branch=&from=&to=` | the hash chain over these numbers |
| `POST /orders/{id}/say` | a button in the kitchen: `{"state": "ready"}` |
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

from .errors import Malformed
from .messages import message_of
from .pos import SAYINGS, Pos
from .signature import NotGenuine, Verifier

ORDERS_SHOWN = 200


class Receiver:
    """Answers deliveries. ``now`` gives the seconds since 1970."""

    def __init__(self, pos: Pos, verifier: Verifier, now: Callable[[], float] = time.time) -> None:
        self.pos = pos
        self._verifier = verifier
        self._now = now

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> Response:
        """Judge and take one delivery. A success is a promise: the message is on our disk."""
        try:
            message = message_of(self._verifier.message_id(headers, raw, self._now()), raw)
        except NotGenuine as error:
            return _refused(401, error)
        except Malformed as error:
            return _refused(400, error)
        try:
            # A commit takes a few milliseconds; the work that follows from it is done by the workers, not here.
            self.pos.take(message)
        except sqlite3.Error:
            return _refused(503, "the ledger cannot be written now")
        return Response(status_code=204)


def make_app(receiver: Receiver) -> FastAPI:
    """The application."""
    app, pos = FastAPI(openapi_url=None), receiver.pos

    @app.post("/webhooks")
    async def webhooks(request: Request) -> Response:
        raw = await _body(request, pos.settings.body_bytes_max)
        if raw is None:
            return _refused(413, f"more than {pos.settings.body_bytes_max} bytes")
        return await receiver.receive(request.headers, raw)

    @app.get("/ledger")
    async def ledger() -> dict[str, Any]:
        return {
            "messages": pos.ledger.counts(),
            "words": pos.ledger.outcomes(),
            "slips_owed": len(pos.ledger.slips_owed()),
            "lost": [{"branch": branch, "from": first, "to": last} for branch, first, last in pos.ledger.lost()],
            "branches": {
                branch: {
                    "first": held.first,
                    "last": held.last,
                    "missing": [{"from": gap.first, "to": gap.last} for gap in held.gaps()],
                }
                for branch, held in pos.held.items()
            },
        }

    @app.get("/orders")
    async def orders() -> list[dict[str, Any]]:
        return [
            {"order_id": order.order_id, "branch": order.branch, "number": order.number, "state": order.state,
             "sequence": order.applied, "said": order.said, "has_ticket": order.ticket is not None}
            for order in pos.ledger.orders(ORDERS_SHOWN)
        ]  # fmt: skip

    @app.get("/digest")
    async def digest(
        branch: str, first: int | None = Query(None, alias="from", ge=1), last: int | None = Query(None, alias="to")
    ) -> dict[str, Any]:
        held = pos.holds(branch)
        low, high = first or pos.ledger.first_of(branch), last or held.last
        found = pos.digest(branch, low, high)
        complete = found.count == max(high - low + 1, 0)
        return {"branch_id": branch, "from": low, "to": high, "count": found.count, "digest": found.hex,
                "complete": complete}  # fmt: skip

    @app.post("/orders/{order_id}/say")
    async def say(order_id: str, request: Request) -> Response:
        word = await request.json()
        if not isinstance(word, dict) or word.get("state") not in SAYINGS:
            return _refused(422, f"say one of {', '.join(SAYINGS)}")
        return Response(status_code=202) if pos.say(order_id, word) else _refused(404, "there is no such order here")

    return app


async def _body(request: Request, bytes_max: int) -> bytes | None:
    """The raw body; None when it is too large, of which no more is read than that."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > bytes_max:
            return None
    return bytes(raw)


def _refused(status: int, why: object) -> Response:
    return JSONResponse({"error": str(why)}, status)
