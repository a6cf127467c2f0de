"""The sockets of both legs: frames that are the rule go straight through, the rest through the websockets library.

The rule is a whole binary message in one frame, masked as it must be and within the limit. Its payload is handed over
inside ``data_received``: no queue, no future, no task that wakes up for 20 ms of audio. Everything else (handshake,
text, fragments, pings, closing, whatever is wrong) is given to the library's own protocol object, always at a
frame's border, so that conformance stays the library's; the first frame that is wrong ends the short way for good.

Both classes are given to the library as ``create_connection``, a public parameter of its ``serve`` and ``connect``.
"""

from __future__ import annotations

import asyncio
import codecs
import contextvars
import os
import struct
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.protocol import Event, State

try:
    from websockets.speedups import apply_mask
except ImportError:  # no wheel for this machine
    from websockets.utils import apply_mask

TEXT: Final = 0x81
BINARY: Final = 0x82
"""First byte of a frame: a whole message."""

EARLY_MESSAGES_MAX: Final = 32
EARLY_BYTES_MAX: Final = 64 * 1024
"""What waits for :meth:`Wire.attach`; then the socket is not read any further."""
MASKS_AT_ONCE: Final = 1024
CLOSING_S: Final = 2.0
"""A peer that has been told, or has said, that this is over must let go of the connection within this."""

_HEAD_END: Final = b"\r\n\r\n"
_FIRST_BYTES: Final = frozenset({0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A})
"""Known opcodes without reserved bits; control frames whole."""
_CONTROL_BYTES_MAX: Final = 125
_MASKED: Final = 0x80


class Wire(Connection):
    """What both legs share. After the handshake: :meth:`attach` once, then messages come and :meth:`write` sends.

    ``take(payload, is_text)`` gets whole messages in their order, text already checked to be UTF-8. ``gone()`` comes
    once, when nothing more will: the connection is lost. ``room()`` comes when the peer takes data again after
    :attr:`is_full`. None of them may raise or wait; they run in the context in which they were attached, so that what
    they log is of their call.
    """

    _incoming_mask: int
    """The mask bit of frames that come in."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_tail = b""
        self._is_head_over = False
        self._is_short = False
        """Whether whole binary frames may pass the library by: it stands at the border of a frame."""
        self._held = bytearray()
        """The beginning of a frame whose end has not come."""
        self._message = bytearray()
        self._decoder: codecs.IncrementalDecoder | None = None
        self._early: deque[tuple[bytes, bool]] = deque()
        self._is_paused = False
        self._take: Callable[[bytes, bool], None] = self._keep
        self._gone: Callable[[], None] | None = None
        self._room: Callable[[], None] | None = None
        self._last_call: asyncio.TimerHandle | None = None
        self.is_full = False
        """True while the peer does not take what is written: nothing that can wait should be written."""
        self.is_lost = False

    def attach(
        self, take: Callable[[bytes, bool], None], *, gone: Callable[[], None], room: Callable[[], None]
    ) -> None:
        """Hand over everything that came and comes. ``gone`` is called at once where the connection is lost already."""
        run: Callable[..., None] = contextvars.copy_context().run
        self._take, self._gone, self._room = partial(run, take), partial(run, gone), partial(run, room)
        while self._early:
            take(*self._early.popleft())
        if self.is_lost:
            gone()
        elif self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()

    def write(self, payload: bytes, first_byte: int = BINARY) -> None:
        """Send a whole message, without waiting. What is written to a closed or closing connection is dropped."""
        if self.protocol.state is State.OPEN and not self.transport.is_closing():
            self.transport.write(self._frame(payload, first_byte))

    def _frame(self, payload: bytes, first_byte: int) -> bytes:
        raise NotImplementedError

    # -- in ------------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        if self.protocol.state is State.CONNECTING:
            self._watch_head(data)
            super().data_received(data)
            return
        if not self._is_short:
            self._through_library(data)
            return
        held = self._held
        if held:
            held += data
            consumed = self._pass(bytes(held))
            del held[:consumed]
        else:
            consumed = self._pass(data)
            if consumed < len(data):
                held += memoryview(data)[consumed:]

    def _pass(self, data: bytes) -> int:
        """Hand over all whole frames of ``data``; how many bytes that were."""
        at, size, protocol = 0, len(data), self.protocol
        incoming_mask = self._incoming_mask
        while size - at >= 2:
            first, second = data[at], data[at + 1]
            length = second & 0x7F
            if (
                first not in _FIRST_BYTES
                or second & _MASKED != incoming_mask
                or (first & 0x08 and length > _CONTROL_BYTES_MAX)
            ):
                return self._give_up(data, at)
            start = at + 2
            if length >= 126:
                start = at + (4 if length == 126 else 10)
                if size < start:
                    break
                length = int.from_bytes(data[at + 2 : start], "big")
            underway = protocol.current_size
            if length > (protocol.max_message_size or length) - (underway or 0):
                return self._give_up(data, at)
            mask_at = start
            if incoming_mask:
                start += 4
            end = start + length
            if size < end:
                break
            if first == BINARY and underway is None:
                payload = data[start:end]
                self._take(apply_mask(payload, data[mask_at:start]) if incoming_mask else payload, False)
            else:
                self._through_library(data[at:end])
                if not self._is_short:
                    return self._give_up(data, end)
            at = end
        return at

    def _give_up(self, data: bytes, at: int) -> int:
        """From here on the library sees every byte."""
        self._is_short = False
        if at < len(data):
            self._through_library(data[at:])
        return len(data)

    def _through_library(self, data: bytes) -> None:
        super().data_received(data)
        if self.protocol.state is State.CLOSING:
            self._is_short = False
            self._limit_closing()

    def _watch_head(self, data: bytes) -> None:
        """Find out whether the handshake ends where a segment ends; a peer that hurries on takes the long way."""
        if self._is_head_over:
            self._is_short = False
            return
        seen = self._head_tail + data
        end = seen.find(_HEAD_END)
        self._head_tail = seen[1 - len(_HEAD_END) :]
        if end >= 0:
            self._is_head_over = True
            self._is_short = end + len(_HEAD_END) == len(seen)

    def process_event(self, event: Event) -> None:
        """What the library has read: messages in fragments, text, control frames, the handshake."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            return
        if self.protocol.state is State.CLOSING:
            return  # said after the end
        if event.opcode is Opcode.TEXT:
            self._decoder = codecs.getincrementaldecoder("utf-8")()
        if self._decoder is not None:
            try:
                self._decoder.decode(bytes(event.data), final=event.fin)
            except UnicodeDecodeError:
                self._fail(CloseCode.INVALID_DATA, "text is not UTF-8")
                return
        self._message += event.data
        if event.fin:
            message, is_text = bytes(self._message), self._decoder is not None
            self._message.clear()
            self._decoder = None
            self._take(message, is_text)

    def _fail(self, code: CloseCode, reason: str) -> None:
        self.protocol.fail(code, reason)
        self.send_data()
        self._limit_closing()

    def _limit_closing(self) -> None:
        if self._last_call is None and not self.is_lost:
            self._last_call = self.loop.call_later(CLOSING_S, self.transport.abort)

    def _keep(self, payload: bytes, is_text: bool) -> None:
        """Until :meth:`attach`."""
        self._early.append((payload, is_text))
        is_much = len(self._early) >= EARLY_MESSAGES_MAX or sum(len(each) for each, _ in self._early) > EARLY_BYTES_MAX
        if is_much and not self._is_paused and not self.transport.is_closing():
            self._is_paused = True
            self.transport.pause_reading()

    # -- the connection ------------------------------------------------------------------------------------------

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        super().connection_lost(exc)
        self.is_lost = True
        if self._last_call is not None:
            self._last_call.cancel()
        if self._gone is not None:
            self._gone()

    def pause_writing(self) -> None:
        """See :class:`asyncio.Protocol`."""
        super().pause_writing()
        self.is_full = True

    def resume_writing(self) -> None:
        """See :class:`asyncio.Protocol`."""
        super().resume_writing()
        self.is_full = False
        if self._room is not None:
            self._room()


