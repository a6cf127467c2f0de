"""Any sequence of entries at the desk, repeated, late, of older legs, with ids used again: what comes out is what each
call asked for, once. Every entry is settled twice, and the second time changes nothing."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce
from typing import Any

import pytest
from desk_world import WITHOUT, World, call, empty
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from agiza.domain.cart import CartEvent, evolve
from agiza.domain.codec import cart_from_json, cart_to_json
from agiza.domain.commands import MUTATING_TOOLS
from agiza.domain.context import ReadBack
from agiza.domain.desk import settle
from agiza.domain.entry import KEPT, Answer, Entry, Held, Settled, ToolCall
from agiza.domain.inbox import TOMBSTONE, cancel

ITEMS = st.sampled_from(["fries", "soda", "tea", "chicken-burger", "chicken-burger-combo", "pizza", ""])
CALLS = st.one_of(
    st.builds(lambda name, n: call("addItem", name=name, quantity=n), ITEMS, st.integers(-1, 12)),
    st.builds(lambda name, n: call("changeQuantity", item=name, quantity=n), ITEMS, st.integers(0, 31)),
    st.builds(lambda name: call("removeItem", item=name), ITEMS),
    st.builds(lambda name: call("applyModifier", item=name, modifier="large"), ITEMS),
    st.builds(lambda note: call("setCustomer", fulfilment="pickup", note=note), st.text(max_size=5)),
    st.sampled_from(["getTotal", "placeOrder", "orderStatus", "cancelOrder", "escalate", "nothing"]).map(
        lambda name: call(name)
    ),
    st.builds(lambda name: call("searchMenu", query=name), ITEMS),
    st.builds(lambda args: call("addItem", **args), st.dictionaries(st.text("abc", min_size=1), st.integers())),
)


class DeskMachine(RuleBasedStateMachine):
    """`sent` are entries that were settled, with the answers that they got."""

    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.changes: list[CartEvent] = []
        self.told: dict[str, dict[str, Any]] = {}
        self.fence = 0

    def settle(self, entry: Entry) -> Settled:
        before = self.world.held
        first = self.world.settle(entry)
        self.changes += [change.event for change in first.changes]
        self.check(entry, before, first)
        again = self.world.settle(entry)
        assert again.changes_nothing
        assert again.cart == first.cart
        for one, other in zip(first.answers, again.answers, strict=True):
            if one.how in (*KEPT, "repeated"):
                assert (other.how, other.response) == ("repeated", one.response)
            else:
                assert other.how == one.how
        return first

    def check(self, entry: Entry, before: Held, settled: Settled) -> None:
        applied = {answer.id for answer in settled.answers if answer.how == "applied"}
        assert {change.tool_call_id for change in settled.changes} <= applied
        if entry.leg_epoch < before.leg_epoch:
            assert settled.changes_nothing
        if entry.deadline_ms + 1000 < self.world.now.timestamp() * 1000:
            assert not {answer.name for answer in settled.answers if answer.how == "applied"} & MUTATING_TOOLS
        ended_ms = before.ended_at.timestamp() * 1000 if before.ended_at is not None else entry.asked_ms
        if entry.asked_ms > ended_ms + 1000:
            assert not {answer.name for answer in settled.answers if answer.how == "applied"} & MUTATING_TOOLS
        if entry.cart_version_told not in (None, before.cart.version):
            assert settled.cart.version == before.cart.version
        for answer in settled.answers:
            self.check_told(answer)

    def check_told(self, answer: Answer) -> None:
        """What the model was told once about a function call is what it is told ever after."""
        if answer.how in KEPT:
            assert answer.id not in self.told
            self.told[answer.id] = answer.response
        elif answer.how == "repeated":
            assert answer.response == self.told[answer.id]

    @rule(
        target=sent,
        calls=st.lists(CALLS, min_size=1, max_size=4),
        older=st.sampled_from([0, 0, 0, 1]),
        newer=st.sampled_from([0, 0, 0, 1]),
        behind=st.sampled_from([None, 0, 0, 1]),
        late_ms=st.sampled_from([0, 0, 0, 60_000]),
    )
    def send(self, calls: list[ToolCall], older: int, newer: int, behind: int | None, late_ms: int) -> Entry:
        epoch = max(0, self.world.held.leg_epoch + newer - older)
        told = None if behind is None else max(0, self.world.held.cart.version - behind)
        entry = self.world.entry(*calls, epoch=epoch, told=told, late_ms=late_ms)
        self.settle(entry)
        return entry

    @rule(target=sent, calls=st.lists(CALLS, min_size=1, max_size=3), seconds=st.sampled_from([-5, 0, 60]))
    def send_around_the_end(self, calls: list[ToolCall], seconds: int) -> Entry:
        """So long after the call; then its cart goes on in another one."""
        world = self.world
        world.held = replace(world.held, ended_at=world.now - timedelta(seconds=seconds))
        entry = world.entry(*calls, epoch=world.held.leg_epoch)
        self.settle(entry)
        world.held = replace(world.held, ended_at=None)
        return entry

    @rule(target=sent, outcome=st.sampled_from(["completed", "completed", "cut", "playing", "none"]))
    def read_back_and_place(self, outcome: Any) -> Any:
        total = self.world.entry(call("getTotal"), epoch=self.world.held.leg_epoch)
        quoted = self.settle(total).answers[0].response
        if quoted["status"] != "ok":
            return multiple()
        heard = ReadBack(str(quoted["quote_id"]), outcome, 4_000, 600)
        place = self.world.entry(
            call("placeOrder"), epoch=self.world.held.leg_epoch, told=self.world.held.cart.version, heard=heard
        )
        before = len(self.world.numbers)
        self.settle(place)
        assert len(self.world.numbers) == before or outcome in ("completed", "cut")
        # the same wish once more, under another id: the model had no answer
        self.settle(self.world.entry(call("placeOrder"), epoch=self.world.held.leg_epoch, heard=heard))
        assert len(self.world.numbers) <= before + 1
        return place

    @rule(entry=sent)
    def repeat(self, entry: Entry) -> None:
        before = self.world.held
        self.settle(entry)
        assert self.world.held.cart == before.cart or entry.leg_epoch >= before.leg_epoch

    @rule(entry=sent, name=ITEMS)
    def use_an_id_again(self, entry: Entry, name: str) -> None:
        other = ToolCall(entry.calls[0].id, "addItem", {"name": name, "quantity": 29})  # more than `CALLS` ever ask for
        is_known, before = other.id in self.told, self.world.held.cart
        (answer,) = self.settle(self.world.entry(other, epoch=self.world.held.leg_epoch)).answers
        if is_known:
            assert answer.how in ("id_reused", "repeated"), "repeated where this very rule has used the id before"
            assert self.world.held.cart == before

    @rule(entry=consumes(sent), fresh=CALLS)
    def cancel(self, entry: Entry, fresh: ToolCall) -> None:
        held = self.world.held
        ids = [*(one.id for one in entry.calls), fresh.id]
        cancelled = cancel(held.leg_epoch, held.results, entry.leg_epoch, ids)
        rows = {row.tool_call_id: row.result for row in cancelled.tombstones}
        assert not rows.keys() & {id for id, row in held.results.items() if row.tool != TOMBSTONE}
        self.world.held = replace(held, results={**held.results, **rows})
        (answer,) = self.settle(self.world.entry(fresh, epoch=self.world.held.leg_epoch)).answers
        assert (answer.how == "cancelled") == (fresh.id in rows)

    @rule(seconds=st.sampled_from([1, 30, 600]))
    def wait(self, seconds: int) -> None:
        self.world.wait(seconds)

    @invariant()
    def the_history_gives_the_cart(self) -> None:
        assert reduce(evolve, self.changes, empty().cart) == self.world.held.cart
        assert cart_from_json(cart_to_json(self.world.held.cart)) == self.world.held.cart

    @invariant()
    def every_order_is_there_once(self) -> None:
        assert self.world.numbers == list(range(1, len(self.world.numbers) + 1))
        assert len({order.id for order in self.world.held.orders}) == len(self.world.numbers)
        assert [order.number for order in self.world.held.cart.placed] == self.world.numbers
        assert len(set(self.world.feed)) == len(self.world.feed)

    @invariant()
    def the_fence_only_rises(self) -> None:
        assert self.world.held.leg_epoch >= self.fence
        self.fence = self.world.held.leg_epoch


TestDesk = DeskMachine.TestCase
TestDesk.settings = settings(stateful_step_count=25)


@pytest.mark.parametrize("guard", WITHOUT)
def test_a_missing_guard_is_found(guard: str) -> None:
    """The machine would notice: each guard is taken away once."""

    class Unguarded(DeskMachine):
        def __init__(self) -> None:
            super().__init__()
            self.world.guards = WITHOUT[guard]()

    # The same examples every time, and the first failure as it is: how small it can be made is of no interest here.
    tries = settings(max_examples=300, stateful_step_count=25, derandomize=True, database=None, phases=[Phase.generate])
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(Unguarded, settings=tries)


@given(st.lists(CALLS, min_size=1, max_size=6), st.integers(0, 3), st.integers(0, 3))
def test_settling_is_a_function_of_what_it_is_given(calls: list[ToolCall], epoch: int, fence: int) -> None:
    world = World(held=empty(fence=fence))
    entry = world.entry(*calls, epoch=epoch)
    assert settle(world.held, entry, world.now) == settle(world.held, entry, world.now)


@given(st.lists(CALLS, min_size=1, max_size=6), st.integers(0, 5))
def test_one_entry_of_many_calls_is_many_entries_of_one_call(calls: list[ToolCall], cut: int) -> None:
    """Where an entry is cut changes nothing but the cart version that the model knows."""
    together, apart = World(), World()
    whole = together.settle(together.entry(*calls))
    parts = [part for part in (calls[:cut], calls[cut:]) if part]
    answers = [answer for part in parts for answer in apart.settle(apart.entry(*part)).answers]
    assert [answer.response for answer in answers] == [answer.response for answer in whole.answers]
    assert apart.held == together.held
