"""The carrier's media socket: its frames in, paced audio and ``killAudio`` out.

There is no task in here: frames come in and go out inside callbacks of the socket, of the session's actions and of
the shared :class:`Ticks`. Nothing waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Final

from agiza.runtime.metrics import Metrics
from services.bridge.legs.audio import BYTES_PER_MS, Evened, Resampler
from services.bridge.legs.frames import TEXT
from services.bridge.legs.pacer import Pacer
from services.bridge.legs.played import Played
from services.bridge.legs.ticks import Ticks
from services.bridge.legs.uplink import CHUNK_MS
from services.bridge.legs.wire import ServerWire

SUBPROTOCOL: Final = "audio.drachtio.org"
FRAME_BYTES_MAX: Final = 64 * 1024
KILL_AUDIO: Final = b'{"type":"killAudio"}'
PUSH_OUT: Final = bytes(80 * BYTES_PER_MS)
"""killAudio leaves what is less than a lump where it is, to be heard before the next sentence; these zeros, sent just
before, move it to where killAudio clears."""
STUCK_S: Final = 2.0
"""A socket that takes nothing for so long is of no use to a caller."""
CLOSE_S: Final = 2.0


class CarrierLeg:
    """One media socket after its handshake."""

    def __init__(self, connection: ServerWire, ticks: Ticks, metrics: Metrics) -> None:
        self._connection = connection
        self._ticks = ticks
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._pacer = Pacer()
        self._resampler = Resampler()
        self._even = Evened()
        self._gathered = bytearray()
        self._caller: Callable[[bytes], None] = _nobody
        self._stuck: Callable[[], None] | None = None
        self._fault: Callable[[Exception], None] | None = None
        self._stuck_timer: asyncio.TimerHandle | None = None
        self._kill_asked_at: float | None = None
        self._is_pump_due = False
        self._tick_at: float | None = None
        self._tick_number = 0

    def open(
        self,
        caller: Callable[[bytes], None],
        *,
        gone: Callable[[], None],
        stuck: Callable[[], None],
        fault: Callable[[Exception], None],
    ) -> None:
        """Begin. ``caller`` gets the caller's PCM in pieces of some :data:`CHUNK_MS`, whole samples; ``gone`` comes
        when the socket is closed, ``stuck`` when it has taken none of our audio for :data:`STUCK_S`, ``fault`` when
        something in here is broken.
        """
        self._caller, self._stuck, self._fault = caller, stuck, fault
        self._connection.attach(self._take, gone=gone, room=self._on_room)

    # -- in ------------------------------------------------------------------------------------------------------

    def _take(self, message: bytes, is_text: bool) -> None:
        """Text (metadata, marks) is passed over: the call is known from the token. The opcode decides what is audio,
        never the first byte, since PCM may begin with ``{``. Any size of frame is taken.
        """
        if is_text:
            return
        self._gathered += self._even.feed(message)
        if len(self._gathered) >= CHUNK_MS * BYTES_PER_MS:
            pcm = bytes(self._gathered)
            self._gathered.clear()
            self._caller(pcm)

    @property
    def close_code(self) -> int:
        """How the socket was closed, for the log."""
        return self._connection.close_code or 1006

    # -- out: none of these waits --------------------------------------------------------------------------------

    def play(self, pcm: bytes, rate: int) -> None:
        """Queue agent audio."""
        self._pacer.push(self._resampler.feed(pcm, rate), self._now())
        self._pump_soon()

    def end_utterance(self) -> None:
        """No more audio for now: push out what is held back."""
        self._pacer.push(self._resampler.flush(), self._now())
        self._pacer.end_utterance()
        self._pump_soon()

    def flush(self) -> None:
        """Drop unplayed audio, here and at the carrier."""
        self._resampler.reset()
        self._pacer.flush(self._now())
        if self._kill_asked_at is None:
            self._kill_asked_at = self._loop.time()
        self._connection.write(PUSH_OUT)
        self._connection.write(KILL_AUDIO, TEXT)
        if not self._connection.is_full:
            self._note_kill()
        self._pump_soon()

    def duck(self) -> None:
        """Lower the agent's voice in what is not sent yet."""
        self._pacer.fader.duck()

    def unduck(self) -> None:
        """Bring it back."""
        self._pacer.fader.unduck()

    @property
    def played(self) -> Played:
        """What the caller got of the agent just now."""
        return self._pacer.played

    async def close(self, code: int) -> None:
        """Close the socket; returns when it is closed or the carrier has not answered in time."""
        self._stuck = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._connection.close(code)

    # -- the pump ------------------------------------------------------------------------------------------------

    def _pump_soon(self) -> None:
        """What one message of the model brings in several parts goes out together."""
        if not self._is_pump_due:
            self._is_pump_due = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._is_pump_due = False
        try:
            self._send_due(self._now())
        except Exception as error:  # nobody else would hear of it
            if self._fault is not None:
                self._fault(error)

    def _send_due(self, now: float) -> None:
        """Send what is due, and have the pump called again when more will be."""
        while not self._connection.is_full:
            chunk = self._pacer.take(now)
            if not chunk:
                break
            self._connection.write(chunk)
        if self._connection.is_full:
            self._watch_stuck()
            return
        at = self._pacer.next_at(now)
        if at is not None and (self._tick_at is None or at / 1000 < self._tick_at):
            self._tick_number += 1
            self._tick_at = self._ticks.at(at / 1000, partial(self._on_tick, self._tick_number))

    def _on_tick(self, number: int) -> None:
        # Ticks cannot be taken back: one that an earlier one has made needless must not begin a series of its own. They
        # are told apart by their number, not by the time: the loop's clock may be a millisecond behind its timers.
        if number != self._tick_number:
            return
        self._tick_at = None
        if not self._connection.is_lost:
            self._pump()

    def _watch_stuck(self) -> None:
        if self._stuck_timer is None:
            self._stuck_timer = self._loop.call_later(STUCK_S, self._on_stuck)

    def _on_stuck(self) -> None:
        if self._stuck is not None and not self._connection.is_lost:
            self._stuck()

    def _on_room(self) -> None:
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
            self._stuck_timer = None
        self._note_kill()
        self._pump_soon()

    def _note_kill(self) -> None:
        if self._kill_asked_at is not None:
            self._metrics.observe("voice_bargein_stop_seconds", self._loop.time() - self._kill_asked_at)
            self._kill_asked_at = None

    def _now(self) -> float:
        return self._loop.time() * 1000


def _nobody(_pcm: bytes) -> None:
    """Before :meth:`CarrierLeg.open`."""
