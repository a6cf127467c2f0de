"""The way out: one ordered queue per websocket, written by one task.

Whoever produces a message puts it here without waiting, so that reading never waits for writing. Speech that has
not left yet can be taken back when the caller interrupts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from simulators.live_api.casing import JsonObject
from simulators.live_api.faults import Faults
from simulators.live_api.protocol import encode_server

_WAITING_MAX = 64  # messages; a speaking turn waits for room, control messages never do

Frame = bytes | str
Send = Callable[[Frame], Awaitable[None]]


class Outbox:
    def __init__(self, send: Send, faults: Faults) -> None:
        self._send = send
        self._faults = faults
        self._waiting: deque[tuple[Frame, bool]] = deque()
        self._something = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._empty = asyncio.Event()
        self._empty.set()
        self.closed = False
        self.sent = 0

    def put(self, message: JsonObject | Frame, *, speech: bool = False) -> None:
        """Queue a message, or a ready frame to be sent exactly as it is. After `close()` it is dropped."""
        if self.closed:
            return
        # Written now, so that a switch that changes later does not change what was said before.
        self._waiting.append((self._frame(message) if isinstance(message, dict) else message, speech))
        self._something.set()
        self._empty.clear()
        if len(self._waiting) >= _WAITING_MAX:
            self._room.clear()

    def take_back_speech(self) -> None:
        self._waiting = deque((frame, speech) for frame, speech in self._waiting if not speech)
        self._settle()

    def close(self) -> None:
        """Send what is queued, take nothing more."""
        self.closed = True

    async def room(self) -> None:
        await self._room.wait()

    async def empty(self) -> None:
        await self._empty.wait()

    async def run(self) -> None:
        """Write until cancelled. Raises what the websocket raises."""
        while True:
            await self._something.wait()
            while self._waiting:
                frame, _ = self._waiting.popleft()
                await self._send(frame)
                self.sent += 1
                self._settle()
            self._something.clear()

    def _settle(self) -> None:
        if len(self._waiting) < _WAITING_MAX:
            self._room.set()
        if not self._waiting:
            self._empty.set()

    def _frame(self, message: JsonObject) -> Frame:
        if self._faults.unknown_field:
            message = {**message, "debugAnnotation": {"shard": 7}}
        content = message.get("serverContent", {})
        if self._faults.unknown_enum and "turnComplete" in content:
            message = {**message, "serverContent": {**content, "turnCompleteReason": "ENOUGH_SAID"}}
        frame = encode_server(message)
        return frame.decode() if self._faults.text_frames else frame
