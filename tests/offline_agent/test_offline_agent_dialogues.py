"""Whole conversations by text, against a cart server in this process."""

import pytest
from offline_menus import PIZZERIA, setup_of, westlands
from offline_orders import Call

from simulators.live_api.offline import Heard, Interrupted, Say, Silence, ToolResult, ToolResults
from simulators.live_api.offline.phases import Phase

GRILL = westlands()
GRILL_SETUP = setup_of(GRILL)


@pytest.fixture
def call() -> Call:
    return Call(GRILL_SETUP, GRILL).start()


@pytest.fixture
def pizza_call() -> Call:
    return Call(setup_of(PIZZERIA), PIZZERIA).start()


def test_the_greeting_comes_first(call: Call) -> None:
    assert call.said == ["Hello, this is Tamu Grill Westlands. I am an automated assistant. What would you like?"]


def test_a_continued_session_is_not_greeted_again() -> None:
    setup = setup_of(GRILL, tail="\nThe call goes on after a short interruption.\ncaller: a soda")
    call = Call(setup, GRILL).start()
    assert "automated assistant" not in call.said[0]
    call.orders._addItem("soda")
    call.hear("that's all")
    assert call.orders.names()[-1] == "getTotal", "the cart is not known here, so the server is asked"


def test_the_first_order_of_all(call: Call) -> None:
    call.hear("two chicken burgers, one with no onions, a large fries, and a soda")
    assert call.said[-1].endswith("Anything else?")
    call.hear("that's all")
    assert call.said[-1].endswith("Shall I place the order?")
    call.hear("yes")
    assert call.orders.ticket() == [
        ("chicken-burger", 1, ()),
        ("chicken-burger", 1, ("no-onions",)),
        ("fries", 1, ("large",)),
        ("soda", 1, ()),
    ]
    assert call.said[-1].startswith("Your order number is 17.")
    assert call.orders.names()[-3:] == ["getTotal", "placeOrder", "endCall"]
    assert call.agent.phase is Phase.ENDED


def test_a_bare_yes_to_anything_else_is_the_end_of_the_order(call: Call) -> None:
    call.hear("a soda", "yes", "yes")
    assert call.orders.ticket() == [("soda", 1, ())]


def test_yes_with_an_addition_reads_back_again(call: Call) -> None:
    call.hear("a soda", "that's all", "yes and a brownie")
    assert not call.orders.placed
    assert "brownie" in call.said[-1]
    call.hear("yes")
    assert call.orders.ticket() == [("brownie", 1, ()), ("soda", 1, ())]


def test_no_to_the_read_back_asks_what_to_change_and_reads_again(call: Call) -> None:
    call.hear("a soda", "that's all", "no")
    assert call.said[-1] == "What should I change?"
    call.hear("make it a large")
    assert call.said[-1].endswith("Shall I place the order?")
    call.hear("yes")
    assert call.orders.ticket() == [("soda", 1, ("large",))]


def test_a_correction_of_the_read_back_is_read_again(call: Call) -> None:
    call.hear("a soda and a tea", "that's all", "no, without the tea", "yes")
    assert call.orders.ticket() == [("soda", 1, ())]


def test_corrections_between_turns(call: Call) -> None:
    call.hear("a chicken burger", "make that three", "actually no onions on one of them", "a soda")
    call.hear("change the soda to water", "no, two waters", "that's it", "yes")
    assert call.orders.ticket() == [("chicken-burger", 1, ("no-onions",)), ("chicken-burger", 2, ()), ("water", 2, ())]


def test_several_options_for_some_units_go_to_the_same_units(call: Call) -> None:
    call.hear(
        "three beef burgers with extra cheese", "actually bacon and no pickles on one of them", "that's all", "yes"
    )
    assert call.orders.ticket() == [
        ("beef-burger", 1, ("bacon", "extra-cheese", "no-pickles")),
        ("beef-burger", 2, ("extra-cheese",)),
    ]


def test_what_was_misheard_is_replaced(call: Call) -> None:
    call.hear("a soda", "no i said coleslaw", "that's all", "yes")
    assert call.orders.ticket() == [("coleslaw", 1, ())]


