"""Pipecat's own Gemini Live service holds one conversation; prints what it saw as one JSON object.

SSL_CERT_FILE=ca.pem python conversation.py https://localhost:PORT
"""

import array
import asyncio
import json
import sys

from google.genai.types import HttpOptions
from loguru import logger
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    LLMContextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService
from pipecat.services.llm_service import FunctionCallParams
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies
from pipecat.workers.runner import WorkerRunner

ADD_ITEM = FunctionSchema(
    name="addItem",
    description="Puts an item into the cart.",
    properties={"name": {"type": "string"}, "quantity": {"type": "integer"}},
    required=["name"],
)
seen = {"said": "", "heard": "", "audio_bytes": 0, "tool_calls": []}


class Watcher(FrameProcessor):
    """Notes what passes, either way."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case TTSAudioRawFrame():
                seen["audio_bytes"] += len(frame.audio)
            case TTSTextFrame():
                seen["said"] += frame.text
            case TranscriptionFrame():
                seen["heard"] += frame.text
        await self.push_frame(frame, direction)


async def add_item(params: FunctionCallParams) -> None:
    seen["tool_calls"].append({"name": params.function_name, "args": dict(params.arguments)})
    await params.result_callback({"output": "55000"})


async def speak(worker: PipelineWorker) -> None:
    """Half a second of buzz, then silence for as long as the line is open, in 20 ms frames."""
    buzz = array.array("h", ([9_000] * 40 + [-9_000] * 40) * 100).tobytes()
    at = 0
    while True:
        pcm = buzz[at : at + 640] or bytes(640)
        at += 640
        await worker.queue_frame(InputAudioRawFrame(audio=pcm, sample_rate=16_000, num_channels=1))
        await asyncio.sleep(0.02)


async def converse(url: str) -> None:
    llm = GeminiLiveLLMService(
        api_key="any-key",
        settings=GeminiLiveLLMService.Settings(system_instruction="Take orders at the counter."),
        tools=ToolsSchema(standard_tools=[ADD_ITEM]),
        http_options=HttpOptions(base_url=url),
    )
    llm.register_function("addItem", add_item)
    context = LLMContext([{"role": "user", "content": "Greet the caller."}])
    # The service hears the turns itself; without this, a local model of turns would be loaded.
    turns = LLMUserAggregatorParams(user_turn_strategies=ExternalUserTurnStrategies())
    pair = LLMContextAggregatorPair(context, user_params=turns)
    worker = PipelineWorker(Pipeline([pair.user(), Watcher(), llm, Watcher(), pair.assistant()]), enable_rtvi=False)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await worker.queue_frames([LLMContextFrame(context)])
    await until(lambda: "get you" in seen["said"])
    speaking = asyncio.create_task(speak(worker))
    await until(lambda: "cents" in seen["said"] and seen["heard"])
    speaking.cancel()
    await worker.cancel()
    await running


async def until(condition) -> None:
    while not condition():  # noqa: ASYNC110 - what it waits for comes from the client's own tasks
        await asyncio.sleep(0.05)


async def main() -> None:
    try:
        await asyncio.wait_for(converse(sys.argv[1]), 40)
    except TimeoutError:
        seen["why"] = "the conversation did not come to its end in 40 s"
    print(json.dumps(seen))


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    asyncio.run(main())
