"""A whole POS on a port, put together from its parts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from simulators.carrier.serving import server_of

from .ledger import Ledger
from .pos import Pos
from .printer import FilePrinter, ScreenPrinter
from .receiving import make_app
from .settings import PosSettings
from .sloppy import GOOD, Parts
from .workers import running


@dataclass(frozen=True, slots=True)
class OpenPos:
    """A POS that takes deliveries at ``webhooks_url``. One of its ``workers`` that ends has failed."""

    pos: Pos
    url: str
    workers: Sequence[asyncio.Task[None]]

    @property
    def webhooks_url(self) -> str:
        """Where deliveries go."""
        return f"{self.url}/webhooks"


@contextlib.asynccontextmanager
async def open_pos(
    settings: PosSettings,
    *,
    parts: Parts = GOOD,
    host: str = "127.0.0.1",
    port: int = 0,
    now: Callable[[], float] = time.time,
) -> AsyncIterator[OpenPos]:
    """Serve until the context ends. What is owed then is done by the next one that opens the same ledger."""
    verifier = parts.verifier(settings.secrets)
    with contextlib.ExitStack() as closing:
        ledger = Ledger(settings.ledger)
        closing.callback(ledger.close)
        printer = FilePrinter(settings.printer) if settings.printer is not None else ScreenPrinter()
        if isinstance(printer, FilePrinter):
            closing.callback(printer.close)
        pos = parts.pos(settings, ledger)
        listener = closing.enter_context(socket.create_server((host, port)))
        server = server_of(make_app(parts.receiver(pos, verifier, now)))
        async with running(pos, printer, teller=parts.teller, fetcher=parts.fetcher) as workers:
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield OpenPos(pos, f"http://{host}:{listener.getsockname()[1]}", workers)
            finally:
                server.should_exit = True
                await serving
