"""Server messages as plain objects, ready for `protocol.encode_server`. Nothing at its default is included."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from simulators.live_api.casing import JsonObject
from simulators.live_api.protocol import OUTPUT_RATE

AUDIO_MIME_TYPE = f"audio/pcm;rate={OUTPUT_RATE}"


def setup_complete(session_id: str | None = None) -> JsonObject:
    return {"setupComplete": {"sessionId": session_id} if session_id else {}}


def audio_part(pcm: bytes) -> JsonObject:
    return {"inlineData": {"mimeType": AUDIO_MIME_TYPE, "data": base64.b64encode(pcm).decode()}}


def model_turn(parts: Sequence[JsonObject]) -> JsonObject:
    return {"serverContent": {"modelTurn": {"parts": list(parts)}}}


def output_transcription(text: str) -> JsonObject:
    return {"serverContent": {"outputTranscription": {"text": text}}}


def input_transcription(text: str, *, finished: bool = False) -> JsonObject:
    body: JsonObject = {"text": text}
    if finished:
        body["finished"] = True
    return {"serverContent": {"inputTranscription": body}}


def generation_complete() -> JsonObject:
    return {"serverContent": {"generationComplete": True}}


def interrupted() -> JsonObject:
    return {"serverContent": {"interrupted": True}}


def turn_complete(
    usage: JsonObject | None, *, reason: str | None = None, interaction_status: str | None = None
) -> JsonObject:
    content: JsonObject = {"turnComplete": True}
    if reason is not None:
        content["turnCompleteReason"] = reason
    if interaction_status is not None:
        content["interactionStatus"] = interaction_status
    message: JsonObject = {"serverContent": content}
    if usage is not None:
        message["usageMetadata"] = usage
    return message


def interaction_status(status: str) -> JsonObject:
    return {"serverContent": {"interactionStatus": status}}


def function_call(call_id: str, name: str, args: JsonObject) -> JsonObject:
    call: JsonObject = {"id": call_id, "name": name}
    if args:
        call["args"] = args
    return call


def tool_call(calls: Iterable[JsonObject]) -> JsonObject:
    return {"toolCall": {"functionCalls": list(calls)}}


def tool_call_cancellation(call_ids: Iterable[str]) -> JsonObject:
    return {"toolCallCancellation": {"ids": list(call_ids)}}


def resumption_update(handle: str | None, *, consumed_index: int | None = None) -> JsonObject:
    """With no handle: the session cannot be resumed at this moment."""
    if handle is None:
        return {"sessionResumptionUpdate": {}}
    body: JsonObject = {"newHandle": handle, "resumable": True}
    if consumed_index is not None:
        body["lastConsumedClientMessageIndex"] = str(consumed_index)
    return {"sessionResumptionUpdate": body}


def go_away(time_left_s: float) -> JsonObject:
    return {"goAway": {"timeLeft": duration(time_left_s)}}


def voice_activity(kind: str, offset_s: float) -> JsonObject:
    return {"voiceActivity": {"type": kind, "audioOffset": duration(offset_s)}}


def duration(seconds: float) -> str:
    """Protobuf JSON duration: "50s", "1.500s"."""
    return f"{int(seconds)}s" if seconds == int(seconds) else f"{seconds:.3f}s"
