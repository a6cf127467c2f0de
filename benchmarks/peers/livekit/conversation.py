"""LiveKit's own Gemini Live client holds one conversation; prints what it saw as one JSON object.

SSL_CERT_FILE=ca.pem python conversation.py https://localhost:PORT
"""

import array
import asyncio
import json
import sys

from google.genai.types import HttpOptions
from livekit import rtc
from livekit.agents import llm
from livekit.plugins.google.realtime import RealtimeModel

seen = {"said": "", "heard": "", "audio_bytes": 0, "tool_calls": []}


@llm.function_tool(name="addItem", description="Puts an item into the cart.")
async def add_item(name: str, quantity: int = 1) -> str:
    return "55000"


async def take(session, generation: llm.GenerationCreatedEvent) -> None:
    """One generation: its words, its audio, its function calls and their results."""
    await asyncio.gather(take_messages(generation), take_calls(session, generation))


async def take_messages(generation: llm.GenerationCreatedEvent) -> None:
    async for message in generation.message_stream:
        await asyncio.gather(take_text(message), take_audio(message))


async def take_text(message: llm.MessageGeneration) -> None:
    async for text in message.text_stream:
        seen["said"] += text


async def take_audio(message: llm.MessageGeneration) -> None:
    async for frame in message.audio_stream:
        seen["audio_bytes"] += len(frame.data) * 2


async def take_calls(session, generation: llm.GenerationCreatedEvent) -> None:
    async for call in generation.function_stream:
        seen["tool_calls"].append({"name": call.name, "args": json.loads(call.arguments)})
        context = session.chat_ctx
        context.items.append(call)
        context.items.append(
            llm.FunctionCallOutput(
                call_id=call.call_id,
                name=call.name,
                output=await add_item(**json.loads(call.arguments)),
                is_error=False,
            )
        )
        await session.update_chat_ctx(context)


async def speak(session) -> None:
    """Half a second of buzz, then silence for as long as the line is open, in 20 ms frames."""
    buzz = array.array("h", ([9_000] * 40 + [-9_000] * 40) * 100).tobytes()
    at = 0
    while True:
        pcm = buzz[at : at + 640] or bytes(640)
        at += 640
        session.push_audio(rtc.AudioFrame(pcm, 16_000, 1, 320))
        await asyncio.sleep(0.02)


async def converse(url: str) -> None:
    model = RealtimeModel(
        model="gemini-3.8-live",
        api_key="any-key",
        instructions="Take orders at the counter.",
        api_version="v1beta",
        http_options=HttpOptions(base_url=url, api_version="v1beta"),
    )
    session = model.session()
    taking = []
    session.on("generation_created", lambda generation: taking.append(asyncio.create_task(take(session, generation))))
    session.on("input_audio_transcription_completed", lambda heard: seen.update(heard=heard.transcript))
    session.on("error", lambda error: print(error, file=sys.stderr))
    await session.update_tools([add_item])
    await session.generate_reply()
    await until(lambda: "get you" in seen["said"])
    speaking = asyncio.create_task(speak(session))
    await until(lambda: "cents" in seen["said"] and seen["heard"])
    speaking.cancel()
    await session.aclose()


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
    asyncio.run(main())
