"""The Live protocol's messages as inputs of the session, and back."""

from __future__ import annotations

import base64
import json

import pytest
from google.genai import types

from services.bridge.legs.live_codec import MalformedMessage, decode, encode_audio
from services.bridge.legs.live_setup import ModelSetup, connect_config
from services.bridge.session import inputs as i

PCM = bytes(range(256)) * 4


def message(**fields: object) -> bytes:
    return json.dumps(fields, indent=2).encode() + b"\n"


def audio(data: str, mime: str = "audio/pcm;rate=24000") -> dict[str, object]:
    return {"inlineData": {"mimeType": mime, "data": data}}


@pytest.mark.parametrize(
    "data",
    [
        base64.b64encode(PCM).decode(),
        base64.urlsafe_b64encode(PCM).decode(),
        base64.b64encode(PCM).decode().rstrip("="),
    ],
)
def test_audio_in_every_alphabet(data: str) -> None:
    assert decode(message(serverContent={"modelTurn": {"parts": [audio(data)]}})) == [i.ModelAudio(PCM, 24_000)]


@pytest.mark.parametrize(
    ("mime", "rate"),
    [("audio/pcm", 24_000), ("audio/pcm;rate=16000", 16_000), ("audio/pcm; rate=48000", 48_000),
     ("audio/pcm;rate=0", 24_000), ("audio/pcm;rate=fast", 24_000)],
)  # fmt: skip
def test_the_rate_is_in_the_mime_type(mime: str, rate: int) -> None:
    (heard,) = decode(message(serverContent={"modelTurn": {"parts": [audio("AAA=", mime)]}}))
    assert isinstance(heard, i.ModelAudio)
    assert heard.rate == rate


def test_all_parts_and_all_fields_in_their_order() -> None:
    raw = message(
        serverContent={
            "turnComplete": True,
            "generationComplete": True,
            "interrupted": True,
            "inputTranscription": {"text": "two burgers"},
            "outputTranscription": {"text": "Sure"},
            "modelTurn": {"parts": [audio("AAA="), {"text": "hm", "thought": True}, audio("AQE="),
                                    {"functionCall": {"id": "c1", "name": "placeOrder"}}, audio("AAA=", "video/x")]},
            "somethingNew": {"a": 1},
        },
        usageMetadata={"promptTokenCount": "12", "responseTokenCount": 3, "totalTokenCount": 15,
                       "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}, {"modality": "TEXT"}],
                       "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}],
                       "thoughtsTokenCount": 2},
    )  # fmt: skip
    assert decode(raw) == [
        i.UsageReported(12, 3, 15, {"prompt_audio": 7, "prompt_text": 0, "response_audio": 3, "thoughts": 2}),
        i.CallerWords("two burgers"),
        i.AgentWords("Sure"),
        i.ModelInterrupted(),
        i.ModelAudio(b"\0\0", 24_000),
        i.ModelAudio(b"\1\1", 24_000),
        i.GenerationCompleted(),
        i.TurnCompleted(),
    ]


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        ({"turnComplete": True, "turnCompleteReason": "RESPONSE_REJECTED"}, [i.TurnCompleted("RESPONSE_REJECTED")]),
        ({"turnComplete": True, "turnCompleteReason": "TURN_COMPLETE_REASON_UNSPECIFIED"}, [i.TurnCompleted()]),
        ({"turnComplete": True, "turnCompleteReason": "BRAND_NEW"}, [i.TurnCompleted("BRAND_NEW")]),
        ({"turnComplete": True, "turnCompleteReason": "call +254700000001"}, [i.TurnCompleted()]),
        ({"turnComplete": True, "turnCompleteReason": 3}, [i.TurnCompleted()]),
        ({"turnComplete": True, "waitingForInput": True}, [i.TurnCompleted(awaits_caller=True)]),
        ({"turnComplete": True, "interactionStatus": "IN_PROGRESS"}, [i.TurnCompleted(goes_on=True)]),
        ({"turnComplete": True, "interactionStatus": "IDLE"}, [i.TurnCompleted()]),
        ({"waitingForInput": True}, []),
        ({"interactionStatus": "IDLE"}, []),
        ({"interimInputTranscription": {"text": "two bur"}}, []),
        ({"inputTranscription": {"text": "mbili", "finished": True, "languageCode": "sw-KE"}},
         [i.CallerWords("mbili", "sw-KE")]),
        ({"inputTranscription": {"finished": True}}, []),
        ({"groundingMetadata": {"x": 1}, "urlContextMetadata": None}, []),
        ({"modelTurn": {"parts": [{"text": "Hmm.", "thought": True}, {"text": "Sure."}, {}]}}, []),
        ({"modelTurn": {"parts": [audio("AQE=") | {"thought": True}, audio("AAA=")]}}, [i.ModelAudio(b"\0\0", 24_000)]),
        ({"modelTurn": None, "interrupted": None, "turnComplete": None}, []),
        ({"modelTurn": {"parts": None, "role": "model"}}, []),
    ],
)  # fmt: skip
def test_every_field_of_the_content(content: dict[str, object], taken: list[i.Input]) -> None:
    assert decode(message(serverContent=content)) == taken


