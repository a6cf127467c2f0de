"""Small pieces of the agent's sentences."""

import pytest
from domain_scenario import branch_file

from agiza.domain.replies import all_of, counted, one_of


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chicken burger", "two chicken burgers"),
        ("fries", "two fries"),
        ("brownie", "two brownies"),
        ("family", "two families"),
        ("tray", "two trays"),
        ("sandwich", "two sandwiches"),
        ("box", "two boxes"),
    ],
)
def test_two_of_it(name: str, words: str) -> None:
    assert counted(name, 2) == words
    assert counted(name, 1) == f"one {name}"


def test_lists() -> None:
    assert one_of(["small", "medium", "large"]) == "small, medium or large"
    assert all_of(["fries", "soda"]) == "fries and soda"
    assert one_of(["small"]) == "small"
    assert all_of([]) == ""


def test_an_item_by_a_text() -> None:
    menu = branch_file("westlands").menu
    assert menu.item("fries") is menu.items["fries"]  # type: ignore[index]
    assert menu.item("sushi") is None
