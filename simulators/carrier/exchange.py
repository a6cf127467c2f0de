"""One REST interface in front of any number of simulated carriers, which may join after it was opened.

    async with open_exchange() as exchange:
        exchange.url, exchange.api_key   # what an application is given to place calls with
        exchange.join(carrier)           # before its first call

A call is placed by the carrier that owns the number it comes from; a call is found wherever it lives. An application is
told the URL before it starts, and a carrier needs the application's URLs: so the exchange is there first.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

from fastapi import FastAPI

from .carrier import Carrier, LiveCall
from .numbers import NumbersDesk
from .refusals import RestRefused
from .rest import PlaceRequest, RestDesk, RestFaults, add_rest
from .serving import serving

WALLET_MINOR = 500_000


@dataclass(slots=True)
class Exchange:
    """The desks of all carriers behind one URL."""

    api_key: str
    url: str = ""
    wallet_minor: int = WALLET_MINOR
    faults: RestFaults = field(default_factory=RestFaults)
    numbers: NumbersDesk | None = None
    """Which carrier routes a number is known to the carriers only."""
    desks: list[RestDesk] = field(default_factory=list)

    def join(self, carrier: Carrier) -> None:
        """From now on this carrier's numbers can be called from."""
        self.desks.append(RestDesk(carrier, self.wallet_minor, self.faults))

    def leave(self, carrier: Carrier) -> None:
        """Forget a carrier that is being closed. Harmless when it is not known."""
        self.desks = [desk for desk in self.desks if desk.carrier is not carrier]

    def place(self, asked: PlaceRequest, key: str | None) -> dict[str, str]:
        for desk in self.desks:
            if desk.carrier.owns(asked.from_number):
                return desk.place(asked, key)
        raise RestRefused(403, "calls.number_not_owned", "The workspace does not have this number.")

    def calls(self) -> Iterable[LiveCall]:
        return [live for desk in self.desks for live in desk.calls()]

    def known_call(self, call_id: str) -> LiveCall:
        for desk in self.desks:
            with contextlib.suppress(RestRefused):
                return desk.known_call(call_id)
        raise RestRefused(404, "calls.not_found", "No call has this id.")


@contextlib.asynccontextmanager
async def open_exchange() -> AsyncIterator[Exchange]:
    """Serve an exchange without carriers on a free loopback port, behind a key of its own."""
    exchange = Exchange(secrets.token_hex(16))
    app = FastAPI(title="Simulated carriers", docs_url=None, redoc_url=None)
    add_rest(app, exchange, exchange.api_key)
    async with serving(app) as url:
        exchange.url = url
        yield exchange
