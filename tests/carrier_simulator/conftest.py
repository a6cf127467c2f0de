"""The application under call, started and stopped with each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from carrier_application import Application
from websockets.asyncio.server import ServerConnection, serve


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    app = Application()
    http = await asyncio.start_server(app.serve_http, "127.0.0.1", 0)
    app.http_port = http.sockets[0].getsockname()[1]

    def select(socket: ServerConnection, offered: object) -> object:
        return next((p for p in app.subprotocols if p in list(offered)), None)  # type: ignore[call-overload]

    media = await serve(app.serve_media, "127.0.0.1", 0, select_subprotocol=select, compression=None, max_queue=None)  # type: ignore[arg-type]
    app.media_port = next(iter(media.sockets)).getsockname()[1]
    yield app
    media.close()
    await media.wait_closed()
    http.close()
    for task in list(app.serving):
        task.cancel()
    await asyncio.gather(*app.serving)
