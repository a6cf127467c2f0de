"""The Redis of a running system, as an administrator at the command line reaches it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import redis.asyncio as redis
from redis.exceptions import NoPermissionError, RedisError

from agiza.cli.errors import CliError
from agiza.cli.running import noted_redis_url


@contextlib.asynccontextmanager
async def redis_administrator(redis_url: str | None, *, to: str, timeout_s: float) -> AsyncIterator[redis.Redis]:
    """A client, until the block ends. Without a URL it is of the stack that ``agiza up`` runs in this folder.

    ``to`` says what it is wanted for. Every failure of Redis in the block is a :class:`CliError` that says what to do.
    """
    url = redis_url or noted_redis_url()
    if url is None:
        raise CliError("set REDIS_URL, or run this where `agiza up` runs")
    try:
        client: redis.Redis = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
    except ValueError:
        raise CliError("REDIS_URL is not a Redis URL") from None
    try:
        yield client
    except NoPermissionError:
        raise CliError(f"this Redis user may not {to}: REDIS_URL must be an administrator's") from None
    except RedisError as error:
        raise CliError(f"Redis does not answer ({type(error).__name__}): look at REDIS_URL") from None
    finally:
        await client.aclose()
