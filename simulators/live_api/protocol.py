"""The Live wire format: what a client may send, and how a server answers.

Client messages come as text or binary frames, with every key in camelCase or snake_case, mixed within one
object, and with base64 in either alphabet, padded or not. Server messages go out as JSON indented by two
spaces with a final newline, camelCase keys, and fields at their default left out.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from simulators.live_api.casing import Json, JsonObject, camel_case

INPUT_RATE = 16_000
OUTPUT_RATE = 24_000
REASON_BYTES_MAX = 123


class ProtocolError(Exception):
    """The client broke the protocol; the session closes with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SetupRequest:
    body: JsonObject


@dataclass(frozen=True, slots=True)
class AudioInput:
    """Mono S16LE samples at `rate` hertz."""

    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class TextInput:
    text: str


@dataclass(frozen=True, slots=True)
class VideoInput:
    mime_type: str


@dataclass(frozen=True, slots=True)
class ActivityStart:
    pass


@dataclass(frozen=True, slots=True)
class ActivityEnd:
    pass


@dataclass(frozen=True, slots=True)
class AudioStreamEnd:
    pass


@dataclass(frozen=True, slots=True)
class ContentTurn:
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class ClientContent:
    turns: tuple[ContentTurn, ...]
    turn_complete: bool


@dataclass(frozen=True, slots=True)
class FunctionAnswer:
    """One functionResponse. `id` is empty when the client left it out."""

    id: str
    name: str
    response: JsonObject
    scheduling: str | None
    will_continue: bool


@dataclass(frozen=True, slots=True)
class ToolResponse:
    answers: tuple[FunctionAnswer, ...]


@dataclass(frozen=True, slots=True)
class ContextUpdate:
    system_instruction: str | None
    tools: list[JsonObject] | None


RealtimeInput = AudioInput | TextInput | VideoInput | ActivityStart | ActivityEnd | AudioStreamEnd
ClientMessage = SetupRequest | RealtimeInput | ClientContent | ToolResponse | ContextUpdate


def decode_client(frame: str | bytes) -> tuple[ClientMessage, ...]:
    """Parse one frame. A realtimeInput may carry several inputs, so the result is a tuple.

    Raises ProtocolError (1007) for anything that is not one of the client messages.
    """
    try:
        document = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(1007, f"Invalid JSON payload received. {error}") from error
    if not isinstance(document, dict):
        raise ProtocolError(1007, "Invalid JSON payload received. Expected an object.")
    message = camel_case(document)
    if len(message) != 1:
        raise ProtocolError(1007, "Request contains an invalid argument: exactly one message type is expected.")
    [(kind, body)] = message.items()
    decode = _DECODERS.get(kind)
    if decode is None:
        raise ProtocolError(1007, f'Invalid JSON payload received. Unknown name "{kind}": Cannot find field.')
    if not isinstance(body, dict):
        raise ProtocolError(1007, f"Invalid value at '{kind}': an object is expected.")
    return decode(body)


def encode_server(message: Mapping[str, object]) -> bytes:
    """One server message as it stands on the wire."""
    return msgspec.json.format(msgspec.json.encode(message), indent=2) + b"\n"


def close_reason(reason: str) -> str:
    """The reason cut to the 123 bytes that a close frame can hold, never inside a character."""
    return reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore")


def decode_base64(data: str) -> bytes:
    """Standard or URL-safe alphabet, with or without padding. Raises ProtocolError (1007)."""
    # b64decode drops characters that it does not know, which would shift every later sample.
    standard = data.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError(1007, "Invalid value at 'data' (TYPE_BYTES), Base64 decoding failed.") from error


# --- one decoder per client message ---------------------------------------------------------------------------


def _setup(body: JsonObject) -> tuple[ClientMessage, ...]:
    return (SetupRequest(body),)


_REALTIME_FIELDS = {"audio", "video", "text", "activityStart", "activityEnd", "audioStreamEnd", "mediaChunks"}


