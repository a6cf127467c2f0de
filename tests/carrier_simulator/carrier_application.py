"""A small voice application in the test's own process: an HTTP server and a media server, both scripted."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

CALLER = "+254711000001"
NUMBER = "+254709000002"
STAFF = "+254711000009"

Answer = str | tuple[int, str, str]
"""XML, or (status, content type, body)."""


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        if self.headers.get("content-type") == "application/json":
            return {str(name): str(value) for name, value in json.loads(self.body).items()}
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass
class Application:
    """Answers by path and state; notes every request; runs `media` for each accepted media socket."""

    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    media: Callable[[ServerConnection], Awaitable[None]] | None = None
    sockets: list[ServerConnection] = field(default_factory=list)
    subprotocols: list[str] = field(default_factory=lambda: ["audio.drachtio.org"])
    answer_after_s: float = 0.0
    serving: set[asyncio.Task[None]] = field(default_factory=set)
    http_port: int = 0
    media_port: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http_port}{path}"

    @property
    def media_url(self) -> str:
        return f"ws://127.0.0.1:{self.media_port}/media?sid=x&amp;tok=K1.x"

    def stream(self, after: str = "", attributes: str = "") -> str:
        return (
            f'<Response><Stream url="{self.media_url}" track="inbound_track" connect="true" '
            f'outputSamplingRate="16000" bidirectionalSamplingRate="16000" {attributes}/>{after}</Response>'
        )

    def states(self, path: str = "/voice") -> list[str]:
        return [r.form.get("callSessionState", "") for r in self.requests if r.path.split("?")[0] == path]

    async def serve_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        # A cancelled handler ends quietly: asyncio's streams would report it as an error.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, path, _ = head[0].split(" ")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                request = Request(method, path, headers, body)
                self.requests.append(request)
                await asyncio.sleep(self.answer_after_s)
                status, kind, text = self.answer_to(request)
                raw = text.encode()
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw
                )
                await writer.drain()
        writer.close()
        self.serving.discard(task)

    def answer_to(self, request: Request) -> tuple[int, str, str]:
        state = request.form.get("callSessionState", "")
        path = request.path.split("?")[0]
        answer = self.answers.get((path, state), self.answers.get((path, "*"), "<Response/>"))
        return (200, "application/xml", answer) if isinstance(answer, str) else answer

    async def serve_media(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        if self.media is not None:
            with contextlib.suppress(ConnectionClosed):
                await self.media(socket)