def test_removals(call: Call) -> None:
    call.hear("two sodas, a large fries and a small fries and a tea", "remove one soda", "take off the small fries")
    call.hear("no tea", "that's all", "yes")
    assert call.orders.ticket() == [("fries", 1, ("large",)), ("soda", 1, ())]


def test_an_option_is_taken_off_again(call: Call) -> None:
    call.hear("a beef burger with bacon and no pickles", "take off the bacon", "that's all", "yes")
    assert call.orders.ticket() == [("beef-burger", 1, ("no-pickles",))]


def test_a_part_of_a_combo_can_be_changed(call: Call) -> None:
    call.hear("a chicken burger combo", "change the soda to water", "swap the fries for coleslaw", "that's all", "yes")
    assert call.orders.ticket() == [("chicken-burger-combo", 1, ("coleslaw", "water"))]


def test_a_burger_becomes_its_combo(call: Call) -> None:
    call.hear("a chicken burger with no onions", "make that a combo", "that's all", "yes")
    assert call.orders.ticket() == [("chicken-burger-combo", 1, ("no-onions",))]


def test_an_ambiguous_name_is_asked_about(call: Call) -> None:
    assert "chicken burger, beef burger" in call.hear("two burgers with no onions and a tea")
    call.hear("the beef one", "that's all", "yes")
    assert call.orders.ticket() == [("beef-burger", 2, ("no-onions",)), ("tea", 1, ())]


def test_an_ambiguous_name_can_be_answered_by_place_or_with_more(call: Call) -> None:
    call.hear("a juice", "the second one")
    assert [line.item for line in call.orders.lines] == ["mango-juice"]
    call.hear("a milkshake", "vanilla, a large one, and a tea", "that's all", "yes")
    assert call.orders.ticket() == [("mango-juice", 1, ()), ("tea", 1, ()), ("vanilla-shake", 1, ("large",))]


def test_how_many_is_asked_when_it_was_not_said(call: Call) -> None:
    assert call.hear("chicken burgers") == "How many chicken burgers would you like?"
    call.hear("three please", "that's all", "yes")
    assert call.orders.ticket() == [("chicken-burger", 3, ())]


def test_a_required_choice_is_asked_by_the_server_and_answered(pizza_call: Call) -> None:
    assert pizza_call.hear("a hawaiian and a garlic bread").endswith("Which size for the hawaiian pizza?")
    pizza_call.hear("medium, with olives, and a tiramisu", "no", "yes")
    assert pizza_call.orders.ticket() == [
        ("garlic-bread", 1, ()),
        ("hawaiian", 1, ("medium", "olives")),
        ("tiramisu", 1, ()),
    ]


def test_two_required_choices_are_asked_one_after_the_other(pizza_call: Call) -> None:
    pizza_call.hear("a margherita and a pasta")
    assert pizza_call.hear("the large one").endswith("Which sauce for the spaghetti?")
    pizza_call.hear("pesto please", "that's it", "yes")
    assert pizza_call.orders.ticket() == [("margherita", 1, ("large",)), ("spaghetti", 1, ("pesto",))]


def test_an_open_choice_can_be_left(pizza_call: Call) -> None:
    pizza_call.hear("a pasta and a tiramisu", "no thanks", "that's all", "yes")
    assert pizza_call.orders.ticket() == [("tiramisu", 1, ())]


def test_a_thing_that_is_not_on_the_menu_is_said(call: Call) -> None:
    assert call.hear("a pizza and a soda") == "I have added 1 soda. Sorry, we do not have pizza. Anything else?"


def test_refusals_of_the_server_are_said(call: Call) -> None:
    call.orders.answers["addItem"] = [
        {"status": "refused", "code": "item_sold_out", "message": "Sorry, we are out of samosas today."}
    ]
    assert call.hear("a samosa and a tea") == ("I have added 1 tea. Sorry, we are out of samosas today. Anything else?")


def test_a_stale_cart_is_tried_again_once(call: Call) -> None:
    stale = {"status": "refused", "code": "stale_cart", "message": "The order has changed meanwhile."}
    call.orders.answers["addItem"] = [stale]
    call.hear("a soda")
    assert call.orders.names() == ["addItem", "addItem"]
    assert [line.item for line in call.orders.lines] == ["soda"]


