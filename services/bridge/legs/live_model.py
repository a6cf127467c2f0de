"""The way to the Live API: sessions connected and configured by google-genai.

model = LiveModel(...)                                  # one per process: a client costs 100 ms of CPU
async with model.session(setup, uplink) as leg:         # ModelRefused when there is none to be had
    await leg.run(take)                                 # what the model says goes to take(input)
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from google import genai
from google.genai import types

from agiza.runtime.metrics import Metrics
from services.bridge.legs.live_closes import word_of_error
from services.bridge.legs.live_leg import CLOSE_S, LiveLeg
from services.bridge.legs.live_setup import ModelSetup, connect_config, has_history
from services.bridge.legs.uplink import Uplink
from services.bridge.legs.wire import ClientWire

API_VERSION: Final = "v1beta"
"""The SDK dials v1 by itself, where the Live API is not served."""
OPEN_S: Final = 5.0
MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024

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


def _dial(*arguments: Any, **options: Any) -> ClientWire:
    socket = ClientWire(*arguments, **options)
    _DIALLED.get().append(socket)
    return socket


def _turns(history: tuple[tuple[str, str], ...]) -> list[types.Content | types.ContentDict]:
    return [types.Content(role=role, parts=[types.Part(text=text)]) for role, text in history]
