"""The other end of a probe call: answers the carrier's requests, holds its media socket, and notes what happens.

    call = ProbeCall(Urls(...), Times(), secrets)
    app = probe_app(call)                 # to be served where the carrier reaches it
    await call.socket_done.wait() ...     # agiza.cli.probe does the rest

One call only: the first that rings. Every other is rejected, every path without the run's token is not there.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from agiza.carrier.callbacks import CallbackRefused, CarrierPost, parse_callback, understand
from agiza.carrier.capabilities import Judged, Observation, Place, Posted, SocketClosed
from agiza.carrier.documents import EMPTY, STREAM_RATE_HZ, Document, Hangup, Redirect, Reject, Say, Stream, render_xml
from agiza.carrier.signature import SIGNATURE_HEADER, judge_signature
from agiza.domain.call_state import Callback, Channel, Edge
from agiza.runtime.http import BodyLimit

SUBPROTOCOL: Final = "audio.drachtio.org"
TONE_HZ: Final = 440.0
LOUDNESS: Final = 8_000
FRAME_MS: Final = 20
TAIL_MS: Final = 300
"""The media module holds back up to 160 ms until more comes; silence pushes the tone and its mark out."""
FAREWELL: Final = "Thank you. The test of this line is over."


@dataclass(frozen=True, slots=True)
class Times:
    """How long each part of the call takes. The second tone is broken off, if the carrier can do that."""

    tone_s: float = 1.0
    mark_wait_s: float = 4.0
    long_tone_s: float = 6.0
    kill_after_s: float = 1.0
    kill_wait_s: float = 2.0
    watch_s: float = 8.0


@dataclass(frozen=True, slots=True)
class Urls:
    """Under which the carrier reaches the probe. ``token`` keeps everybody else out."""

    public: str
    token: str

    @property
    def voice(self) -> str:
        """What the number's routing, or a placed call, is given."""
        return self._place("voice")

    @property
    def media(self) -> str:
        """The media socket."""
        return "ws" + self._place("media").removeprefix("http")

    def _place(self, place: str) -> str:
        return f"{self.public.rstrip('/')}/probe/{self.token}/{place}"

    def at(self, place: Place) -> str:
        """The URL of one of the other places."""
        return self._place(place)