def test_the_definite_article_means_what_is_ordered(call: Call) -> None:
    call.hear("three wings and a soda", "the wings with garlic dip, one hot", "the soda should be large", "no", "yes")
    assert ("soda", 1, ("large",)) in call.orders.ticket()
    assert sum(quantity for item, quantity, _ in call.orders.ticket() if item == "wings-6") == 3


def test_pointing_at_what_is_not_there_is_said(call: Call) -> None:
    assert call.hear("make it large") == "What would you like with large? What would you like?"
    assert call.hear("make that two") == "There is nothing in the order yet. What would you like?"
    call.hear("a tea")
    assert call.hear("take off the soda") == "There are no sodas in the order. Anything else?"
    assert call.hear("take off the bacon") == "That is not in the order. Anything else?"
    assert call.hear("with extra cheese") == "Sorry, extra cheese cannot be chosen for that. Anything else?"
    assert call.hear("no onions on the beef burger") == "There are no beef burgers in the order. Anything else?"
    assert call.orders.names() == ["addItem"]


def test_a_part_of_a_combo_is_not_removed(call: Call) -> None:
    call.hear("a beef burger combo")
    assert call.hear("take off the fries") == "The fries belongs to the beef burger combo. Anything else?"


def test_which_of_two_lines_is_asked_by_the_server_and_answered(call: Call) -> None:
    call.hear("a large coke and a small tea and a large fries and a small fries", "a burger", "the fish one")
    assert call.hear("remove the fries").startswith("Which one do you mean?")
    call.hear("the small one", "that's all", "yes")
    assert ("fries", 1, ("large",)) in call.orders.ticket()
    assert not any(row == ("fries", 1, ("small",)) for row in call.orders.ticket())


def test_removing_all_of_an_item_takes_every_line(call: Call) -> None:
    call.hear("a large fries, a small fries and a tea", "remove all the fries", "no", "yes")
    assert call.orders.ticket() == [("tea", 1, ())]


def test_another_one_is_one_more_of_the_last_line(call: Call) -> None:
    call.hear("a beef burger", "another one", "and another one with no onions", "that's all", "yes")
    assert call.orders.ticket() == [("beef-burger", 1, ("no-onions",)), ("beef-burger", 2, ())]


def test_a_broken_server_leads_to_a_person(call: Call) -> None:
    broken = {"status": "error", "code": "unavailable", "message": ""}
    call.orders.answers["addItem"] = [dict(broken) for _ in range(3)]
    assert call.hear("a soda").startswith("I am sorry, something went wrong on my side.")
    call.hear("a soda", "a soda")
    assert call.orders.names()[-1] == "escalate"


# -- hearing badly


def test_what_was_not_heard_for_sure_is_asked_and_not_done(call: Call) -> None:
    doubtful = Heard(
        "two chicken burgers one with no onions", ("two chicken burgers", "ten chicken wraps"), agreed=False
    )
    assert call.give(doubtful) == ["Sorry, did you say two chicken burgers, one with no onions?"]
    assert not call.orders.calls
    call.hear("yes", "that's all", "yes")
    assert call.orders.ticket() == [("chicken-burger", 1, ()), ("chicken-burger", 1, ("no-onions",))]


def test_yes_with_more_to_an_ask_back(call: Call) -> None:
    call.give(Heard("a soda", ("a salad",), agreed=False))
    call.hear("yes and a tea")
    assert sorted(line.item for line in call.orders.lines) == ["soda", "tea"]


def test_different_words_with_the_same_meaning_are_agreed(call: Call) -> None:
    call.give(Heard("can i get a large soda", ("a large soda please",), agreed=False))
    assert call.orders.names() == ["addItem"]


def test_the_same_heard_twice_is_heard(call: Call) -> None:
    for _ in range(2):
        call.give(Heard("a large soda", ("a large salad",), agreed=False))
    assert [line.item for line in call.orders.lines] == ["soda"]


def test_another_hearing_takes_the_place_of_the_doubtful_one(call: Call) -> None:
    call.give(Heard("a large salad", ("a large soda",), agreed=False))
    assert call.hear("no, a large soda").startswith("I have added 1 soda with large.")


