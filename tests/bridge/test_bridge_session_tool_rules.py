"""What keeps a model's function calls from doing harm: each rule of the tool path, seen from the session."""

from __future__ import annotations

import json

import pytest
from session_script import Script, only

from agiza.contracts.tools import MUTATING_TOOLS
from services.bridge.legs.live_codec import decode
from services.bridge.session import actions as a
from services.bridge.session import inputs as i

OK: dict[str, object] = {"status": "ok", "message": "Done."}


@pytest.mark.parametrize("name", sorted(MUTATING_TOOLS))
def test_every_change_says_from_which_cart_the_model_started(name: str) -> None:
    script = Script().talking()
    script.call("getTotal")
    script.answer(1, ("c1", "getTotal", OK), version=7)
    (published,) = only(script.call(name, start=2), a.PublishTools)
    assert published.cart_version_told == 7


def test_a_call_that_comes_in_both_shapes_and_again_is_carried_out_once() -> None:
    script = Script().talking()
    call = {"id": "c1", "name": "addItem", "args": {"name": "fries"}}
    in_turn = {"serverContent": {"modelTurn": {"parts": [{"functionCall": call}]}}}
    for message in (in_turn, {"toolCall": {"functionCalls": [call]}}, in_turn, {"toolCall": {"functionCalls": [call]}}):
        script.feed(*decode(json.dumps(message)))
    assert len(only(script.log, a.PublishTools)) == 1
    assert only(script.last, a.Complain) == [a.Complain("tool_id_repeated")]


@pytest.mark.parametrize("name", ["escalate", "endCall", "switchLanguage"])
def test_the_caller_is_heard_while_a_call_runs_that_does_not_block_or_is_answered_at_once(name: str) -> None:
    script = Script().talking()
    script.call(name, reason="caller_asked", summary="", language="en")
    assert a.SendCallerAudio(b"aa") in script.feed(i.CallerAudio(b"aa"))


@pytest.mark.parametrize("frames", [1, 14])
def test_the_caller_is_held_back_for_300_ms_at_most_and_nothing_is_lost(frames: int) -> None:
    script = Script().talking()
    script.call("placeOrder")
    for n in range(frames):
        assert not only(script.feed(i.CallerAudio(bytes([n, n]))), a.SendCallerAudio)
        script.wait(20, frames=False)
    script.wait(300 - 20 * frames, frames=False)
    sent = b"".join(action.pcm for action in only(script.log, a.SendCallerAudio))
    assert sent.endswith(b"".join(bytes([n, n]) for n in range(frames)))


def circle(script: Script, times: int, *names: str, **results: object) -> None:
    """The model calls these again and again, each in a message of its own, and is answered with the cart."""
    request = len(only(script.log, a.PublishTools))
    for n in range(times):
        request += 1
        call_id, name = f"r{request}", names[n % len(names)]
        script.feed(i.ToolsRequested((i.ToolRequest(call_id, name, {"name": "fries"}),)))
        answer = {**OK, "cart_version": request, "cart": {"lines": request}, **results}
        script.answer(request, (call_id, name, answer), version=request)


def runaway(script: Script) -> bool:
    return a.Complain("model_runaway") in script.log


def test_a_model_that_adds_the_same_thing_again_and_again_is_stopped() -> None:
    script = Script().talking()
    circle(script, 8, "addItem")
    assert not runaway(script)
    circle(script, 1, "addItem")
    assert runaway(script)
    assert only(script.last, a.RequestHandoff)[0].reason == "technical"


def test_a_circle_of_two_is_one_too() -> None:
    script = Script().talking()
    circle(script, 17, "addItem", "removeItem")
    assert runaway(script)


def test_who_orders_much_is_no_circle() -> None:
    script = Script().talking()
    for _ in range(4):
        circle(script, 6, "addItem")
        script.feed(i.CallerSpoke(400))
    assert not runaway(script)


def test_looking_things_up_that_change_is_no_circle() -> None:
    script = Script().talking()
    circle(script, 12, "getTotal")
    assert not runaway(script), "each answer was another one"


def test_a_leg_that_knows_its_cart_says_so_from_the_first_function_call_on() -> None:
    script = Script().talking()
    script.feed(i.CartKnown(0))
    (asked,) = only(script.call("addItem", name="fries"), a.PublishTools)
    assert asked.cart_version_told == 0


def test_a_repeated_answer_shows_the_cart_of_its_time() -> None:
    script = Script().talking()
    script.call("getTotal")
    script.answer(1, ("c1", "getTotal", {"status": "refused", "code": "cart_empty", "cart_version": 0}), version=2)
    (asked,) = only(script.call("addItem", start=2, name="fries"), a.PublishTools)
    assert asked.cart_version_told == 0