@dataclass(slots=True)
class ProbeCall:
    """One call and what was seen of it. The events are set in the order in which they stand here."""

    urls: Urls
    times: Times = field(default_factory=Times)
    secrets: tuple[str, ...] = ()
    language: str = "en-KE"
    is_placed: bool = False
    """We placed this call, so its first request may be that nobody picked up."""
    monotonic: Callable[[], float] = time.monotonic
    seen: list[Observation] = field(default_factory=list)
    call_id: str | None = None
    marks: bool | None = None
    kill_audio: bool | None = None
    subprotocol_offered: bool | None = None
    frame_bytes: list[int] = field(default_factory=list)
    rung: asyncio.Event = field(default_factory=asyncio.Event)
    socket_opened: asyncio.Event = field(default_factory=asyncio.Event)
    socket_done: asyncio.Event = field(default_factory=asyncio.Event)
    decided: asyncio.Event = field(default_factory=asyncio.Event)
    """The carrier carried out an answer after the stream."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """The carrier said that the call is over."""

    # --- requests ------------------------------------------------------------------------------------------------

    def answer(self, place: Place, post: CarrierPost, signature: Judged) -> Document:
        """The document for one request of the carrier; notes that it came."""
        may_begin = self.is_placed or not _is_end(post)
        if self.call_id is None and place == "voice" and may_begin:
            self.call_id = post.call_id
        if post.call_id is not None and post.call_id != self.call_id:
            return (Reject(),)  # somebody else rang meanwhile
        callback = understand(post, Channel.STATUS if place == "status" else Channel.VOICE)
        is_end = callback.edge is Edge.COMPLETED
        self.seen.append(Posted(self.monotonic(), place, is_end, callback.edge is Edge.STREAM_ENDED, signature))
        self.rung.set()
        if is_end:
            self.over.set()
            return EMPTY
        return self._document(place, callback)

    def _document(self, place: Place, callback: Callback) -> Document:
        if place in ("next", "told_by_voice", "told_by_status", "told_by_next"):
            self.decided.set()
            return (Say(FAREWELL, self.language), Hangup())
        if self.socket_done.is_set():
            # What a carrier does with this tells whether it carries the answer out. The verbs after the Redirect run
            # only where Redirects are not followed, and can be heard then.
            told: Place = "told_by_status" if place == "status" else "told_by_voice"
            speaks = callback.edge is Edge.STREAM_ENDED
            return (Redirect(self.urls.at(told)), Say(FAREWELL, self.language), Hangup()) if speaks else EMPTY
        if place == "voice" and not self.socket_opened.is_set():
            return (
                Stream(self.urls.media, self.urls.at("status"), name="probe"),
                Redirect(self.urls.at("next")),
                Say(FAREWELL, self.language),
                Hangup(),
            )
        return EMPTY

    # --- the media socket ----------------------------------------------------------------------------------------

    async def hold(self, socket: WebSocket) -> None:
        """Play, mark, take back, close. Whatever happens, ``socket_done`` is set at the end."""
        if self.socket_opened.is_set():
            await socket.close(1008)
            return
        self.socket_opened.set()
        offered = socket.scope.get("subprotocols", [])
        self.subprotocol_offered = SUBPROTOCOL in offered
        await socket.accept(subprotocol=SUBPROTOCOL if self.subprotocol_offered else None)
        marks: asyncio.Queue[str] = asyncio.Queue()
        reading = asyncio.create_task(self._read(socket, marks))
        playing = asyncio.create_task(self._play(socket, marks))
        try:
            await asyncio.wait({reading, playing}, return_when=asyncio.FIRST_COMPLETED)
            by_us = not reading.done()
            if by_us:
                playing.result()
        except (WebSocketDisconnect, RuntimeError):
            by_us = False  # the carrier closed while we were sending
        finally:
            playing.cancel()
            self.seen.append(SocketClosed(self.monotonic(), by_us))
            self.socket_done.set()
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await socket.close(1000)
            reading.cancel()
            await asyncio.gather(reading, playing, return_exceptions=True)

    async def _play(self, socket: WebSocket, marks: asyncio.Queue[str]) -> None:
        began = self.monotonic()
        await self._send_tone(socket, self.times.tone_s, "probe-1")
        came = await _comes(marks, "probe-1", self.times.tone_s + self.times.mark_wait_s)
        # A mark that comes back before the tone can have been heard tells that it arrived, and nothing of the ear.
        self.marks = came and self.monotonic() - began >= self.times.tone_s / 2
        await self._send_tone(socket, self.times.long_tone_s, "probe-2")
        await asyncio.sleep(self.times.kill_after_s)
        await socket.send_text('{"type":"killAudio"}')
        # Without marks nothing comes either way, and the ear has to tell.
        gone = await _comes(marks, "probe-2", self.times.kill_wait_s)
        self.kill_audio = gone if self.marks else None
        if not gone:
            await asyncio.sleep(max(0.0, self.times.long_tone_s - self.times.kill_after_s - self.times.kill_wait_s))

    async def _send_tone(self, socket: WebSocket, seconds: float, mark: str) -> None:
        pcm = tone(seconds)
        size = STREAM_RATE_HZ * FRAME_MS // 1000 * 2
        for start in range(0, len(pcm), size):
            await socket.send_bytes(pcm[start : start + size])
        await socket.send_text(json.dumps({"type": "mark", "data": {"name": mark}}))
        await socket.send_bytes(bytes(STREAM_RATE_HZ * TAIL_MS // 1000 * 2))

    async def _read(self, socket: WebSocket, marks: asyncio.Queue[str]) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if (pcm := message.get("bytes")) and len(self.frame_bytes) < 50:
                    self.frame_bytes.append(len(pcm))
                if (name := _mark_in(message.get("text"))) is not None:
                    marks.put_nowait(name)


def probe_app(call: ProbeCall) -> BodyLimit:
    """The ASGI application at which the carrier finds the probe."""

    def known(token: str) -> bool:
        return hmac.compare_digest(token.encode("utf-8", "surrogateescape"), call.urls.token.encode())

    async def post(request: Request) -> Response:
        place: Place = request.path_params["place"]
        if not known(request.path_params["token"]) or place not in _PLACES:
            return Response(status_code=404)
        body = await request.body()
        header = request.headers.get(SIGNATURE_HEADER)
        try:
            parsed = parse_callback(body, request.headers.get("content-type", ""))
        except CallbackRefused:
            return Response(status_code=400)
        document = call.answer(place, parsed, _judge(body, header, call.secrets))
        return Response(render_xml(document), media_type="application/xml")

    async def media(socket: WebSocket) -> None:
        if not known(socket.path_params["token"]):
            await socket.close(1008)
            return
        await call.hold(socket)

    routes = [
        Route("/probe/{token}/{place}", post, methods=["POST"]),
        WebSocketRoute("/probe/{token}/media", media),
    ]
    return BodyLimit(Starlette(routes=routes), bytes_max=64 * 1024)


_PLACES: Final = ("voice", "status", "next", "told_by_voice", "told_by_status", "told_by_next")


def tone(seconds: float) -> bytes:
    """A soft tone, S16LE mono at the carrier's rate."""
    at = np.arange(round(seconds * STREAM_RATE_HZ))
    pcm: bytes = (LOUDNESS * np.sin(2 * np.pi * TONE_HZ / STREAM_RATE_HZ * at)).astype("<i2").tobytes()
    return pcm


async def _comes(marks: asyncio.Queue[str], name: str, wait_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            while await marks.get() != name:
                pass
            return True
    return False


def _mark_in(text: str | None) -> str | None:
    try:
        said = json.loads(text or "")
        name = said["data"]["name"] if said["type"] == "mark" else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return name if isinstance(name, str) else None


def _is_end(post: CarrierPost) -> bool:
    return understand(post, Channel.VOICE).edge is Edge.COMPLETED


def _judge(body: bytes, header: str | None, secrets: tuple[str, ...]) -> Judged:
    if header and not secrets:
        return "unjudged"
    return judge_signature(body, header, secrets, datetime.now(UTC))