def test_a_denied_hearing_is_asked_again(call: Call) -> None:
    call.give(Heard("a soda", ("a salad",), agreed=False))
    assert call.hear("no") == "Sorry. Could you say it again?"
    call.hear("a salad")
    assert [line.item for line in call.orders.lines] == ["garden-salad"]


def test_a_doubtful_yes_places_nothing(call: Call) -> None:
    call.hear("a soda", "that's all")
    assert "was that a yes?" in call.give(Heard("yes", ("a tea",), agreed=False))[0]
    assert not call.orders.placed
    call.hear("yes")
    assert call.orders.ticket() == [("soda", 1, ())]


def test_a_doubtful_change_at_the_read_back_leads_to_another_one(call: Call) -> None:
    call.hear("a soda", "that's all")
    call.give(Heard("and a tea", ("and a coffee",), agreed=False))
    call.hear("yes")
    assert not call.orders.placed
    assert call.said[-1].endswith("Shall I place the order?")


def test_three_failed_repairs_bring_a_person(call: Call) -> None:
    assert call.hear("blah").startswith("Sorry, I did not catch that.")
    call.hear("blub", "bluh")
    assert call.orders.calls[-1].name == "escalate"
    assert call.orders.calls[-1].args["reason"] == "not_understood"


def test_something_understood_in_between_forgives(call: Call) -> None:
    call.hear("blah", "blub", "a soda", "bluh", "blah")
    assert "escalate" not in call.orders.names()


# -- people


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("can i speak to a person", "caller_asked"),
        ("is there gluten in the bun i'm allergic", "allergy_or_medical"),
        ("you charged me twice", "payment"),
        ("my last order was cold", "complaint"),
        ("shut up you idiot", "abuse"),
    ],
)
def test_a_person_is_called_and_the_agent_is_quiet(call: Call, said: str, reason: str) -> None:
    call.hear("a soda")
    assert call.hear(said) == "I am calling the front counter for you."
    request = call.orders.calls[-1]
    assert (request.name, request.args["reason"]) == ("escalate", reason)
    assert "soda" in str(request.args["summary"])
    calls = len(call.orders.calls)
    assert call.hear("hello", "a soda", "yes") == ""
    assert call.give(Silence(20)) == []
    assert len(call.orders.calls) == calls


def test_nobody_on_duty_is_said_and_the_order_goes_on(call: Call) -> None:
    call.orders.answers["escalate"] = [
        {"status": "refused", "code": "nobody", "message": "I am sorry, nobody can come to the phone now."}
    ]
    assert call.hear("a human please").startswith("I am sorry, nobody can come to the phone now.")
    call.hear("a soda", "that's all", "yes")
    assert call.orders.ticket() == [("soda", 1, ())]


def test_what_it_cannot_answer_it_says_and_offers_a_person(call: Call) -> None:
    assert "small assistant" in call.hear("is the chicken halal")
    call.hear("yes please")
    assert call.orders.names() == ["escalate"]


# -- questions


def test_a_price_is_looked_up(call: Call) -> None:
    assert call.hear("how much is a large mango juice").startswith("The mango juice with large is 250 shillings.")
    assert call.orders.names() == ["searchMenu"]


def test_what_there_is_can_be_ordered_with_a_yes_or_a_number(call: Call) -> None:
    assert call.hear("do you have mango juice").endswith("Would you like one?")
    call.hear("yes", "how much is a brownie", "ok i'll take two")
    assert [(line.item, line.quantity) for line in call.orders.lines] == [("mango-juice", 1), ("brownie", 2)]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("what drinks do you have", "For drinks we have soda, water, passion juice"),
        ("what do you have", "We have burgers, chicken, sides, drinks, desserts and combos."),
        ("which dips do you have", "For dip there is barbecue dip, garlic dip or chilli dip."),
        ("what comes with the chicken combo", "side: fries, masala chips or coleslaw"),
        ("do you have pizza", "Sorry, I do not find pizza on our menu."),
        ("do you deliver", "Yes, we deliver."),
    ],
)
def test_questions_about_the_menu(call: Call, question: str, answer: str) -> None:
    assert answer in call.hear(question)


def test_the_total_may_be_asked_at_any_time(call: Call) -> None:
    assert call.hear("a soda", "how much is that") == "So far that is much. Anything else?"
    call.hear("yes")
    assert not call.orders.placed, "a price is no read-back"


