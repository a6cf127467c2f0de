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
import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.protocol import Event, State

from services.bridge.legs.frames import BINARY, MASKED, FrameReader, frame, masked_frame

EARLY_MESSAGES_MAX: Final = 32
EARLY_BYTES_MAX: Final = 64 * 1024
"""What waits for :meth:`Wire.attach`; then the socket is not read any further."""
CLOSING_S: Final = 2.0
"""A peer that has been told, or has said, that this is over must let go of the connection within this."""

_HEAD_END: Final = b"\r\n\r\n"


class Wire(Connection):
    """What both legs share. After the handshake: :meth:`attach` once, then messages come and :meth:`write` sends.

    ``take(payload, is_text)`` gets whole messages in their order, text already checked to be UTF-8. ``gone()`` comes
    once, when nothing more will: the connection is lost. ``room()`` comes when the peer takes data again after
    :attr:`is_full`. None of them may raise or wait; they run in the context in which they were attached, so that what
    they log is of their call.
    """

    _incoming_mask: int
    """The mask bit of frames that come in."""
    _frame: Callable[[bytes, int], bytes]
    """Makes one that goes out."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_tail = b""
        self._is_head_over = False
        self._is_head_whole = False
        self._frames: FrameReader | None = None
        """After the handshake."""
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
        if self._frames is not None:
            self._frames.take = self._take
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

    # -- in ------------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        if self._frames is not None:
            self._frames.feed(data)
        elif self.protocol.state is State.CONNECTING:
            self._watch_head(data)
            super().data_received(data)
        else:  # the first after the handshake
            limit = self.protocol.max_message_size or sys.maxsize
            self._frames = FrameReader(self._incoming_mask, limit, take=self._take, other=self._through_library)
            self._frames.is_over = not self._is_head_whole
            self._frames.feed(data)

    def _through_library(self, data: bytes) -> int | None:
        super().data_received(data)
        if self.protocol.state is State.CLOSING:
            self._limit_closing()
            if self._frames is not None:
                self._frames.is_over = True
        return self.protocol.current_size

    def _watch_head(self, data: bytes) -> None:
        """Find out whether the handshake ends where a segment ends; a peer that hurries on takes the long way."""
        if self._is_head_over:
            self._is_head_whole = False
            return
        seen = self._head_tail + data
        end = seen.find(_HEAD_END)
        self._head_tail = seen[1 - len(_HEAD_END) :]
        if end >= 0:
            self._is_head_over = True
            self._is_head_whole = end + len(_HEAD_END) == len(seen)

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

    _incoming_mask = MASKED
    _frame = staticmethod(frame)


class ClientWire(Wire, ClientConnection):
    """Our connection to the model."""

    _incoming_mask = 0
    _frame = staticmethod(masked_frame)

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
