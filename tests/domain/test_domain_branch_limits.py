"""Taxes one by one, limits of the branch, promised minutes, and money of other currencies: all from the branch file."""

import copy
from typing import Any

import pytest
from domain_scenario import Call, document

from agiza.contracts.instructions import system_instruction
from agiza.domain.menu import BranchFile, parse_branch
from agiza.domain.money import amount_in_words, format_minor, plain_amount
from agiza.domain.said import in_language
from agiza.domain.tool_calls import ToolOutcome
from simulators.live_api.offline.menu_text import read_menu
from simulators.live_api.offline.turns import AgentSetup


def branch(limits: dict[str, Any] | None = None, **changes: Any) -> BranchFile:
    doc = copy.deepcopy(document("westlands"))
    doc["branch"]["limits"] |= limits or {}
    doc["branch"] |= changes
    return parse_branch(doc)


def refused(outcome: ToolOutcome, code: str) -> bool:
    return (outcome.status, outcome.code, outcome.events) == ("refused", code, ())


class TestTaxes:
    def taxed(self) -> BranchFile:
        doc = copy.deepcopy(document("westlands"))
        doc["branch"]["tax"] = [
            {"id": "vat", "name": "VAT", "rate_bp": 1600, "included": True},
            {"id": "levy", "name": "catering levy", "rate_bp": 200, "included": False},
            {"id": "zero", "name": "zero rated", "rate_bp": 0, "included": True, "usual": False},
        ]
        doc["categories"][3]["items"][1]["taxes"] = ["zero"]  # water
        doc["categories"][3]["taxes"] = ["vat"]  # drinks bear no levy
        doc["branch"]["delivery"]["taxes"] = ["vat"]
        return parse_branch(doc)

    def test_each_has_its_line_and_they_make_the_tax(self) -> None:
        call = Call(file=self.taxed())
        call.add("beef-burger")  # 600.00: 82.76 of VAT, and 10.34 of levy on 517.24
        call.add("tea")  # 120.00: 16.55 of VAT
        call.add("water")  # 80.00 without tax
        assert call.place().code == "order_placed"
        totals = call.cart.placed[0].totals
        assert [(tax.id, tax.amount_minor) for tax in totals.taxes] == [("vat", 9_931), ("levy", 1_034), ("zero", 0)]
        assert (totals.subtotal_minor, totals.tax_minor, totals.total_minor) == (80_000, 10_965, 81_034)

    def test_the_fee_has_its_own(self) -> None:
        call = Call(file=self.taxed())
        call.add("water", 10)
        call.tool("setCustomer", fulfilment="delivery", address="Ring Road")
        view = call.view()
        assert view["taxes"] == [{"name": "VAT", "amount_minor": 2_069}, {"name": "zero rated", "amount_minor": 0}]
        assert view["total_minor"] == 95_000


class TestLimits:
    def test_what_one_line_may_cost(self) -> None:
        call = Call(file=branch({"line_total_max_minor": 60_000}))
        call.add("fries", 2)
        assert refused(call.tool("changeQuantity", item="fries", quantity=3), "line_too_large")
        outcome = call.tool("applyModifier", item="fries", modifier="large")
        assert refused(outcome, "line_too_large")
        assert outcome.message == (
            "On the phone I can take fries for up to six hundred shillings. Shall I get a person for you?"
        )
        assert in_language(outcome.message, "sw") == (
            "Kwa simu naweza kuchukua fries isiyozidi shilingi mia sita. Nikuunganishe na mhudumu?"
        )
        call.add("bhajia", 2)

    def test_a_caller_who_is_not_known_yet(self) -> None:
        file = branch({"new_caller_total_max_minor": 100_000})
        call = Call(file=file, is_known_caller=False)
        call.add("half-chicken")
        outcome = call.tool("addItem", name="fries")
        assert refused(outcome, "new_caller_limit")
        assert outcome.message.startswith("For a first order on the phone I can take up to one thousand shillings.")
        assert str(in_language(outcome.message, "sw")).startswith("Kwa oda ya kwanza kwa simu")
        assert call.place().code == "order_placed"
        assert refused(call.tool("addItem", name="fries"), "new_caller_limit"), "nor by a second order"
        Call(file=file).add("full-chicken", 2)

    def test_lines(self) -> None:
        call = Call(file=branch({"lines_max": 2}))
        call.add("tea")
        call.add("coffee")
        outcome = call.tool("addItem", name="water")
        assert refused(outcome, "too_many_lines")
        assert outcome.detail["lines_max"] == 2
        call.add("tea")

    def test_orders_of_one_call(self) -> None:
        call = Call(file=branch({"orders_max": 1}))
        call.add("tea")
        call.place()
        call.add("coffee")
        assert refused(call.place(), "too_many_orders")

    def test_promised_minutes(self) -> None:
        call = Call(file=branch(eta_minutes={"pickup": 7}))
        call.add("tea")
        assert call.place().detail["eta_minutes"] == 7
        assert call.file.branch.eta_minutes["delivery"] == 45


