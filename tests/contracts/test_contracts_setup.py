"""What the model is told about a branch: tools and instruction, made from the pinned menu and learnt back from it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from agiza.contracts.arguments import DEPTH_MAX, ITEMS_MAX, TEXT_CHARS_MAX, cleaned
from agiza.contracts.events import EscalationReason
from agiza.contracts.instructions import SEED_NOTE, greeting, system_instruction
from agiza.contracts.tools import ORDER_TOOLS, declarations
from agiza.domain.commands import TOOL_NAMES
from agiza.runtime.branch_files import LoadedBranch, load_branch_files
from simulators.live_api.offline.turns import AgentSetup
from simulators.live_api.offline.vocabulary import vocabulary_of

BRANCHES = load_branch_files(Path(__file__).parents[2] / "branches")

pytestmark = pytest.mark.parametrize("loaded", BRANCHES, ids=lambda loaded: loaded.file.branch.id)


def by_name(loaded: LoadedBranch) -> dict[str, dict[str, Any]]:
    file = loaded.file
    return {declaration["name"]: declaration for declaration in declarations(file.menu, file.branch)}


def test_ids_are_enums_of_the_pinned_menu(loaded: LoadedBranch) -> None:
    tools = by_name(loaded)
    add = tools["addItem"]["parameters"]["properties"]
    assert add["name"]["enum"] == list(loaded.file.menu.items)
    options = {option.id for group in loaded.file.menu.groups.values() for option in group.options}
    options |= {place.id for item in loaded.file.menu.items.values() for place in item.places.values()}
    assert set(add["modifiers"]["items"]["enum"]) == options
    assert len(add["modifiers"]["items"]["enum"]) == len(options), "an id that stands in two groups is listed once"


def test_every_tool_of_the_rules_is_declared_and_no_other(loaded: LoadedBranch) -> None:
    assert set(by_name(loaded)) == ORDER_TOOLS | {"escalate", "switchLanguage", "endCall"}
    assert set(TOOL_NAMES) >= ORDER_TOOLS


def test_declarations_are_what_the_api_takes(loaded: LoadedBranch) -> None:
    for declaration in by_name(loaded).values():
        expected = "NON_BLOCKING" if declaration["name"] == "escalate" else "BLOCKING"
        assert declaration["behavior"] == expected, "the newest models do not block unless told"
        assert declaration.get("parameters", {"properties": 1})["properties"], "an OBJECT without properties is refused"
    text = json.dumps(declarations(loaded.file.menu, loaded.file.branch))
    assert "additionalProperties" not in text
    assert all(f'"{kind}"' not in text for kind in ("string", "integer", "array", "object")), "types are upper-case"


def test_the_model_is_never_asked_for_a_price_a_number_or_a_branch(loaded: LoadedBranch) -> None:
    names = {
        name for tool in by_name(loaded).values() for name in tool.get("parameters", {"properties": {}})["properties"]
    }
    assert not names & {"price", "price_minor", "total", "branch", "branch_id", "number", "contact"}
    assert set(by_name(loaded)["escalate"]["parameters"]["properties"]) == {"reason", "summary"}


def test_an_agent_learns_the_whole_menu_from_the_instruction(loaded: LoadedBranch) -> None:
    file = loaded.file
    setup = AgentSetup(system_instruction(file.menu, file.branch, "en"), declarations(file.menu, file.branch))
    learnt = vocabulary_of(setup)
    assert {name.id for name in learnt.items} == set(file.menu.items)
    spoken = {name.id: set(name.spoken) for name in learnt.items}
    for item in file.menu.items.values():
        assert item.name.lower() in {text.lower() for text in spoken[item.id]}
    for item in file.menu.items.values():
        assert set(learnt.options_of.get(item.id, ())) >= {
            option.id for group in item.groups for option in group.options
        }


def test_prices_and_defaults_stand_in_the_instruction(loaded: LoadedBranch) -> None:
    text = system_instruction(loaded.file.menu, loaded.file.branch, "en")
    for item in loaded.file.menu.items.values():
        (line,) = [line for line in text.splitlines() if line.startswith(f"{item.id} = ")]
        is_whole = loaded.file.branch.currency == "UGX"  # a currency without cents in use
        assert f"; {item.price_minor if is_whole else f'{item.price_minor / 100:.2f}'}" in line
    for group in loaded.file.menu.groups.values():
        (line,) = [line for line in text.splitlines() if line.startswith(f"{group.id} (")]
        assert all(option in line for option in group.default)


@pytest.mark.parametrize("language", ["en", "sw", "fr"])
def test_the_greeting_names_branch_and_machine(loaded: LoadedBranch, language: str) -> None:
    said = greeting(loaded.file.branch, language)
    assert loaded.file.branch.name in said
    assert ("msaidizi wa kompyuta" if language == "sw" else "automated assistant") in said
    assert f"GREETING {said}" in system_instruction(loaded.file.menu, loaded.file.branch, language).splitlines()


def test_languages_are_an_enum_where_there_is_something_to_switch_to(loaded: LoadedBranch) -> None:
    switch = by_name(loaded)["switchLanguage"]["parameters"]
    assert switch["properties"]["language"]["enum"] == ["en", "sw"]
    assert switch["required"] == ["language"]
    text = system_instruction(loaded.file.menu, loaded.file.branch, "sw")
    assert "you speak Swahili now" in text
    assert "asks for English" in text
    assert "; speaking sw; " in text
    alone = replace(loaded.file.branch, languages=("en",))
    assert "switchLanguage" not in {declaration["name"] for declaration in declarations(loaded.file.menu, alone)}
    assert "switchLanguage" not in system_instruction(loaded.file.menu, alone, "en")


def test_a_continued_call_is_told_not_to_greet(loaded: LoadedBranch) -> None:
    text = system_instruction(loaded.file.menu, loaded.file.branch, "en", earlier="The cart has two sodas.")
    assert text.endswith(f"{SEED_NOTE}\nThe cart has two sodas.")


def test_hostile_arguments_become_storable(loaded: LoadedBranch) -> None:
    deep: Any = "end"
    for _ in range(50):
        deep = {"a": [deep]}
    hostile = {
        "text": "x" * 10_000,
        "nul": "a\x00b\ud800c",
        "many": list(range(5000)),
        "deep": deep,
        "nan": float("nan"),
        "inf": float("-inf"),
        "huge": 10**400,
        "low": -(10**400),
        "yes": True,
        loaded.file.branch.id: None,
    }
    clean = cleaned(hostile)
    assert len(clean["text"]) == TEXT_CHARS_MAX
    assert clean["nul"] == "abc"
    assert len(clean["many"]) == ITEMS_MAX
    assert (clean["nan"], clean["inf"], clean["yes"]) == (None, None, True)
    assert clean["huge"] == -clean["low"] == 10**15
    assert json.dumps(clean["deep"]).count("[") <= DEPTH_MAX
    assert json.loads(json.dumps(clean)) == clean


def test_the_instruction_names_each_reason_that_the_model_may_give(loaded: LoadedBranch) -> None:
    text = system_instruction(loaded.file.menu, loaded.file.branch, "en")
    assert {reason for reason in get_args(EscalationReason) if reason not in text} == {"technical"}, "is ours"
    for word in ("being_rung", "callback_promised", "number_needed", '"offered"'):
        assert word in text
