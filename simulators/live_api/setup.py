"""The setup message: parsed once, checked against the model's rules, and all that a brain knows of its client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from simulators.live_api.casing import JsonObject
from simulators.live_api.models import DEVELOPER_MODELS, VERTEX_MODELS, VOICES, Behavior, Model, names
from simulators.live_api.protocol import ProtocolError, text_of

Start = Literal["HIGH", "LOW"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Which API the client dialled: decides model names, ids and defaults."""

    vertex: bool
    version: str


@dataclass(frozen=True, slots=True)
class FunctionDeclaration:
    name: str
    description: str
    parameters: JsonObject
    behavior: Behavior
    raw: JsonObject = field(repr=False)


@dataclass(frozen=True, slots=True)
class ActivityDetection:
    """`prefix_padding_ms` of speech commit a start, `silence_duration_ms` of silence commit an end."""

    disabled: bool = False
    start_sensitivity: Start = "HIGH"
    end_sensitivity: Start = "HIGH"
    prefix_padding_ms: int = 100
    silence_duration_ms: int = 500
    interrupts: bool = True


@dataclass(frozen=True, slots=True)
class Setup:
    """A valid setup. `body` is the message itself in camelCase."""

    endpoint: Endpoint
    model: Model
    instruction: str
    functions: tuple[FunctionDeclaration, ...]
    voice: str | None
    detection: ActivityDetection
    resumption: bool
    handle: str | None
    transparent: bool
    sliding_window: bool
    trigger_tokens: int
    target_tokens: int
    transcribes_input: bool
    transcribes_output: bool
    initial_history: bool
    reports_activity: bool
    body: JsonObject = field(repr=False)

    def function(self, name: str) -> FunctionDeclaration | None:
        return next((function for function in self.functions if function.name == name), None)

    @property
    def declarations(self) -> list[JsonObject]:
        return [function.raw for function in self.functions]


# Field names by place. A name that is not here closes the session, as the real server does.
_FIELDS: dict[str, frozenset[str]] = {
    "setup": names(
        "model generationConfig systemInstruction tools realtimeInputConfig sessionResumption contextWindowCompression "
        "inputAudioTranscription outputAudioTranscription proactivity historyConfig safetySettings labels "
        "explicitVadSignal avatarConfig"
    ),
    "setup.generationConfig": names(
        "responseModalities temperature topP topK maxOutputTokens candidateCount seed mediaResolution speechConfig "
        "thinkingConfig enableAffectiveDialog presencePenalty frequencyPenalty stopSequences translationConfig"
    ),
    "setup.generationConfig.thinkingConfig": frozenset({"thinkingLevel", "thinkingBudget", "includeThoughts"}),
    "setup.realtimeInputConfig": names(
        "automaticActivityDetection activityHandling turnCoverage interimTranscriptTimestampEnabled"
    ),
    "setup.realtimeInputConfig.automaticActivityDetection": names(
        "disabled startOfSpeechSensitivity endOfSpeechSensitivity prefixPaddingMs silenceDurationMs"
    ),
    "setup.sessionResumption": frozenset({"handle", "transparent"}),
    "setup.contextWindowCompression": frozenset({"triggerTokens", "slidingWindow"}),
    "setup.contextWindowCompression.slidingWindow": frozenset({"targetTokens"}),
    "setup.proactivity": frozenset({"proactiveAudio", "proactiveVideo"}),
    "setup.historyConfig": frozenset({"initialHistoryInClientContent"}),
}
_FUNCTION_FIELDS = names("name description parameters parametersJsonSchema behavior response responseJsonSchema")
_FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_INVALID = "Request contains an invalid argument."


