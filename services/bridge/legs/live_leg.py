"""The model session: connected and configured by google-genai, its audio moved past the SDK's codec.

model = LiveModel(...)                                  # one per process: a client costs 100 ms of CPU
async with model.session(setup, uplink) as leg:         # ModelRefused when there is none to be had
    await leg.run(take)                                 # what the model says goes to take(input)
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from google import genai
from google.genai import types
from google.genai.live import AsyncSession
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from services.bridge.legs.live_closes import word_of_close, word_of_error
from services.bridge.legs.live_codec import MalformedMessage, decode, encode_audio
from services.bridge.legs.live_setup import ModelSetup, connect_config, has_history
from services.bridge.legs.uplink import Uplink
from services.bridge.legs.wire import TEXT, ClientWire
from services.bridge.session.inputs import Input, ModelClosed, ToolResult

API_VERSION: Final = "v1beta"
"""The SDK dials v1 by itself, where the Live API is not served."""
OPEN_S: Final = 5.0
MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024
CLOSE_S: Final = 0.5
"""A server that does not answer a goodbye for so long is cut off: the next session waits for it."""

_log = get_logger(__name__)

_DIALLED: ContextVar[list[ClientWire]] = ContextVar("dialled")
"""The sockets that the SDK opened for the session that is being connected; the last one is its."""


class ModelRefused(Exception):
    """No model session. ``reason`` is a word of :mod:`.live_closes`."""

    retryable = False

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LiveModel:
    """The process's way to the Live API."""

    def __init__(
        self, *, api_key: str, model: str, voice: str, base_url: str | None, ca_file: Path | None, metrics: Metrics
    ) -> None:
        self._model = model
        self._voice = voice
        self._metrics = metrics
        connect_arguments: dict[str, Any] = {  # of websockets.connect; passed on by the SDK
            "compression": None,
            "create_connection": _dial,
            "ping_interval": None,  # pongs of this API take up to 30 s; our deadlines tell whether it lives
            "max_size": MESSAGE_BYTES_MAX,
            "open_timeout": OPEN_S,
            "close_timeout": CLOSE_S,
        }
        if ca_file is not None:
            connect_arguments["ssl"] = ssl.create_default_context(cafile=str(ca_file))
        if base_url is not None and urlsplit(base_url).hostname in ("localhost", "127.0.0.1"):
            connect_arguments["proxy"] = None
        self._client = genai.Client(
            api_key=api_key,
            vertexai=False,
            http_options=types.HttpOptions(
                api_version=API_VERSION, base_url=base_url, async_client_args=connect_arguments
            ),
        )

    @property
    def has_history(self) -> bool:
        """A new session can begin with the turns of an earlier one."""
        return has_history(self._model)

    @contextlib.asynccontextmanager
    async def session(
        self, setup: ModelSetup, uplink: Uplink, *, handle: str | None = None, timeout_s: float = 6.0
    ) -> AsyncIterator[LiveLeg]:
        """A session that is set up; what lies in ``uplink`` is its first audio. Raises :class:`ModelRefused`.

        ``handle`` goes on from an earlier session, which must be closed. ``timeout_s`` is for dialling, upgrade and
        setup together: the SDK waits for the setup's answer for ever.
        """
        config = connect_config(setup, self._voice, handle)
        dialled: list[ClientWire] = []
        _DIALLED.set(dialled)
        async with contextlib.AsyncExitStack() as stack:
            connecting = self._client.aio.live.connect(model=self._model, config=config)
            try:
                async with asyncio.timeout(timeout_s):
                    session = await stack.enter_async_context(connecting)
                    if setup.history:
                        await session.send_client_content(turns=_turns(setup.history), turn_complete=True)
            except Exception as error:
                raise ModelRefused(word_of_error(error)) from error
            yield LiveLeg(session, dialled[-1], uplink, setup.opening, self._metrics)

    async def close(self) -> None:
        """Close the client's own connections."""
        await self._client.aio.aclose()


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


def _dial(*arguments: Any, **options: Any) -> ClientWire:
    socket = ClientWire(*arguments, **options)
    _DIALLED.get().append(socket)
    return socket


def _turns(history: tuple[tuple[str, str], ...]) -> list[types.Content | types.ContentDict]:
    return [types.Content(role=role, parts=[types.Part(text=text)]) for role, text in history]
