"""searchMenu: what there is, what it costs, what can be chosen, what is sold out."""

from domain_scenario import Call

from agiza.domain.tool_calls import ToolOutcome


def found(outcome: ToolOutcome) -> list[str]:
    return [match["id"] for match in outcome.detail["matches"]]  # type: ignore[attr-defined]


def test_an_item_with_its_choices() -> None:
    outcome = Call().tool("searchMenu", query="chips")
    match = outcome.detail["matches"][0]  # type: ignore[index]
    assert (match["id"], match["price_minor"], match["sold_out"]) == ("fries", 25000, False)
    assert match["groups"][0] == {
        "id": "size-fries",
        "name": "size",
        "min": 1,
        "max": 1,
        "default": ["regular"],
        "quantity_max": 1,
        "options": [
            {"id": "small", "name": "small", "price_minor": -5000, "sold_out": False},
            {"id": "regular", "name": "regular", "price_minor": 0, "sold_out": False},
            {"id": "large", "name": "large", "price_minor": 8000, "sold_out": False},
        ],
    }
    assert outcome.events == ()


def test_a_category() -> None:
    outcome = Call().tool("searchMenu", query="desserts")
    assert found(outcome) == ["ice-cream", "brownie", "mandazi"]
    assert outcome.message == (
        "We have ice cream for two hundred shillings, chocolate brownie for two hundred and fifty shillings "
        "and mandazi for sixty shillings."
    )


def test_many_matches_are_cut_and_few_are_said() -> None:
    outcome = Call().tool("searchMenu", query="sauce")
    assert len(found(outcome)) == 10
    assert outcome.message.endswith("And more.")


def test_what_can_be_chosen_is_found_too() -> None:
    assert found(Call().tool("searchMenu", query="avocado"))[0] == "chicken-burger"
    assert "half-chicken" in found(Call().tool("searchMenu", query="anything spicy?"))
    assert found(Call().tool("searchMenu", query="fanta")) == ["soda"]


def test_what_is_sold_out_is_said_and_marked() -> None:
    outcome = Call(sold_out=frozenset({"tea"})).tool("searchMenu", query="tea")
    assert outcome.detail["matches"][0]["sold_out"] is True  # type: ignore[index]
    assert outcome.message.startswith("We have tea, which is sold out today")


def test_without_a_query_the_kinds_of_things() -> None:
    for args in ({}, {"query": ""}, {"query": None}):
        outcome = Call().call("searchMenu", args)
        assert outcome.message == (
            "We have burgers, chicken, sides, drinks, desserts and combos. What would you like to hear about?"
        )


def test_nothing() -> None:
    outcome = Call().tool("searchMenu", query="sushi")
    assert (outcome.status, outcome.code, found(outcome)) == ("ok", "nothing_found", [])
