"""``agiza dial``: the switch that stops all dialling of people in a running system."""

from __future__ import annotations

from typing import Final, Literal

import redis.asyncio as redis
from redis.exceptions import NoPermissionError, RedisError
from rich.console import Console

from agiza.cli.errors import CliError
from agiza.cli.running import noted_redis_url
from agiza.contracts.streams import DIAL_SWITCH

TIMEOUT_S: Final = 2.0

Action = Literal["off", "on", "status"]

MEANINGS: Final = {
    "off": "dialling is off: callers are told that nobody can be reached, within a second of the switch",
    "on": "dialling is on (unless a service was started with AGIZA_DIAL=false)",
}


async def switch(action: Action, redis_url: str | None, console: Console) -> int:
    """Throw the switch, or say how it stands. Safe to repeat. Raises :class:`CliError`.

    Without a URL it is the stack which ``agiza up`` runs in this folder.
    """
    url = redis_url or noted_redis_url()
    if url is None:
        raise CliError("set REDIS_URL, or run this where `agiza up` runs")
    try:
        client: redis.Redis = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
    except ValueError:
        raise CliError("REDIS_URL is not a Redis URL") from None
    try:
        if action == "off":
            await client.set(DIAL_SWITCH, "off")
        elif action == "on":
            await client.delete(DIAL_SWITCH)
        state = "off" if await client.get(DIAL_SWITCH) == "off" else "on"
    except NoPermissionError:
        raise CliError("this Redis user may not throw the switch: REDIS_URL must be an administrator's") from None
    except RedisError as error:
        raise CliError(f"Redis does not answer ({type(error).__name__}): look at REDIS_URL") from None
    finally:
        await client.aclose()
    console.print(MEANINGS[state], soft_wrap=True)
    return 0
