"""The carrier's REST interface as escalation uses it: place a call, end one, and whether that is possible now.

Without URL and key nothing can be placed: then nothing is promised either, and callers who are owed a call stand on
the page of hand-offs for people to ring.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final, Literal

from redis.exceptions import RedisError

from agiza.carrier.errors import CarrierApiError, Refused, WalletEmpty
from agiza.carrier.numbers import refusal
from agiza.carrier.rest import CarrierApi, PlacedCall
from agiza.carrier.urls import Urls
from agiza.contracts import streams
from agiza.domain.menu import Branch
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import Client

LOOK_S: Final = 1.0
WALLET_S: Final = 60.0
STATE_KEPT_S: Final = 10

State = Literal["ok", "none", "empty", "refused", "away", "off"]
"""``none``: not set up; ``empty``: the wallet is; ``refused``: the key may not; ``off``: the dial switch."""

Seen = Literal["ringing", "answered", "over"]
_ANSWERED: Final = ("answered", "in-progress", "in_progress")

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for toll fraud. ``for_customer_day``: calls that are placed for one customer in a day."""

    for_customer_day: int = 40


class CarrierLine:
    """One per process. :attr:`state` can be read at any time."""

    def __init__(
        self, api: CarrierApi | None, urls: Urls | None, redis: Client, metrics: Metrics, limits: Limits | None = None
    ) -> None:
        self._api = api
        self._urls = urls
        self._redis = redis
        self._metrics = metrics
        self._is_switched_off = False
        self._account: State = "none" if api is None or urls is None else "away"
        self.limits = limits or Limits()

    @property
    def is_set_up(self) -> bool:
        """Whether there is a carrier to ask at all."""
        return self._api is not None and self._urls is not None

    @property
    def state(self) -> State:
        """Whether calls can be placed."""
        if self._account == "ok" and self._is_switched_off:
            return "off"
        return self._account

    @property
    def can_place(self) -> bool:
        """Whether a call may be promised."""
        return self.state == "ok"

    async def place(self, outbound_id: str, branch: Branch, to_number: str) -> PlacedCall:
        """Have the carrier ring this number; asked again with the same id, it rings once.

        Raises :class:`~agiza.carrier.errors.CarrierApiError`.
        """
        if self._api is None or self._urls is None:
            raise Refused("not_set_up")
        try:
            placed = await self._api.place_call(
                from_number=branch.phone,
                to_number=to_number,
                callback_url=self._urls.outbound(outbound_id, branch.id),
                request_id=outbound_id,
            )
        except CarrierApiError as error:
            self._note(error)
            raise
        self._account = "ok"
        return placed

    async def hang_up(self, carrier_call_id: str) -> bool:
        """End this call, if it is still there. False when the carrier could not be asked."""
        if self._api is None:
            return False
        try:
            await self._api.hang_up(carrier_call_id)
        except (CarrierApiError, ValueError) as error:
            log.warning("call_not_hung_up", kind=type(error).__name__, why=str(error))
            return False
        return True

    async def look_at(self, carrier_call_id: str) -> Seen | None:
        """How the carrier says that this call stands; None when it does not say."""
        if self._api is None:
            return None
        try:
            detail = await self._api.get_call(carrier_call_id)
        except (CarrierApiError, ValueError):
            return None
        if detail is None or detail.is_over:
            return "over"
        return "answered" if detail.status in _ANSWERED else "ringing"

    def refuses(self, number: str, branch: Branch) -> str | None:
        """Why this number is not rung for this branch; None when it may be."""
        if number == branch.phone:
            return "own"
        return refusal(number, branch.phone)

    async def watch(self, stopping: asyncio.Event) -> None:
        """Follow the switch, look into the wallet, and say how it stands, until the service stops."""
        looked_at = -WALLET_S
        loop = asyncio.get_running_loop()
        while not stopping.is_set():
            if loop.time() >= looked_at + WALLET_S or (self._account == "away" and loop.time() >= looked_at + 5):
                await self.look_into_wallet()
                looked_at = loop.time()
            with contextlib.suppress(RedisError):
                await self._say()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), LOOK_S)

    async def look_into_wallet(self) -> None:
        """Ask once what calls can be paid with. Never raises."""
        if self._api is None or self._urls is None:
            return
        before = self._account
        try:
            wallet = await self._api.wallet()
            self._account = "ok" if wallet.balance_minor > 0 else "empty"
        except CarrierApiError as error:
            self._note(error)
        if self._account != before:
            told = log.error if self._account in ("empty", "refused") else log.info
            told("outbound_state", state=self._account)
        self._metrics.set("outbound_possible", 1 if self.can_place else 0)

    def _note(self, error: CarrierApiError) -> None:
        if isinstance(error, WalletEmpty):
            self._account = "empty"
        elif isinstance(error, Refused) and error.status in (401, 403):
            self._account = "refused"
        elif isinstance(error, Refused) and error.status == 404:
            self._account = "ok"  # a workspace without this endpoint; placing will tell
        elif error.retryable and self._account == "ok":
            self._account = "away"

    async def _say(self) -> None:
        switch = await self._redis.get(streams.DIAL_SWITCH)
        self._is_switched_off = switch in ("off", b"off")
        await self._redis.set(streams.OUTBOUND_STATE, self.state, ex=STATE_KEPT_S)
