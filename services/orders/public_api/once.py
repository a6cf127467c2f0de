"""A write with an ``Idempotency-Key`` is carried out once; its repetition gets the first answer.

    async with transaction(pool) as conn:
        answer = await carried_out_once(conn, holder.key_id, key, digest_of("what", wanted), work)
    return response(answer)

The claim is a row, so of two equal requests at once the second waits for the first one's commit. What fails before it
is judged (no such order, database away) leaves no row: it may be tried again under the same key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi.responses import JSONResponse
from psycopg.types.json import Jsonb

from agiza.runtime.postgres import Connection
from services.orders.public_api.problems import MEDIA_TYPE, Problem

KEPT_DAYS: Final = 7
FORGOTTEN_AT_ONCE: Final = 20
"""Old rows that each new one clears away: more than come in, so there is no heap of them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body of an answer. ``shown_once`` is laid over the body for whoever asked first and is not kept:
    a secret, in whose place a repetition finds what stands in the body."""

    status: int
    body: dict[str, Any]
    shown_once: Mapping[str, Any] = field(default_factory=dict)


def digest_of(*parts: object) -> str:
    """What a request is about: the same request has the same digest."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


async def carried_out_once(
    conn: Connection, key_id: str, key: str | None, digest: str, work: Callable[[], Awaitable[Answer]]
) -> Answer:
    """The answer of ``work``, which is done in the caller's transaction, or the one that the same request got before.

    Without a key it is done each time. Raises :class:`Problem` when the key stands for another request.
    """
    if key is None:
        return await work()
    stored = await _claim(conn, key_id, key, digest)
    if stored is not None:
        return stored
    answer = await work()
    await _settle(conn, key_id, key, answer)
    return answer


def response(answer: Answer) -> JSONResponse:
    """The answer as it is sent: everything but a 200 is a problem."""
    return JSONResponse(
        {**answer.body, **answer.shown_once}, answer.status, media_type=None if answer.status == 200 else MEDIA_TYPE
    )


async def _claim(conn: Connection, key_id: str, key: str, digest: str) -> Answer | None:
    """Take the key for this request: None when it is ours to carry out, else the answer that it got before.

    Raises :class:`Problem` when the key stands for another request.
    """
    cursor = await conn.execute(
        "INSERT INTO api_writes (key_id, idempotency_key, digest) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (key_id, key, digest),
    )
    if cursor.rowcount == 1:
        await _forget_old(conn)
        return None
    cursor = await conn.execute(
        "SELECT digest, status, pii_answer FROM api_writes WHERE key_id = %s AND idempotency_key = %s", (key_id, key)
    )
    row = await cursor.fetchone()
    if row is None or row[1] is None:  # it was just forgotten
        raise Problem("unavailable", "this Idempotency-Key is too old to be known still")
    if row[0] != digest:
        raise Problem("idempotency-key-reused", "this Idempotency-Key was sent with another address or body")
    return Answer(row[1], row[2])


async def _settle(conn: Connection, key_id: str, key: str, answer: Answer) -> None:
    """Keep the answer. Committed together with what the request changed."""
    await conn.execute(
        "UPDATE api_writes SET status = %s, pii_answer = %s WHERE key_id = %s AND idempotency_key = %s",
        (answer.status, Jsonb(answer.body), key_id, key),
    )


async def _forget_old(conn: Connection) -> None:
    await conn.execute(
        "DELETE FROM api_writes WHERE (key_id, idempotency_key) IN (SELECT key_id, idempotency_key FROM api_writes"
        " WHERE created_at < now() - make_interval(days => %s) ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED)",
        (KEPT_DAYS, FORGOTTEN_AT_ONCE),
    )
