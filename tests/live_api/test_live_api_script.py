"""Scripts: what is understood, and that every mistake is named by its step."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.live_api.faults import Faults
from simulators.live_api.script import (
    Call,
    EndTurn,
    Pause,
    Repeat,
    Say,
    ScriptError,
    SetFaults,
    WaitForPrompt,
    WaitForSpeech,
    WaitForText,
    load_script,
    parse_script,
)

ORDER = """
name: one soda
steps:
  - wait_for_prompt
  - say: "Hello."
  - wait_for_speech: {min_ms: 200, heard: "a soda"}
  - call: {name: addItem, args: {name: soda}}
    expect: {status: ok}
    when:
      ask:
        - say: "Which one?"
        - wait_for_text: coke
  - call: [{name: getTotal}, {name: searchMenu, args: {query: pie}}]
    on_cancel: retry
  - pause: 1.5
  - faults: {stall_after: [user_turn], near_silent_turns: 1}
  - end_turn
  - repeat: {times: 3, steps: [{say: "Hm."}]}
"""


def test_every_form_of_a_step(tmp_path: Path) -> None:
    path = tmp_path / "soda.yaml"
    path.write_text(ORDER)
    script = load_script(path)
    actions = [placed.action for placed in script.steps]
    assert script.name == "one soda"
    assert actions[:3] == [WaitForPrompt(), Say(text="Hello."), WaitForSpeech(min_ms=200, heard="a soda")]
    first, second = actions[3], actions[4]
    assert isinstance(first, Call)
    assert first.expect == {"status": "ok"}
    assert [(step.place, step.action) for step in first.when["ask"]] == [
        ("step 4, when ask, step 1", Say(text="Which one?")),
        ("step 4, when ask, step 2", WaitForText(contains="coke")),
    ]
    assert isinstance(second, Call)
    assert [call.name for call in second.calls] == ["getTotal", "searchMenu"]
    assert second.on_cancel == "retry"
    assert actions[5:8] == [
        Pause(seconds=1.5),
        SetFaults(switches={"stall_after": ["user_turn"], "near_silent_turns": 1}),
        EndTurn(),
    ]
    assert isinstance(actions[8], Repeat)


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([{"shout": "x"}], "step 1: exactly one of wait_for_speech"),
        ([{"say": "a", "pause": 1}], "step 1: exactly one of"),
        (["say"], "step 1 (say): text: Field required"),
        ([{"say": ""}], "step 1 (say): text: String should have at least 1 character"),
        ([{"say": "a"}, {"pause": "long"}], "step 2 (pause): seconds: Input should be a valid number"),
        ([{"wait_for_speech": {"min_s": 1}}], "step 1 (wait_for_speech): min_s: Extra inputs are not permitted"),
        ([{"wait_for_prompt": {}, "heard": "x"}], "step 1 (wait_for_prompt): unknown key heard"),
        ([{"call": {"args": {}}}], "step 1 (call): calls.0.name: Field required"),
        ([{"call": []}], "step 1 (call): calls: Tuple should have at least 1 item"),
        ([{"faults": {"stal_after": []}}], "step 1 (faults): stal_after: Extra inputs are not permitted"),
        ([{"call": {"name": "f"}, "when": {"ask": [{"sing": 1}]}}], "step 1, when ask, step 1: exactly one of"),
        ([{"repeat": {"times": 2, "steps": [{"say": 3}]}}], "step 1, repeat, step 1 (say): text: Input should"),
        ([7], "step 1: a step is a word or a mapping, not 7"),
    ],
)
def test_a_mistake_is_named_by_its_step(steps: list[object], problem: str) -> None:
    with pytest.raises(ScriptError) as refused:
        parse_script(steps)
    assert refused.value.problems[0].startswith(problem)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ScriptError) as refused:
        parse_script({"steps": [{"say": ""}, {"say": "fine"}, {"pause": -1}]})
    assert [problem.split(" (")[0] for problem in refused.value.problems] == ["step 1", "step 3"]


@pytest.mark.parametrize("document", [None, {}, [], {"steps": []}, "say hello", {"steps": [{"say": "a"}], "tempo": 1}])
def test_a_document_that_is_no_script(document: object) -> None:
    with pytest.raises(ScriptError):
        parse_script(document)


def test_a_file_that_cannot_be_read_is_a_script_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("steps: [")
    for path in (broken, tmp_path / "missing.yaml"):
        with pytest.raises(ScriptError, match=path.name):
            load_script(path)


def test_a_fault_switch_is_checked_when_it_is_set() -> None:
    faults = Faults()
    with pytest.raises(ValueError, match="repeat_calls"):
        faults.repeat_calls = 99
