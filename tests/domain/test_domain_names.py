"""What spoken names mean: certain, or asked back, never guessed."""

import pytest
from domain_scenario import branch_file
from hypothesis import given
from hypothesis import strategies as st

from agiza.domain.ids import ItemId
from agiza.domain.names import item_names, names_holding, option_names, resolve, resolve_item, resolve_option, words_of
from agiza.domain.sounds import sound_of
from agiza.domain.words import named

WESTLANDS = branch_file("westlands").menu
KILIMANI = branch_file("kilimani").menu


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("fries", "fries"),
        ("Fries", "fries"),
        ("chipsi", "fries"),
        ("the french fries", "fries"),
        ("a chicken burger", "chicken-burger"),
        ("Chicken Burgers!", "chicken-burger"),
        ("chicken-burger", "chicken-burger"),
        ("cheese burger", "cheeseburger"),
        ("cheesburger", "cheeseburger"),
        ("chiken burger", "chicken-burger"),
        ("chicken burgur", "chicken-burger"),
        ("6 wings", "wings-6"),
        ("six wings", "wings-6"),
        ("wings 6", "wings-6"),
        ("onion ring", "onion-rings"),
        ("brownies", "brownie"),
        ("family feasts", "family-feast"),
        ("kuku mzima", "full-chicken"),
        ("a quarter of chicken", "quarter-chicken"),
        ("cofee", "coffee"),
    ],
)
def test_certain(text: str, item: str) -> None:
    assert resolve_item(text, WESTLANDS).found == item


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("burger", {"chicken-burger", "beef-burger", "fish-burger"}),
        ("juice", {"passion-juice", "mango-juice"}),
        ("large fries", {"fries"}),
        ("milkshake", {"vanilla-shake", "chocolate-shake"}),
        ("family", {"family-feast"}),
        ("wafer", {"water"}),
        ("toffee", {"coffee"}),
    ],
)
def test_unclear_is_asked_back(text: str, near: set[str]) -> None:
    match = resolve_item(text, WESTLANDS)
    assert match.found is None
    assert near <= set(match.near)


@pytest.mark.parametrize("text", ["margherita", "sushi", "!!!", "zzzz", "' OR 1=1 --", "💥"])
def test_what_is_not_there_is_not_found(text: str) -> None:
    match = resolve_item(text, WESTLANDS)
    assert match.found is None
    assert match.near == ()


def test_another_branch_another_menu() -> None:
    assert resolve_item("margarita", KILIMANI).found == "margherita"
    assert resolve_item("lasagna", KILIMANI).found == "lasagne"
    assert resolve_item("chicken-burger", KILIMANI).found is None


class TestOptions:
    def option(self, item: str, text: str) -> str | None:
        return resolve_option(text, WESTLANDS.items[ItemId(item)], WESTLANDS).found

    def test_the_item_decides_which_option_is_meant(self) -> None:
        assert self.option("fries", "medium") == self.option("soda", "medium") == "regular"
        assert self.option("fries", "small") == "small"
        assert self.option("soda", "small") == "regular"
        assert self.option("chicken-burger", "large") is None

    def test_aliases_plurals_and_accents(self) -> None:
        assert self.option("beef-burger", "no onion") == "no-onions"
        assert self.option("beef-burger", "bila vitunguu") == "no-onions"
        assert self.option("beef-burger", "without tomatoes") == "no-tomato"
        pizza = KILIMANI.items[ItemId("hawaiian")]
        assert resolve_option("jalapenos", pizza, KILIMANI).found == "jalapenos"
        assert resolve_option("Jalapeño", pizza, KILIMANI).found == "jalapenos"

    def test_the_opposite_is_never_close_enough(self) -> None:
        for text in ("onions", "with onions", "ice", "extra onions", "tomato"):
            for item in ("chicken-burger", "soda"):
                assert self.option(item, text) is None

    def test_a_part_answers_to_its_item_s_names(self) -> None:
        assert self.option("chicken-burger-combo", "chips") == "fries"
        assert self.option("chicken-burger-combo", "chipsi masala") == "masala-chips"
        assert self.option("chicken-burger-combo", "maji") == "water"


def test_every_name_and_alias_of_both_menus_means_its_own_item() -> None:
    for menu in (WESTLANDS, KILIMANI):
        for item in menu.items.values():
            for name in (item.id, *item_names(item)):
                assert resolve_item(name, menu).found == item.id, name


def test_every_name_of_every_option_means_that_option() -> None:
    for menu in (WESTLANDS, KILIMANI):
        for item in menu.items.values():
            for group in item.groups:
                for option in group.options:
                    for name in (option.id, *option_names(option, menu)):
                        match = resolve_option(name, item, menu)
                        assert match.found == option.id or option.id in match.near, (item.id, name)


def test_a_name_of_two_things_is_asked_back() -> None:
    names = {"a": ("the special",), "b": ("special",), "c": ("other",)}
    assert resolve("Special", names).near == ("a", "b")


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("cappuccino", "capuchino"),
        ("pasticcio", "pastichio"),
        ("caesar", "seezer"),
        ("nyanya", "yanya"),
        ("nyota", "yota"),
    ],
)
def test_what_is_said_alike_sounds_alike(written: str, heard: str) -> None:
    assert sound_of(written).full == sound_of(heard).full


def test_other_beginnings_and_doubled_letters_stay_apart() -> None:
    assert sound_of("nyama").full != sound_of("nama").full
    assert sound_of("broccoli").full == sound_of("brokoli").full


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("fish burger", "burger"),
        ("baga ya samaki", "baga"),
        ("coffee with milk", "coffee"),
        ("lemon tea with honey", "tea"),
        ("chipsi na mayai", "chipsi"),
        ("with milk", "milk"),
    ],
)
def test_the_kind_of_thing_that_a_name_says(name: str, head: str) -> None:
    assert named(name).content[named(name).head] == head


def test_words() -> None:
    assert words_of("The Fish & Chips, please!") == ("fish", "and", "chips")
    assert words_of("the") == ("the",)
    assert words_of("Piper’s 12 pops") == ("pipers", "twelve", "pops")
    assert names_holding("!!", {"a": ("x",)}) == ()


@given(st.text(max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    for menu in (WESTLANDS, KILIMANI):
        match = resolve_item(text, menu)
        assert match.found is None or match.found in menu.items
        assert set(match.near) <= set(menu.items)
