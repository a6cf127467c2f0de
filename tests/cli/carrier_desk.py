"""A simulated carrier on a real port: calls, its REST interface, the numbers of the branches."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import SecretStr

from agiza.carrier.routing import RoutingDialect
from agiza.cli.site import SiteSettings
from agiza.runtime.branch_files import load_branch_files
from simulators.carrier.carrier import Carrier
from simulators.carrier.numbers import NumbersDesk, OwnedNumber, RoutingSpelling
from simulators.carrier.rest import RestDesk
from simulators.carrier.server import make_app
from simulators.carrier.settings import CarrierSettings

ROOT = Path(__file__).parents[2]
BRANCHES = ROOT / "branches"
KEY = "key-of-the-workspace"
PHONES = {str(loaded.file.branch.id): loaded.file.branch.phone for loaded in load_branch_files(BRANCHES)}
PATH_TOKEN = "path-token-" + "x" * 32


@dataclass
class CarrierDesk:
    """The workspace, and the events of a test."""

    carrier: Carrier
    rest: RestDesk
    url: str = ""
    routed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def numbers(self) -> NumbersDesk:
        return self.rest.numbers

    def number(self, branch: str) -> OwnedNumber:
        return self.numbers.numbers[PHONES[branch]]

    def takes(self, dialect: RoutingDialect | None) -> None:
        """From now on only this spelling of the routing request works."""
        self.numbers.spelling = RoutingSpelling(dialect.method, dialect.suffix, dialect.voice_name) if dialect else None

    def site(self, **changes: Any) -> SiteSettings:
        """An installation that uses this carrier."""
        given = {
            "agiza_carrier_api_url": self.url,
            "agiza_carrier_api_key": SecretStr(f"AGIZA_CARRIER_API_KEY='Bearer {KEY}'"),
            "agiza_public_url": "https://orders.example.co.ke",
            "agiza_path_token": SecretStr(PATH_TOKEN),
        }
        return SiteSettings.model_validate(given | changes)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def carrier_desk(settings: CarrierSettings) -> AsyncIterator[CarrierDesk]:
    """Serve the carrier until the test ends; its calls are hung up then."""
    carrier = Carrier(replace(settings, our_numbers=frozenset(PHONES.values())))
    app = make_app(carrier, api_key=KEY)
    desk = CarrierDesk(carrier, app.state.rest)
    desk.numbers.on_routed = lambda number: desk.routed.set()
    listener = socket.create_server(("127.0.0.1", 0))
    desk.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = _Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield desk
    finally:
        await carrier.aclose()
        server.should_exit = True
        await serving
        listener.close()
