"""One model session that is set up: its audio moved past the SDK's codec, what is rare in the SDK's words."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from google.genai import types
from google.genai.live import AsyncSession
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from services.bridge.legs.frames import TEXT
from services.bridge.legs.live_closes import word_of_close
from services.bridge.legs.live_codec import MalformedMessage, decode, encode_audio
from services.bridge.legs.uplink import Uplink
from services.bridge.legs.wire import ClientWire
from services.bridge.session.inputs import Input, ModelClosed, ToolResult

CLOSE_S: Final = 0.5
"""A server that does not answer a goodbye for so long is cut off: the next session waits for it."""

_log = get_logger(__name__)


class LiveLeg:
    """One model session. Audio moves inside callbacks; a task sends what is rare, in the SDK's words."""

    def __init__(
        self, session: AsyncSession, socket: ClientWire, uplink: Uplink, opening: str, metrics: Metrics
    ) -> None:
        self._session = session
        self._socket = socket
        self._opening = opening
        self._uplink = uplink
        self._malformed, self._empty, self._taken = (
            metrics.counter("model_messages_total", kind=kind) for kind in ("malformed", "empty", "taken")
        )
        self._take: Callable[[Input], None] | None = None
        self._orders: deque[Callable[[], Awaitable[None]]] = deque()
        self._has_order = asyncio.Event()

    async def run(self, take: Callable[[Input], None]) -> None:
        """Move everything both ways until the session is closed, or close it when cancelled.

        Every input goes to ``take``, which must not wait or raise; the last one is ModelClosed. Once this is cancelled
        nothing more goes there.
        """
        lost = asyncio.Event()
        self._take = take
        sending = asyncio.create_task(self._send_orders(), name="model-orders")
        try:
            self._socket.attach(self._on_message, gone=lost.set, room=self._send_audio)
            self._uplink.listener = self._send_audio
            self._send_audio()
            await lost.wait()
            word = word_of_close(self._socket.close_code or 1006, self._socket.close_reason or "")
            _log.info("model_closed", reason=word)
            take(ModelClosed(word))
        finally:
            self._take = self._uplink.listener = None
            sending.cancel()
            await self._close()
            await asyncio.gather(sending, return_exceptions=True)

    # -- in ------------------------------------------------------------------------------------------------------

    def _on_message(self, raw: bytes, _is_text: bool) -> None:
        try:
            inputs = decode(raw)
        except MalformedMessage:
            self._malformed.inc()
            _log.warning("model_message_malformed", size=len(raw))
            return
        (self._taken if inputs else self._empty).inc()
        for each in inputs:
            if self._take is not None:
                self._take(each)

    # -- out: none of these waits --------------------------------------------------------------------------------

    def answer_tools(self, results: tuple[ToolResult, ...]) -> None:
        """One tool response."""
        responses = [
            types.FunctionResponse(id=result.id, name=result.name, response=dict(result.response)) for result in results
        ]
        self._order(lambda: self._session.send_tool_response(function_responses=responses))

    def say_to_model(self, text: str) -> None:
        """A text turn of the user's side; the model answers with a turn."""
        turn = types.Content(role="user", parts=[types.Part(text=text)])
        self._order(lambda: self._session.send_client_content(turns=turn, turn_complete=True))

    def make_speak_first(self) -> None:
        """Start the conversation."""
        self.go_on(self._opening)

    def go_on(self, text: str) -> None:
        """Speak now: after ``text``, which is a note, and not only when the caller has said something."""
        # The newest models do not run on client content alone: a blank text follows it.
        self.say_to_model(text)
        self._order(lambda: self._session.send_realtime_input(text=" "))

    def _order(self, send: Callable[[], Awaitable[None]]) -> None:
        self._orders.append(send)
        self._has_order.set()

    async def _send_orders(self) -> None:
        """Send what is queued until the session is closed. Answers go before audio."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._has_order.wait()
                while self._orders:
                    await self._orders[0]()
                    self._orders.popleft()
                self._has_order.clear()
                self._send_audio()

    def _send_audio(self) -> None:
        """As much as the socket takes; what it does not take waits in the uplink, which drops the oldest."""
        while not self._orders and not self._socket.is_full and self._socket.state is State.OPEN:
            chunk = self._uplink.take()
            if not chunk:
                return
            self._socket.write(encode_audio(chunk), TEXT)

    async def _close(self) -> None:
        """Say goodbye and wait for the answer: a handle is refused while the server has this socket open."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._session.close()
        except TimeoutError:
            self._socket.transport.abort()
