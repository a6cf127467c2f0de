"""Postgres: one pool per service, short transactions, every wait limited.

    async with open_pool(url, service="orders") as pool:
        async with transaction(pool) as connection:
            await connection.execute("UPDATE ...")

Rows are locked by FOR NO KEY UPDATE: as good as FOR UPDATE between those who lock, and whoever only writes a row that
refers to the locked one (foreign keys ask for FOR KEY SHARE) does not wait for it, so no lock order is broken unseen.

Rows come as tuples. Outside :func:`transaction` each statement commits by itself. Never infer from a
cancelled or failed transaction whether it ran: read again by key.
"""

from __future__ import annotations

import contextlib
import select
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
import psycopg
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from agiza.runtime.metrics import Metrics

STATEMENT_TIMEOUT_MS: Final = 2000
LOCK_TIMEOUT_MS: Final = 1000
IDLE_IN_TRANSACTION_TIMEOUT_MS: Final = 5000
CONNECT_TIMEOUT_S: Final = 2
WAIT_FOR_CONNECTION_S: Final = 2.0
LIFETIME_MAX_S: Final = 30 * 60.0
WAITING_MAX_PER_CONNECTION: Final = 16
"""More waiters than this per connection could not be served in time anyhow: they are refused at once."""

Connection = psycopg.AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]

UNAVAILABLE: Final = (PoolTimeout, TooManyRequests, psycopg.OperationalError, psycopg.InterfaceError)
"""Errors after which the same work may succeed later. :func:`is_away` tells which of them are about the server."""

_ANSWERED_CLASSES: Final = ("40", "55")
"""SQLSTATE classes of an answering server: rolled back by a rival, object in use or locked."""
_QUERY_CANCELED: Final = "57014"


def is_away(error: BaseException) -> bool:
    """Whether the server was not there, or had no connection for us: no fault of the work that met it.

    A deadlock, a lock or statement time limit is not that: the server answered, and the work may be the cause.
    """
    if not isinstance(error, UNAVAILABLE):
        return False
    state = getattr(error, "sqlstate", None) or ""
    return not (state.startswith(_ANSWERED_CLASSES) or state == _QUERY_CANCELED)


_CALL_LOCK: Final = 0x41475A43
"""First half of a call's advisory lock; the second is a hash of its id."""


@contextlib.asynccontextmanager
async def open_pool(
    url: str,
    *,
    service: str,
    size_min: int = 1,
    size_max: int = 8,
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
    wait_until_open: bool = True,
) -> AsyncIterator[Pool]:
    """A pool for the length of the context.

    ``wait_until_open=False`` opens it even while the server is away, for a service that can start without it.
    Raises PoolTimeout when no connection is to be had within :data:`WAIT_FOR_CONNECTION_S`.
    """
    pool: Pool = AsyncConnectionPool(
        url,
        connection_class=Connection,
        kwargs={
            "autocommit": True,
            "application_name": f"agiza-{service}",
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": (
                f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={LOCK_TIMEOUT_MS} "
                f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS} -c timezone=UTC"
            ),
            # A peer that vanished without a word is noticed in half a minute, not in two hours.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
        min_size=size_min,
        max_size=size_max,
        max_waiting=size_max * WAITING_MAX_PER_CONNECTION,
        max_lifetime=LIFETIME_MAX_S,
        timeout=WAIT_FOR_CONNECTION_S,
        reconnect_timeout=5,
        check=_check,
        configure=_configure,
        name=service,
        open=False,
    )
    # psycopg's pool takes them in turns, and has no word for another order. Where eight take turns at what one can do,
    # every transaction meets a backend and statements that the processor has forgotten meanwhile.
    pool._pool = _LastFirst(pool._pool)
    try:
        await pool.open(wait=wait_until_open, timeout=CONNECT_TIMEOUT_S * 2)
        yield pool
    finally:
        await pool.close(timeout=WAIT_FOR_CONNECTION_S)


class _LastFirst(deque[Connection]):
    """Idle connections, of which the one that was given back last is taken first. The others are there for a rush, and
    are closed when there was none for long."""

    def popleft(self) -> Connection:
        return self.pop()


async def _configure(connection: Connection) -> None:
    """JSON columns by msgspec, which takes a fifth of the time; what Postgres stores is the same."""
    set_json_dumps(_to_json, connection)
    set_json_loads(msgspec.json.decode, connection)


def _to_json(value: Any) -> bytes:
    return msgspec.json.encode(value, enc_hook=_plain_text)


def _plain_text(value: Any) -> str:
    """Texts that are more than text (what can be said in another language) are stored as their text."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON")


async def _check(connection: Connection) -> None:
    """Refuse an idle connection that is none any more; the pool makes a new one in its place.

    A server that is gone has closed it, and one that stops has said so: either way there is something to read, and only
    then is the server asked. To ask it before every transaction would be one round trip of each function call. A server
    that vanished without a word is not noticed by asking either, but by the limits above.
    """
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    if poll.poll(0):
        await AsyncConnectionPool.check_connection(connection)


@contextlib.asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """One transaction on one connection: committed at the end of the block, rolled back when it raises."""
    async with pool.connection() as connection, connection.transaction():
        yield connection


@contextlib.asynccontextmanager
async def pipelined_transaction(pool: Pool) -> AsyncIterator[Connection]:
    """As :func:`transaction`, but no statement waits for the one before: what is sent is answered at the next fetch.

    For a path on which somebody waits. A statement that fails is heard of at the next fetch or, with the commit, at the
    end of the block: only what comes after the block may say that anything was written.
    """
    # psycopg's own transaction() would wait for the server at its beginning and twice at its end.
    async with pool.connection() as connection:  # rolls back what is left open
        async with connection.pipeline():
            await connection.execute("BEGIN")
            yield connection
            ended = await connection.execute("COMMIT")
        if ended.statusmessage != "COMMIT":  # the block went on after a statement that had failed
            raise psycopg.errors.InFailedSqlTransaction(f"the transaction ended with {ended.statusmessage}")


async def lock_call(conn: Connection, call_id: str) -> None:
    """Have this call for oneself, whichever service asks, until the end of the transaction.

    Whoever serves a Dial for a hand-off, and whoever gives up waiting for one and rings the caller back, must not do it
    at the same moment; and all that is about one call is locked in one order.
    """
    await conn.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_CALL_LOCK, call_id))


async def answers(pool: Pool) -> bool:
    """Whether the database answers now. For readiness."""
    try:
        async with pool.connection(timeout=1) as connection:
            await connection.execute("SELECT 1")
    except UNAVAILABLE:
        return False
    return True


def record_pool(pool: Pool, metrics: Metrics) -> None:
    """Show the pool's state in the metrics."""
    state = pool.get_stats()
    metrics.set("database_pool_waiting", state.get("requests_waiting", 0))
    metrics.set("database_pool_used", state.get("pool_size", 0) - state.get("pool_available", 0))
