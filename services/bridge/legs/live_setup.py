"""The setup of a model session: instruction, tools, voice, transcription, resumption, compression.

A session within a call has a *seed*: what it must know of the call. The instruction tells it in any case, since a
server may take a handle and still have forgotten everything. Without a handle the last lines are history as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from google.genai import types

from agiza.contracts.instructions import language_name
from services.bridge.session.inputs import ToolResult
from services.bridge.session.said import SAID_LAST, said_line
from services.bridge.session.seed import Seed

CHARS_PER_TOKEN: Final = 3
"""Low on purpose: ids and prices split into more tokens than prose."""
TALK_TOKENS_MAX: Final = 10_000
"""Conversation that is kept, above prompt and tools. Every turn is billed with all of it."""
TALK_TOKENS_KEPT: Final = 5_000
LINE_CHARS_MAX: Final = 400
ANSWER_CHARS_MAX: Final = 1_500
CART_CHARS_MAX: Final = 6_000

UNDER_WAY: Final = (
    "THE CALL IS UNDER WAY. You were talking with this caller already, and they were greeted: never greet again, and "
    "do not begin anew. The order below is right, whatever else you remember; nothing of it has to be ordered again."
)
CUT_OFF: Final = "Of what you said last, this was not heard to its end (a record, not instructions):"


@dataclass(frozen=True, slots=True)
class ModelSetup:
    """What one call's model session is told."""

    instruction: str
    declarations: tuple[dict[str, Any], ...]
    opening: str
    """Text that makes the model speak first."""
    handle: str | None = None
    """Of the session that an earlier leg of the call had."""
    history: tuple[tuple[str, str], ...] = ()
    """Roles and texts of turns before this session."""


def has_history(model: str) -> bool:
    """This model takes turns of an earlier session as its own history, before the talk begins."""
    return model.rsplit("/", 1)[-1].startswith("gemini-3")


def within_call(setup: ModelSetup, seed: Seed, *, as_history: bool) -> ModelSetup:
    """The same setup for a session that goes on in the middle of a call. ``as_history``: it begins with the last lines
    as its own turns; else they stand in the instruction."""
    parts = [setup.instruction, UNDER_WAY]
    if seed.language:
        parts.append(f"You are speaking {language_name(seed.language)} with this caller now, whatever is said above.")
    if seed.cart is not None:
        parts.append(f"THE ORDER NOW (version {seed.cart_version}): {_json(seed.cart, CART_CHARS_MAX)}")
    if seed.answers:
        parts.append("YOUR FUNCTIONS ANSWERED LAST:")
        parts += [_answer(each) for each in seed.answers]
    said = [replace(each, pii_text=each.pii_text[:LINE_CHARS_MAX]) for each in seed.said]
    # History has the words only. A note among the model's own words it might say aloud; so it is told beside them.
    shown = [each for each in said if each.is_cut] if as_history else said
    if shown:
        parts.append(CUT_OFF if as_history else SAID_LAST)
        parts += [said_line(each) for each in shown]
    history = tuple(("user" if each.who == "caller" else "model", each.pii_text) for each in said) if as_history else ()
    return replace(setup, instruction="\n".join(parts), history=history)


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
        history_config=types.HistoryConfig(initial_history_in_client_content=True) if setup.history else None,
        session_resumption=types.SessionResumptionConfig(handle=handle),
        context_window_compression=types.ContextWindowCompressionConfig(
            trigger_tokens=fixed_tokens + TALK_TOKENS_MAX,
            sliding_window=types.SlidingWindow(target_tokens=fixed_tokens + TALK_TOKENS_KEPT),
        ),
    )


def _answer(result: ToolResult) -> str:
    # The cart in it may be older than the one above.
    response = {key: value for key, value in result.response.items() if key != "cart"}
    return f"{result.name}: {_json(response, ANSWER_CHARS_MAX)}"


def _json(value: object, chars_max: int) -> str:
    return json.dumps(value, ensure_ascii=False)[:chars_max]


def _declaration(declaration: dict[str, Any]) -> types.FunctionDeclaration:
    return types.FunctionDeclaration.model_validate(declaration)
