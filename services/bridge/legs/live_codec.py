"""The Live protocol for what is frequent: audio up, everything down.

The SDK's own codec costs about 40 µs a chunk up and 60 µs a message down, and raises on messages with keys that it
does not know. This one costs a few, takes all parts and all fields of each message, and passes over what is new.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from services.bridge.session.inputs import (
    AgentWords,
    CallerWords,
    GenerationCompleted,
    GoAwayAnnounced,
    Input,
    ModelAudio,
    ModelInterrupted,
    ResumptionOffered,
    ToolRequest,
    ToolsCancelled,
    ToolsRequested,
    TurnCompleted,
    UsageReported,
)

OUTPUT_RATE_DEFAULT: Final = 24_000
"""Of audio whose mime type names no rate."""

_AUDIO_HEAD: Final = b'{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=16000","data":"'
_AUDIO_TAIL: Final = b'"}}}'


def encode_audio(pcm: bytes) -> bytes:
    """The message that carries caller audio (S16LE mono, 16 kHz); to be sent as a text frame."""
    return _AUDIO_HEAD + binascii.b2a_base64(pcm, newline=False) + _AUDIO_TAIL


class MalformedMessage(Exception):
    """A message that is not of the protocol. The text never repeats its content."""

    retryable = False


class _Wire(msgspec.Struct, rename="camel"):
    pass


class _Blob(_Wire):
    data: str = ""
    mime_type: str = ""


class _Part(_Wire):
    inline_data: _Blob | None = None
    thought: bool = False


class _ModelTurn(_Wire):
    parts: list[_Part] = []


class _Transcription(_Wire):
    text: str = ""


class _Content(_Wire):
    model_turn: _ModelTurn | None = None
    generation_complete: bool = False
    interrupted: bool = False
    turn_complete: bool = False
    input_transcription: _Transcription | None = None
    output_transcription: _Transcription | None = None


class _FunctionCall(_Wire):
    id: str = ""
    name: str = ""
    args: dict[str, Any] | None = None


class _ToolCall(_Wire):
    function_calls: list[_FunctionCall] = []


class _Cancellation(_Wire):
    ids: list[str] = []


class _Resumption(_Wire):
    new_handle: str = ""
    resumable: bool = False


class _GoAway(_Wire):
    time_left: str = "0s"


class _TokenCount(_Wire):
    modality: str = ""
    token_count: int = 0


class _Usage(_Wire):
    prompt_token_count: int = 0
    response_token_count: int = 0
    total_token_count: int = 0
    prompt_tokens_details: list[_TokenCount] = []
    response_tokens_details: list[_TokenCount] = []
    tool_use_prompt_token_count: int = 0
    thoughts_token_count: int = 0


class _Message(_Wire):
    server_content: _Content | None = None
    tool_call: _ToolCall | None = None
    tool_call_cancellation: _Cancellation | None = None
    session_resumption_update: _Resumption | None = None
    go_away: _GoAway | None = None
    usage_metadata: _Usage | None = None


# Not strict: integers may come as strings.
_DECODER: Final = msgspec.json.Decoder(_Message, strict=False)


def decode(raw: bytes | str) -> list[Input]:
    """What a server message says, in the order in which it is to be taken. Raises :class:`MalformedMessage`.

    Words come before the end of the turn that they belong to; an interruption before the audio beside it, which is
    of the interrupted turn.
    """
    try:
        return list(_inputs(_DECODER.decode(raw)))
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise MalformedMessage from None


def _inputs(message: _Message) -> Iterator[Input]:
    if message.usage_metadata is not None:
        yield _usage(message.usage_metadata)
    if message.tool_call_cancellation is not None:
        yield ToolsCancelled(tuple(message.tool_call_cancellation.ids))
    if message.server_content is not None:
        yield from _content(message.server_content)
    if message.tool_call is not None:
        # An answer needs an id; a call without one cannot be answered, so it is not carried out either.
        calls = tuple(ToolRequest(c.id, c.name, c.args or {}) for c in message.tool_call.function_calls if c.id)
        if calls:
            yield ToolsRequested(calls)
    resumption = message.session_resumption_update
    if resumption is not None and resumption.resumable and resumption.new_handle:
        yield ResumptionOffered(resumption.new_handle)
    if message.go_away is not None:
        yield GoAwayAnnounced(_duration_ms(message.go_away.time_left))


def _content(content: _Content) -> Iterator[Input]:
    if content.input_transcription is not None and content.input_transcription.text:
        yield CallerWords(content.input_transcription.text)
    if content.output_transcription is not None and content.output_transcription.text:
        yield AgentWords(content.output_transcription.text)
    if content.interrupted:
        yield ModelInterrupted()
    if content.model_turn is not None:
        for part in content.model_turn.parts:
            # A functionCall in here repeats one that comes as a toolCall; it is never carried out.
            if part.inline_data is not None and not part.thought and part.inline_data.mime_type.startswith("audio/"):
                yield ModelAudio(_from_base64(part.inline_data.data), _rate(part.inline_data.mime_type))
    if content.generation_complete:
        yield GenerationCompleted()
    if content.turn_complete:
        yield TurnCompleted()


def _usage(usage: _Usage) -> UsageReported:
    by_modality: dict[str, int] = {}
    for direction, counts in (("prompt", usage.prompt_tokens_details), ("response", usage.response_tokens_details)):
        for count in counts:
            name = f"{direction}_{count.modality.lower() or 'unknown'}"
            by_modality[name] = by_modality.get(name, 0) + count.token_count
    extras = {"tool_use": usage.tool_use_prompt_token_count, "thoughts": usage.thoughts_token_count}
    by_modality |= {name: count for name, count in extras.items() if count}
    return UsageReported(usage.prompt_token_count, usage.response_token_count, usage.total_token_count, by_modality)


def _from_base64(text: str) -> bytes:
    """Standard or URL-safe, padded or not."""
    if "-" in text or "_" in text:
        text = text.replace("-", "+").replace("_", "/")
    return binascii.a2b_base64(text + "=" * (-len(text) % 4))


def _rate(mime_type: str) -> int:
    for parameter in mime_type.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name == "rate" and value.isdigit() and 8_000 <= int(value) <= 48_000:
            return int(value)
    return OUTPUT_RATE_DEFAULT


def _duration_ms(text: str) -> int:
    return round(float(text.removesuffix("s")) * 1000)
