"""The setup of a model session: instruction, tools, voice, transcription, resumption, compression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from google.genai import types

CHARS_PER_TOKEN: Final = 3
"""Low on purpose: ids and prices split into more tokens than prose."""
TALK_TOKENS_MAX: Final = 10_000
"""Conversation that is kept, above prompt and tools. Every turn is billed with all of it."""
TALK_TOKENS_KEPT: Final = 5_000


@dataclass(frozen=True, slots=True)
class ModelSetup:
    """What one call's model session is told."""

    instruction: str
    declarations: tuple[dict[str, Any], ...]
    opening: str
    """Text that makes the model speak first."""


def connect_config(setup: ModelSetup, voice: str, handle: str | None = None) -> types.LiveConnectConfig:
    """The SDK's form of it. ``handle`` resumes an earlier session."""
    tools_chars = sum(len(str(declaration)) for declaration in setup.declarations)
    fixed_tokens = (len(setup.instruction) + tools_chars) // CHARS_PER_TOKEN
    return types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        speech_config=types.SpeechConfig(
            voice_config=types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name=voice))
        ),
        system_instruction=types.Content(role="user", parts=[types.Part(text=setup.instruction)]),
        tools=[types.Tool(function_declarations=[_declaration(each) for each in setup.declarations])],
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        session_resumption=types.SessionResumptionConfig(handle=handle),
        context_window_compression=types.ContextWindowCompressionConfig(
            trigger_tokens=fixed_tokens + TALK_TOKENS_MAX,
            sliding_window=types.SlidingWindow(target_tokens=fixed_tokens + TALK_TOKENS_KEPT),
        ),
    )


def _declaration(declaration: dict[str, Any]) -> types.FunctionDeclaration:
    return types.FunctionDeclaration.model_validate(declaration)
