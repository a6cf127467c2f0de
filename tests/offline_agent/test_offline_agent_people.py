"""Persons: they take over, are rung while the order goes on, do not come, ring back."""

from typing import Any

import pytest
from offline_menus import setup_of, westlands
from offline_orders import Call

from simulators.live_api.offline import Silence, ToolResult, ToolResults
from simulators.live_api.offline.phases import Phase

GRILL = westlands()
RUNG: dict[str, Any] = {"status": "ok", "code": "being_rung", "message": "I am ringing Ann."}
OFFERED: dict[str, Any] = {
    "status": "refused", "code": "nobody_on_duty", "message": "Nobody is here. Shall we ring you back?",
    "callback": "offered",
}  # fmt: skip
NUMBER: dict[str, Any] = {
    "status": "refused", "code": "nobody_on_duty", "message": "Nobody is here. May we ring you back, on what number?",
    "callback": "number_needed",
}  # fmt: skip
PROMISED: dict[str, Any] = {"status": "ok", "code": "callback_promised", "message": "We ring you back."}
BAD_PHONE: dict[str, Any] = {"status": "refused", "code": "bad_phone", "message": "Could you say it digit by digit?"}


@pytest.fixture
def call() -> Call:
    return Call(setup_of(GRILL), GRILL).start()


def escalations(call: Call) -> list[object]:
    return [request.args["reason"] for request in call.orders.calls if request.name == "escalate"]


def answered(call: Call, *answers: dict[str, Any]) -> None:
    call.orders.answers["escalate"] = [dict(answer) for answer in answers]


def test_behind_a_hand_off_the_agent_is_quiet(call: Call) -> None:
    answered(call, {"status": "ok", "code": "handoff", "message": "I am calling Ann."})
    assert call.hear("can i speak to a person") == "I am calling Ann."
    assert call.agent.phase is Phase.HANDED_OVER
    assert call.hear("a soda") == ""
    assert call.give(Silence(20)) == []


def test_while_a_person_is_rung_the_order_goes_on(call: Call) -> None:
    answered(call, RUNG)
    call.hear("a soda")
    assert call.hear("can i speak to a person") == "I am ringing Ann. Anything else?"
    call.hear("a brownie", "that's all", "yes")
    assert call.orders.ticket() == [("brownie", 1, ()), ("soda", 1, ())]


def test_a_read_back_survives_that_nobody_came(call: Call) -> None:
    answered(call, RUNG, PROMISED)
    call.hear("a soda", "can i speak to a person", "that's all")
    assert call.agent.phase is Phase.READ_BACK
    late = ToolResult("escalate", {**OFFERED, "code": "nobody_came", "message": "Nobody came. Shall we ring you back?"})
    assert call.give(ToolResults((late,))) == ["Nobody came. Shall we ring you back?"]
    call.hear("no thanks")
    assert call.agent.phase is Phase.READ_BACK
    call.hear("yes")
    assert call.orders.ticket() == [("soda", 1, ())]


def test_yes_to_being_rung_back(call: Call) -> None:
    answered(call, OFFERED, PROMISED)
    call.hear("a soda")
    assert call.hear("can i speak to a person") == "Nobody is here. Shall we ring you back?"
    assert call.hear("yes please") == "We ring you back. Anything else?"
    assert escalations(call) == ["caller_asked", "callback"]
    call.hear("that's all", "yes")
    assert call.orders.ticket() == [("soda", 1, ())]


@pytest.mark.parametrize("said", ["no", "no thanks", "nothing else"])
def test_no_to_being_rung_back(call: Call, said: str) -> None:
    answered(call, OFFERED)
    call.hear("can i speak to a person", said, "a soda", "that's all", "yes")
    assert escalations(call) == ["caller_asked"]
    assert call.orders.ticket() == [("soda", 1, ())]


def test_an_offer_that_is_no_question_is_asked(call: Call) -> None:
    answered(call, {**OFFERED, "message": "Nobody is here."}, PROMISED)
    assert call.hear("can i speak to a person") == "Nobody is here. Shall we ring you back?"
    call.hear("yes")
    assert escalations(call)[-1] == "callback"


@pytest.mark.parametrize(
    ("said", "phone"),
    [
        ("zero seven one two three four five six seven eight", "0712345678"),
        ("my number is 0712 345 678", "0712345678"),
        ("it's +254 712 345678", "+254712345678"),
    ],
)
def test_a_number_is_asked_for_noted_and_promised_to_ring(call: Call, said: str, phone: str) -> None:
    answered(call, NUMBER, PROMISED)
    assert call.hear("a manager please").endswith("on what number?")
    assert call.hear(said).startswith("We ring you back.")
    assert call.orders.customer == {"phone": phone}
    assert escalations(call) == ["caller_asked", "callback"]


def test_a_yes_is_not_yet_a_number(call: Call) -> None:
    answered(call, NUMBER, PROMISED)
    call.hear("a manager please")
    assert call.hear("yes") == "What number may we ring you on?"
    call.hear("0712345678")
    assert escalations(call)[-1] == "callback"


def test_a_number_that_is_none_is_asked_for_again_but_not_for_ever(call: Call) -> None:
    answered(call, NUMBER, PROMISED)
    call.orders.answers["setCustomer"] = [dict(BAD_PHONE)] * 3
    call.hear("a manager please")
    assert call.hear("123456") == "Could you say it digit by digit?"
    call.hear("123456")
    assert "Let us leave that." in call.hear("123456")
    call.hear("a soda", "that's all", "yes")
    assert call.orders.ticket() == [("soda", 1, ())]
    assert escalations(call) == ["caller_asked"]


def test_no_number_and_the_order_goes_on(call: Call) -> None:
    answered(call, NUMBER)
    call.hear("a soda", "a manager please")
    assert call.hear("no") == "All right. Anything else?"
    call.hear("that's all", "yes")
    assert call.orders.ticket() == [("soda", 1, ())]


def test_a_wish_instead_of_a_number(call: Call) -> None:
    answered(call, NUMBER)
    call.hear("a manager please", "a soda then")
    assert call.orders.names() == ["escalate", "addItem"]
    call.hear("that's all", "yes")
    assert call.orders.ticket() == [("soda", 1, ())]


def test_what_is_no_number_is_not_asked_for_for_ever(call: Call) -> None:
    answered(call, NUMBER)
    assert "Let us leave that." in call.hear("a manager please", "blah", "blub", "bluh")
    assert escalations(call) == ["caller_asked"]


def test_an_order_that_the_kitchen_refused_is_told_and_a_person_offered(call: Call) -> None:
    answered(call, {"status": "ok", "code": "handoff", "message": "I am calling Ann."})
    call.hear("a soda", "that's all", "yes")
    message = "The kitchen cannot take order one. Shall I get a person for you?"
    refused = ToolResult("orderStatus", {"status": "ok", "offer": "person", "message": message})
    assert call.give(ToolResults((refused,))) == [message]
    assert call.hear("yes please") == "I am calling Ann."
    assert len(escalations(call)) == 1