class ServerWire(Wire, ServerConnection):
    """The carrier's connection to us."""

    _incoming_mask = _MASKED

    def _frame(self, payload: bytes, first_byte: int) -> bytes:
        return _head(first_byte, len(payload), 0) + payload


class _Masks:
    """Unpredictable masks, as RFC 6455 5.3 asks for them, fetched from the system by the thousand."""

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0

    def next(self) -> bytes:
        """Four bytes, each time other ones."""
        if self._at == len(self._pool):
            self._pool, self._at = os.urandom(4 * MASKS_AT_ONCE), 0
        self._at += 4
        return self._pool[self._at - 4 : self._at]


_MASKS: Final = _Masks()


class ClientWire(Wire, ClientConnection):
    """Our connection to the model."""

    _incoming_mask = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._has_early = asyncio.Event()

    async def recv(self, decode: bool | None = None) -> Any:
        """The next message, before :meth:`attach`: the setup is asked and answered by whoever dialled.

        As in the library, text is ``str`` unless ``decode`` is False, and a lost connection raises.
        """
        while not self._early:
            if self.is_lost:
                raise self.close_exc
            self._has_early.clear()
            await self._has_early.wait()
        payload, is_text = self._early.popleft()
        return payload.decode() if decode or (decode is None and is_text) else payload

    def _keep(self, payload: bytes, is_text: bool) -> None:
        super()._keep(payload, is_text)
        self._has_early.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        super().connection_lost(exc)
        self._has_early.set()

    def _frame(self, payload: bytes, first_byte: int) -> bytes:
        mask = _MASKS.next()
        return _head(first_byte, len(payload), _MASKED) + mask + apply_mask(payload, mask)


def _head(first_byte: int, length: int, masked: int) -> bytes:
    if length < 126:
        return bytes((first_byte, masked | length))
    if length < 1 << 16:
        return struct.pack("!BBH", first_byte, masked | 126, length)
    return struct.pack("!BBQ", first_byte, masked | 127, length)
