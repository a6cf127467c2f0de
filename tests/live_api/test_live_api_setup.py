"""What each model takes in a setup message, and the close code and reason for what it does not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from simulators.live_api.protocol import ProtocolError
from simulators.live_api.setup import Endpoint, Setup, parse_setup
from tests.live_api.raw_client import SETUP

DEVELOPER = Endpoint(vertex=False, version="v1beta")
ALPHA = Endpoint(vertex=False, version="v1alpha")
VERTEX = Endpoint(vertex=True, version="v1beta1")
LIVE = "models/gemini-3.8-live"
THINKING = "models/gemini-3.8-live-extended-thinking"
FLASH = "models/gemini-3.1-flash-live-preview"
NATIVE = "models/gemini-2.5-flash-native-audio-preview-12-2025"


def parsed(endpoint: Endpoint = DEVELOPER, **body: Any) -> Setup:
    return parse_setup({"model": LIVE, **body}, endpoint)


def refusal(endpoint: Endpoint = DEVELOPER, **body: Any) -> tuple[int, str]:
    with pytest.raises(ProtocolError) as refused:
        parsed(endpoint, **body)
    return refused.value.code, refused.value.reason


def thinking(**config: Any) -> dict[str, Any]:
    return {"thinkingConfig": config}


def function(**fields: Any) -> list[dict[str, Any]]:
    return [{"functionDeclarations": [{"name": "f", **fields}]}]


def test_a_whole_setup_is_understood() -> None:
    body = copy.deepcopy(SETUP) | {
        "realtimeInputConfig": {
            "automaticActivityDetection": {
                "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
                "prefixPaddingMs": 40,
                "silenceDurationMs": "900",
            },
            "activityHandling": "NO_INTERRUPTION",
        },
        "sessionResumption": {"handle": "h"},
        "contextWindowCompression": {"triggerTokens": "8000", "slidingWindow": {"targetTokens": 4000}},
        "historyConfig": {"initialHistoryInClientContent": True},
    }
    body["generationConfig"]["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}
    setup = parse_setup(body, DEVELOPER)
    assert setup.instruction == "Take orders."
    assert [(one.name, one.behavior) for one in setup.functions] == [
        ("addItem", "BLOCKING"),
        ("escalate", "NON_BLOCKING"),
    ]
    assert setup.function("addItem") is setup.functions[0]
    assert setup.function("nothing") is None
    assert setup.voice == "Kore"
    assert (setup.detection.prefix_padding_ms, setup.detection.silence_duration_ms) == (40, 900)
    assert (setup.detection.start_sensitivity, setup.detection.end_sensitivity) == ("LOW", "HIGH")
    assert not setup.detection.interrupts
    assert (setup.resumption, setup.handle) == (True, "h")
    assert (setup.sliding_window, setup.trigger_tokens, setup.target_tokens) == (True, 8_000, 4_000)
    assert setup.transcribes_input
    assert setup.transcribes_output
    assert setup.initial_history


def test_an_empty_resumption_object_asks_for_handles() -> None:
    assert parsed(sessionResumption={}).resumption
    assert not parsed().resumption


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (LIVE, {"tools": function(behavior="BLOCKING")}),
        (LIVE, {"proactivity": {"proactiveAudio": True}}),
        (THINKING, {"generationConfig": thinking(thinkingLevel="HIGH")}),
        (FLASH, {"generationConfig": thinking(thinkingLevel="MINIMAL")}),
        (FLASH, {}),
        (NATIVE, {"generationConfig": thinking(thinkingBudget=0)}),
        (NATIVE, {"tools": function(behavior="NON_BLOCKING")}),
    ],
)
def test_what_a_model_allows(model: str, body: dict[str, Any]) -> None:
    assert parsed(**{**body, "model": model}).model.id == model.removeprefix("models/")


@pytest.mark.parametrize(
    ("model", "body", "reason"),
    [
        (LIVE, {"generationConfig": thinking(thinkingLevel="LOW")}, "thinkingLevel is not supported"),
        (LIVE, {"generationConfig": thinking(thinkingBudget=1)}, "thinkingBudget is not supported"),
        (LIVE, {"proactivity": {"proactiveAudio": False}}, "cannot be turned off"),
        (LIVE, {"generationConfig": {"enableAffectiveDialog": True}}, "enableAffectiveDialog"),
        (LIVE, {"sessionResumption": {"transparent": True}}, "transparent"),
        (THINKING, {}, "thinkingLevel is required"),
        (
            THINKING,
            {"generationConfig": thinking(thinkingLevel="LOW"), "tools": function(behavior="BLOCKING")},
            "does not support BLOCKING",
        ),
        (FLASH, {"tools": function(behavior="NON_BLOCKING")}, "does not support NON_BLOCKING"),
        (FLASH, {"proactivity": {"proactiveAudio": True}}, "proactiveAudio"),
        (NATIVE, {"proactivity": {"proactiveAudio": True}}, "proactiveAudio"),
        (LIVE, {"generationConfig": {"responseModalities": ["TEXT"]}}, "non-audio"),
        (
            LIVE,
            {"generationConfig": {"speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Bob"}}}}},
            "Bob",
        ),
        (LIVE, {"mood": "good"}, "Unknown name \"mood\" at 'setup'"),
        (LIVE, {"generationConfig": {"warmth": 1}}, "Unknown name \"warmth\" at 'setup.generationConfig'"),
        (LIVE, {"realtimeInputConfig": []}, "an object is expected"),
        (LIVE, {"realtimeInputConfig": {"automaticActivityDetection": {"silenceDurationMs": "soon"}}}, "TYPE_INT32"),
        (LIVE, {"realtimeInputConfig": {"automaticActivityDetection": {"prefixPaddingMs": -1}}}, "negative"),
        (LIVE, {"tools": function(parameters={"type": "OBJECT", "additionalProperties": False})}, "additionalProp"),
        (
            LIVE,
            {"tools": function(parameters={"type": "OBJECT", "properties": {"a": {"additionalProperties": True}}})},
            "additionalProp",
        ),
        (LIVE, {"tools": function(parameters={"type": "TUPLE"})}, "unknown schema type TUPLE"),
        (LIVE, {"tools": function(parameters={"type": "ARRAY"})}, "missing field items"),
        (LIVE, {"tools": function(parameters={}, parametersJsonSchema={})}, "exclusive"),
        (LIVE, {"tools": function(help="x")}, 'Unknown name "help"'),
        (LIVE, {"tools": function() + function()}, "Duplicate function declaration"),
        (LIVE, {"tools": [{"functionDeclarations": [{"name": "no spaces"}]}]}, "Invalid function name"),
    ],
)
def test_what_a_model_refuses(model: str, body: dict[str, Any], reason: str) -> None:
    code, said = refusal(**{**body, "model": model})
    assert code == 1007
    assert reason in said


def test_additional_properties_are_fine_in_a_json_schema() -> None:
    setup = parsed(tools=function(parametersJsonSchema={"type": "object", "additionalProperties": False}))
    assert setup.functions[0].parameters == {"type": "object", "additionalProperties": False}


@pytest.mark.parametrize("model", ["models/gemini-9-live", "gemini-3.8-live", "projects/p/models/gemini-3.8-live"])
def test_an_unknown_model_is_1008(model: str) -> None:
    code, reason = refusal(model=model)
    assert code == 1008
    assert "not found for API version v1beta" in reason


def test_no_model_is_1007() -> None:
    assert refusal(model="")[0] == 1007


def test_behavior_defaults_by_model() -> None:
    assert parsed(tools=function()).functions[0].behavior == "NON_BLOCKING"
    assert parsed(model=NATIVE, tools=function()).functions[0].behavior == "BLOCKING"
    assert parsed(tools=function(behavior="UNSPECIFIED")).functions[0].behavior == "NON_BLOCKING"


def test_alpha_switches_open_on_v1alpha() -> None:
    body = {"model": NATIVE, "proactivity": {"proactiveAudio": True}}
    assert parsed(ALPHA, **body).model.id == NATIVE.removeprefix("models/")


def test_vertex_names_defaults_and_transparent_resumption() -> None:
    model = "projects/p/locations/l/publishers/google/models/gemini-3.8-live"
    setup = parsed(VERTEX, model=model, sessionResumption={"transparent": True})
    assert setup.transparent
    assert setup.detection.start_sensitivity == "LOW"
    assert setup.detection.silence_duration_ms > parsed().detection.silence_duration_ms
    assert refusal(VERTEX, model=LIVE)[0] == 1008