class TestCurrency:
    @pytest.mark.parametrize(
        ("currency", "shown", "plain", "words"),
        [
            ("KES", "KES 1,530.00", "1530.00", "one thousand five hundred and thirty shillings"),
            ("UGX", "UGX 153,000", "153000", "one hundred and fifty-three thousand shillings"),
            ("KWD", "KWD 153.000", "153.000", "one hundred and fifty-three KWD"),
        ],
    )
    def test_each_has_its_own_digits(self, currency: str, shown: str, plain: str, words: str) -> None:
        assert format_minor(153_000, currency) == shown
        assert plain_amount(153_000, currency) == plain
        assert amount_in_words(153_000, currency) == words

    @pytest.mark.parametrize("currency", ["KES", "UGX", "KWD"])
    def test_an_agent_reads_the_same_prices_from_its_instruction(self, currency: str) -> None:
        file = branch(currency=currency)
        text = system_instruction(file.menu, file.branch, "en")
        learnt = read_menu(AgentSetup(text, []))
        assert {name: item.price_minor for name, item in learnt.items.items()} == {
            str(item.id): item.price_minor for item in file.menu.items.values()
        }
        for group in file.menu.groups.values():
            prices = {option.id: option.price_minor for option in learnt.groups[group.id].options}
            assert prices == {str(option.id): option.price_minor for option in group.options}


def test_an_agent_reads_what_opens_and_limits_of_one_place() -> None:
    doc = copy.deepcopy(document("westlands"))
    doc["categories"][1]["items"][0]["groups"] = ["spice", {"id": "dip", "min": 1, "max": 2, "default": "bbq-dip"}]
    doc["groups"]["dip"]["options"][1]["quantity_max"] = 2
    doc["day_parts"] = {"lunch": {"hours": {"mon-fri": "12:00-14:30"}}}
    doc["categories"][1]["items"][0]["day_parts"] = ["lunch"]
    file = parse_branch(doc)
    text = system_instruction(file.menu, file.branch, "en")
    learnt = read_menu(AgentSetup(text, []))
    fries = learnt.groups["combo-side"].option("fries")
    assert fries is not None
    assert fries.opens == ("size-fries",)
    garlic = learnt.groups["dip"].option("garlic-dip")
    assert garlic is not None
    assert garlic.each_max == 2
    spice, dip = learnt.groups_of("quarter-chicken")
    assert (spice.id, dip.choose_min, dip.choose_max, dip.usual) == ("spice", 1, 2, ("bbq-dip",))
    assert (learnt.groups["dip"].choose_min, learnt.groups["dip"].usual) == (0, ())
    (line,) = [line for line in text.splitlines() if line.startswith("quarter-chicken = ")]
    assert "; served Monday to Friday from noon to 2:30 pm; choices: spice, dip (choose 1 to 2, each up to 3" in line
