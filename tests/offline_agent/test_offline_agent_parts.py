"""Choices within a combo's parts ("large fries", "a fanta"), against the real rules and the real instruction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from offline_menus import ROOT
from offline_orders import Call

from agiza.contracts.instructions import system_instruction
from agiza.contracts.tools import declarations
from agiza.domain.cart import Cart
from agiza.domain.commands import TOOL_NAMES
from agiza.domain.context import ReadBack, ToolContext
from agiza.domain.ids import CartId
from agiza.domain.menu import parse_branch
from agiza.domain.tool_calls import handle_tool, tool_result
from agiza.runtime.branch_files import load_branch_files
from simulators.live_api.offline import AgentSetup, ToolRequest

FILES = {loaded.file.branch.id: loaded for loaded in load_branch_files(ROOT / "branches")}
NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CHICKEN, BEEF = "chicken-burger-combo", "beef-burger-combo"
Ticket = list[tuple[str, int, list[str]]]


class RealOrders:
    """The rules of the orders service on one cart; every total is heard to its end and answered."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.file = parse_branch(document)
        self.cart = Cart(CartId("cart-1"), self.file.branch.id, menu_version=1)
        self.refused: list[tuple[str, str]] = []
        self._context = ToolContext(
            menu=self.file.menu, branch=self.file.branch, now=NOON, sold_out=frozenset(), cart_version_told=None,
            read_back=None, order_id="order-1", order_number=17, caller_number="+254711000111",
        )  # fmt: skip

    def answer(self, request: ToolRequest) -> dict[str, Any]:
        outcome = handle_tool(self.cart, request.name, request.args, self._context)
        self.cart = outcome.cart
        if request.name == "getTotal" and "quote_id" in outcome.detail:
            heard = ReadBack(str(outcome.detail["quote_id"]), "completed", 9_000, 600)
            self._context = replace(self._context, read_back=heard)
        if outcome.status != "ok" and request.name in TOOL_NAMES:
            self.refused.append((request.name, outcome.code))
        return tool_result(outcome, self._context)

    def ticket(self) -> Ticket:
        """What the caller has chosen on each line of the order."""
        (order,) = self.cart.placed
        return sorted(
            (
                line.item,
                line.quantity,
                sorted(
                    "/".join(option.path)
                    for option in (*line.options, *(inner for part in line.parts for inner in part.options))
                    if option.chosen
                ),
            )
            for line in order.lines
        )


def call(document: Mapping[str, Any] = FILES["westlands"].document) -> Call:
    file = parse_branch(document)
    setup = AgentSetup(system_instruction(file.menu, file.branch, "en"), declarations(file.menu, file.branch))
    started = Call(setup, document)
    started.orders = RealOrders(document)  # type: ignore[assignment]
    return started.start()


def ordered(*lines: str, document: Mapping[str, Any] = FILES["westlands"].document) -> Ticket:
    """The ticket of a caller who says this, wants nothing more and agrees."""
    made = call(document)
    made.hear(*lines, "that's all", "yes")
    assert made.orders.refused == []  # type: ignore[attr-defined]
    return made.orders.ticket()  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("said", "ticket"),
    [
        (["a chicken burger combo with large fries and a fanta"], [(CHICKEN, 1, ["fries/large", "soda/orange"])]),
        (["a beef combo with a large coke"], [(BEEF, 1, ["soda/large"])]),
        (
            ["beef burger meal with coleslaw instead of fries and an orange soda with no ice"],
            [(BEEF, 1, ["coleslaw", "soda/no-ice", "soda/orange"])],
        ),
        (
            ["a chicken combo with large masala chips instead of fries and a tea"],
            [(CHICKEN, 1, ["masala-chips", "masala-chips/large"]), ("tea", 1, [])],
        ),
        (["a chicken combo with the fries large"], [(CHICKEN, 1, ["fries/large"])]),
        (["a chicken combo, make the fries large"], [(CHICKEN, 1, ["fries/large"])]),
        (["two beef combos with large fries and a sprite"], [(BEEF, 2, ["fries/large", "soda/lemon"])]),
        (["two chicken combos, one with large fries"], [(CHICKEN, 1, []), (CHICKEN, 1, ["fries/large"])]),
        (["a combo with large fries", "the beef one"], [(BEEF, 1, ["fries/large"])]),
        # beside the combo, not in it
        (["a chicken combo and a large fries"], [(CHICKEN, 1, []), ("fries", 1, ["large"])]),
        # changed afterwards
        (["a chicken combo", "make the fries large"], [(CHICKEN, 1, ["fries/large"])]),
        (["a chicken combo", "with no ice please"], [(CHICKEN, 1, ["soda/no-ice"])]),
        (["a chicken combo with large fries", "swap the fries for coleslaw"], [(CHICKEN, 1, ["coleslaw"])]),
    ],
    ids=lambda value: " - ".join(value) if isinstance(value[0], str) else "",
)
def test_what_is_chosen_within_a_part_reaches_the_ticket(said: list[str], ticket: Ticket) -> None:
    assert ordered(*said) == ticket


def test_a_part_that_the_combo_cannot_have_is_said_and_not_sold_beside_it() -> None:
    made = call()
    answer = made.hear("the chicken burger meal with chicken wings instead of fries")
    assert "chicken wings" in answer
    made.hear("that's all", "yes")
    assert made.orders.ticket() == [(CHICKEN, 1, [])]  # type: ignore[comparison-overlap]


def test_a_part_that_the_combo_can_have_is_taken_in_the_place_of_another() -> None:
    document = _with_wings()
    assert ordered("the chicken burger meal with chicken wings instead of fries", document=document) == [
        (CHICKEN, 1, ["wings-6"])
    ]
    assert ordered("a beef combo with hot wings instead of the fries", document=document) == [
        (BEEF, 1, ["wings-6", "wings-6/hot"])
    ]


def _with_wings() -> dict[str, Any]:
    document = dict(FILES["westlands"].document)
    groups = dict(document["groups"])
    side = dict(groups["combo-side"])
    wings = {"id": "wings-6", "name": "chicken wings", "item": "wings-6", "price_minor": 15_000}
    side["options"] = [*side["options"], wings]
    return {**document, "groups": {**groups, "combo-side": side}}
