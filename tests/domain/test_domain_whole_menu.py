"""Every item and every choice of every item of the branches can be ordered, at the price that the branch file says.

Prices are added up here from the raw document, on another way than the product's.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from domain_scenario import Call, document

BRANCHES = ("westlands", "kilimani", "cbd", "karen", "kampala")


def items(branch: str) -> Iterator[dict[str, Any]]:
    for category in document(branch)["categories"]:
        yield from category["items"]


def required(branch: str, item: dict[str, Any], but: str | None = None) -> list[str]:
    """The first option of each group that must be chosen and has no default."""
    groups = document(branch)["groups"]
    return [
        groups[group_id]["options"][0]["id"]
        for group_id in item.get("groups", [])
        if groups[group_id]["min"] and "default" not in groups[group_id] and group_id != but
    ]


def price(branch: str, item: dict[str, Any], chosen: dict[str, list[str]]) -> int:
    total = item["price_minor"]
    for group_id in item.get("groups", []):
        group = document(branch)["groups"][group_id]
        ids = chosen.get(group_id) or ([group["default"]] if "default" in group else [])
        for option_id in ids:
            (option,) = [o for o in group["options"] if o["id"] == option_id]
            total += option.get("price_minor", 0)
    return total


ALL_ITEMS = [(branch, item["id"]) for branch in BRANCHES for item in items(branch)]
ALL_CHOICES = [
    (branch, item["id"], group_id, option["id"])
    for branch in BRANCHES
    for item in items(branch)
    for group_id in item.get("groups", [])
    for option in document(branch)["groups"][group_id]["options"]
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
    call = Call(branch)
    must = required(branch, item)
    for name in names:
        call.add(name, 1, must)
    groups = {group_id: [o for o in must if o in _options(branch, group_id)] for group_id in item.get("groups", [])}
    assert len(call.cart.lines) == 1
    line = call.view()["lines"][0]
    assert (line["item"], line["quantity"]) == (item_id, len(names))
    assert line["unit_minor"] == price(branch, item, groups)
    assert call.place().code == "order_placed"


@pytest.mark.parametrize(("branch", "item_id", "group_id", "option_id"), ALL_CHOICES)
def test_every_choice_added_or_applied(branch: str, item_id: str, group_id: str, option_id: str) -> None:
    item = item_of(branch, item_id)
    must = required(branch, item, but=group_id)
    chosen = {gid: [o for o in must if o in _options(branch, gid)] for gid in item.get("groups", [])}
    expected = price(branch, item, {**chosen, group_id: [option_id]})
    added = Call(branch)
    added.add(item_id, 1, [*must, option_id])
    applied = Call(branch)
    first = required(branch, item)
    applied.add(item_id, 1, first)
    outcome = applied.tool("applyModifier", item=item_id, modifier=option_id)
    assert outcome.status == "ok"
    assert added.view()["total_minor"] == expected
    group = document(branch)["groups"][group_id]
    if group["max"] == 1 or "default" in group or not group["min"]:
        assert applied.view()["total_minor"] == expected
        assert applied.lines() == added.lines()
    chosen_ids = [option["id"] for option in added.view()["lines"][0]["options"] if option["group"] == group_id]
    assert chosen_ids == [option_id]


def _options(branch: str, group_id: str) -> set[str]:
    return {option["id"] for option in document(branch)["groups"][group_id]["options"]}
