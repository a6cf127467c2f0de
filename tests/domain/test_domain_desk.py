"""One entry of function calls at the desk: each guard answers what it is there for, and each one is needed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import reduce

import pytest
from desk_world import WITHOUT, World, branch, call, empty
from domain_scenario import NOON

from agiza.domain.cart import evolve
from agiza.domain.context import ReadBack
from agiza.domain.desk import DEADLINE_SLACK_MS, local_day, settle, take_over
from agiza.domain.inbox import TOMBSTONE, cancel


def with_fries() -> World:
    world = World()
    world.ask(call("addItem", name="fries"), told=0)
    return world


def test_calls_of_one_entry_build_on_each_other() -> None:
    world = World()
    answers = world.ask(call("addItem", name="fries"), call("changeQuantity", item="fries", quantity=4), told=0)
    assert [answer.how for answer in answers] == ["applied", "applied"]
    assert world.units == {"fries": 4}


def test_the_changes_lead_from_the_cart_before_to_the_cart_after() -> None:
    world = with_fries()
    before = world.held.cart
    settled = settle(world.held, world.entry(call("addItem", name="tea"), call("getTotal")), NOON)
    assert reduce(evolve, (change.event for change in settled.changes), before) == settled.cart


def test_the_same_entry_again_has_the_same_answers_and_nothing_to_write() -> None:
    world = World()
    entry = world.entry(call("addItem", name="fries"), call("searchMenu", query="tea"), told=0, epoch=1)
    first = world.settle(entry)
    again = world.settle(entry)
    assert [answer.response for answer in again.answers] == [answer.response for answer in first.answers]
    assert {answer.how for answer in again.answers} == {"repeated"}
    assert again.changes_nothing


def test_an_id_twice_within_one_entry_is_carried_out_once() -> None:
    world = World()
    same = call("addItem", name="fries", quantity=2)
    first, again, other = world.ask(same, same, replace(same, args={"name": "tea"}))
    assert (first.how, again.how, other.how) == ("applied", "repeated", "id_reused")
    assert again.response == first.response
    assert world.units == {"fries": 2}


@pytest.mark.parametrize(
    "changed", [call("addItem", fc_id="fc-x", name="tea"), call("removeItem", fc_id="fc-x", name="fries")], ids=str
)
def test_an_id_with_something_else_in_it_is_refused(changed: object) -> None:
    world = World()
    world.ask(call("addItem", fc_id="fc-x", name="fries"))
    (answer,) = world.ask(changed)  # type: ignore[arg-type]
    assert (answer.how, answer.response["code"]) == ("id_reused", "id_reused")
    assert world.units == {"fries": 1}


@pytest.mark.parametrize(("late_ms", "how"), [(8_000 + DEADLINE_SLACK_MS, "applied"), (9_001, "expired")])
def test_the_deadline_has_its_slack_and_no_more(late_ms: int, how: str) -> None:
    world = World()
    assert world.ask(call("addItem", name="fries"), late_ms=late_ms)[0].how == how


def test_what_expired_stays_expired_and_questions_do_not_expire() -> None:
    world = World()
    late = world.entry(call("addItem", name="fries"), call("searchMenu", query="fries"), late_ms=60_000)
    first = world.settle(late)
    assert [answer.how for answer in first.answers] == ["expired", "applied"]
    again = settle(world.held, replace(late, deadline_ms=late.deadline_ms + 3_600_000), NOON)
    assert again.answers[0].response == first.answers[0].response
    assert world.units == {}


@pytest.mark.parametrize(
    ("after_s", "how"), [(-3, "applied"), (1, "applied"), (1.001, "call_over"), (3600, "call_over")]
)
def test_nothing_is_changed_by_what_was_asked_after_the_call(after_s: float, how: str) -> None:
    world = with_fries()
    world.hang_up()
    world.wait(after_s)
    (answer,) = world.ask(call("addItem", name="tea"))
    assert answer.how == how
    assert world.units == ({"fries": 1, "tea": 1} if how == "applied" else {"fries": 1})


def test_what_was_asked_before_the_end_is_carried_out_after_it_until_its_deadline() -> None:
    """The caller said yes and hung up; the entry lay on its stream meanwhile."""
    world = with_fries()
    entry = world.entry(call("placeOrder"), heard=world.heard(), told=1)
    late = world.entry(call("addItem", name="tea"))
    world.wait(1)
    world.hang_up()
    world.wait(5)
    assert world.settle(entry).answers[0].response["code"] == "order_placed"
    world.wait(10)
    assert [answer.how for answer in world.settle(late).answers] == ["expired"]
    assert world.numbers == [1]


def test_after_the_call_a_refusal_stays_and_questions_are_answered() -> None:
    world = with_fries()
    world.hang_up()
    world.wait(60)
    asked = (call("addItem", name="tea"), call("placeOrder"), call("getTotal"), call("searchMenu", query="tea"))
    entry = world.entry(*asked)
    first = world.settle(entry)
    assert [answer.how for answer in first.answers] == ["call_over", "call_over", "applied", "applied"]
    assert (first.answers[0].response["status"], first.answers[0].response["code"]) == ("refused", "call_over")
    assert first.answers[0].response["message"] == "The call is over, so that was not done."
    world.held = replace(world.held, ended_at=None)
    assert [answer.how for answer in world.settle(entry).answers] == ["repeated"] * 4
    assert world.units == {"fries": 1}


def test_the_end_of_an_earlier_call_does_not_bind_the_one_that_goes_on_with_its_cart() -> None:
    world = with_fries()
    world.hang_up()
    world.wait(60)
    world.held = replace(world.held, ended_at=None)  # its row is that of the call that asks
    assert world.ask(call("addItem", name="tea"))[0].how == "applied"


def test_an_older_leg_gets_its_old_answers_and_nothing_else() -> None:
    world = World()
    old = call("addItem", name="fries")
    world.ask(old, epoch=1)
    world.held = replace(world.held, leg_epoch=2)
    repeated, refused = world.ask(old, call("addItem", name="tea"), epoch=1)
    assert (repeated.how, repeated.response["status"]) == ("repeated", "ok")
    assert (refused.how, refused.response["code"]) == ("older_leg", "stale_leg")
    settled = settle(world.held, world.entry(call("addItem", name="tea"), epoch=1), NOON)
    assert settled.changes_nothing, "kept, the refusal would meet the later leg that makes the same call"
    assert world.held.leg_epoch == 2


def test_a_newer_leg_raises_the_fence() -> None:
    settled = settle(empty(fence=1), World().entry(call("searchMenu", query="tea"), epoch=3), NOON)
    assert (settled.leg_epoch, settled.is_fence_raised, settled.changes_nothing) == (3, True, False)


def test_a_change_based_on_an_older_cart_is_shown_the_whole_cart() -> None:
    world = with_fries()
    (answer,) = world.ask(call("addItem", name="tea"), told=0)
    assert (answer.how, answer.response["cart_version"]) == ("stale_cart", 1)
    assert [line["id"] for line in answer.response["cart"]["lines"]] == ["line-1"]  # type: ignore[index]


def test_all_changes_of_a_message_that_was_based_on_an_older_cart_are_refused() -> None:
    """The model wrote them in one breath: the first refusal was not in its mind when it wrote the second."""
    world = with_fries()
    answers = world.ask(call("addItem", name="tea"), call("getTotal"), call("addItem", name="fries"), told=0)
    assert [answer.how for answer in answers] == ["stale_cart", "applied", "stale_cart"]
    assert world.units == {"fries": 1}


def test_a_cancelled_call_is_never_carried_out() -> None:
    world = with_fries()
    gone = call("addItem", name="tea")
    cancelled = cancel(0, world.held.results, 0, [gone.id])
    assert [row.result.tool for row in cancelled.tombstones] == [TOMBSTONE]
    rows = {row.tool_call_id: row.result for row in cancelled.tombstones}
    world.held = replace(world.held, results={**world.held.results, **rows})
    (answer,) = world.ask(gone)
    assert (answer.how, world.units) == ("cancelled", {"fries": 1})
    assert cancel(0, world.held.results, 0, [gone.id]).tombstones == (), "cancelled again, nothing is left to write"


def test_a_cancellation_leaves_what_was_done_and_what_is_not_its_own() -> None:
    world = World()
    (done,) = world.ask(call("addItem", name="fries"))
    assert cancel(0, world.held.results, 0, [done.id]).tombstones == ()
    older = cancel(2, {}, 1, ["fc-new"])
    assert (older.tombstones, older.is_older_leg) == ((), True)
    twice = cancel(None, {}, 0, ["fc-a", "fc-a"])
    assert len(twice.tombstones) == 1, "before there is a cart, there is no fence either"


def test_a_later_leg_takes_over_and_an_older_one_does_not() -> None:
    assert [take_over(1, epoch) for epoch in (0, 1, 2)] == ["superseded", "ok", "ok"]


def test_the_order_gets_its_number_and_its_id_from_the_cart() -> None:
    world = with_fries()
    entry = world.entry(call("placeOrder"), heard=world.heard(), told=1)
    guess, right = (settle(world.held, entry, NOON, first_number=number) for number in (1, 41))
    assert [order.number for order in right.placed] == [41]
    assert (right.answers[0].response["order_number"], guess.answers[0].response["order_number"]) == (41, 1)
    assert guess.placed == tuple(replace(order, number=1) for order in right.placed)
    assert [news.id for news in guess.feed] == [news.id for news in right.feed]
    assert len(right.feed) == 1


def test_a_cancelled_order_is_told_once() -> None:
    world = with_fries()
    world.ask(call("placeOrder"), heard=world.heard())
    for _ in range(2):
        world.answer("cancelOrder")
    assert len(set(world.feed)) == len(world.feed) == 2
    assert [order.state for order in world.held.orders] == ["cancel_requested"]


def test_the_day_is_the_branchs() -> None:
    assert local_day(datetime(2026, 3, 6, 20, 59, tzinfo=UTC), branch()) == date(2026, 3, 6)
    assert local_day(datetime(2026, 3, 6, 21, 0, tzinfo=UTC), branch()) == date(2026, 3, 7)


# -- each guard is needed: what happens to the caller without it


def doubled_by_a_repetition(world: World) -> bool:
    entry = world.entry(call("addItem", name="fries"))
    world.settle(entry)
    world.settle(entry)
    return world.units != {"fries": 1}


def carried_out_though_cancelled(world: World) -> bool:
    gone = call("addItem", name="fries")
    rows = {row.tool_call_id: row.result for row in cancel(0, {}, 0, [gone.id]).tombstones}
    world.held = replace(world.held, results=rows)
    world.ask(gone)
    return world.units != {}


def changed_by_an_older_leg(world: World) -> bool:
    world.held = empty(fence=2)
    world.ask(call("addItem", name="fries"), epoch=1)
    return world.units != {}


def changed_long_after(world: World) -> bool:
    world.ask(call("addItem", name="fries"), late_ms=60_000)
    return world.units != {}


def changed_after_the_call(world: World) -> bool:
    world.hang_up()
    world.wait(60)
    world.ask(call("addItem", name="fries"))
    return world.units != {}


def placed_without_a_word(world: World) -> bool:
    world.ask(call("addItem", name="fries"))
    world.ask(call("placeOrder"), heard=ReadBack("q-made-up", "completed", 9_000, 900))
    return world.numbers != []


def added_again_after_a_lost_answer(world: World) -> bool:
    for _ in range(2):
        world.ask(call("addItem", name="fries"), told=0)
    return world.units != {"fries": 1}


def placed_twice_by_two_calls(world: World) -> bool:
    world.ask(call("addItem", name="fries"))
    heard = world.heard()
    for _ in range(2):
        world.ask(call("placeOrder"), heard=heard)
    return world.numbers != [1]


HARM: dict[str, Callable[[World], bool]] = {
    "inbox": doubled_by_a_repetition,
    "tombstone": carried_out_though_cancelled,
    "fence": changed_by_an_older_leg,
    "end": changed_after_the_call,
    "deadline": changed_long_after,
    "read_back": placed_without_a_word,
    "stale_cart": added_again_after_a_lost_answer,
    "unique_order": placed_twice_by_two_calls,
}


@pytest.mark.parametrize("guard", WITHOUT)
def test_no_harm_is_done_while_the_guard_stands_and_some_is_without_it(guard: str) -> None:
    assert not HARM[guard](World())
    assert HARM[guard](World(guards=WITHOUT[guard]()))
