"""Redis: three clients per service, each with its own limits.

* ``commands``: short answers, no retry. A retry of XADD would add the entry twice.
* ``blocking``: stream reads that wait up to :data:`BLOCK_MS` for news, and nothing else.
* ``subscriber``: Pub/Sub; the connection is checked so that a dead one is noticed.

redis-py 5 has no time limit, no connect limit and no retry by itself; everything is stated here.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, ReadOnlyError, TimeoutError

from agiza.runtime.redis_connection import LEAN

COMMAND_TIMEOUT_S: Final = 0.5
CONNECT_TIMEOUT_S: Final = 0.5
BLOCK_MS: Final = 2000
"""How long a blocking read waits; a stop waits as long, since a read is never cancelled."""
BLOCKING_TIMEOUT_S: Final = BLOCK_MS / 1000 + 5
SUBSCRIBER_CHECK_S: Final = 5
CONNECTIONS_MAX: Final = 64
REREAD_PAUSE_S: Final = (0.01, 0.05)

UNAVAILABLE: Final = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError)
"""Errors that say nothing about the command: the server is away, starting, or a replica now. Try again later."""

Client = Redis  # answers are text: every client here decodes UTF-8
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RedisClients:
    """The three clients of one service."""

    commands: Client
    blocking: Client
    subscriber: Client


@contextlib.asynccontextmanager
async def open_redis(
    url: str, *, service: str, blocking_connections_max: int = CONNECTIONS_MAX
) -> AsyncIterator[RedisClients]:
    """The clients for the length of the context. They connect at their first use, so Redis may come later."""
    once = Retry(NoBackoff(), 0)

    def client(purpose: str, connections: int, **limits: Any) -> Client:  # options of redis-py, untyped there
        options: dict[str, Any] = {
            "max_connections": connections,
            "timeout": COMMAND_TIMEOUT_S,
            "decode_responses": True,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_keepalive": True,
            "retry": once,
            "client_name": f"agiza-{service}-{purpose}",
            **limits,
            **parse_url(url),
        }
        kind = options.pop("connection_class", Connection)
        return Redis.from_pool(BlockingConnectionPool(connection_class=LEAN[kind], **options))

    commands = client("commands", CONNECTIONS_MAX, socket_timeout=COMMAND_TIMEOUT_S)
    blocking = client("blocking", blocking_connections_max, socket_timeout=BLOCKING_TIMEOUT_S)
    subscriber = client(
        "subscriber", CONNECTIONS_MAX, socket_timeout=BLOCKING_TIMEOUT_S, health_check_interval=SUBSCRIBER_CHECK_S
    )
    async with contextlib.AsyncExitStack() as stack:
        for opened in (commands, blocking, subscriber):
            stack.push_async_callback(opened.aclose)
        yield RedisClients(commands, blocking, subscriber)


async def reread(read: Callable[[], Awaitable[T]]) -> T:
    """Do a read, and once more after a short pause when Redis did not answer. Only for what changes nothing."""
    try:
        return await read()
    except UNAVAILABLE:
        await asyncio.sleep(random.uniform(*REREAD_PAUSE_S))
        return await read()


async def answers(client: Client) -> bool:
    """Whether Redis answers now. For readiness."""
    try:
        return bool(await client.ping())
    except UNAVAILABLE:
        return False