def test_a_question_at_the_read_back_does_not_lose_it(call: Call) -> None:
    call.hear("a soda", "that's all")
    assert call.hear("how much is a tea").endswith("Shall I place the order?")
    call.hear("yes")
    assert call.orders.ticket() == [("soda", 1, ())]


# -- the customer


def test_delivery_asks_for_the_address(call: Call) -> None:
    assert call.hear("two feasts and it's for delivery").endswith("What is the address?")
    call.hear("12 Rose Avenue, third floor", "that's all", "yes")
    assert call.orders.customer == {"fulfilment": "delivery", "address": "12 Rose Avenue, third floor"}
    assert call.orders.placed


def test_an_address_that_blocks_the_order_is_asked_for(call: Call) -> None:
    call.orders.customer["fulfilment"] = "delivery"
    assert call.hear("a soda", "that's all").endswith("What is the address for the delivery?")
    call.hear("Mpaka Road", "yes")
    assert call.orders.customer["address"] == "Mpaka Road"
    assert call.orders.placed


def test_a_yes_is_no_address(call: Call) -> None:
    call.hear("a tea for delivery", "yes")
    assert "address" not in call.orders.customer


def test_a_way_that_is_not_offered_is_refused_before_it_is_asked_for(call: Call) -> None:
    assert call.hear("a tea, and i'd like to eat in").endswith(
        "Sorry, there is only pickup or delivery. Anything else?"
    )
    assert call.orders.names() == ["addItem"]


# -- placing


def test_a_cut_off_read_back_costs_one_short_question(call: Call) -> None:
    again = {"status": "ask", "code": "confirm_again", "message": "The total is much. Shall I place the order?"}
    call.hear("a soda", "that's all")
    call.orders.answers["placeOrder"] = [again]
    call.give(Interrupted("That is one"))
    assert call.hear("yes") == "The total is much. Shall I place the order?"
    call.hear("yes")
    assert call.orders.ticket() == [("soda", 1, ())]


def test_a_quote_that_no_longer_holds_is_read_again(call: Call) -> None:
    call.hear("a soda", "that's all")
    call.orders.answers["placeOrder"] = [
        {"status": "refused", "code": "price_changed", "message": "A price has changed, so let me read it again."}
    ]
    answer = call.hear("yes")
    assert answer.startswith("A price has changed")
    assert answer.endswith("Shall I place the order?")
    call.hear("yes")
    assert call.orders.placed


def test_a_line_that_cannot_be_had_any_more_is_offered_to_go(call: Call) -> None:
    call.hear("a soda and a samosa", "that's all")
    gone = {"status": "refused", "code": "item_sold_out", "message": "Sorry, we are out of samosas.", "line": "line-2"}
    call.orders.answers["placeOrder"] = [gone]
    assert call.hear("yes") == "Sorry, we are out of samosas. Shall I take it off?"
    call.hear("yes", "yes")
    assert call.orders.ticket() == [("soda", 1, ())]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"status": "ask", "code": "x", "message": "What is the address?", "argument": "address"},
            "What is the address?",
        ),
        (
            {
                "status": "ask",
                "code": "fulfilment_missing",
                "message": "Is that pickup or delivery?",
                "options": [{"id": "pickup", "name": "pickup"}, {"id": "delivery", "name": "delivery"}],
            },
            "Is that pickup or delivery?",
        ),
        (
            {"status": "refused", "code": "branch_closed", "message": "We are closed."},
            "We are closed. What should I change?",
        ),
    ],
)
def test_what_stands_before_an_order_is_said(call: Call, answer: dict[str, object], said: str) -> None:
    call.hear("a soda", "that's all")
    call.orders.answers["placeOrder"] = [answer]
    assert call.hear("yes") == said
    assert not call.orders.placed


def test_how_the_food_is_got_is_answered_and_read_back_again(call: Call) -> None:
    call.hear("a soda", "that's all")
    ways = [{"id": "pickup", "name": "pickup"}, {"id": "delivery", "name": "delivery"}]
    call.orders.answers["placeOrder"] = [
        {"status": "ask", "code": "fulfilment_missing", "message": "Is that pickup or delivery?", "options": ways}
    ]
    call.hear("yes", "i'll collect it", "yes")
    assert call.orders.customer == {"fulfilment": "pickup"}
    assert call.orders.placed


