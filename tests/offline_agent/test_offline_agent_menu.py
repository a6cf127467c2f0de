"""What the agent learns from a setup message, whole or in pieces."""

from offline_menus import PIZZERIA, REASONS, declarations_of, setup_of, westlands

from simulators.live_api.offline import AgentSetup, CallStarted, Heard, OfflineAgent, vocabulary_of
from simulators.live_api.offline.menu_text import read_menu
from simulators.live_api.offline.turns import CallTools, Say, ToolRequest

GRILL = westlands()


def test_every_item_and_option_of_the_branch_is_learnt() -> None:
    menu = read_menu(setup_of(GRILL))
    items = [item for category in GRILL["categories"] for item in category["items"]]
    assert list(menu.items) == [item["id"] for item in items]
    for item in items:
        known = menu.items[item["id"]]
        assert (known.name, known.price_minor) == (item["name"], item["price_minor"])
        assert list(known.groups) == item.get("groups", [])
    for group_id, group in GRILL["groups"].items():
        known_group = menu.groups[group_id]
        assert (known_group.choose_min, known_group.choose_max) == (group["min"], group["max"])
        assert known_group.each_max == group.get("quantity_max", 1)
        assert list(known_group.usual) == ([group["default"]] if "default" in group else [])
        assert [(o.id, o.price_minor) for o in known_group.options] == [
            (o["id"], o.get("price_minor", 0)) for o in group["options"]
        ]


def test_the_head_is_learnt() -> None:
    menu = read_menu(setup_of(GRILL))
    assert (menu.branch, menu.currency) == ("Tamu Grill Westlands", "KES")
    assert menu.fulfilment == ("pickup", "delivery")
    assert menu.greeting.startswith("Hello, this is Tamu Grill Westlands.")
    assert menu.escalation_reasons == tuple(REASONS)
    assert not menu.continued
    assert read_menu(setup_of(GRILL, tail="\n\nThe call goes on.")).continued


def test_prose_is_not_taken_for_a_menu() -> None:
    menu = read_menu(AgentSetup("You are kind.\n- Never invent (an item): ask.\nBRANCH\nPrices = secret thing\n"))
    assert not menu.items
    assert not menu.groups


def test_without_menu_lines_the_enums_are_the_menu() -> None:
    setup = AgentSetup("Take orders.", declarations_of(PIZZERIA))
    menu = read_menu(setup)
    assert "garlic-bread" in menu.items
    assert menu.item_name("garlic-bread") == "garlic bread"
    agent = OfflineAgent(setup)
    assert isinstance(agent.handle(CallStarted())[0], Say)
    request = ToolRequest("addItem", {"name": "garlic-bread", "quantity": 2, "modifiers": ["large"]})
    assert agent.handle(Heard("two large garlic breads")) == [CallTools((request,))]


def test_an_empty_setup_still_talks() -> None:
    agent = OfflineAgent(AgentSetup())
    assert agent.handle(CallStarted())
    assert agent.handle(Heard("a burger"))


def test_the_vocabulary_holds_every_spoken_name_once() -> None:
    vocabulary = vocabulary_of(setup_of(GRILL))
    items = {name.id: name.spoken for name in vocabulary.items}
    options = {name.id: name.spoken for name in vocabulary.options}
    assert items["fries"] == ("fries", "chips", "french fries", "chipsi", "vibanzi")
    assert options["large"] == ("large", "big", "kubwa"), "one id of two groups is one name"
    assert options["regular"] == ("regular", "medium", "normal", "ya kawaida", "small")
    assert vocabulary.options_of["soda"][:4] == ("cola", "orange", "lemon", "ginger")
    assert vocabulary.options_of["tea"] == ()
