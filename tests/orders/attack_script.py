"""Attacks on an order, as they stand in attacks/*.yaml, read into steps and written out as hostile arguments.

A file names its `branch` and lists `attacks`. An attack has a name, `steps`, and what must be true afterwards:

    cart          item -> units that must be left in the cart; `cart_at_most` where fewer are as good
    orders        the totals of the orders that must stand, in minor units
    may_place     how many orders may stand at most; none where it is not said
    total_minor   what the cart must cost
    customer      what must be known of the customer
    phone_at_home no number outside the branch's country may be kept
    sold_out, at, branch, others_order   the world of the attack: what is sold out, what time it is, another branch, and
                  whether somebody else has an order (OTHERS is its id, OTHERS_QUOTE its quote)

A step is `[tool, arguments, code, options]`; the code is the one that the answer must have (`!Name`: the exception),
the options are `id`, `epoch`, `told`, `late_ms`, `branch`, `menu`. Or it is one of:

    {at_once: [step, ...]}       one message of the model       {race: [step, ...]}    messages at the same moment
    {times: n, step: step}       again and again (`steps`: several)    {race_same: step, times: n}   one event, n times
    {again: n}                   the last event is delivered n more times
    {read_back: how}             the total is asked for and read as EVIDENCE says     {heard: {...}}    forged evidence
    {spoken_ms: n}               the caller has spoken for so long since
    {take_over: epoch}, {move_cart: true}, {cancel: id}, {hung_up: seconds ago}, {sell_out: item}, {kitchen: state}
    {everywhere: text}           a call of each tool for each of its text arguments with this text, in one message

Arguments may hold {repeat: text, times: n}, {nest: depth}, {list: n}, {keys: n} and {surrogate: true}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "attacks"
FILES = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))

EVIDENCE: Mapping[str, tuple[str, int, int]] = {
    "none": ("none", 0, 0),
    "playing": ("playing", 2_000, 0),
    "talked_over": ("playing", 2_000, 500),
    "completed": ("completed", 4_000, 600),
    "silent": ("completed", 4_000, 0),
    "cough": ("completed", 4_000, 150),
    "cut_short": ("cut", 700, 500),
    "cut": ("cut", 2_500, 500),
}
"""What an honest bridge says of a reading: (outcome, ms played, ms that the caller spoke)."""

TEXT_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "addItem": ("name", "modifiers"),
    "applyModifier": ("item", "modifier", "line"),
    "removeItem": ("item", "line"),
    "changeQuantity": ("item", "line"),
    "searchMenu": ("query",),
    "setCustomer": ("name", "phone", "fulfilment", "address", "note"),
    "orderStatus": ("order",),
    "cancelOrder": ("order",),
    "getTotal": ("quote_id",),
    "placeOrder": ("quote_id", "confirmed"),
}
WHOLE: Mapping[str, Mapping[str, Any]] = {
    "addItem": {"name": "fries"},
    "applyModifier": {"item": "fries", "modifier": "large"},
    "changeQuantity": {"item": "fries", "quantity": 2},
}
"""What makes a call complete, so that the hostile argument is reached."""


@dataclass(frozen=True)
class ToolStep:
    """One function call. ``code`` is what it must be answered, "" for anything that breaks no rule."""

    tool: str
    args: dict[str, Any]
    code: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Attack:
    """One attack, ready to be carried out."""

    name: str
    branch: str
    steps: tuple[Any, ...]
    expected: Mapping[str, Any]

    @property
    def may_place(self) -> int:
        """So many orders may stand."""
        return int(self.expected.get("may_place", 0))

    @property
    def at(self) -> datetime | None:
        """When it happens, if not at noon."""
        return datetime.fromisoformat(self.expected["at"]) if "at" in self.expected else None


def attacks_of(file: str) -> list[Attack]:
    """The attacks of one file. Names are unique in it."""
    document = yaml.safe_load((FOLDER / f"{file}.yaml").read_text())
    made = []
    for entry in document["attacks"]:
        rest = dict(entry)
        name, steps = rest.pop("attack"), rest.pop("steps")
        made.append(Attack(name, rest.pop("branch", document["branch"]), tuple(steps_of(steps)), rest))
    assert len({attack.name for attack in made}) == len(made), f"two attacks of one name in {file}"
    return made


def steps_of(steps: list[Any]) -> Iterator[Any]:
    """Tool steps and other steps, with repetitions written out."""
    for step in steps:
        if isinstance(step, list):
            yield tool_step(step)
        elif "everywhere" in step:
            yield from _everywhere(step["everywhere"])
        elif "times" in step and "race_same" not in step:
            for _ in range(step["times"]):
                yield from steps_of(step.get("steps") or [step["step"]])
        else:
            yield {key: _inner(key, value) for key, value in step.items()}


def _inner(key: str, value: Any) -> Any:
    if key in ("at_once", "race"):
        return tuple(steps_of(value))
    return tool_step(value) if key == "race_same" else value


def tool_step(step: list[Any]) -> ToolStep:
    """``[tool, arguments, code, options]``."""
    tool, args, code, options = [*step, *[{}, "", {}][len(step) - 1 :]]
    return ToolStep(tool, hostile(args), code or "", options)


def hostile(value: Any) -> Any:
    """The argument that the file describes."""
    match value:
        case {"repeat": text, "times": times}:
            return text * times
        case {"nest": depth}:
            nested: Any = "deep"
            for _ in range(depth):
                nested = [nested]
            return nested
        case {"list": count}:
            return ["large"] * count
        case {"keys": count}:
            return {f"key {number}": number for number in range(count)}
        case {"surrogate": True}:
            return "Gra\ud800ce"
        case dict():
            return {key: hostile(inner) for key, inner in value.items()}
        case list():
            return [hostile(inner) for inner in value]
        case _:
            return value


def _everywhere(text: str) -> Iterator[Any]:
    yield ToolStep("addItem", {"name": "fries"})
    yield {
        "at_once": tuple(
            ToolStep(tool, {**WHOLE.get(tool, {}), argument: [text] if argument == "modifiers" else text})
            for tool, arguments in TEXT_ARGUMENTS.items()
            for argument in arguments
        )
    }