def test_an_order_not_confirmed_yet_is_not_called_placed(call: Call) -> None:
    call.hear("a soda", "that's all")
    call.orders.answers["placeOrder"] = [{"status": "error", "code": "late", "message": "It is not confirmed yet."}]
    assert call.hear("yes") == "It is not confirmed yet. Shall I place the order?"
    assert call.agent.phase is Phase.READ_BACK


def test_something_after_the_order_makes_a_supplement(call: Call) -> None:
    call.hear("a soda", "that's all")
    steps = call.agent.handle(Heard("yes"))
    placed = [call.orders.answer(request) for step in steps if not isinstance(step, Say) for request in step.requests]
    call.agent.handle(ToolResults((ToolResult("placeOrder", placed[0]),)))  # goodbye is cut off by the caller
    call.agent.handle(Interrupted("Your order number is"))
    call.hear("oh and a tea", "no", "yes")
    assert len(call.orders.placed) == 2
    assert call.orders.ticket() == [("tea", 1, ())]


def test_thanks_after_the_order_ends_the_call(call: Call) -> None:
    call.hear("a soda", "that's all")
    call.agent.handle(Heard("yes"))
    result = call.orders._placeOrder()
    call.agent.handle(ToolResults((ToolResult("placeOrder", {**result, "cart": {"lines": []}}),)))
    assert call.hear("thank you bye").endswith("Goodbye.")
    assert call.orders.names()[-1] == "endCall"


# -- ending otherwise


def test_an_open_order_is_dropped_after_a_yes(call: Call) -> None:
    assert call.hear("a soda and a tea", "cancel my order") == "Shall I take everything off the order?"
    call.hear("yes", "goodbye")
    assert call.orders.lines == []
    assert call.orders.names()[-1] == "endCall"


def test_a_placed_order_is_cancelled_by_the_server(call: Call) -> None:
    assert call.hear("cancel my order").startswith("There is no placed order of yours yet.")
    assert call.orders.names() == ["cancelOrder"]


def test_goodbye_with_an_open_order_asks_once(call: Call) -> None:
    assert call.hear("a soda", "goodbye").startswith("Before you go, your order is not placed yet.")
    call.hear("goodbye")
    assert call.orders.names()[-1] == "endCall"
    assert not call.orders.placed


def test_that_is_all_without_an_order_ends_the_second_time(call: Call) -> None:
    assert call.hear("nothing") == "There is nothing in the order yet. What would you like?"
    call.hear("that's all")
    assert call.orders.names() == ["endCall"]


def test_silence_ends_an_empty_call(call: Call) -> None:
    prompts = [call.give(Silence(8)) for _ in range(3)]
    assert prompts[0] == ["Are you still there? What would you like?"]
    assert prompts[2] == ["Thank you for calling. Goodbye."]
    assert call.orders.names() == ["endCall"]


def test_silence_leaves_an_open_order_to_a_person(call: Call) -> None:
    call.hear("a soda")
    for _ in range(3):
        call.give(Silence(8))
    assert call.orders.names() == ["addItem", "escalate"]


def test_hold_on_gives_more_time(call: Call) -> None:
    call.hear("hold on")
    assert [bool(call.give(Silence(8))) for _ in range(3)] == [True, True, True]
    assert "endCall" not in call.orders.names()


def test_an_interruption_by_itself_says_nothing(call: Call) -> None:
    call.hear("a soda", "that's all")
    assert call.give(Interrupted("That is 1")) == []
    assert call.agent.phase is Phase.READ_BACK


def test_late_results_of_an_abandoned_call_only_tell_the_cart(call: Call) -> None:
    call.agent.handle(Heard("a soda"))
    call.agent.handle(Heard("a tea"))
    view = {"lines": [{"id": "line-1", "item": "soda", "quantity": 1, "options": []}]}
    late = ToolResults((ToolResult("getTotal", {"status": "ok", "read_back": "Old.", "cart": view}),))
    assert call.agent.handle(late) == []
    assert call.agent.phase is not Phase.READ_BACK
