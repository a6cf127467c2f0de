"""Normal form, and what two recognisers must agree on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.speech.words import gist, normalise, number_words, same_words


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2 Chicken Burgers, please!", "two chicken burgers please"),
        ("That’s all.", "that's all"),
        ("KES 1,530.00", "kes one thousand five hundred thirty"),
        ("0712", "zero seven one two"),
        ("2.5 litres", "two point five litres"),
        ("Jalapeño-burger", "jalapeno burger"),
        ("24 samosas", "twenty four samosas"),
        ("'hello'", "hello"),
        ("\x05 ... !", ""),
    ],
)
def test_normal_form(text: str, normal: str) -> None:
    assert normalise(text) == normal


@given(st.text(max_size=60))
def test_normal_form_is_stable(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.integers(0, 999_999))
def test_every_number_has_its_own_words(number: int) -> None:
    assert number_words(number).replace(" ", "").isalpha()
    assert number == 0 or number_words(number) != number_words(number - 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("two cheeseburgers", "two cheese burger"),
        ("2 fries", "two fry"),
        ("a dish of samosas", "a dish of samosa"),
        ("three brownies", "three brownie"),
    ],
)
def test_plurals_and_compounds_are_the_same_words(one: str, other: str) -> None:
    assert same_words(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("two burgers", "three burgers"),
        ("with onions", "without onions"),
        ("yes", "no"),
        ("i want the tea", "i don't want the tea"),
        ("one tea", "tea"),
        ("add a tea", "remove a tea"),
        ("thank you", "no thank you"),
        ("large fries", "orange fries"),
        ("remove all of them", "remove them"),
        ("that's all", "that's"),
    ],
)
def test_what_changes_an_order_changes_the_gist(one: str, other: str) -> None:
    assert gist(one) != gist(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("can i have two burgers please", "two burgers"),
        ("a large fries and a soda", "large fries and soda"),
        ("yeah please", "yes"),
        ("no onions all large fries", "no onions a large fries"),
        ("nope", "no"),
    ],
)
def test_politeness_does_not_change_the_gist(one: str, other: str) -> None:
    assert gist(one) == gist(other)


def test_words_of_politeness_alone_still_mean_something() -> None:
    assert gist("thank you") == gist("Thank you!") != ""
    assert gist("") == ""
