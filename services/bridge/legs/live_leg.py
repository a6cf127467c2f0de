"""The model session: connected and configured by google-genai, its audio moved past the SDK's codec.

model = LiveModel(...)                                  # one per process: a client costs 100 ms of CPU
async with model.session(setup) as leg:                 # ModelRefused when there is none to be had
    ...                                                 # leg.read() and leg.write() as two tasks
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from google import genai
from google.genai import errors, types
from google.genai.live import AsyncSession
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import Close

from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from services.bridge.legs.live_codec import MalformedMessage, decode, encode_audio
from services.bridge.legs.live_setup import ModelSetup, connect_config
from services.bridge.legs.uplink import Uplink
from services.bridge.session.inputs import Input, ModelClosed, ToolResult

API_VERSION: Final = "v1beta"
"""The SDK dials v1 by itself, where the Live API is not served."""
CONNECT_S: Final = 6.0
"""Dialling, upgrade and setup; the SDK waits for the setup's answer for ever."""
OPEN_S: Final = 5.0
MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024
CLOSE_S: Final = 2.0

_log = get_logger(__name__)


class ModelRefused(Exception):
    """No model session. ``reason`` is a short machine word such as ``refused_429`` or ``setup_timeout``."""

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
            "ping_interval": None,  # pongs of this API take up to 30 s; our deadlines tell whether it lives
            "max_size": MESSAGE_BYTES_MAX,
            "open_timeout": OPEN_S,
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

    @contextlib.asynccontextmanager
    async def session(self, setup: ModelSetup, uplink: Uplink) -> AsyncIterator[LiveLeg]:
        """A session that is set up; what lies in ``uplink`` is its first audio. Raises :class:`ModelRefused`."""
        config = connect_config(setup, self._voice)
        async with contextlib.AsyncExitStack() as stack:
            connecting = self._client.aio.live.connect(model=self._model, config=config)
            try:
                async with asyncio.timeout(CONNECT_S):
                    session = await stack.enter_async_context(connecting)
            except Exception as error:
                raise ModelRefused(_why_refused(error)) from error
            yield LiveLeg(session, uplink, setup.opening, self._metrics)

    async def close(self) -> None:
        """Close the client's own connections."""
        await self._client.aio.aclose()


class LiveLeg:
    """One model session. Sending leaves work for one writer, which alone waits for the socket."""

    def __init__(self, session: AsyncSession, uplink: Uplink, opening: str, metrics: Metrics) -> None:
        self._session = session
        self._opening = opening
        self._uplink = uplink
        self._metrics = metrics
        self._socket = _socket_of(session)
        self._orders: deque[Callable[[], Awaitable[None]]] = deque()

    async def run(self, take: Callable[[Input], None]) -> None:
        """Move everything both ways until the session is closed, or close it when cancelled."""
        writing = asyncio.create_task(self._write(), name="model-write")
        try:
            await self._read(take)
        finally:
            writing.cancel()
            await self._close()
            await asyncio.gather(writing, return_exceptions=True)

    # -- in ------------------------------------------------------------------------------------------------------

    async def _read(self, take: Callable[[Input], None]) -> None:
        """Hand every input to ``take`` until the session is closed; the last one is ModelClosed.

        It waits for this socket only: a reader that waits for anything else fills the library's queue, and the
        connection is then closed by its own keepalive.
        """
        try:
            while True:
                raw = await self._receive()
                try:
                    inputs = decode(raw)
                except MalformedMessage:
                    self._metrics.add("model_messages_total", kind="malformed")
                    _log.warning("model_message_malformed", size=len(raw))
                    continue
                self._metrics.add("model_messages_total", kind="taken" if inputs else "empty")
                for each in inputs:
                    take(each)
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd is not None else 1006
            _log.info("model_closed", code=code)  # the reason is a peer's free text and stays out of the log
            take(ModelClosed(f"closed_{code}"))

    async def _receive(self) -> bytes:
        if self._socket is not None:
            return await self._socket.recv(decode=False)
        try:
            # The generator ends with a turn, so it is asked for one message at a time; nothing is lost between.
            message = await anext(self._session.receive(), None)
        except errors.APIError as error:
            raise ConnectionClosed(Close(error.code if 1000 <= error.code < 5000 else 1006, ""), None) from error
        return b"{}" if message is None else message.model_dump_json(by_alias=True, exclude_none=True).encode()

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
        """Start the conversation. The newest models do not run on client content alone: a blank text follows it."""
        self.say_to_model(self._opening)
        self._order(lambda: self._session.send_realtime_input(text=" "))

    def _order(self, send: Callable[[], Awaitable[None]]) -> None:
        self._orders.append(send)
        self._uplink.wake.set()

    async def _write(self) -> None:
        """Send what is queued until the session is closed. Answers go before audio."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                while self._orders:
                    await self._orders.popleft()()
                chunk = self._uplink.take()
                if chunk:
                    await self._send_audio(chunk)
                else:
                    await self._uplink.wake.wait()

    async def _send_audio(self, pcm: bytes) -> None:
        if self._socket is not None:
            await self._socket.send(encode_audio(pcm), text=True)
        else:
            await self._session.send_realtime_input(audio=types.Blob(data=pcm, mime_type="audio/pcm;rate=16000"))

    async def _close(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._session.close()


def _socket_of(session: AsyncSession) -> ClientConnection | None:
    """The SDK's socket, when it is what all versions so far have had; else audio goes through the SDK."""
    socket = getattr(session, "_ws", None)
    if isinstance(socket, ClientConnection):
        return socket
    _log.warning("live_socket_unknown", kind=type(socket).__name__)
    return None


def _why_refused(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "setup_timeout"
        case InvalidStatus():
            return f"refused_{error.response.status_code}"
        case errors.APIError():
            return f"refused_{error.code}"
        case InvalidHandshake() | ssl.SSLError():
            return "handshake_failed"
        case OSError():
            return "unreachable"
        case _:
            return "setup_failed"
