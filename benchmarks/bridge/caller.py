"""The carrier's side: callers that send a frame every 20 ms and note when the agent is heard."""

from __future__ import annotations

import asyncio
import os
import time
from array import array
from typing import Final

from benchmarks.bridge import wire
from benchmarks.bridge.gauge import FRAME_BYTES, Gauge, mark

SUBPROTOCOL: Final = "audio.drachtio.org"
FRAMES_REMEMBERED: Final = 1024
"""When each of the last 20 s was sent; what comes later than that is not a matter of milliseconds."""
FULL_SHARE: Final = 0.99
"""Of an utterance's audio; rounding by a resampler is no loss."""
_METADATA: Final = wire.from_client(wire.TEXT, b'{"streamSid":"x","metadata":{}}')
# A key of zeros, so that a frame is put together from pieces. It costs the bridge what any key does.
_HEAD: Final = wire.head(wire.BINARY, FRAME_BYTES, masked=True) + bytes(4)


class Caller(asyncio.Protocol):
    """One media socket. ``bytes_per_utterance`` is what a whole one comes to at the carrier."""

    def __init__(self, index: int, bodies: list[bytes], gauge: Gauge, bytes_per_utterance: float) -> None:
        self.index = index
        self.is_open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()
        self.sent_at = array("d", bytes(8 * FRAMES_REMEMBERED))
        self.frames_sent = 0
        self._spoken_to_at = 0
        self._bodies = bodies
        self._gauge = gauge
        self._full = bytes_per_utterance * FULL_SHARE
        self._frames = wire.Frames()
        self._head = b""
        self._transport: asyncio.Transport | None = None
        self._fd = -1
        self._time = time.perf_counter
        self._heard = 0
        self._asked_at = 0.0
        self.is_listening = False
        """Whether the model has spoken since it first heard this caller."""

    async def dial(self, host: str, port: int, path: str) -> None:
        """Open the media socket. Raises :class:`~benchmarks.bridge.wire.Broken` or :class:`OSError`."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: self, host, port)
        transport.write(wire.upgrade_request(f"{host}:{port}", path, SUBPROTOCOL))
        await self.is_open
        transport.write(_METADATA)
        self._fd = transport.get_extra_info("socket").fileno()
        self._transport = transport

    def hang_up(self) -> None:
        """Close with a frame, then the connection."""
        if self._transport is not None:
            self._transport.write(wire.from_client(wire.CLOSE, (1000).to_bytes(2)))

    def step(self) -> None:
        """20 ms have passed: send the next frame."""
        if self._transport is None:
            return
        number = self.frames_sent
        self.frames_sent += 1
        frame = _HEAD + mark(number, self.index) + self._bodies[(number - self._spoken_to_at) % len(self._bodies)]
        self.sent_at[number % FRAMES_REMEMBERED] = self._time()
        # Past the transport, which takes as long as the system call; it gets what the socket does not take.
        if not self._transport.get_write_buffer_size():
            try:
                frame = frame[os.write(self._fd, frame) :]
            except BlockingIOError:
                pass
            except OSError:
                return  # the bridge has closed it, and connection_lost is on its way
        if frame:
            self._transport.write(frame)

    def on_model_speaks(self, now: float) -> None:
        """The model sends the first of an utterance now. The one before must have been here in full. The caller's own
        cycle begins with it."""
        if self.is_listening:
            self._gauge.utterances += 1
            self._gauge.short_down += self._heard < self._full
        was_short = self.is_listening and self._heard < self._full
        self.is_listening = True
        self._spoken_to_at = self.frames_sent
        self._heard = 0
        self._asked_at = 0.0 if was_short else now

    # -- asyncio.Protocol ----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Bytes of the bridge."""
        if not self.is_open.done():
            self._head += data
            head, ends, data = self._head.partition(b"\r\n\r\n")
            if not ends:
                return
            if b" 101 " not in head.split(b"\r\n")[0] or SUBPROTOCOL.encode() not in head:
                self.is_open.set_exception(wire.Broken(f"the bridge refused: {head[:200]!r}"))
                return
            self.is_open.set_result(None)
        now = self._time()
        for kind, payload in self._frames.feed(data):
            if kind == wire.PING:
                if self._transport is not None:
                    self._transport.write(wire.from_client(wire.PONG, payload))
            else:
                self._take(kind, payload, now)

    def _take(self, kind: int, payload: bytes, now: float) -> None:
        if kind == wire.BINARY:
            audio = len(payload.rstrip(b"\0"))  # zeros only push out what lies at the carrier
            if audio and self._asked_at:
                self._gauge.down.append(now - self._asked_at)
                self._asked_at = 0.0
            self._heard += audio

    def connection_lost(self, error: Exception | None) -> None:
        """The call is over."""
        self._transport = None
        self.closed.set()
        if not self.is_open.done():
            self.is_open.set_exception(wire.Broken("the bridge closed the connection"))
