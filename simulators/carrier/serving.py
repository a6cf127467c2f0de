"""An ASGI application on a port of this machine for the length of a context, without touching the signals."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from fastapi import FastAPI

GRACE_S = 3


class SignalFreeServer(uvicorn.Server):
    """Leaves the signals to whoever runs it: calls must be hung up before the server stops answering."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_of(app: FastAPI) -> SignalFreeServer:
    return SignalFreeServer(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=GRACE_S))


@contextlib.asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Serve on a free loopback port; yields the base URL, which answers at once."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = server_of(app)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
