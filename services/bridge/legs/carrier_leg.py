"""The carrier's media socket: its frames in, paced audio and ``killAudio`` out.

One reader, one writer. The writer alone waits for the socket; everything else only leaves work for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from agiza.runtime.metrics import Metrics
from services.bridge.legs.audio import Evened, Resampler
from services.bridge.legs.pacer import Pacer

SUBPROTOCOL: Final = "audio.drachtio.org"
FRAME_BYTES_MAX: Final = 64 * 1024
KILL_AUDIO: Final = '{"type":"killAudio"}'
STUCK_S: Final = 2.0
"""A socket that takes nothing for so long is of no use to a caller."""
CLOSE_S: Final = 2.0


class CarrierStuck(Exception):
    """The carrier's socket does not take our audio."""

    retryable = False


class CarrierLeg:
    """One media socket after its handshake."""

    def __init__(self, connection: ServerConnection, metrics: Metrics) -> None:
        self._connection = connection
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._pacer = Pacer()
        self._resampler = Resampler()
        self._kill_asked_at: float | None = None
        self._wake = asyncio.Event()

    # -- in ------------------------------------------------------------------------------------------------------

    async def frames(self) -> AsyncIterator[bytes]:
        """The caller's PCM, whole samples, until the socket closes.

        Text frames (metadata, marks) are passed over: the call is known from the token. The opcode decides what is
        audio, never the first byte, since PCM may begin with ``{``.
        """
        even = Evened()
        with contextlib.suppress(ConnectionClosed):
            while True:
                message = await self._connection.recv()
                if isinstance(message, bytes) and (pcm := even.feed(message)):
                    yield pcm

    @property
    def close_code(self) -> int:
        """How the socket was closed, for the log."""
        return self._connection.close_code or 1006

    # -- out: none of these waits --------------------------------------------------------------------------------

    def play(self, pcm: bytes, rate: int) -> None:
        """Queue agent audio."""
        self._pacer.push(self._resampler.feed(pcm, rate), self._now())
        self._wake.set()

    def end_utterance(self) -> None:
        """No more audio for now: push out what is held back."""
        self._pacer.push(self._resampler.flush(), self._now())
        self._pacer.end_utterance()
        self._wake.set()

    def flush(self) -> None:
        """Drop unplayed audio, here and at the carrier."""
        self._resampler.reset()
        self._pacer.flush(self._now())
        self._kill_asked_at = self._loop.time()
        self._wake.set()

    async def write(self) -> None:
        """Send what is due until the socket closes. Raises :class:`CarrierStuck`."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self._wake.clear()
                if self._kill_asked_at is not None:
                    asked_at, self._kill_asked_at = self._kill_asked_at, None
                    await self._send(KILL_AUDIO)
                    self._metrics.observe("voice_bargein_stop_seconds", self._loop.time() - asked_at)
                chunk = self._pacer.take(self._now())
                if chunk:
                    await self._send(chunk)
                else:
                    await self._wait(self._pacer.next_at(self._now()))

    async def close(self, code: int) -> None:
        """Close the socket; returns when it is closed or the carrier has not answered in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._connection.close(code)

    async def _send(self, message: str | bytes) -> None:
        try:
            async with asyncio.timeout(STUCK_S):
                await self._connection.send(message)
        except TimeoutError:
            raise CarrierStuck from None

    async def _wait(self, until_ms: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(None if until_ms is None else until_ms / 1000):
                await self._wake.wait()

    def _now(self) -> float:
        return self._loop.time() * 1000
