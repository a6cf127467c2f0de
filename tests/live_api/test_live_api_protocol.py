"""The codec alone: key casing, base64 in every dialect, and what is refused."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.live_api.casing import camel_case, camel_key
from simulators.live_api.protocol import (
    ActivityEnd,
    ActivityStart,
    AudioInput,
    AudioStreamEnd,
    ClientContent,
    ContentTurn,
    ContextUpdate,
    ProtocolError,
    SetupRequest,
    TextInput,
    ToolResponse,
    VideoInput,
    close_reason,
    decode_base64,
    decode_client,
    encode_server,
)

FREE_FORM = {"args", "response", "parametersJsonSchema", "responseJsonSchema", "labels"}


def snake_key(key: str) -> str:
    return re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), key)


def mixed(value: Any, choose: Any) -> Any:
    """The same JSON with some protocol keys in snake_case; application data untouched."""
    if isinstance(value, list):
        return [mixed(item, choose) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, inner in value.items():
        below = inner if key in FREE_FORM else mixed(inner, choose)
        if key == "properties":
            below = {own: mixed(schema, choose) for own, schema in inner.items()}
        result[snake_key(key) if choose(key) else key] = below
    return result


MESSAGES: list[dict[str, Any]] = [
    {
        "setup": {
            "model": "models/gemini-3.8-live",
            "generationConfig": {"responseModalities": ["AUDIO"], "speechConfig": {"voiceConfig": {}}},
            "tools": [
                {
                    "functionDeclarations": [
                        {
                            "name": "add_item",
                            "parameters": {
                                "type": "OBJECT",
                                "properties": {"item_id": {"type": "STRING", "minLength": "1"}},
                                "propertyOrdering": ["item_id"],
                            },
                        },
                        {"name": "b", "parametersJsonSchema": {"additional_properties": False}},
                    ]
                }
            ],
            "realtimeInputConfig": {"automaticActivityDetection": {"silenceDurationMs": 300}},
        }
    },
    {"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=8000", "data": "AAAA"}}},
    {"realtimeInput": {"activityStart": {}}},
    {"realtimeInput": {"audioStreamEnd": True}},
    {"realtimeInput": {"mediaChunks": [{"mimeType": "audio/pcm", "data": "AAAA"}]}},
    {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "hi"}]}], "turnComplete": True}},
    {
        "toolResponse": {
            "functionResponses": [
                {"id": "1", "name": "f", "response": {"cart_version": 3, "cartTotal": 4}, "willContinue": True}
            ]
        }
    },
    {"contextUpdate": {"systemInstruction": {"parts": [{"text": "new"}]}, "tools": {"tools": []}}},
]


@given(message=st.sampled_from(MESSAGES), data=st.data())
def test_any_mixture_of_key_cases_reads_the_same(message: dict[str, Any], data: st.DataObject) -> None:
    written = mixed(message, lambda key: data.draw(st.booleans(), label=key))
    assert camel_case(written) == message
    assert decode_client(json.dumps(written)) == decode_client(json.dumps(message).encode())


@given(st.from_regex(r"[a-z]{1,6}([A-Z][a-z0-9]{0,5}){0,3}", fullmatch=True))
def test_snake_and_camel_are_inverse_for_protocol_names(key: str) -> None:
    assert camel_key(snake_key(key)) == key
    assert camel_key(key) == key


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=4), max_size=4))
def test_application_data_keeps_its_keys(data: dict[str, Any]) -> None:
    body = {"tool_response": {"function_responses": [{"id": "1", "name": "f", "response": data}]}}
    (message,) = decode_client(json.dumps(body))
    assert isinstance(message, ToolResponse)
    assert message.answers[0].response == data


@given(st.binary(max_size=64), st.booleans(), st.booleans())
def test_base64_in_either_alphabet_with_or_without_padding(data: bytes, url_safe: bool, padded: bool) -> None:
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data).decode()
    assert decode_base64(text if padded else text.rstrip("=")) == data


@pytest.mark.parametrize("text", ["a", "ab!c", "AA AA", "====A"])
def test_broken_base64_is_refused_not_guessed(text: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        decode_base64(text)
    assert refused.value.code == 1007


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"setup": {"model": "m"}}, (SetupRequest({"model": "m"}),)),
        ({"realtimeInput": {"text": "hi"}}, (TextInput("hi"),)),
        ({"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": ""}}}, (VideoInput("image/jpeg"),)),
        ({"realtimeInput": {"audio": {"data": "AAA="}}}, (AudioInput(b"\0\0", 16_000),)),
        (
            {"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=8000", "data": "AAA"}}},
            (AudioInput(b"\0\0", 8_000),),
        ),
        (
            {"realtimeInput": {"activityStart": {}, "audio": {"data": ""}, "activityEnd": {}, "audioStreamEnd": True}},
            (ActivityStart(), AudioInput(b"", 16_000), ActivityEnd(), AudioStreamEnd()),
        ),
        ({"clientContent": {}}, (ClientContent((), False),)),
        (
            {"clientContent": {"turns": {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}}},
            (ClientContent((ContentTurn("user", "a\n\nb"),), False),),
        ),
        ({"contextUpdate": {"systemInstruction": "plain"}}, (ContextUpdate("plain", None),)),
        ({"contextUpdate": {"tools": {"tools": [{"a": 1}]}}}, (ContextUpdate(None, [{"a": 1}]),)),
    ],
)
def test_each_client_message(message: dict[str, Any], expected: tuple[object, ...]) -> None:
    assert decode_client(json.dumps(message)) == expected


@pytest.mark.parametrize(("response", "extra"), [({}, {"scheduling": "when_idle"}), ({"scheduling": "WHEN_IDLE"}, {})])
def test_scheduling_beside_or_inside_the_response(response: dict[str, Any], extra: dict[str, Any]) -> None:
    body = {"toolResponse": {"functionResponses": [{"id": "1", "name": "f", "response": response, **extra}]}}
    (message,) = decode_client(json.dumps(body))
    assert isinstance(message, ToolResponse)
    assert message.answers[0].scheduling == "WHEN_IDLE"


@pytest.mark.parametrize(
    "frame",
    [
        b"\xff\xfe",
        "{",
        "{}",
        '"setup"',
        '{"setup": 3}',
        '{"setup": {}, "clientContent": {}}',
        '{"realtimeInput": {"sound": {}}}',
        '{"realtimeInput": {"audio": "AAAA"}}',
        '{"realtimeInput": {"audio": {"mimeType": "audio/ogg", "data": ""}}}',
        '{"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=1", "data": ""}}}',
        '{"clientContent": {"turns": [{"parts": []}]}}',
        '{"toolResponse": {"functionResponses": [{"id": "1", "response": [1]}]}}',
        '{"toolResponse": {"answers": []}}',
    ],
)
def test_what_is_no_client_message_is_1007(frame: str | bytes) -> None:
    with pytest.raises(ProtocolError) as refused:
        decode_client(frame)
    assert refused.value.code == 1007


@given(st.text(max_size=300))
def test_a_close_reason_fits_and_stays_whole_characters(reason: str) -> None:
    cut = close_reason(reason)
    assert len(cut.encode()) <= 123
    assert reason.startswith(cut)


def test_server_json_is_indented_by_two_with_a_final_newline() -> None:
    assert encode_server({"goAway": {"timeLeft": "50s"}}) == b'{\n  "goAway": {\n    "timeLeft": "50s"\n  }\n}\n'
    assert encode_server({"a": "ŵ"}) == '{\n  "a": "ŵ"\n}\n'.encode()
