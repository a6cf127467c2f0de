"""The Live protocol for what is frequent: audio up, everything down.

The SDK's own codec costs about 40 µs a chunk up and 60 µs a message down, and raises on messages with keys that it
does not know. This one costs a few, takes all parts and all fields of each message, and passes over what is new.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from services.bridge.legs.live_usage import Usage, reported
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
)

OUTPUT_RATE_DEFAULT: Final = 24_000
"""Of audio whose mime type names no rate."""

_AUDIO_HEAD: Final = b'{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=16000","data":"'
_AUDIO_TAIL: Final = b'"}}}'
_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def encode_audio(pcm: bytes) -> bytes:
    """The message that carries caller audio (S16LE mono, 16 kHz); to be sent as a text frame."""
    return _AUDIO_HEAD + binascii.b2a_base64(pcm, newline=False) + _AUDIO_TAIL


class MalformedMessage(Exception):
    """A message that is not of the protocol. The text never repeats its content."""

    retryable = False


# Protobuf's JSON: a field that is null is one that is absent, an enumeration may come as its number.
class _Wire(msgspec.Struct, rename="camel"):
    pass


class _Blob(_Wire):
    data: bytes | None = None
    """msgspec reads it three times as fast as ``binascii``, but knows the standard alphabet only, and padded."""
    mime_type: str | None = None


class _Part(_Wire):
    inline_data: _Blob | None = None
    thought: bool | None = None


class _ModelTurn(_Wire):
    parts: list[_Part] | None = None


class _Transcription(_Wire):
    text: str | None = None
    language_code: str | None = None


class _Content(_Wire):
    """``interimInputTranscription`` is not here: it guesses at words that ``inputTranscription`` brings for good."""

    model_turn: _ModelTurn | None = None
    generation_complete: bool | None = None
    interrupted: bool | None = None
    turn_complete: bool | None = None
    turn_complete_reason: str | int | None = None
    waiting_for_input: bool | None = None
    interaction_status: str | int | None = None
    input_transcription: _Transcription | None = None
    output_transcription: _Transcription | None = None


class _FunctionCall(_Wire):
    id: str | None = None
    name: str | None = None
    args: dict[str, Any] | None = None


class _ToolCall(_Wire):
    function_calls: list[_FunctionCall] | None = None


class _Cancellation(_Wire):
    ids: list[str] | None = None


class _Resumption(_Wire):
    new_handle: str | None = None
    resumable: bool | None = None


class _GoAway(_Wire):
    time_left: str | None = None


class _Message(_Wire):
    """``voiceActivity`` is not here: it has to be asked for in the setup, and is not."""

    server_content: _Content | None = None
    tool_call: _ToolCall | None = None
    tool_call_cancellation: _Cancellation | None = None
    session_resumption_update: _Resumption | None = None
    go_away: _GoAway | None = None
    usage_metadata: Usage | None = None


# Not strict: integers may come as strings.
_DECODER: Final = msgspec.json.Decoder(_Message, strict=False)
_OTHER_ALPHABET: Final = re.compile(rb'"data"\s*:\s*"([A-Za-z0-9+/_-]+={0,2})"')


def decode(raw: bytes) -> list[Input]:
    """What a server message says, in the order in which it is to be taken. Raises :class:`MalformedMessage`.

    Words come before the end of the turn that they belong to; an interruption before the audio beside it, which is
    of the interrupted turn.
    """
    try:
        return list(_inputs(_decoded(raw)))
    except (msgspec.DecodeError, ValueError):
        raise MalformedMessage from None


def _decoded(raw: bytes) -> _Message:
    try:
        return _DECODER.decode(raw)
    except msgspec.ValidationError:  # perhaps for nothing but the alphabet of its audio
        return _DECODER.decode(_OTHER_ALPHABET.sub(_in_standard_alphabet, raw))


def _inputs(message: _Message) -> Iterator[Input]:
    if message.usage_metadata is not None:
        yield reported(message.usage_metadata)
    if message.tool_call_cancellation is not None:
        yield ToolsCancelled(tuple(message.tool_call_cancellation.ids or ()))
    if message.server_content is not None:
        yield from _content(message.server_content)
    if message.tool_call is not None:
        # An answer needs an id; a call without one cannot be answered, so it is not carried out either.
        calls = message.tool_call.function_calls or ()
        requests = tuple(ToolRequest(call.id, call.name or "", call.args or {}) for call in calls if call.id)
        if requests:
            yield ToolsRequested(requests)
    resumption = message.session_resumption_update
    if resumption is not None and resumption.resumable and resumption.new_handle:
        yield ResumptionOffered(resumption.new_handle)
    if message.go_away is not None:
        yield GoAwayAnnounced(_duration_ms(message.go_away.time_left or "0s"))


def _content(content: _Content) -> Iterator[Input]:
    heard = content.input_transcription
    if heard is not None and heard.text:
        yield CallerWords(heard.text, _code(heard.language_code))
    if content.output_transcription is not None and content.output_transcription.text:
        yield AgentWords(content.output_transcription.text)
    if content.interrupted:
        yield ModelInterrupted()
    if content.model_turn is not None:
        for part in content.model_turn.parts or ():
            # A functionCall in here repeats one that comes as a toolCall; it is never carried out.
            blob = part.inline_data
            if blob is not None and not part.thought and blob.mime_type and blob.mime_type.startswith("audio/"):
                yield ModelAudio(blob.data or b"", _rate(blob.mime_type))
    if content.generation_complete:
        yield GenerationCompleted()
    if content.turn_complete:
        yield TurnCompleted(
            reason=_code(content.turn_complete_reason),
            goes_on=content.interaction_status == "IN_PROGRESS",
            awaits_caller=bool(content.waiting_for_input),
        )


def _code(word: str | int | None) -> str:
    """A word of the protocol that may go into a report: what does not look like one is left out."""
    if not isinstance(word, str) or _CODE.fullmatch(word) is None or word.endswith("_UNSPECIFIED"):
        return ""
    return word


def _in_standard_alphabet(data: re.Match[bytes]) -> bytes:
    text = data.group(1).rstrip(b"=").translate(_TO_STANDARD)
    return b'"data":"' + text + b"=" * (-len(text) % 4) + b'"'


def _rate(mime_type: str) -> int:
    for parameter in mime_type.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name == "rate" and value.isdigit() and 8_000 <= int(value) <= 48_000:
            return int(value)
    return OUTPUT_RATE_DEFAULT


def _duration_ms(text: str) -> int:
    return round(float(text.removesuffix("s")) * 1000)
