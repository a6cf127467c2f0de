"""A call for the tests: given some tool calls, when one more, then look at the outcome."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, reduce
from pathlib import Path
from typing import Any, Literal

import yaml

from agiza.domain.cart import Cart, CartEvent, Line, evolve
from agiza.domain.codec import cart_from_json, cart_to_json, event_from_json, event_to_json
from agiza.domain.ids import CartId
from agiza.domain.menu import BranchFile, parse_branch
from agiza.domain.tool_calls import ReadBack, ToolContext, ToolOutcome, handle_tool, tool_result

NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # a Friday, noon in Nairobi
_BRANCHES = Path(__file__).parents[2] / "branches"


@cache
def document(branch: str) -> dict[str, Any]:
    return yaml.safe_load((_BRANCHES / f"{branch}.yaml").read_text())


@cache
def branch_file(branch: str) -> BranchFile:
    return parse_branch(document(branch))


class Call:
    """One cart of one branch. `tool` applies a call and keeps the cart that follows."""

    def __init__(self, branch: str = "westlands", file: BranchFile | None = None, **context: Any) -> None:
        self.file = file or branch_file(branch)
        self.cart = Cart(CartId("cart-1"), self.file.branch.id, menu_version=1)
        self.context = ToolContext(
            menu=self.file.menu,
            branch=self.file.branch,
            now=NOON,
            sold_out=frozenset(),
            cart_version_told=None,
            read_back=None,
            order_id="order-1",
            order_number=17,
            caller_number="+254711000111",
        )
        self.set(**context)

    def set(self, **context: Any) -> None:
        self.context = replace(self.context, **context)

    def tool(self, tool: str, /, **args: Any) -> ToolOutcome:
        return self.call(tool, args)

    def call(self, tool: str, args: Mapping[str, object]) -> ToolOutcome:
        outcome = handle_tool(self.cart, tool, args, self.context)
        self.cart = outcome.cart
        return outcome

    def add(self, name: str, quantity: int = 1, modifiers: list[str] | None = None) -> ToolOutcome:
        outcome = self.tool("addItem", name=name, quantity=quantity, modifiers=modifiers or [])
        assert outcome.status == "ok", outcome
        return outcome

    def read(
        self,
        outcome: Literal["none", "playing", "completed", "cut"] = "completed",
        played_ms: int = 9_000,
        caller_speech_ms: int = 600,
    ) -> ToolOutcome:
        """The total is read to the caller, who answers."""
        total = self.tool("getTotal")
        assert total.status == "ok", total
        self.set(read_back=ReadBack(str(total.detail["quote_id"]), outcome, played_ms, caller_speech_ms))
        return total

    def place(self) -> ToolOutcome:
        self.read()
        return self.tool("placeOrder")

    def assert_stored_as_it_is(self, started: Cart, events: Sequence[CartEvent]) -> None:
        """What is stored of the events, and of the cart, gives this cart again."""
        stored = [json.loads(json.dumps(event_to_json(event))) for event in events]
        again = reduce(evolve, (event_from_json(event) for event in stored), started)
        assert again == self.cart
        assert cart_from_json(json.loads(json.dumps(cart_to_json(self.cart)))) == again

    def lines(self) -> list[tuple[int, str, tuple[str, ...]]]:
        """(quantity, item, what was chosen beyond the defaults), an option taken twice with its count."""
        return [(line.quantity, line.item, self._chosen(line)) for line in self.cart.lines]

    def view(self) -> dict[str, Any]:
        return tool_result(self.tool("searchMenu", query="zzz"), self.context)["cart"]  # type: ignore[return-value]

    def _chosen(self, line: Line) -> tuple[str, ...]:
        item = self.file.menu.items[line.item]
        chosen = []
        for choice in line.choices:
            group = item.group(choice.group)
            assert group is not None
            if choice.option not in group.default or choice.quantity != 1:
                chosen.append(choice.option if choice.quantity == 1 else f"{choice.option}*{choice.quantity}")
        return tuple(chosen)


def ids(outcome: ToolOutcome) -> list[str]:
    """The ids that an ask-back offers."""
    return [option["id"] for option in outcome.detail["options"]]  # type: ignore[attr-defined]
