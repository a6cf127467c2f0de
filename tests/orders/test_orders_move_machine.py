"""A kitchen and a caller say whatever comes to them, in any order: legal moves succeed, all others are refused with
what is allowed, and the events tell the very way that the order went."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx
import hypothesis
import psycopg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from orders_api import Api, api_on
from orders_desk import Desk, desk_on, fc
from servers import Database

from agiza.domain.orders import POS_STATES, TIMED_STATES, OrderState
from agiza.runtime.clock import StoppedClock
from agiza.runtime.metrics import Metrics

pytestmark = pytest.mark.integration

# The moves once more, by hand: the machine must not learn them from what it tests.
NEXT = {
    "placed": {"received": ["received"], "accepted": ["received", "accepted"], "rejected": ["received", "rejected"],
               "cancelled": ["received", "cancelled"]},
    "received": {"accepted": ["accepted"], "rejected": ["rejected"], "cancelled": ["cancelled"]},
    "accepted": {"preparing": ["preparing"], "cancelled": ["cancelled"]},
    "preparing": {"ready": ["ready"], "cancelled": ["cancelled"]},
    "ready": {"completed": ["completed"], "preparing": ["preparing"]},
    "cancel_requested": {"cancelled": ["cancelled"], "ready": ["ready"]},
    "rejected": {}, "completed": {}, "cancelled": {},
}  # fmt: skip
CANCELLABLE = {"placed", "received", "accepted", "preparing"}

T = TypeVar("T")


class Moves(RuleBasedStateMachine):
    """One order at a time, on a database that all runs share."""

    runner: asyncio.Runner
    api: Api
    till: httpx.AsyncClient
    made = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def place(self) -> None:
        type(self).made += 1
        self.call_id = f"HD_move{self.made:04d}"
        self.order_id = self.do(self.api.placed(self.call_id))
        self.state = "placed"
        self.steps = ["placed"]
        self.eta: int | None = 20
        self.keyed: dict[str, tuple[dict[str, Any], httpx.Response]] = {}

    def say(self, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        headers = {"idempotency-key": key} if key else {}
        return self.do(self.till.post(f"/v1/orders/{self.order_id}/state", json=body, headers=headers))

    @rule(
        word=st.sampled_from(POS_STATES),
        minutes=st.sampled_from([5, 15]),
        key=st.none() | st.integers(0, 3).map(lambda number: f"key-{number:08d}"),
    )
    def kitchen_says(self, word: OrderState, minutes: int, key: str | None) -> None:
        body: dict[str, Any] = {"state": word.value}
        if word in TIMED_STATES:
            body["eta_minutes"] = minutes
        if word is OrderState.REJECTED:
            body["reason"] = "busy"
        key = f"{key}-{self.call_id}" if key else None
        answer = self.say(body, key)
        if key is not None and key in self.keyed:
            sent, first = self.keyed[key]
            if sent == body:
                assert (answer.status_code, answer.json()) == (first.status_code, first.json())
            else:
                assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
            return
        if key is not None:
            self.keyed[key] = (body, answer)
        self.judge(word, minutes, answer)

    def judge(self, word: OrderState, minutes: int, answer: httpx.Response) -> None:
        if word.value == self.state:
            assert answer.status_code == 200
            if word in TIMED_STATES and minutes != self.eta:
                self.steps.append(word.value)
                self.eta = minutes
        elif word.value in NEXT[self.state]:
            assert answer.status_code == 200, answer.text
            assert answer.json()["state"] == word.value
            self.steps += NEXT[self.state][word.value]
            self.state = word.value
            self.eta = minutes if word in TIMED_STATES else self.eta
        else:
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (409, "move-not-allowed")
            assert problem["state"] == self.state
            assert set(problem["allowed"]) == NEXT[self.state].keys()

    @rule()
    def caller_cancels(self) -> None:
        desk = self.api.desk
        (answer,) = self.do(desk.answer(desk.event(fc("cancelOrder"), call_id=self.call_id)))
        if self.state in CANCELLABLE and "cancel_requested" not in self.steps:
            assert answer["code"] == "cancel_requested"
            self.state = "cancel_requested"
            self.steps.append("cancel_requested")
        else:
            assert answer["code"] in ("already_cancelled", "already_rejected", "too_late_to_cancel")

    @precondition(lambda self: hasattr(self, "order_id"))
    @rule(word=st.text(max_size=12).filter(lambda text: text not in {state.value for state in POS_STATES}))
    def kitchen_says_what_is_no_word(self, word: str) -> None:
        answer = self.say({"state": word})
        assert answer.status_code == 422
        assert set(answer.json()["allowed"]) == {state.value for state in POS_STATES}

    @invariant()
    def events_tell_the_way_that_the_order_went(self) -> None:
        if not hasattr(self, "order_id"):
            return
        query = "SELECT type FROM outbox WHERE pii_event->'data'->>'order_id' = %s ORDER BY position"
        with psycopg.connect(self.api.desk.admin_url) as connection:
            types = [row[0] for row in connection.execute(query, (self.order_id,)).fetchall()]
        assert types == [f"agiza.order.{step}" for step in self.steps]
        order = self.do(self.till.get(f"/v1/orders/{self.order_id}")).json()
        assert order["state"] == self.state
        assert order["eta_minutes"] == self.eta
        assert [move["state"] for move in order["moves"]] == self.steps[1:]


def test_any_words_in_any_order(database: Database, clock: StoppedClock, metrics: Metrics) -> None:
    """The machine is not asynchronous, so it gets a loop that it turns itself."""
    with asyncio.Runner() as runner:

        async def opened() -> tuple[Any, Any, Desk, Api, httpx.AsyncClient]:
            desk_context = desk_on(database, clock, metrics)
            desk = await desk_context.__aenter__()
            api_context = api_on(desk)
            api = await api_context.__aenter__()
            return desk_context, api_context, desk, api, await api.till("westlands")

        desk_context, api_context, _, api, till = runner.run(opened())
        Moves.runner, Moves.api, Moves.till, Moves.made = runner, api, till, 0
        try:
            run_state_machine_as_test(
                Moves,
                settings=hypothesis.settings(max_examples=15, stateful_step_count=15, deadline=None, database=None),
            )
        finally:
            runner.run(api_context.__aexit__(None, None, None))
            runner.run(desk_context.__aexit__(None, None, None))
    assert Moves.made >= 5