def parse_setup(body: JsonObject, endpoint: Endpoint) -> Setup:
    """The checked setup. Raises ProtocolError: 1008 for an unknown model, 1007 for everything else."""
    _check_fields(body)
    model = _model(body.get("model"), endpoint)
    generation = _object(body, "generationConfig")
    _check_generation(generation, _object(body, "proactivity"), model, endpoint)
    resumption = body.get("sessionResumption")
    transparent = bool((resumption or {}).get("transparent"))
    if transparent and not endpoint.vertex:
        raise ProtocolError(1007, f"{_INVALID} transparent session resumption is not supported.")
    compression = _object(body, "contextWindowCompression")
    trigger = _integer(compression, "triggerTokens", model.context_tokens * 8 // 10)
    instruction = body.get("systemInstruction")
    return Setup(
        endpoint=endpoint,
        model=model,
        instruction="" if instruction is None else text_of(instruction),
        functions=parse_functions(body.get("tools"), model),
        voice=_voice(generation),
        detection=_detection(_object(body, "realtimeInputConfig"), endpoint),
        resumption=resumption is not None,
        handle=(resumption or {}).get("handle") or None,
        transparent=transparent,
        sliding_window="slidingWindow" in compression,
        trigger_tokens=trigger,
        target_tokens=_integer(_object(compression, "slidingWindow"), "targetTokens", trigger // 2),
        transcribes_input=body.get("inputAudioTranscription") is not None,
        transcribes_output=body.get("outputAudioTranscription") is not None,
        initial_history=bool(_object(body, "historyConfig").get("initialHistoryInClientContent")),
        reports_activity=bool(body.get("explicitVadSignal")),
        body=body,
    )


def parse_functions(tools: object, model: Model) -> tuple[FunctionDeclaration, ...]:
    """The function declarations of `tools`, each with the behaviour that the model gives it."""
    found: list[FunctionDeclaration] = []
    for tool in cast(list[JsonObject], tools or []):
        if not isinstance(tool, dict):
            raise ProtocolError(1007, "Invalid value at 'setup.tools': an object is expected.")
        found += [_function(declaration, model) for declaration in tool.get("functionDeclarations") or []]
    declared = [function.name for function in found]
    for name in declared:
        if declared.count(name) > 1:
            raise ProtocolError(1007, f"Duplicate function declaration found: {name}")
    return tuple(found)


def _function(declaration: JsonObject, model: Model) -> FunctionDeclaration:
    name = declaration.get("name")
    if not isinstance(name, str) or not _FUNCTION_NAME.fullmatch(name):
        raise ProtocolError(1007, f"{_INVALID} Invalid function name: {name}")
    for key in declaration:
        if key not in _FUNCTION_FIELDS:
            raise ProtocolError(1007, _unknown(key, "setup.tools.function_declarations"))
    if "parameters" in declaration and "parametersJsonSchema" in declaration:
        raise ProtocolError(1007, f"{_INVALID} {name}: parameters and parametersJsonSchema are exclusive.")
    _check_schema(declaration.get("parameters"), name)
    behavior = str(declaration.get("behavior") or "").upper()
    if behavior in ("", "UNSPECIFIED"):
        behavior = model.default_behavior
    if behavior not in model.allowed_behaviors:
        raise ProtocolError(1007, f"{_INVALID} {model.id} does not support {behavior} function calls.")
    return FunctionDeclaration(
        name=name,
        description=str(declaration.get("description") or ""),
        parameters=declaration.get("parameters") or declaration.get("parametersJsonSchema") or {},
        behavior=cast(Behavior, behavior),
        raw=declaration,
    )


_SCHEMA_TYPES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})


def _check_schema(schema: object, name: str) -> None:
    """`parameters` is the OpenAPI subset: no additionalProperties, and known types only."""
    if schema is None:
        return
    if not isinstance(schema, dict):
        raise ProtocolError(1007, f"{_INVALID} {name}: parameters must be a schema.")
    if "additionalProperties" in schema:
        raise ProtocolError(1007, _unknown("additionalProperties", f"setup.tools.{name}.parameters"))
    kind = str(schema.get("type", "OBJECT")).upper()
    if kind not in _SCHEMA_TYPES:
        raise ProtocolError(1007, f"{_INVALID} {name}: unknown schema type {kind}")
    if kind == "ARRAY" and "items" not in schema:
        raise ProtocolError(1007, f"{_INVALID} {name}: missing field items of an ARRAY")
    for inner in (schema.get("properties") or {}).values():
        _check_schema(inner, name)
    _check_schema(schema.get("items"), name)


def _check_fields(body: Mapping[str, object], path: str = "setup") -> None:
    for key, value in body.items():
        if key not in _FIELDS[path]:
            raise ProtocolError(1007, _unknown(key, path))
        below = f"{path}.{key}"
        if below in _FIELDS:
            if not isinstance(value, dict):
                raise ProtocolError(1007, f"Invalid value at '{below}': an object is expected.")
            _check_fields(value, below)


def _model(name: object, endpoint: Endpoint) -> Model:
    if not isinstance(name, str) or not name:
        raise ProtocolError(1007, f"{_INVALID} model is not specified.")
    models = VERTEX_MODELS if endpoint.vertex else DEVELOPER_MODELS
    prefixed = name.startswith(("projects/", "publishers/")) if endpoint.vertex else name.startswith("models/")
    model = models.get(name.rsplit("/", 1)[-1]) if prefixed else None
    if model is None:
        raise ProtocolError(
            1008, f"{name} is not found for API version {endpoint.version}, or not supported for bidiGenerateContent."
        )
    return model


