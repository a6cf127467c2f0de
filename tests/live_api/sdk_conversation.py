"""One conversation through the unmodified google-genai SDK; prints what it saw as one JSON object.

    SSL_CERT_FILE=ca.pem python sdk_conversation.py https://localhost:PORT

Run by interpreters that have nothing but the SDK, so only the standard library is used beside it.
"""

from __future__ import annotations

import array
import asyncio
import json
import sys
from typing import Any

from google import genai
from google.genai import errors, types

ADD_ITEM = types.FunctionDeclaration(
    name="addItem",
    description="Puts an item into the cart.",
    behavior=types.Behavior.BLOCKING,
    parameters=types.Schema(
        type=types.Type.OBJECT,
        properties={"name": types.Schema(type=types.Type.STRING), "quantity": types.Schema(type=types.Type.INTEGER)},
        required=["name"],
    ),
)


def config(handle: str | None = None) -> types.LiveConnectConfig:
    return types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        system_instruction="Take orders at the counter.",
        tools=[types.Tool(function_declarations=[ADD_ITEM])],
        speech_config=types.SpeechConfig(
            voice_config=types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name="Kore"))
        ),
        realtime_input_config=types.RealtimeInputConfig(
            automatic_activity_detection=types.AutomaticActivityDetection(silence_duration_ms=400)
        ),
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        session_resumption=types.SessionResumptionConfig(handle=handle),
        context_window_compression=types.ContextWindowCompressionConfig(
            trigger_tokens=20_000, sliding_window=types.SlidingWindow(target_tokens=10_000)
        ),
    )


async def speak(session: Any) -> None:
    """Half a second of buzz, then a second of silence, in 20 ms chunks."""
    buzz = array.array("h", ([9_000] * 40 + [-9_000] * 40) * 100).tobytes()
    pcm = buzz + bytes(32_000)
    for at in range(0, len(pcm), 640):
        await session.send_realtime_input(audio=types.Blob(data=pcm[at : at + 640], mime_type="audio/pcm;rate=16000"))


class Listener:
    """One turn at a time, as `receive()` gives it, and what was seen in all of them."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.handle: str | None = None
        self.go_away: str | None = None

    async def turn(self, *, barge_in: bool = False) -> dict[str, Any]:
        seen: dict[str, Any] = {
            "said": "",
            "heard": "",
            "audio_bytes": 0,
            "interrupted": False,
            "generation_complete": False,
            "tool_calls": [],
            "total_tokens": None,
        }
        async for message in self._session.receive():
            if message.session_resumption_update and message.session_resumption_update.resumable:
                self.handle = message.session_resumption_update.new_handle
            if message.go_away:
                self.go_away = message.go_away.time_left
            if message.usage_metadata:
                seen["total_tokens"] = message.usage_metadata.total_token_count
            if message.tool_call:
                await self._answer(message.tool_call.function_calls, seen)
            content = message.server_content
            if content is None:
                continue
            seen["interrupted"] |= bool(content.interrupted)
            seen["generation_complete"] |= bool(content.generation_complete)
            if content.output_transcription:
                seen["said"] += content.output_transcription.text or ""
            if content.input_transcription:
                seen["heard"] += content.input_transcription.text or ""
            if content.model_turn:
                seen["audio_bytes"] += sum(len(part.inline_data.data) for part in content.model_turn.parts)
                if barge_in:
                    barge_in = False
                    await speak(self._session)
        return seen

    async def settle(self) -> None:
        """Wait for the handle of the turn that is over: it comes behind turnComplete."""
        self.handle = None
        async for message in self._session.receive():
            if message.session_resumption_update and message.session_resumption_update.resumable:
                self.handle = message.session_resumption_update.new_handle
                return

    async def _answer(self, calls: Any, seen: dict[str, Any]) -> None:
        seen["tool_calls"] += [{"name": call.name, "args": call.args} for call in calls]
        await self._session.send_tool_response(
            function_responses=[
                types.FunctionResponse(
                    id=call.id, name=call.name, response={"status": "ok", "cart_total": {"total_minor": 55_000}}
                )
                for call in calls
            ]
        )


async def converse(url: str) -> dict[str, Any]:
    client = genai.Client(api_key="any-key", http_options=types.HttpOptions(base_url=url, api_version="v1beta"))
    async with client.aio.live.connect(model="gemini-3.8-live", config=config()) as session:
        first = Listener(session)
        await session.send_client_content(
            turns=types.Content(role="user", parts=[types.Part(text="Greet the caller.")])
        )
        turns = [await first.turn()]
        await speak(session)
        turns.append(await first.turn())
        await session.send_realtime_input(text="tell me a story")
        turns.append(await first.turn(barge_in=True))
        turns.append(await first.turn())
        await first.settle()
    async with client.aio.live.connect(model="gemini-3.8-live", config=config(first.handle)) as session:
        second = Listener(session)
        await speak(session)
        turns.append(await second.turn())
        end: dict[str, Any] = {}
        try:
            await second.turn()
        except errors.APIError as error:
            end = {"code": error.code, "reason": str(error.details)}
    return {"version": genai.__version__, "turns": turns, "go_away": second.go_away, "end": end}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(asyncio.wait_for(converse(sys.argv[1]), 45))))
