"""A branch document: what it gives, and that every mistake in it is named with its place."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from domain_scenario import NOON, branch_file, document

from agiza.domain.menu import BranchFileError, parse_branch

Doc = dict[str, Any]


def problems_of(doc: object) -> list[tuple[str, str]]:
    with pytest.raises(BranchFileError) as caught:
        parse_branch(doc)  # type: ignore[arg-type]
    return [(problem.path, problem.message) for problem in caught.value.problems]


def test_westlands() -> None:
    file = branch_file("westlands")
    assert (file.branch.name, file.branch.currency, file.branch.phone) == (
        "Tamu Grill Westlands",
        "KES",
        "+254709000002",
    )
    assert file.branch.is_open(NOON)
    assert file.branch.default_fulfilment == "pickup"
    assert [contact.id for contact in file.contacts] == ["front", "manager"]
    assert len(file.menu.items) == 35
    fries = file.menu.items["fries"]  # type: ignore[index]
    assert (fries.price_minor, fries.kitchen, fries.category) == (25000, "FRIES", "sides")
    assert fries.groups[0].default == ("regular",)
    assert fries.groups[0].options[0].price_minor == -5000
    assert fries.aliases["sw"] == ("chipsi", "vibanzi")
    assert file.menu.items["family-feast"].is_combo is False  # type: ignore[index]
    assert file.menu.items["beef-burger-combo"].is_combo  # type: ignore[index]


def test_kilimani_is_another_restaurant() -> None:
    one, other = branch_file("westlands"), branch_file("kilimani")
    assert other.branch.phone == "+254709000003"
    assert other.branch.limits != one.branch.limits
    assert {c.phone for c in other.contacts}.isdisjoint(c.phone for c in one.contacts)
    assert set(other.menu.items).isdisjoint(one.menu.items)
    required = [g for i in other.menu.items.values() for g in i.groups if g.min and not g.default]
    assert {group.id for group in required} == {"size-pizza", "wing-sauce"}
    assert other.menu.items["pizza-night"].is_combo  # type: ignore[index]


def change(path: str, value: object) -> Callable[[Doc], None]:
    """Sets a place of the document, named as problems name it: 'categories[0].items[1].id'."""

    def apply(doc: Doc) -> None:
        *way, last = path.replace("[", ".[").split(".")
        node: Any = doc
        for step in way:
            node = node[int(step[1:-1])] if step.startswith("[") else node[step]
        if value is REMOVED:
            del node[last]
        elif last.startswith("["):
            node[int(last[1:-1])] = value
        else:
            node[last] = value

    return apply


REMOVED = object()
VAT = {"id": "vat", "name": "VAT", "rate_bp": 1600, "included": True}
BURGER = "categories[0].items[0]"
MISTAKES: list[tuple[str, object, str, str]] = [
    # place, value, path of the problem, what it says
    ("branch.id", "West Lands", "branch.id", "small letters"),
    ("branch.name", "Grill\nITEMS", "branch.name", "letters, digits"),
    ("branch.name", "x" * 61, "branch.name", "letters, digits"),
    ("branch.phone", "0709000002", "branch.phone", "E.164"),
    ("branch.timezone", "Nairobi", "branch.timezone", "time zone"),
    ("branch.timezone", "../../etc/passwd", "branch.timezone", "time zone"),
    ("branch.timezone", "Africa", "branch.timezone", "time zone"),
    ("branch.currency", "shillings", "branch.currency", "three capital letters"),
    ("branch.currency", REMOVED, "branch.currency", "must be a text"),
    ("branch.languages", ["english"], "branch.languages", "not a language"),
    ("branch.languages", [], "branch.languages", "at least one"),
    ("branch.languages", "en", "branch.languages", "must be a list"),
    ("branch.hours", {"mon-sun": "7-23"}, "branch.hours", "not a window"),
    ("branch.hours", {"mon": 7}, "branch.hours", "must be hours"),
    ("branch.hours", REMOVED, "branch.hours", "must be hours"),
    ("branch.tax", "16%", "branch.tax", "must be a mapping"),
    ("branch.tax.rate_bp", 16.0, "branch.tax.rate_bp", "whole number"),
    ("branch.tax.rate_bp", 10_001, "branch.tax.rate_bp", "between 0 and 10000"),
    ("branch.tax.included", "yes", "branch.tax.included", "true or false"),
    ("branch.fulfilment", ["pickup", "drone"], "branch.fulfilment", "none of"),
    ("branch.fulfilment", ["pickup", "pickup"], "branch.fulfilment[1]", "given twice"),
    ("branch.fulfilment", [], "branch.fulfilment", "at least one"),
    ("branch.fulfilment", [3], "branch.fulfilment[0]", "must be a text"),
    ("branch.delivery", REMOVED, "branch.delivery", "the branch delivers"),
    ("branch.delivery.fee_minor", -1, "branch.delivery.fee_minor", "between"),
    ("branch.limits.line_quantity_max", 0, "branch.limits.line_quantity_max", "between"),
    ("branch.limits.line_quantity_max", True, "branch.limits.line_quantity_max", "whole number"),
    ("branch.limits.lines_max", 0, "branch.limits.lines_max", "between 1 and 100"),
    ("branch.limits.lines", 3, "branch.limits.lines", "not known here"),
    ("branch.limits.orders_max", True, "branch.limits.orders_max", "whole number"),
    ("branch.limits.line_total_max_minor", 0, "branch.limits.line_total_max_minor", "between"),
    ("branch.limits.new_caller_total_max_minor", "5", "branch.limits.new_caller_total_max_minor", "whole number"),
    ("branch.eta_minutes", {"pickup": 0}, "branch.eta_minutes.pickup", "between"),
    ("branch.eta_minutes", {"drone": 5}, "branch.eta_minutes.drone", "not known here"),
    ("branch.tax", [], "branch.tax", "at least one tax"),
    ("branch.tax", [{**VAT, "id": "Vat"}], "branch.tax[0].id", "small letters"),
    ("branch.tax", [VAT, VAT], "branch.tax[1].id", "given twice"),
    ("branch.tax", [{**VAT, "usual": "no"}], "branch.tax[0].usual", "true or false"),
    ("branch.delivery.taxes", ["levy"], "branch.delivery.taxes", "no tax 'levy'"),
    (f"{BURGER}.taxes", ["levy"], f"{BURGER}.taxes", "no tax 'levy'"),
    ("categories[0].taxes", "vat", "categories[0].taxes", "must be a list"),
    ("day_parts", {"breakfast": {"hours": "7-11"}}, "day_parts.breakfast.hours", "not a window"),
    ("day_parts", {"breakfast": {"hours": "07:00-11:00", "name": "x"}}, "day_parts.breakfast.name", "not known"),
    (f"{BURGER}.day_parts", ["lunch"], f"{BURGER}.day_parts", "no day part 'lunch'"),
    ("categories[0].day_parts", ["lunch"], "categories[0].day_parts", "no day part 'lunch'"),
    (f"{BURGER}.groups", [{"id": "nothing"}], f"{BURGER}.groups[0]", "no group 'nothing'"),
    (f"{BURGER}.groups", ["spice", {"id": "spice"}], f"{BURGER}.groups[1]", "given twice"),
    (f"{BURGER}.groups", [{"id": "dip", "max": 4}], f"{BURGER}.groups[0].max", "there are 3 options"),
    (f"{BURGER}.groups", [{"id": "dip", "min": 3, "max": 2}], f"{BURGER}.groups[0].min", "more than max"),
    (f"{BURGER}.groups", [{"id": "dip", "min": 2, "default": "bbq-dip"}], f"{BURGER}.groups[0].default", "chooses 1"),
    (f"{BURGER}.groups", [{"id": "dip", "default": "mayo"}], f"{BURGER}.groups[0].default", "no option"),
    (f"{BURGER}.groups", [{"id": "dip", "quantity": 2}], f"{BURGER}.groups[0].quantity", "not known here"),
    (f"{BURGER}.groups", [7], f"{BURGER}.groups[0]", "must be a mapping"),
    ("groups.dip.options[0].kitchen", "BBQ = 1", "groups.dip.options[0].kitchen", "must be a name"),
    ("groups.dip.options[0].quantity_max", 51, "groups.dip.options[0].quantity_max", "between"),
    ("groups.dip.options[0].groups", ["nothing"], "groups.dip.options[0].groups", "no group 'nothing'"),
    ("groups.dip.options[0].groups", ["dip"], "groups.dip.options[0].groups", "would open itself"),
    ("groups.dip.options[0].groups", ["spice"], "groups.dip.quantity_max", "taken once only"),
    ("groups.dip.options[0].groups", ["size-fries", "size-drink"], "groups.dip.options[0].groups", "in 2 groups"),
    ("groups.combo-side.options[0].groups", ["combo-drink"], "groups.combo-side.options[0].item", "a combo itself"),
    ("groups.combo-side.quantity_max", 2, "groups.combo-side.quantity_max", "taken once only"),
    ("branch.staff", [], "branch.staff", "at least one person"),
    ("branch.staff[0].phone", "0700000001", "branch.staff[0].phone", "E.164"),
    ("branch.staff[0].phone", "+447700900123", "branch.staff[0].phone", "branch's country"),
    ("branch.staff[0].phone", "+254900123456", "branch.staff[0].phone", "branch's country"),
    ("branch.staff[0].phone", "+254709000002", "branch.staff[0].phone", "own number"),
    ("branch.staff[1].id", "front", "branch.staff[1].id", "given twice"),
    ("branch.staff[1].order", 1, "branch.staff[1].order", "given twice"),
    ("branch.staff[0].hours", "always", "branch.staff[0].hours", "not a window"),
    ("groups.dip.min", 4, "groups.dip.min", "more than max"),
    ("groups.dip.max", 9, "groups.dip.max", "there are 3 options"),
    ("groups.dip.max", 0, "groups.dip.max", "between"),
    ("groups.dip.quantity_max", False, "groups.dip.quantity_max", "whole number"),
    ("groups.dip.options", [], "groups.dip.options", "at least one option"),
    ("groups.dip.options[1].id", "bbq-dip", "groups.dip.options[1].id", "given twice"),
    ("groups.dip.options[1].name", "Barbecue Dip", "groups.dip.options[1].name", "two options are called"),
    ("groups.dip.options[0].price_minor", "40", "groups.dip.options[0].price_minor", "whole number"),
    ("groups.dip.options[0].aliases", {"en": ["bbq = all"]}, "groups.dip.options[0].aliases.en", "must be a name"),
    ("groups.dip.options[0].aliases", {"english": ["bbq"]}, "groups.dip.options[0].aliases.english", "not a language"),
    ("groups.dip.options[0].aliases", {"en": "bbq"}, "groups.dip.options[0].aliases.en", "must be a list"),
    ("groups.dip.options[0].pirce_minor", 1, "groups.dip.options[0].pirce_minor", "not known here"),
    ("groups.size-fries.default", "huge", "groups.size-fries.default", "no option of this group"),
    ("groups.size-fries.default", ["small", "large"], "groups.size-fries.default", "chooses 2"),
    ("groups.size-fries.default", 3, "groups.size-fries.default", "must be a text"),
    ("groups.combo-side.options[0].item", "chipz", "groups.combo-side.options[0].item", "no item 'chipz'"),
    ("groups.combo-side.options[0].item", "beef-burger-combo", "groups.combo-side.options[0].item", "a combo itself"),
    ("groups.Bad Name", {"name": "x"}, "groups.Bad Name", "small letters"),
    (f"{BURGER}.id", "beef-burger", "categories[0].items[1].id", "given twice"),
    (f"{BURGER}.name", "Beef Burger", "categories[0].items[1].name", "is called"),
    (f"{BURGER}.price_minor", -1, f"{BURGER}.price_minor", "between"),
    (f"{BURGER}.price_minor", True, f"{BURGER}.price_minor", "whole number"),
    (f"{BURGER}.groups", ["burger-without", "nothing"], f"{BURGER}.groups", "no group 'nothing'"),
    (f"{BURGER}.groups", ["size-fries", "size-drink"], f"{BURGER}.groups", "stands in 2 groups"),
    (f"{BURGER}.kitchen", REMOVED, f"{BURGER}.kitchen", "must be a text"),
    ("categories[2].items[0].price_minor", 4000, "categories[2].items[0].price_minor", "less than nothing"),
    ("categories[1].id", "burgers", "categories[1].id", "given twice"),
    ("categories[1].items", [], "categories[1].items", "at least one item"),
    ("categories[1].items", ["fries"] * 501, "categories[1].items", "more than 500"),
    ("categories[1].items[0]", "fries", "categories[1].items[0]", "must be a mapping"),
    ("categories", REMOVED, "categories", "must be a list"),
    ("groups", REMOVED, f"{BURGER}.groups", "no group"),
    ("extra", 1, "extra", "not known here"),
]


@pytest.mark.parametrize(
    ("place", "value", "path", "message"), MISTAKES, ids=lambda v: "removed" if v is REMOVED else str(v)[:40]
)
def test_each_mistake_is_named_with_its_place(place: str, value: object, path: str, message: str) -> None:
    doc = copy.deepcopy(document("westlands"))
    change(place, value)(doc)
    assert [(p, m) for p, m in problems_of(doc) if p == path and message in m]


def test_all_mistakes_are_listed_at_once() -> None:
    doc = copy.deepcopy(document("westlands"))
    change("branch.phone", "12")(doc)
    change("groups.dip.min", -1)(doc)
    change(f"{BURGER}.price_minor", None)(doc)
    assert [path for path, _ in problems_of(doc)] == ["branch.phone", "groups.dip.min", f"{BURGER}.price_minor"]


def test_more_staff_than_a_person_can_ring() -> None:
    doc = copy.deepcopy(document("westlands"))
    one = doc["branch"]["staff"][0]
    doc["branch"]["staff"] = [{**one, "id": f"s{n}", "order": n + 1, "phone": f"+2547000001{n:02d}"} for n in range(21)]
    assert problems_of(doc) == [("branch.staff", "holds more than 20 people")]


@pytest.mark.parametrize("value", [None, [], "branch", 7, {}])
def test_what_is_no_branch_at_all(value: object) -> None:
    assert problems_of(value)


def test_the_error_says_everything_in_one_text() -> None:
    doc = copy.deepcopy(document("westlands"))
    change("branch.currency", "kes")(doc)
    with pytest.raises(BranchFileError, match=r"branch\.currency: must be a currency"):
        parse_branch(doc)


def test_a_branch_with_one_way_only_needs_no_question() -> None:
    doc = copy.deepcopy(document("westlands"))
    doc["branch"]["fulfilment"] = ["dine-in"]
    del doc["branch"]["delivery"]
    assert parse_branch(doc).branch.default_fulfilment == "dine-in"
    doc["branch"]["fulfilment"] = ["dine-in", "delivery"]
    doc["branch"]["delivery"] = {"fee_minor": 0, "minimum_minor": 0}
    assert parse_branch(doc).branch.default_fulfilment is None
