"""A raw websocket client of the Live simulator, and sounds to send it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from simulators.live_api.faults import Faults
from simulators.live_api.scripted import ScriptedBrain
from simulators.live_api.server import LiveServer, LiveServerSettings

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
ANSWER_S = 60.0  # how long any single answer may take before a test fails

ADD_ITEM = {
    "name": "addItem",
    "behavior": "BLOCKING",
    "parameters": {"type": "OBJECT", "properties": {"name": {"type": "STRING"}, "quantity": {"type": "INTEGER"}}},
}
ESCALATE = {"name": "escalate", "behavior": "NON_BLOCKING"}
SETUP: dict[str, Any] = {
    "model": "models/gemini-3.8-live",
    "generationConfig": {"responseModalities": ["AUDIO"]},
    "systemInstruction": {"parts": [{"text": "Take orders."}]},
    "tools": [{"functionDeclarations": [ADD_ITEM, ESCALATE]}],
    "inputAudioTranscription": {},
    "outputAudioTranscription": {},
}
PROMPT = {"clientContent": {"turnComplete": True}}


def speech(seconds: float, rate: int = 16_000) -> bytes:
    """A loud buzz: what an energy detector calls speech."""
    at = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * 180 * at) * 8_000).astype("<i2").tobytes()


def silence(seconds: float, rate: int = 16_000) -> bytes:
    return bytes(round(seconds * rate) * 2)


class RawClient:
    """Frames in and out as they are, and the messages parsed."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[str | bytes] = []
        self.messages: list[dict[str, Any]] = []

    async def send(self, message: dict[str, Any]) -> None:
        await self.socket.send(json.dumps(message))

    async def speak(self, pcm: bytes, rate: int = 16_000, chunk_ms: int = 40) -> None:
        size = rate * chunk_ms // 1000 * 2
        for at in range(0, len(pcm), size):
            data = base64.b64encode(pcm[at : at + size]).decode()
            await self.send({"realtimeInput": {"audio": {"mimeType": f"audio/pcm;rate={rate}", "data": data}}})

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(ANSWER_S):
            frame = await self.socket.recv()
        self.frames.append(frame)
        message: dict[str, Any] = json.loads(frame)
        self.messages.append(message)
        return message

    async def until(self, matches: Callable[[dict[str, Any]], object]) -> list[dict[str, Any]]:
        """The messages up to and including the first that matches."""
        found = []
        while True:
            found.append(await self.receive())
            if matches(found[-1]):
                return found

    async def turn(self) -> list[dict[str, Any]]:
        """The messages up to and including turnComplete."""
        return await self.until(lambda message: content(message).get("turnComplete"))

    async def tool_call(self) -> list[dict[str, Any]]:
        messages = await self.until(lambda message: "toolCall" in message)
        calls: list[dict[str, Any]] = messages[-1]["toolCall"]["functionCalls"]
        return calls

    async def answer(self, calls: Sequence[dict[str, Any]], response: dict[str, Any], **extra: Any) -> None:
        answers = [{"id": call["id"], "name": call["name"], "response": response, **extra} for call in calls]
        await self.send({"toolResponse": {"functionResponses": answers}})

    async def closed(self) -> tuple[int | None, str | None]:
        """Read to the end; the close code and reason."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.receive()
        return self.socket.close_code, self.socket.close_reason


def content(message: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = message.get("serverContent", {})
    return found


def kinds(messages: Sequence[dict[str, Any]]) -> list[str]:
    """The names of what happened, with runs of the same folded; transcription has no fixed place and is left out."""
    found: list[str] = []
    for message in messages:
        for key, value in message.items():
            names = list(value) if key == "serverContent" else [key]
            for name in names:
                if name not in ("outputTranscription", "inputTranscription", "usageMetadata", *found[-1:]):
                    found.append(name)
    return found


def audio_parts(messages: Sequence[dict[str, Any]]) -> list[bytes]:
    return [
        base64.b64decode(part["inlineData"]["data"], validate=True)
        for message in messages
        for part in content(message).get("modelTurn", {}).get("parts", [])
        if "inlineData" in part
    ]


def transcript(messages: Sequence[dict[str, Any]], key: str = "outputTranscription") -> str:
    return "".join(content(message).get(key, {}).get("text", "") for message in messages)


Serve = Callable[..., Any]
Dial = Callable[..., Any]


@contextlib.asynccontextmanager
async def serving(
    steps: Sequence[object], *, faults: Faults | None = None, speed: float = 25.0, **settings: Any
) -> AsyncIterator[LiveServer]:
    brain = ScriptedBrain.from_steps(steps)
    async with LiveServer(
        LiveServerSettings(brain=brain, faults=faults or Faults(), speed=speed, **settings)
    ) as server:
        yield server


@contextlib.asynccontextmanager
async def dialled(
    server: LiveServer,
    setup: dict[str, Any] | None = None,
    *,
    path: str = PATH,
    headers: dict[str, str] | None = None,
    complete: bool = True,
    **options: Any,
) -> AsyncIterator[RawClient]:
    """A connected client; with `setup` sent and setupComplete received unless `complete` is False."""
    context = ssl.create_default_context(cafile=str(server.ca_file))
    async with connect(
        server.url.replace("https://", "wss://") + path,
        ssl=context,
        additional_headers={"x-goog-api-key": "key"} if headers is None else headers,
        proxy=None,
        **{"max_size": None, **options},
    ) as socket:
        client = RawClient(socket)
        if setup is not None:
            await client.send({"setup": setup})
            if complete:
                assert await client.receive() == {"setupComplete": {}}
        yield client
