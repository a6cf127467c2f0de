"""The carrier's end of one media WebSocket, as mod_audio_fork behaves: it connects once and never again.

Offers only `audio.drachtio.org` and no compression, sends one JSON text frame and then the caller's sound, plays
what comes back through `Playback`, obeys killAudio, echoes marks, ignores every other text.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket as socket_of
import ssl
import struct
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI, WebSocketException
from websockets.typing import Origin, Subprotocol

from .callbacks import CallFacts
from .framing import FrameShaper
from .playback import Playback
from .record import Kill, Party, StreamRecord
from .recorder import Track
from .settings import CarrierSettings, SocketClose
from .sounds import FRAME_BYTES, LINE_RATE, SILENCE, FrameQueue, RateChanger
from .verbs import Stream

SUBPROTOCOL = Subprotocol("audio.drachtio.org")
TEXTS_KEPT_MAX = 50
CLOSE_LIMIT_S = 2.0
MESSAGE_BYTES_MAX = 8 * 1024 * 1024


class _OneAttempt(connect):
    """The module follows no redirects."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class MediaRefused(Exception):
    """The socket could not be opened the way the module needs it; the text says why."""


class MediaLink:
    """One open media socket; a `Route` for the caller's line. Use `open_media`, then `close` exactly when leaving."""

    party: Party = "agent"

    def __init__(
        self,
        socket: ClientConnection,
        stream: Stream,
        settings: CarrierSettings,
        record: StreamRecord,
        track: Track,
        now_ms: Callable[[], int],
    ) -> None:
        self._socket = socket
        self._track = track
        self._options = settings.media
        self._record = record
        self._now_ms = now_ms
        self._plays = stream.bidirectional_rate is not None
        rate = stream.bidirectional_rate or LINE_RATE
        self.playback = Playback(rate, settings.playback)
        self._to_ear = RateChanger(rate, LINE_RATE)
        self._ear = FrameQueue() if rate != LINE_RATE else None
        self._to_bridge = RateChanger(LINE_RATE, stream.output_rate)
        self._shaper = FrameShaper(settings.media)
        self._outbox: deque[bytes | str] = deque()
        self._outbox_bytes = 0
        self._outbox_bytes_max = stream.output_rate * 2 * settings.media.buffer_ms // 1000
        self._wake = asyncio.Event()
        self.ended = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, metadata: str | None) -> None:
        """Begin to send and to listen; `metadata` is the first text frame (or a late one, by switch)."""
        if metadata is not None and self._options.metadata != "late":
            self._outbox.append(metadata)
            self._wake.set()
        self._late_metadata = metadata if self._options.metadata == "late" else None
        self._tasks = [asyncio.create_task(self._send_loop()), asyncio.create_task(self._read_loop())]

    # --- the caller's line ---------------------------------------------------------------------------------------

    def hear(self) -> bytes:
        frame = self.playback.tick()
        self._note_kill(frame.dropped_bytes)
        for name, event in frame.marks:
            self._put_text(json.dumps({"type": "mark", "data": {"name": name, "event": event}}))
        if self._ear is None:
            return frame.pcm
        self._ear.add(self._to_ear.feed(frame.pcm))
        return self._ear.take() if len(self._ear) >= FRAME_BYTES else SILENCE

    def say(self, frame: bytes) -> None:
        for message in self._shaper.feed(self._to_bridge.feed(frame)):
            if self._outbox_bytes + len(message) > self._outbox_bytes_max:
                self._record.frames_dropped += 1
                continue
            self._outbox.append(message)
            self._outbox_bytes += len(message)
            self._wake.set()

    def _note_kill(self, dropped_bytes: int) -> None:
        for kill in self._record.kills:
            if kill.done_ms is None and self.playback.options.honours_kill:
                kill.done_ms = self._now_ms()
                kill.dropped_ms = dropped_bytes * 1000 / (self.playback.rate * 2)
                dropped_bytes = 0

    # --- the socket ----------------------------------------------------------------------------------------------

    def _put_text(self, text: str) -> None:
        self._outbox.append(text)
        self._wake.set()

    async def _send_loop(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._outbox:
                    message = self._next_message()
                    await self._socket.send(message)
                    if isinstance(message, bytes):
                        self._track.write(message)
                        self._record.frames_sent += 1
                        if self._late_metadata is not None and self._record.frames_sent == 25:
                            self._outbox.append(self._late_metadata)
                            self._late_metadata = None

    def _next_message(self) -> bytes | str:
        """The next message; waiting sound of a late loop leaves as one, as it does in the module."""
        message = self._outbox.popleft()
        if isinstance(message, str):
            return message
        self._outbox_bytes -= len(message)
        while self._options.coalesce_when_late and message and self._outbox and self._outbox[0]:
            following = self._outbox[0]
            if isinstance(following, str):
                break
            self._outbox.popleft()
            self._outbox_bytes -= len(following)
            message += following
        return message

    async def _read_loop(self) -> None:
        try:
            async for message in self._socket:
                if isinstance(message, str):
                    self._obey(message)
                elif self._plays:
                    self._record.bytes_received += len(message)
                    self.playback.receive(message)
                    self._record.ahead_ms_max = max(self._record.ahead_ms_max, self.playback.ahead_ms)
        except ConnectionClosed:
            pass
        finally:
            self._record.close_code = self._socket.close_code
            self.ended.set()

    def _obey(self, text: str) -> None:
        try:
            command = json.loads(text)
        except ValueError:
            command = None
        kind = command.get("type") if isinstance(command, dict) else None
        if kind == "killAudio":
            self._record.kills.append(Kill(at_ms=self._now_ms(), ahead_ms=self.playback.ahead_ms))
            self.playback.kill()
        elif kind == "mark" and isinstance(command.get("data"), dict) and isinstance(command["data"].get("name"), str):
            self.playback.mark(command["data"]["name"])
        elif kind == "clearMarks":
            self.playback.clear_marks()
        elif len(self._record.texts_ignored) < TEXTS_KEPT_MAX:
            self._record.texts_ignored.append(text[:200])

    async def close(self, how: SocketClose) -> None:
        """End the connection in one of the ways a hang-up has been seen; harmless when the far side was first."""
        for task in self._tasks[:1]:
            task.cancel()
        if self.ended.is_set():
            how = "1000"
        if how == "1000":
            with contextlib.suppress(TimeoutError, WebSocketException):
                await asyncio.wait_for(self._socket.close(1000), CLOSE_LIMIT_S)
        elif how == "half_open":
            # Nothing more is read or sent and the far side is not told; `abandon` frees the socket in the end.
            self._socket.transport.pause_reading()
        else:
            await self._break(how)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _break(self, how: SocketClose) -> None:
        transport = self._socket.transport
        if how == "reset":
            _reset_on_close(transport.get_extra_info("socket").fileno())
        transport.abort()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._socket.wait_closed(), CLOSE_LIMIT_S)

    def abandon(self) -> None:
        """Free a half-open socket when the simulation is over."""
        self._socket.transport.abort()