def _check_generation(generation: JsonObject, proactivity: JsonObject, model: Model, endpoint: Endpoint) -> None:
    modalities = [str(item).upper() for item in generation.get("responseModalities") or ["AUDIO"]]
    if modalities != ["AUDIO"]:
        raise ProtocolError(1007, "Cannot extract voices from a non-audio request.")
    thinking = _object(generation, "thinkingConfig")
    if thinking.get("thinkingLevel") is not None and not model.thinking.startswith("level"):
        raise ProtocolError(1007, f"{_INVALID} thinkingLevel is not supported by {model.id}.")
    if thinking.get("thinkingLevel") is None and model.thinking == "level_required":
        raise ProtocolError(1007, f"{_INVALID} thinkingLevel is required by {model.id}.")
    if thinking.get("thinkingBudget") is not None and model.thinking != "budget":
        raise ProtocolError(1007, f"{_INVALID} thinkingBudget is not supported by {model.id}.")
    proactive = proactivity.get("proactiveAudio")
    if proactive is False and model.proactive_audio == "always":
        raise ProtocolError(1007, f"{_INVALID} proactiveAudio cannot be turned off for {model.id}.")
    if proactive and model.proactive_audio != "always":
        _alpha_only("proactiveAudio", model.proactive_audio, model, endpoint)
    if generation.get("enableAffectiveDialog") is not None:
        _alpha_only("enableAffectiveDialog", model.affective_dialog, model, endpoint)


def _alpha_only(name: str, rule: str, model: Model, endpoint: Endpoint) -> None:
    if rule != "v1alpha" or (endpoint.version != "v1alpha" and not endpoint.vertex):
        raise ProtocolError(1007, f"{_INVALID} {name} is not supported by {model.id} on {endpoint.version}.")


def _voice(generation: JsonObject) -> str | None:
    configured = _object(_object(_object(generation, "speechConfig"), "voiceConfig"), "prebuiltVoiceConfig")
    voice = configured.get("voiceName")
    if voice is not None and str(voice).capitalize() not in VOICES:
        raise ProtocolError(1007, f"{_INVALID} Requested voice api_name '{voice}' is not available.")
    return voice


def _detection(config: JsonObject, endpoint: Endpoint) -> ActivityDetection:
    automatic = _object(config, "automaticActivityDetection")
    unset = "LOW" if endpoint.vertex else "HIGH"
    start = str(automatic.get("startOfSpeechSensitivity") or unset).rsplit("_", 1)[-1]
    end = str(automatic.get("endOfSpeechSensitivity") or unset).rsplit("_", 1)[-1]
    if start not in ("HIGH", "LOW", "UNSPECIFIED") or end not in ("HIGH", "LOW", "UNSPECIFIED"):
        raise ProtocolError(1007, "Invalid value at 'setup.realtime_input_config.automatic_activity_detection'.")
    start = unset if start == "UNSPECIFIED" else start
    end = unset if end == "UNSPECIFIED" else end
    return ActivityDetection(
        disabled=bool(automatic.get("disabled")),
        start_sensitivity=cast(Start, start),
        end_sensitivity=cast(Start, end),
        prefix_padding_ms=_integer(automatic, "prefixPaddingMs", 100 if start == "HIGH" else 200),
        silence_duration_ms=_integer(automatic, "silenceDurationMs", 500 if end == "HIGH" else 800),
        interrupts=str(config.get("activityHandling") or "").upper() != "NO_INTERRUPTION",
    )


def _object(body: Mapping[str, object], key: str) -> JsonObject:
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ProtocolError(1007, f"Invalid value at '{key}': an object is expected.")
    return value


def _integer(body: Mapping[str, object], key: str, default: int) -> int:
    """A proto3 integer: a JSON number or a decimal string."""
    value = body.get(key)
    if value is None:
        return default
    try:
        number = int(cast(str, value))
    except (TypeError, ValueError) as error:
        raise ProtocolError(1007, f"Invalid value at '{key}' (TYPE_INT32)") from error
    if number < 0:
        raise ProtocolError(1007, f"Invalid value at '{key}': must not be negative")
    return number


def _unknown(key: str, path: str) -> str:
    return f"Invalid JSON payload received. Unknown name \"{key}\" at '{path}': Cannot find field."
