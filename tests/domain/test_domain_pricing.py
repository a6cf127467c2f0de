"""Totals and tax: included or added, with and without delivery, rounded once and half up."""

import copy
from dataclasses import replace
from fractions import Fraction
from functools import cache
from math import floor

import pytest
from domain_scenario import Call, branch_file, document
from hypothesis import given
from hypothesis import strategies as st

from agiza.domain.cart import Choice, Line
from agiza.domain.ids import LineId, OptionId
from agiza.domain.menu import BranchFile, Delivery, parse_branch
from agiza.domain.placed import OrderLine
from agiza.domain.pricing import price_line, price_totals


def with_tax(rate_bp: int, included: bool, fee_minor: int = 15_000) -> BranchFile:
    doc = copy.deepcopy(document("westlands"))
    doc["branch"]["tax"] = {"name": "VAT", "rate_bp": rate_bp, "included": included}
    doc["branch"]["delivery"] = {"fee_minor": fee_minor, "minimum_minor": 0}
    return parse_branch(doc)


def lines(total_minor: int) -> tuple[OrderLine, ...]:
    line = Line(LineId("line-1"), branch_file("westlands").menu.items["tea"].id, 1, ())  # type: ignore[index]
    priced = price_line(line, branch_file("westlands").menu)
    return (OrderLine(priced.id, priced.item, "tea", "TEA", 1, (), (), total_minor, total_minor),)


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


@given(
    subtotal=st.integers(1, 10_000_000),
    fee=st.integers(0, 100_000),
    rate=st.integers(0, 10_000),
    delivery=st.booleans(),
)
def test_included(subtotal: int, fee: int, rate: int, delivery: bool) -> None:
    branch = _branch(rate, True, fee)
    totals = price_totals(lines(subtotal), "delivery" if delivery else "pickup", branch.branch, branch.menu)
    gross = subtotal + (fee if delivery else 0)
    assert totals.total_minor == gross
    assert totals.tax_minor == half_up(Fraction(gross * rate, 10_000 + rate))


@given(
    subtotal=st.integers(1, 10_000_000),
    fee=st.integers(0, 100_000),
    rate=st.integers(0, 10_000),
    delivery=st.booleans(),
)
def test_added(subtotal: int, fee: int, rate: int, delivery: bool) -> None:
    branch = _branch(rate, False, fee)
    totals = price_totals(lines(subtotal), "delivery" if delivery else "pickup", branch.branch, branch.menu)
    paid_fee = fee if delivery else 0
    on_goods, in_fee = Fraction(subtotal * rate, 10_000), Fraction(paid_fee * rate, 10_000 + rate)
    assert totals.total_minor == subtotal + half_up(on_goods) + paid_fee
    assert totals.tax_minor == half_up(on_goods + in_fee)


def _branch(rate: int, included: bool, fee: int) -> BranchFile:
    """The branch with other taxes, without reading its whole file for each example."""
    file = parsed(included)
    tax = replace(file.branch.taxes[0], rate_bp=rate)
    tea = file.menu.items["tea"]  # type: ignore[index]
    menu = replace(file.menu, items={tea.id: replace(tea, taxes=(tax,))})
    branch = replace(file.branch, taxes=(tax,), delivery=Delivery(fee, 0, (tax,)))
    return replace(file, branch=branch, menu=menu)


@cache
def parsed(included: bool) -> BranchFile:
    doc = copy.deepcopy(document("westlands"))
    doc["branch"]["tax"] = {"name": "VAT", "rate_bp": 0, "included": included}
    return parse_branch(doc)


def test_tax_that_is_added_is_in_the_total_and_in_the_words() -> None:
    call = Call(file=with_tax(1600, included=False))
    call.add("tea")
    outcome = call.tool("getTotal")
    assert (outcome.detail["subtotal_minor"], outcome.detail["tax_minor"], outcome.detail["total_minor"]) == (
        12_000,
        1_920,
        13_920,
    )
    assert outcome.detail["total_words"] == "one hundred and thirty-nine shillings and twenty cents"


def test_tax_is_rounded_once_for_the_order_and_not_for_each_line() -> None:
    doc = copy.deepcopy(document("westlands"))
    doc["branch"]["tax"] = {"name": "VAT", "rate_bp": 1000, "included": False}
    for item in doc["categories"][3]["items"]:
        item["price_minor"] = 104  # 10.4 of tax: three lines by themselves would make 30, the order makes 31.2
    call = Call(file=parse_branch(doc))
    for name in ("tea", "coffee", "water"):
        call.add(name)
    assert call.tool("getTotal").detail["tax_minor"] == 31
    assert call.tool("getTotal").detail["total_minor"] == 312 + 31


def test_an_empty_cart_costs_nothing_even_when_delivered() -> None:
    call = Call()
    call.tool("setCustomer", fulfilment="delivery")
    assert call.view()["total_minor"] == 0


def test_a_choice_that_is_not_offered_is_a_fault_of_the_machinery() -> None:
    menu = branch_file("westlands").menu
    fries = menu.items["fries"]  # type: ignore[index]
    line = Line(LineId("line-1"), fries.id, 1, (Choice(fries.groups[0].id, OptionId("huge")),))
    with pytest.raises(ValueError, match="huge"):
        price_line(line, menu)
