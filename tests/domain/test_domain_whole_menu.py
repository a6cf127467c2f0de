"""Every item and every choice of every item of the branches can be ordered, at the price that the branch file says.

Prices are added up here from the raw document, on another way than the product's.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from domain_scenario import NOON, Call, branch_file, document

BRANCHES = ("westlands", "kilimani", "cbd", "karen", "kampala")


def items(branch: str) -> Iterator[dict[str, Any]]:
    for category in document(branch)["categories"]:
        yield from category["items"]


def uses(branch: str, item: dict[str, Any]) -> list[dict[str, Any]]:
    """The item's groups with the limits that hold at this place."""
    entries = [entry if isinstance(entry, dict) else {"id": entry} for entry in item.get("groups", [])]
    return [{**document(branch)["groups"][entry["id"]], **entry} for entry in entries]


def required(branch: str, item: dict[str, Any], wanted: str | None = None) -> list[str]:
    """An option for each choice that must be made and has no default: first the wanted one where it can be."""
    chosen: list[str] = []
    for use in uses(branch, item):
        ids = sorted((option["id"] for option in use["options"]), key=lambda option_id: option_id != wanted)
        chosen += ids[: use["min"]] if "default" not in use else []
    return chosen


def price(branch: str, item: dict[str, Any], chosen: list[str]) -> int:
    total: int = item["price_minor"]
    for use in uses(branch, item):
        options = {option["id"]: option for option in use["options"]}
        ids = [option_id for option_id in chosen if option_id in options] or [
            use[key] for key in ("default",) if key in use
        ]
        total += sum(options[option_id].get("price_minor", 0) for option_id in ids)
    return total


def call_for(branch: str, item: dict[str, Any]) -> Call:
    """A call at an hour at which the item is served."""
    served = branch_file(branch).menu.items[item["id"]].served  # type: ignore[index]
    opening = served.next_opening(NOON - timedelta(days=1)) if served is not None and not served.is_open(NOON) else NOON
    assert opening is not None
    return Call(branch, now=opening + timedelta(hours=1) if opening != NOON else NOON)


ALL_ITEMS = [(branch, item["id"]) for branch in BRANCHES for item in items(branch)]
ALL_CHOICES = [
    (branch, item["id"], use["id"], option["id"])
    for branch in BRANCHES
    for item in items(branch)
    for use in uses(branch, item)
    for option in use["options"]
]


def item_of(branch: str, item_id: str) -> dict[str, Any]:
    (item,) = [item for item in items(branch) if item["id"] == item_id]
    return item


def test_there_is_a_menu() -> None:
    assert len([pair for pair in ALL_ITEMS if pair[0] == "westlands"]) == 35
    for branch in BRANCHES:
        assert len(list(items(branch))) >= 30
    assert len(ALL_CHOICES) > 900


@pytest.mark.parametrize(("branch", "item_id"), ALL_ITEMS)
def test_every_item_by_id_and_by_every_name(branch: str, item_id: str) -> None:
    item = item_of(branch, item_id)
    names = [item["id"], item["name"], *(alias for names in item.get("aliases", {}).values() for alias in names)]
    call = call_for(branch, item)
    must = required(branch, item)
    for name in names:
        call.add(name, 1, must)
    assert len(call.cart.lines) == 1
    line = call.view()["lines"][0]
    assert (line["item"], line["quantity"]) == (item_id, len(names))
    assert line["unit_minor"] == price(branch, item, must)
    assert call.place().code == "order_placed"


@pytest.mark.parametrize(("branch", "item_id", "group_id", "option_id"), ALL_CHOICES)
def test_every_choice_added_or_applied(branch: str, item_id: str, group_id: str, option_id: str) -> None:
    item = item_of(branch, item_id)
    (use,) = [use for use in uses(branch, item) if use["id"] == group_id]
    must = required(branch, item, wanted=option_id)
    expected = price(branch, item, [*must, option_id] if option_id not in must else must)
    added = call_for(branch, item)
    added.add(item_id, 1, list(dict.fromkeys([*must, option_id])))
    assert added.view()["total_minor"] == expected
    chosen_ids = [option["id"] for option in added.view()["lines"][0]["options"] if option["group"] == group_id]
    assert option_id in chosen_ids
    assert len(chosen_ids) <= use["max"]
    if use["min"] == use["max"] > 1:
        return  # full as it is: another one has to be taken out first
    applied = call_for(branch, item)
    applied.add(item_id, 1, required(branch, item))
    assert applied.tool("applyModifier", item=item_id, modifier=option_id).status == "ok"
    if use["max"] == 1 or "default" in use or not use["min"]:
        assert applied.view()["total_minor"] == expected
        assert applied.lines() == added.lines()
