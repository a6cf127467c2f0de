"""Getting over what was misheard: checks, parts, one thing at a time, and when it is a person's turn."""

import pytest
from offline_menus import setup_of, westlands
from offline_orders import Call

from simulators.live_api.offline import Heard

GRILL = westlands()
DOUBTFUL = Heard("a beef burger and a soda", ("a beef burger and a salad", "a veggie burger"), agreed=False)


@pytest.fixture
def call() -> Call:
    return Call(setup_of(GRILL), GRILL).start()


def test_two_of_three_are_enough(call: Call) -> None:
    call.give(Heard("two sodas", ("can i have two sodas please", "ten sodas"), agreed=False))
    assert [(line.item, line.quantity) for line in call.orders.lines] == [("soda", 2)]


def test_two_of_three_may_write_it_differently(call: Call) -> None:
    call.give(Heard("to cokes", ("two cokes", "a coffee"), agreed=False))
    assert [(line.item, line.quantity) for line in call.orders.lines] == [("soda", 2)]


def test_the_only_one_who_heard_anything_is_believed(call: Call) -> None:
    call.give(Heard("a coleslaw", (), agreed=False))
    assert [line.item for line in call.orders.lines] == ["coleslaw"]


def test_a_yes_that_only_one_has_heard_places_nothing(call: Call) -> None:
    call.hear("a soda", "that's all")
    call.give(Heard("yes", (), agreed=False))
    assert not call.orders.placed
    assert "was that a yes?" in call.said[-1]


def test_what_was_denied_and_comes_again_is_asked_part_by_part(call: Call) -> None:
    assert call.give(DOUBTFUL) == ["Sorry, did you say one beef burger and one soda?"]
    assert call.hear("no") == "Sorry. Could you say it again?"
    assert call.give(DOUBTFUL) == ["Is that one beef burger?"]
    assert call.hear("yes") == "Is that one soda?"
    assert not call.orders.calls
    call.hear("yes")
    assert sorted(line.item for line in call.orders.lines) == ["beef-burger", "soda"]


def test_it_is_asked_again_even_when_all_recognisers_agree_on_it(call: Call) -> None:
    call.give(DOUBTFUL)
    call.hear("no", DOUBTFUL.text)
    assert not call.orders.calls
    assert call.said[-1] == "Is that one beef burger?"


def test_a_denied_part_leads_to_one_thing_at_a_time(call: Call) -> None:
    call.give(DOUBTFUL)
    call.hear("no")
    call.give(DOUBTFUL)
    call.hear("yes")
    assert call.hear("no") == "Let us take it one at a time. What is the first thing?"
    assert not call.orders.lines
    call.hear("a beef burger", "a garden salad", "that's all", "yes")
    assert [row[0] for row in call.orders.ticket()] == ["beef-burger", "garden-salad"]


def test_three_noes_to_the_same_bring_a_person(call: Call) -> None:
    for _ in range(3):
        assert "escalate" not in call.orders.names()
        call.give(DOUBTFUL)
        call.hear("no")
    assert call.orders.names() == ["escalate"]


def test_checks_do_not_go_on_for_ever(call: Call) -> None:
    things = ("soda", "tea", "coffee", "coleslaw", "water", "brownie", "lemonade", "fries")
    for thing in things:
        call.give(Heard(f"a {thing}", ("a mandazi",), agreed=False))
    assert call.orders.names() == ["escalate"]


@pytest.mark.parametrize("noise", ["that", "than", "ton", "..."])
def test_a_short_noise_after_anything_else_may_be_the_end(call: Call, noise: str) -> None:
    call.hear("a soda")
    assert call.give(Heard(noise, agreed=False)) == ["Is that everything?"]
    call.hear("yes", "yes")
    assert call.orders.ticket() == [("soda", 1, ())]


def test_is_that_everything_may_be_answered_with_more(call: Call) -> None:
    call.hear("a soda", "that")
    call.hear("no, and a tea")
    assert sorted(line.item for line in call.orders.lines) == ["soda", "tea"]


def test_is_that_everything_may_be_answered_with_a_no(call: Call) -> None:
    call.hear("a soda", "that")
    assert call.hear("no").endswith("Anything else?")
    assert not call.orders.placed