def test_what_is_not_asked_for_is_passed_over_and_costs_its_message_nothing() -> None:
    beside = {"serverContent": {"modelTurn": {"parts": [audio("AAA=")]}}}
    activity = {"voiceActivity": {"type": "ACTIVITY_START", "audioOffset": "1.5s"}}
    assert decode(message(**activity)) == []
    assert decode(message(**activity, **beside)) == [i.ModelAudio(b"\0\0", 24_000)]
    assert decode(message(setupComplete={"sessionId": "s"}, **beside)) == [i.ModelAudio(b"\0\0", 24_000)]
    new_kind = {"newKind": {"deep": [{"er": None}]}}
    assert decode(message(**new_kind, **beside)) == [i.ModelAudio(b"\0\0", 24_000)]


def test_usage_under_both_names() -> None:
    counts = [{"modality": "AUDIO", "tokenCount": 3}, {"modality": 7, "tokenCount": "2"}, {"tokenCount": None}]
    ours = {"response_audio": 3, "response_unknown": 2}
    developer = {"responseTokenCount": 5, "responseTokensDetails": counts, "cachedContentTokenCount": 4}
    vertex = {"candidatesTokenCount": 5, "candidatesTokensDetails": counts, "cachedContentTokenCount": "4",
              "trafficType": "ON_DEMAND"}  # fmt: skip
    for reported in (developer, vertex):
        assert decode(message(usageMetadata=reported)) == [i.UsageReported(0, 5, 0, ours)]
    assert decode(message(usageMetadata={"promptTokenCount": None})) == [i.UsageReported()]


def test_tool_calls_and_cancellations() -> None:
    calls = [{"id": "c1", "name": "addItem", "args": {"name": "soda"}}, {"id": "c2", "name": "getTotal"}, {"name": "x"}]
    assert decode(message(toolCall={"functionCalls": calls})) == [
        i.ToolsRequested((i.ToolRequest("c1", "addItem", {"name": "soda"}), i.ToolRequest("c2", "getTotal", {})))
    ]
    assert decode(message(toolCallCancellation={"ids": ["c1"]})) == [i.ToolsCancelled(("c1",))]
    assert decode(message(toolCall={"functionCalls": [{"name": "x"}]})) == []
    assert decode(message(toolCall={"functionCalls": None})) == []
    unnamed = decode(message(toolCall={"functionCalls": [{"id": "c1", "name": None, "args": None}]}))
    assert unnamed == [i.ToolsRequested((i.ToolRequest("c1", ""),))], "answered as unknown, not left waiting"


def test_resumption_and_going_away() -> None:
    assert decode(message(sessionResumptionUpdate={"newHandle": "h", "resumable": True})) == [i.ResumptionOffered("h")]
    assert decode(message(sessionResumptionUpdate={"newHandle": "h"})) == []
    assert decode(message(sessionResumptionUpdate={})) == []
    assert decode(message(goAway={"timeLeft": "1.5s"})) == [i.GoAwayAnnounced(1_500)]


@pytest.mark.parametrize("raw", [b"{}", b'{"setupComplete":{}}', b'{"brandNew":{"x":1}}', b'{"error":{"code":1}}'])
def test_what_is_new_is_passed_over(raw: bytes) -> None:
    assert decode(raw) == []


@pytest.mark.parametrize(
    "raw", [b"", b"pizza", b"[1]", b'{"toolCall":7}', b'{"goAway":{"timeLeft":"soon"}}',
            b'{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm","data":"A"}}]}}}'],
)  # fmt: skip
def test_nonsense_is_one_exception_that_repeats_nothing(raw: bytes) -> None:
    with pytest.raises(MalformedMessage) as caught:
        decode(raw)
    assert str(caught.value) == ""


def test_caller_audio_is_what_the_sdk_would_say() -> None:
    sent = json.loads(encode_audio(PCM))
    assert sent == {
        "realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=16000", "data": base64.b64encode(PCM).decode()}}
    }


def test_the_sdk_reads_our_messages_the_same_way() -> None:
    """A cross-check of the hand-written codec: what the SDK finds in a message, we find too."""
    raw = message(serverContent={"modelTurn": {"parts": [audio(base64.b64encode(PCM).decode())]}, "turnComplete": True})
    theirs = types.LiveServerMessage.model_validate_json(raw)
    assert theirs.server_content is not None
    assert theirs.server_content.model_turn is not None
    (part,) = theirs.server_content.model_turn.parts or []
    assert part.inline_data is not None
    assert decode(raw) == [i.ModelAudio(part.inline_data.data or b"", 24_000), i.TurnCompleted()]


def test_the_setup_has_all_that_a_call_needs() -> None:
    declaration = {"name": "endCall", "description": "Hang up.", "behavior": "BLOCKING"}
    config = connect_config(ModelSetup("Take orders. " * 100, (declaration,), "[Greet.]"), "Kore", handle="h1")
    assert config.response_modalities == [types.Modality.AUDIO]
    assert config.input_audio_transcription is not None
    assert config.output_audio_transcription is not None
    assert config.session_resumption is not None
    assert config.session_resumption.handle == "h1"
    compression = config.context_window_compression
    assert compression is not None
    assert compression.sliding_window is not None
    assert (compression.sliding_window.target_tokens or 0) < (compression.trigger_tokens or 0)
