"""Which "did you say ...?" a caller says yes to. A wrong yes would be a wrong meal, so the longer table is of noes."""

from __future__ import annotations

import pytest

from simulators.carrier.agreeing import agrees, is_part
from simulators.carrier.listening import NO, YES, Listener, Speak

ORDER = "two chicken burgers, one with no onions, a large fries, and a soda"

NOT_SAID = [
    ("three chicken burgers, one with no onions, one large fries, and one soda", ORDER),
    ("two chicken burgers, one large fries, and one soda", ORDER),
    ("two chicken burgers, one with no onions, one fries, and one soda", ORDER),
    ("two chicken burgers, one with no onions, one small fries, and one soda", ORDER),
    ("two beef burgers, one with no onions, one large fries, and one soda", ORDER),
    ("two chicken burgers, one with no onions, and one large fries", ORDER),
    ("two chicken burgers, one with no onions, one large fries, one soda and one tea", ORDER),
    ("two chicken burgers, one with no pickles, one large fries, and one soda", ORDER),
    ("two chicken burgers, one with no onions, two large fries, and one soda", ORDER),
    ("two chicken burgers, one large fries with no onions, and one soda", ORDER),
    ("one large soda and one fries", "a large soda and a small fries"),
    ("one small soda and one large fries", "a large soda and a small fries"),
    ("one large soda", "a soda"),
    ("one soda", "a large soda"),
    ("one beef burger combo", "a beef burger"),
    ("one beef burger", "a beef burger combo"),
    ("one chicken wrap", "a chicken burger"),
    ("one tea", "a coke"),
    ("one orange soda", "a coke"),
    ("one orange juice", "a fanta"),
    ("one beef burger with bacon", "a beef burger"),
    ("one beef burger with extra patty", "a beef burger"),
    ("two beef burgers", "a double beef burger"),
    ("one beef burger", "a double beef burger"),
    ("one six wings", "two wings"),
    ("two six wings", "six wings"),
    ("to remove one soda", "a soda"),
    ("one soda", "remove the soda"),
    ("one soda and that is all", "a soda"),
    ("one chicken burger", "a beef burger, sorry, a fish burger"),
    ("three beef samosas", "make that four samosas"),
    ("one half chicken", "a quarter chicken"),
    ("one mild half chicken", "a hot half chicken"),
    ("one hot half chicken with three garlic dips", "a half chicken hot with two garlic dips"),
    ("one coleslaw", "two coleslaws"),
    ("one burger", "a chicken burger"),
    ("large on the soda", "change the soda to a small"),
    ("three of that", "change that to two"),
    ("two", "three"),
    ("one soda and one large soda", "a soda"),
]

SAID = [
    (
        "one beef burger with extra patty, one regular fries, one water and that is all",
        "a double beef burger, a regular fries and a bottle of water that's all",
    ),
    ("one large cola soda with no ice", "and a large coke with no ice"),
    ("one soda", "a coke"),
    ("two cola sodas", "two cokes"),
    ("one cheeseburger", "a cheese burger"),
    ("one mango juice and one tea", "a tea and a mango juice"),
    ("two chicken burgers, one with no onions, one large fries and one soda", ORDER),
    ("one chicken burger with no onions and no pickles", "a chicken burger with no onions or pickles"),
    ("one chicken burger", "a beef burger, sorry, a chicken burger"),
    ("one orange soda", "a fanta"),
    ("two six wings", "two wings"),
    ("two six wings", "twelve wings"),
    ("two", "i'll take two"),
    ("one large fries", "a large french fries please"),
]


@pytest.mark.parametrize(("asked", "mine"), NOT_SAID)
def test_another_count_dish_size_or_option_is_denied(asked: str, mine: str) -> None:
    assert not agrees(asked, mine)


@pytest.mark.parametrize(("asked", "mine"), SAID)
def test_the_same_in_the_words_of_the_menu_is_affirmed(asked: str, mine: str) -> None:
    assert agrees(asked, mine)


def test_what_was_said_earlier_tells_which_one_is_meant() -> None:
    earlier = "three beef samosas and a tea"
    assert agrees("four beef samosas instead of that", "make that four samosas", earlier)
    assert not agrees("three beef samosas instead of that", "make that four samosas", earlier)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("two chicken burgers", True),
        ("one large fries", True),
        ("one soda", True),
        ("three chicken burgers", False),
        ("one small fries", False),
        ("one fries", False),
        ("one tea", False),
        ("two chicken burgers with no onions", False),
    ],
)
def test_one_thing_may_be_asked_about_alone(asked: str, part: bool) -> None:
    assert is_part(asked, ORDER) is part


def test_asked_part_by_part_the_caller_adds_what_was_left_out() -> None:
    listener = Listener(["a beef burger, a tea and a large soda", "that's all", "yes"])
    listener.hear("What would you like?")
    assert listener.hear("Did you say one beef burger and one large soda?") == Speak(NO)
    assert listener.hear("Is that one beef burger?") == Speak(YES)
    assert listener.hear("Is that one large soda?") == Speak(YES)
    assert listener.hear("I have added both. Anything else?") == Speak("a tea")
    assert listener.hear("I have added one tea. Anything else?") == Speak("that's all")


def test_a_denied_part_makes_the_caller_say_it_all_again() -> None:
    listener = Listener(["a beef burger and a soda", "that's all"])
    listener.hear("What would you like?")
    assert listener.hear("Is that one tea?") == Speak(NO)
    assert listener.hear("Let us take it one at a time. What is the first thing?") == Speak("a beef burger and a soda")


@pytest.mark.parametrize(
    ("left", "answer", "still"),
    [([], YES, 0), (["that's all", "yes"], YES, 1), (["yes"], YES, 1), (["and a tea", "yes"], "and a tea", 1)],
)
def test_is_that_everything(left: list[str], answer: str, still: int) -> None:
    listener = Listener(["a soda", *left])
    listener.hear("What would you like?")
    assert listener.hear("Is that everything?") == Speak(answer)
    assert listener.lines_left == still


@pytest.mark.parametrize("line", ["yes", "correct", "yes that's right"])
def test_a_yes_that_is_checked_is_a_yes_in_any_words(line: str) -> None:
    listener = Listener(["a soda", line])
    listener.hear("What would you like?")
    listener.hear("Shall I place the order?")
    assert listener.hear("Sorry, was that a yes?") == Speak(YES)