async def open_media(
    stream: Stream,
    settings: CarrierSettings,
    record: StreamRecord,
    track: Track,
    now_ms: Callable[[], int],
    tls: ssl.SSLContext | None,
) -> MediaLink:
    """One attempt at the exact URL. `MediaRefused` when it fails or our subprotocol is not selected."""
    host = urlsplit(stream.url).hostname or ""
    try:
        socket = await _OneAttempt(
            stream.url,
            subprotocols=[SUBPROTOCOL],
            compression=None,
            origin=Origin(host),
            user_agent_header=None,
            proxy=None,
            ping_interval=None,
            open_timeout=settings.media.connect_limit_s,
            max_size=MESSAGE_BYTES_MAX,
            ssl=tls if stream.url.startswith("wss:") else None,
        )
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
        raise MediaRefused(f"{type(error).__name__}: {error}") from None
    if socket.subprotocol != SUBPROTOCOL:
        await socket.close(1002)
        raise MediaRefused(f"the server did not select {SUBPROTOCOL}")
    return MediaLink(socket, stream, settings, record, track, now_ms)


def metadata_frame(stream: Stream, facts: CallFacts, stream_id: str, settings: CarrierSettings) -> str | None:
    """The first text frame in the shape chosen by the switch; None when the carrier sends none."""
    if settings.media.metadata == "absent":
        return None
    call: dict[str, object] = {
        "sessionId": facts.session_id,
        "callSid": facts.session_id,
        "streamSid": stream_id,
        "callerNumber": facts.caller_number,
        "destinationNumber": facts.destination_number,
        "sampleRate": stream.output_rate,
        "track": stream.track,
    }
    if stream.header_metadata is not None:
        call["headers"] = json.loads(stream.header_metadata)
    if stream.open_metadata is not None:
        call["metadata"] = stream.open_metadata
    if settings.media.metadata == "nested":
        return json.dumps({"event": "start", "metadata": call})
    return json.dumps(call)


def _reset_on_close(descriptor: int) -> None:
    """Make the close of this TCP socket a reset: linger for zero seconds."""
    with socket_of.socket(fileno=os.dup(descriptor)) as duplicate:
        duplicate.setsockopt(socket_of.SOL_SOCKET, socket_of.SO_LINGER, struct.pack("ii", 1, 0))
