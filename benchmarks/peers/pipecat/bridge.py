"""The same bridge as a Pipecat pipeline: FastAPI websocket transport, GeminiLiveLLMService, transport again.

PORT, GEMINI_URL, GEMINI_API_KEY, GEMINI_MODEL and SSL_CERT_FILE come from the environment. The leanest pipeline that
talks: no aggregators, no local voice detection, no observers, metrics off. Pipecat resamples and paces by itself.
"""

import contextlib
import os
import sys
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI, WebSocket
from google.genai.types import HttpOptions
from loguru import logger
from pipecat.frames.frames import Frame, InputAudioRawFrame, LLMContextFrame, OutputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

RATE = 16_000


class RawAudio(FrameSerializer):
    """The carrier's dialect: nothing but PCM."""

    async def serialize(self, frame: Frame) -> str | bytes | None:
        return frame.audio if isinstance(frame, OutputAudioRawFrame) else None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        return InputAudioRawFrame(audio=data, sample_rate=RATE, num_channels=1) if isinstance(data, bytes) else None


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    print(f'{{"url": "ws://127.0.0.1:{os.environ["PORT"]}"}}', flush=True)
    yield


app = FastAPI(lifespan=lifespan)


@app.websocket("/")
async def media(socket: WebSocket) -> None:
    await socket.accept(subprotocol="audio.drachtio.org")
    transport = FastAPIWebsocketTransport(
        websocket=socket,
        params=FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            audio_in_sample_rate=RATE,
            audio_out_sample_rate=RATE,
            serializer=RawAudio(),
        ),
    )
    llm = GeminiLiveLLMService(
        api_key=os.environ["GEMINI_API_KEY"],
        settings=GeminiLiveLLMService.Settings(
            model=f"models/{os.environ['GEMINI_MODEL']}",
            system_instruction="You take phone orders for a quick-service restaurant.",
        ),
        http_options=HttpOptions(base_url=os.environ["GEMINI_URL"]),
    )
    worker = PipelineWorker(
        Pipeline([transport.input(), llm, transport.output()]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
        enable_rtvi=False,
        enable_turn_tracking=False,
    )

    @transport.event_handler("on_client_connected")
    async def on_client_connected(*_: object) -> None:
        await worker.queue_frames([LLMContextFrame(LLMContext([{"role": "user", "content": "Greet the caller."}]))])

    @transport.event_handler("on_client_disconnected")
    async def on_client_disconnected(*_: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