def _realtime_input(body: JsonObject) -> tuple[ClientMessage, ...]:
    _known(
        body,
        "realtimeInput",
        {"audio", "video", "text", "activityStart", "activityEnd", "audioStreamEnd", "mediaChunks"},
    )
    found: list[ClientMessage] = []
    if body.get("activityStart") is not None:
        found.append(ActivityStart())
    if body.get("audio") is not None:
        found.append(_blob(body["audio"], "realtimeInput.audio"))
    elif body.get("mediaChunks"):
        found.append(_blob(body["mediaChunks"][0], "realtimeInput.mediaChunks"))
    if body.get("video") is not None:
        found.append(_blob(body["video"], "realtimeInput.video"))
    if isinstance(body.get("text"), str):
        found.append(TextInput(body["text"]))
    if body.get("activityEnd") is not None:
        found.append(ActivityEnd())
    if body.get("audioStreamEnd"):
        found.append(AudioStreamEnd())
    return tuple(found)


_RATE = re.compile(r"rate=(\d+)")


def _blob(blob: Json, path: str) -> AudioInput | VideoInput:
    if not isinstance(blob, dict):
        raise ProtocolError(1007, f"Invalid value at '{path}': a blob is expected.")
    mime_type = blob.get("mimeType") or "audio/pcm"
    if not isinstance(mime_type, str) or not isinstance(blob.get("data", ""), str):
        raise ProtocolError(1007, f"Invalid value at '{path}'.")
    if not mime_type.startswith("audio/"):
        return VideoInput(mime_type)
    if not mime_type.startswith("audio/pcm"):
        raise ProtocolError(1007, f"Unsupported mime type: {mime_type}")
    match = _RATE.search(mime_type)
    rate = int(match[1]) if match else INPUT_RATE
    if not 4_000 <= rate <= 192_000:
        raise ProtocolError(1007, f"Unsupported sample rate: {rate}")
    return AudioInput(decode_base64(blob.get("data", "")), rate)


def _client_content(body: JsonObject) -> tuple[ClientMessage, ...]:
    _known(body, "clientContent", {"turns", "turnComplete"})
    turns = body.get("turns") or []
    if isinstance(turns, dict):
        turns = [turns]
    found = []
    for turn in turns:
        if not isinstance(turn, dict) or not turn.get("role"):
            raise ProtocolError(1007, "Please use a valid role: user, model.")
        found.append(ContentTurn(str(turn["role"]), text_of(turn)))
    return (ClientContent(tuple(found), bool(body.get("turnComplete"))),)


def _tool_response(body: JsonObject) -> tuple[ClientMessage, ...]:
    _known(body, "toolResponse", {"functionResponses"})
    responses = body.get("functionResponses") or []
    if isinstance(responses, dict):
        responses = [responses]
    return (ToolResponse(tuple(_function_answer(item) for item in responses)),)


def _function_answer(item: Json) -> FunctionAnswer:
    if not isinstance(item, dict) or not isinstance(item.get("response", {}), dict):
        raise ProtocolError(1007, "Invalid value at 'toolResponse.functionResponses'.")
    response = item.get("response") or {}
    # The reference puts scheduling beside the response, the guide inside it; clients send either.
    scheduling = item.get("scheduling") or response.get("scheduling")
    return FunctionAnswer(
        id=str(item.get("id") or ""),
        name=str(item.get("name") or ""),
        response=response,
        scheduling=str(scheduling).upper() if scheduling else None,
        will_continue=bool(item.get("willContinue")),
    )


def _context_update(body: JsonObject) -> tuple[ClientMessage, ...]:
    _known(body, "contextUpdate", {"systemInstruction", "tools"})
    instruction = body.get("systemInstruction")
    tools = body.get("tools")
    if isinstance(tools, dict):
        tools = tools.get("tools")
    return (ContextUpdate(None if instruction is None else text_of(instruction), tools),)


_DECODERS: dict[str, Callable[[JsonObject], tuple[ClientMessage, ...]]] = {
    "setup": _setup,
    "realtimeInput": _realtime_input,
    "clientContent": _client_content,
    "toolResponse": _tool_response,
    "contextUpdate": _context_update,
}


def text_of(content: Json) -> str:
    """The text of a Content: a plain string, or the text parts joined by blank lines."""
    if isinstance(content, str):
        return content
    if not isinstance(content, dict):
        raise ProtocolError(1007, "Invalid value: a content is expected.")
    parts = content.get("parts") or []
    if isinstance(parts, dict):
        parts = [parts]
    return "\n\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def _known(body: JsonObject, path: str, names: set[str]) -> None:
    for key in body:
        if key not in names:
            raise ProtocolError(
                1007, f"Invalid JSON payload received. Unknown name \"{key}\" at '{path}': Cannot find field."
            )
