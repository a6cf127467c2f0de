"""What a check drives with: events, the sender, and the small API that is beside it."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from agiza.cli.pos.evidence import ACCEPTING, Evidence
from agiza.cli.pos.feed_api import KitApi
from agiza.cli.pos.making import EventMaker, Made
from agiza.cli.pos.sending import Delivery, Sender
from agiza.domain.orders import OrderState
from agiza.runtime.standard_webhooks import PREFIX

POLL_S: Final = 0.02
SETTLING: Final = frozenset({"accepted", "rejected", "cancelled"})
"""Words after which an order is waited for no longer."""

Crash = Callable[[], Awaitable[None]]
"""Kills the endpoint's process without notice and starts it again."""
ReadDigest = Callable[[int, int], Awaitable[dict[str, Any] | str]]
"""The endpoint's own digest over these numbers; a text says why there is none."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a run waits: for an answer, for words to come, for words to stop coming. In seconds."""

    answer_s: float = 15.0
    words_s: float = 15.0
    quiet_s: float = 1.5
    quiet_max_s: float = 10.0
    restart_s: float = 30.0


@dataclass
class Course:
    """One run against one endpoint."""

    sender: Sender
    maker: EventMaker
    api: KitApi | None
    patience: Patience
    new_secret: str | None = None
    crash: Crash | None = None
    read_digest: ReadDigest | None = None
    connect: Callable[[], httpx.AsyncClient] = httpx.AsyncClient
    flaky: set[str] = field(default_factory=set)
    notes: dict[str, Any] = field(default_factory=dict)
    _is_silent: bool = False
    """Nothing was said in a whole patience: it is not waited for again."""

    def order(self, *, extra: bool = False, large: bool = False, name: str | None = None) -> Made:
        """A new order, known to the API from now on."""
        made = self.maker.placed(extra=extra, large=large, name=name)
        assert made.order_id is not None
        if self.api is not None:
            self.api.states[made.order_id] = OrderState.PLACED
        return made

    def wish_to_cancel(self, order: Made) -> Made:
        """The order's caller takes it back; the API knows."""
        assert order.order_id is not None
        if self.api is not None:
            self.api.states[order.order_id] = OrderState.CANCEL_REQUESTED
        return self.maker.cancel_requested(order)

    async def ticket(self, check: str, **how: Any) -> Delivery:
        """Send a new order, well signed unless ``how`` says otherwise."""
        return await self.sender.deliver(check, self.order(), **how)

    async def said_of(self, order: Made, states: frozenset[str] = ACCEPTING) -> bool:
        """Wait until one of these words was said of the order. False: not within our patience, or nobody listens."""
        api = self.api
        if api is None or self._is_silent:
            return False

        def was_said() -> bool:
            return any(said.order_id == order.order_id and said.state in states for said in api.said)

        found = await until(was_said, self.patience.words_s)
        self._is_silent = not api.said
        return found

    async def settle(self) -> None:
        """Wait for the words that must come, then until nothing comes any more."""
        if self.api is None:
            return
        api, awaited = self.api, self._awaited()
        if any(said for said in api.said) or api.pulled:
            await until(
                lambda: awaited <= {said.order_id for said in api.said if said.state in SETTLING}, self.patience.words_s
            )
        seen, quiet, waited = -1, 0.0, 0.0
        while quiet < self.patience.quiet_s and waited < self.patience.quiet_max_s:
            quiet = 0.0 if api.requests != seen else quiet + POLL_S
            seen, waited = api.requests, waited + POLL_S
            await asyncio.sleep(POLL_S)

    def evidence(self) -> Evidence:
        """What was seen."""
        api = self.api
        return Evidence(
            deliveries=tuple(self.sender.deliveries),
            said=tuple(api.said) if api is not None else (),
            pulled=tuple(api.pulled) if api is not None else (),
            has_api=api is not None,
            refused_keys=api.refused_keys if api is not None else 0,
            flaky=frozenset(self.flaky),
            notes=self.notes,
        )

    def _awaited(self) -> set[str]:
        assert self.api is not None
        in_feed = {item.event_id for item in self.maker.feed}
        taken = [each.made for each in self.sender.deliveries if each.wanted == "taken"]
        return {made.order_id for made in taken if made.order_id is not None and made.item.event_id in in_feed}


def fresh_secret() -> str:
    """A secret that nobody else knows."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


async def until(is_so: Callable[[], bool], within_s: float) -> bool:
    """Whether it became so in time."""
    waited = 0.0
    while not is_so():
        if waited >= within_s:
            return False
        await asyncio.sleep(POLL_S)
        waited += POLL_S
    return True


async def tries_until(attempt: Callable[[], Awaitable[bool]], within_s: float, pause_s: float = 0.2) -> bool:
    """Whether an attempt succeeded in time. The pauses are counted, not what the attempts take."""
    for _ in range(max(1, round(within_s / pause_s))):
        if await attempt():
            return True
        await asyncio.sleep(pause_s)
    return False
