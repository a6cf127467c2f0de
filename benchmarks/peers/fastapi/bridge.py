"""A bridge as most people write it: FastAPI's websocket on one side, google-genai's own codec on the other.

PORT, GEMINI_URL, GEMINI_API_KEY and GEMINI_MODEL come from the environment. No resampling, no pacing.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from google import genai
from google.genai import errors, types
from google.genai.live import AsyncSession

client = genai.Client(
    api_key=os.environ["GEMINI_API_KEY"],
    http_options=types.HttpOptions(base_url=os.environ["GEMINI_URL"], api_version="v1beta"),
)
config = types.LiveConnectConfig(
    response_modalities=[types.Modality.AUDIO],
    system_instruction="You take phone orders for a quick-service restaurant.",
)


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    print(f'{{"url": "ws://127.0.0.1:{os.environ["PORT"]}"}}', flush=True)
    yield


app = FastAPI(lifespan=lifespan)


@app.websocket("/")
async def media(socket: WebSocket) -> None:
    await socket.accept(subprotocol="audio.drachtio.org")
    async with client.aio.live.connect(model=os.environ["GEMINI_MODEL"], config=config) as session:
        tasks = [asyncio.create_task(to_model(socket, session)), asyncio.create_task(to_caller(socket, session))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def to_model(socket: WebSocket, session: AsyncSession) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("bytes"):
                blob = types.Blob(data=message["bytes"], mime_type="audio/pcm;rate=16000")
                await session.send_realtime_input(audio=blob)


async def to_caller(socket: WebSocket, session: AsyncSession) -> None:
    with contextlib.suppress(errors.APIError, RuntimeError):  # the model, or the caller, has gone
        while True:
            async for message in session.receive():
                content = message.server_content
                if content is None or content.model_turn is None:
                    continue
                for part in content.model_turn.parts or []:
                    if part.inline_data is not None and part.inline_data.data:
                        await socket.send_bytes(part.inline_data.data)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
