"""The script of a scripted conversation: YAML in, typed steps out, every mistake named by its step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulators.live_api.faults import Faults


class ScriptError(ValueError):
    """The script cannot be used. The message lists every problem, one a line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WaitForSpeech(_Step):
    """Until the caller has spoken for `min_ms` and stopped. `heard` is sent as the input transcription."""

    min_ms: int = Field(default=0, ge=0)
    heard: str | None = None
    timeout_s: float | None = Field(default=None, gt=0)


class WaitForText(_Step):
    """Until words come: marked PCM or realtimeInput.text. With `contains`, other words are passed over."""

    contains: str | None = None
    timeout_s: float | None = Field(default=None, gt=0)


class WaitForPrompt(_Step):
    """Until clientContent with turnComplete asks the model to speak."""

    timeout_s: float | None = Field(default=None, gt=0)


class Say(_Step):
    """`{tool.key}` in the text is taken from the last result of that tool."""

    text: str = Field(min_length=1)
    on_interrupt: Literal["skip_turn", "repeat"] = "skip_turn"


class OneCall(_Step):
    name: str = Field(min_length=1)
    args: dict[str, Any] = Field(default_factory=dict)


class Call(_Step):
    """One toolCall message. `expect` compares fields of the first result, `when` branches by its status."""

    calls: tuple[OneCall, ...] = Field(min_length=1)
    expect: dict[str, Any] = Field(default_factory=dict)
    when: dict[str, tuple[Placed, ...]] = Field(default_factory=dict)
    on_cancel: Literal["next", "retry"] = "next"


class WaitForResult(_Step):
    """Until the answer to a NON_BLOCKING call is there."""

    name: str
    expect: dict[str, Any] = Field(default_factory=dict)
    when: dict[str, tuple[Placed, ...]] = Field(default_factory=dict)
    timeout_s: float | None = Field(default=None, gt=0)


class Pause(_Step):
    """The model is silent so long; its turn ends before."""

    seconds: float = Field(ge=0)


class Think(_Step):
    """A delay inside the turn."""

    seconds: float = Field(ge=0)


class EndTurn(_Step):
    pass


class SetFaults(_Step):
    """Switches to set from here on; those that are not named stay as they are."""

    switches: dict[str, Any]


class Raw(_Step):
    """A server message to send as it is."""

    message: dict[str, Any]


class CloseNow(_Step):
    code: int = Field(default=1000, ge=1000, le=4999)
    reason: str = ""


class Repeat(_Step):
    times: int = Field(ge=1, le=10_000)
    steps: tuple[Placed, ...]


Action = (
    WaitForSpeech
    | WaitForText
    | WaitForPrompt
    | WaitForResult
    | Say
    | Call
    | Pause
    | Think
    | EndTurn
    | SetFaults
    | Raw
    | CloseNow
    | Repeat
)


@dataclass(frozen=True, slots=True)
class Placed:
    """An action and where it stands, as in "step 4, when ask, step 1"."""

    place: str
    action: Action


@dataclass(frozen=True, slots=True)
class Script:
    name: str
    steps: tuple[Placed, ...]


_WORDS: dict[str, type[_Step]] = {
    "wait_for_speech": WaitForSpeech,
    "wait_for_text": WaitForText,
    "wait_for_prompt": WaitForPrompt,
    "wait_for_result": WaitForResult,
    "say": Say,
    "call": Call,
    "pause": Pause,
    "think": Think,
    "end_turn": EndTurn,
    "faults": SetFaults,
    "raw": Raw,
    "close": CloseNow,
    "repeat": Repeat,
}
_MODIFIERS = {"call": {"expect", "when", "on_cancel"}, "wait_for_result": {"expect", "when"}, "say": {"on_interrupt"}}

for _model in (Call, WaitForResult, Repeat):
    _model.model_rebuild()


def load_script(path: Path) -> Script:
    """Read a YAML file. Raises ScriptError, also when the file cannot be read."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScriptError([f"{path}: {error}"]) from error
    return parse_script(document, name=path.stem)


def parse_script(document: object, *, name: str = "script") -> Script:
    """A script from parsed YAML: a list of steps, or a mapping with `steps` and perhaps `name`."""
    if isinstance(document, Mapping):
        unknown = sorted(str(key) for key in document if key not in ("name", "steps"))
        if unknown:
            raise ScriptError([f"unknown key {key!r}; a script has name and steps" for key in unknown])
        name = str(document.get("name") or name)
        document = document.get("steps")
    if not isinstance(document, list) or not document:
        raise ScriptError(["a script needs a list of steps"])
    problems: list[str] = []
    steps = _steps(document, "", problems)
    if problems:
        raise ScriptError(problems)
    return Script(name, steps)


def _steps(document: object, prefix: str, problems: list[str]) -> tuple[Placed, ...]:
    if not isinstance(document, list):
        problems.append(f"{prefix.rstrip(', ')}: a list of steps is expected")
        return ()
    found = []
    for number, step in enumerate(document, start=1):
        place = f"{prefix}step {number}"
        action = _action(step, place, problems)
        if action is not None:
            found.append(Placed(place, action))
    return tuple(found)


def _action(step: object, place: str, problems: list[str]) -> Action | None:
    if isinstance(step, str):
        step = {step: {}}
    if not isinstance(step, Mapping) or not step:
        problems.append(f"{place}: a step is a word or a mapping, not {step!r}")
        return None
    words = [word for word in step if word in _WORDS]
    if len(words) != 1:
        known = ", ".join(_WORDS)
        problems.append(f"{place}: exactly one of {known} is expected, not {', '.join(map(str, step)) or 'nothing'}")
        return None
    [word] = words
    stray = [str(key) for key in step if key != word and key not in _MODIFIERS.get(word, set())]
    if stray:
        problems.append(f"{place} ({word}): unknown key {', '.join(stray)}")
        return None
    fields = _fields(word, step[word]) | {str(key): value for key, value in step.items() if key != word}
    _place_inner(word, fields, place, problems)
    try:
        action = _WORDS[word].model_validate(fields)
        if isinstance(action, SetFaults):
            Faults.model_validate(action.switches)
    except ValidationError as error:
        for one in error.errors():
            where = ".".join(str(part) for part in one["loc"])
            problems.append(f"{place} ({word}): {where + ': ' if where else ''}{one['msg']}")
        return None
    return cast(Action, action)


_SHORT = {
    "say": "text",
    "pause": "seconds",
    "think": "seconds",
    "wait_for_text": "contains",
    "wait_for_result": "name",
}


def _fields(word: str, value: object) -> dict[str, Any]:
    """The step's fields from its short or long form."""
    if word == "call":
        return {"calls": value if isinstance(value, list) else [value]}
    if word == "faults":
        return {"switches": {} if value is None else value}
    if word == "raw":
        return {"message": value}
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(key): inner for key, inner in value.items()}
    return {_SHORT.get(word, "value"): value}


def _place_inner(word: str, fields: dict[str, Any], place: str, problems: list[str]) -> None:
    """Parse the steps inside `when` and `repeat`."""
    if word in ("call", "wait_for_result") and isinstance(fields.get("when"), Mapping):
        cases = fields["when"]
        fields["when"] = {str(case): _steps(cases[case], f"{place}, when {case}, ", problems) for case in cases}
    if word == "repeat":
        fields["steps"] = _steps(fields.get("steps"), f"{place}, repeat, ", problems)
