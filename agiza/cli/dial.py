"""``agiza dial``: the switch that stops all dialling of people in a running system."""

from __future__ import annotations

from typing import Final, Literal

from rich.console import Console

from agiza.cli.redis_admin import redis_administrator
from agiza.contracts.streams import DIAL_SWITCH

TIMEOUT_S: Final = 2.0

Action = Literal["off", "on", "status"]

MEANINGS: Final = {
    "off": "dialling is off: callers are told that nobody can be reached, within a second of the switch",
    "on": "dialling is on (unless a service was started with AGIZA_DIAL=false)",
}


async def switch(action: Action, redis_url: str | None, console: Console) -> int:
    """Throw the switch, or say how it stands. Safe to repeat. Raises :class:`~agiza.cli.errors.CliError`.

    Without a URL it is the stack which ``agiza up`` runs in this folder.
    """
    async with redis_administrator(redis_url, to="throw the switch", timeout_s=TIMEOUT_S) as client:
        if action == "off":
            await client.set(DIAL_SWITCH, "off")
        elif action == "on":
            await client.delete(DIAL_SWITCH)
        state = "off" if await client.get(DIAL_SWITCH) == "off" else "on"
    console.print(MEANINGS[state], soft_wrap=True)
    return 0
