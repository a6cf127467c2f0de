"""A small Live server over TLS: takes the setup, speaks its utterance again and again, reads the audio that comes.

It understands just enough of the protocol to be the same for every bridge: text or binary frames, both spellings of
the keys, both alphabets of base64. It never interrupts and calls no function.
"""

from __future__ import annotations

import asyncio
import binascii
import json
import time
from collections.abc import Mapping
from typing import Final

from benchmarks.bridge import wire
from benchmarks.bridge.caller import FRAMES_REMEMBERED, Caller
from benchmarks.bridge.gauge import FRAME_BYTES, MARK, MARK_BYTES, Gauge, read_mark
from benchmarks.bridge.sound import CYCLE_MS, Utterance

FIRST_AFTER_S: Final = 0.2
_SETUP_COMPLETE: Final = wire.from_server(wire.BINARY, b'{\n  "setupComplete": {}\n}\n')
_MARK_CHARS: Final = MARK_BYTES * 4 // 3
_MARK_BEGINS: Final = binascii.b2a_base64(MARK)[:4]
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


class ModelConnection(asyncio.Protocol):
    """One model session."""

    def __init__(self, callers: Mapping[int, Caller], said: Utterance, gauge: Gauge) -> None:
        self.is_set_up = False
        self._callers = callers
        self._said = said
        self._gauge = gauge
        self._frames = wire.Frames()
        self._head = b""
        self._is_upgraded = False
        self._wants_resumption = False
        self._transport: asyncio.Transport | None = None
        self._time = time.perf_counter
        self._caller: Caller | None = None
        self._next_frame = -1
        self._rest = b""
        self._step = len(said.steps)
        self._speaks_at = 0.0

    def step(self, now: float) -> None:
        """40 ms have passed: say what is due."""
        if not self.is_set_up or self._transport is None or self._transport.is_closing():
            return
        if now >= self._speaks_at:
            self._begin_turn(now)
        if self._step < len(self._said.steps):
            self._transport.write(self._said.steps[self._step])
            self._step += 1
            if self._step == len(self._said.steps) and self._wants_resumption:
                self._transport.write(self._said.resumption)

    def _begin_turn(self, now: float) -> None:
        self._speaks_at += CYCLE_MS / 1000
        self._step = 0
        if self._caller is not None:
            self._caller.on_model_speaks(self._time())

    def _set_up(self, payload: bytes) -> None:
        setup = json.loads(payload)["setup"]
        self._wants_resumption = "sessionResumption" in setup or "session_resumption" in setup
        self.is_set_up = True
        self._speaks_at = self._time() + FIRST_AFTER_S
        assert self._transport is not None
        self._transport.write(_SETUP_COMPLETE)

    # -- audio of the caller -------------------------------------------------------------------------------------

    def _hear(self, message: bytes, now: float) -> None:
        found = message.find(b'"data":')
        if found < 0:
            return  # text of the user's side, a tool response
        start = message.index(b'"', found + 7) + 1
        end = message.index(b'"', start)
        padding = message.count(b"=", end - 2, end)
        size = (end - start - padding) * 3 // 4
        if self._rest or size % FRAME_BYTES or message[start : start + 4] != _MARK_BEGINS:
            self._hear_piece(binascii.a2b_base64(message[start:end].translate(_STANDARD)), now)
        else:
            marked = binascii.a2b_base64(message[start : start + _MARK_CHARS])
            self._hear_frames(marked, size // FRAME_BYTES, now)

    def _hear_piece(self, pcm: bytes, now: float) -> None:
        """Audio that was cut elsewhere than the caller's frames, or that begins in the middle of one."""
        pcm = self._rest + pcm
        if self._next_frame < 0:
            begins = pcm.find(MARK)
            pcm = pcm[begins:] if begins >= 0 else b""
        frames = len(pcm) // FRAME_BYTES
        if frames:
            self._hear_frames(pcm[:MARK_BYTES], frames, now)
        self._rest = pcm[frames * FRAME_BYTES :]

    def _hear_frames(self, marked: bytes, frames: int, now: float) -> None:
        read = read_mark(marked)
        if read is None:
            raise wire.Broken(f"audio that is not the caller's: {marked!r}")
        first, caller = read
        if self._caller is None:
            self._caller = self._callers[caller]
        elif first != self._next_frame:
            self._gauge.lost_up += abs(first - self._next_frame)
        self._next_frame = first + frames
        sent_at = self._caller.sent_at[(self._next_frame - 1) % FRAMES_REMEMBERED]
        self._gauge.up.append(now - sent_at)

    # -- asyncio.Protocol ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is up."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports are not asyncio's classes

    def data_received(self, data: bytes) -> None:
        """Bytes of the bridge."""
        assert self._transport is not None
        if not self._is_upgraded:
            self._head += data
            head, ends, data = self._head.partition(b"\r\n\r\n")
            if not ends:
                return
            self._transport.write(wire.upgrade_answer(head))
            self._is_upgraded = True
        now = self._time()
        for kind, payload in self._frames.feed(data):
            if kind in (wire.TEXT, wire.BINARY):
                if self.is_set_up:
                    self._hear(payload, now)
                else:
                    self._set_up(payload)
            elif kind == wire.PING:
                self._transport.write(wire.from_server(wire.PONG, payload))
            elif kind == wire.CLOSE:
                self._transport.write(wire.from_server(wire.CLOSE, payload[:2]))
                self._transport.close()
                self.is_set_up = False  # uvloop says that TLS is closing only when the peer has agreed

    def connection_lost(self, error: Exception | None) -> None:
        """The session is over."""
        self._transport = None
