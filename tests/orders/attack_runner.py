"""Carries out attacks on the real handler with its real database, and judges every step by the rules.

All attacks of a runner share one database; each has a call of its own.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import yaml
from attack_rules import Answer, Facts, breaches
from attack_script import EVIDENCE, Attack, ToolStep
from orders_desk import BRANCHES, Desk, fc
from psycopg.rows import dict_row

from agiza.contracts.envelope import Received, Stamp, decode, encode
from agiza.contracts.events import CallTakenOver, Event, FunctionCall, ReadBackEvidence, ToolCalled, ToolCancelled
from agiza.runtime.clock import StoppedClock
from agiza.runtime.traces import Trace
from services.orders.catalog import MenuNotFound
from services.orders.opening import Openings
from services.orders.store import CartElsewhere
from services.orders.taking_over import TakeOvers

CALLER = "+254711000001"
_numbers = itertools.count(1)


@dataclass
class Siege:
    """One attack under way. ``heard`` is what the bridge would send along with the next event."""

    attack: Attack
    call_id: str
    words: Mapping[str, str]
    epoch: int = 1
    quote_id: str | None = None
    heard: ReadBackEvidence | None = None
    last: Received | None = None
    problems: list[str] = field(default_factory=list)


class AttackRunner:
    """Runs attacks one after the other. ``admin`` sees the database as its administrator."""

    def __init__(self, desk: Desk, admin: psycopg.Connection[dict[str, Any]]) -> None:
        self._desk = desk
        self._admin = admin
        self._take_overs = TakeOvers(desk.pool, Openings(desk.pool, desk.catalog, desk.metrics), desk.metrics)
        self._documents = {path.stem: yaml.safe_load(path.read_text()) for path in BRANCHES.glob("*.yaml")}
        self._noon = desk.clock.now()

    async def run(self, attack: Attack) -> list[str]:
        """Every breach of a rule, and everything that came out otherwise than the attack says."""
        siege = Siege(attack, f"HD_attack{next(_numbers):04d}", {})
        self._set_clock(attack.at or self._noon)
        self._admin.execute("DELETE FROM stock")
        for item in attack.expected.get("sold_out", ()):
            self._sell_out(attack.branch, item)
        if attack.expected.get("others_order"):
            siege.words = await self._others_order(attack.branch)
        for step in attack.steps:
            await self._step(siege, step)
        siege.problems += self._outcome(siege)
        self._set_clock(self._noon)
        return [f"{attack.name}: {problem}" for problem in siege.problems]

    # -- steps ---------------------------------------------------------------------------------------------------

    async def _step(self, siege: Siege, step: Any) -> None:
        match step:
            case ToolStep():
                await self._judged(siege, [self._event(siege, [step])], [step])
            case {"at_once": steps}:
                await self._judged(siege, [self._event(siege, list(steps))], list(steps))
            case {"race": steps}:
                await self._judged(siege, [self._event(siege, [one]) for one in steps], list(steps))
            case {"race_same": one, "times": times}:
                event = self._event(siege, [one])
                await self._judged(siege, [event] * times, [one] * times)
            case {"again": times}:
                assert siege.last is not None
                for _ in range(times):
                    await self._judged(siege, [siege.last], [])
            case {"read_back": how}:
                await self._judged(siege, [self._event(siege, [ToolStep("getTotal", {})])], [])
                if siege.quote_id is not None:
                    siege.heard = _evidence(siege.quote_id, *EVIDENCE[how])
            case {"heard": forged}:
                made = {
                    "quote_id": siege.quote_id or "",
                    "outcome": "completed",
                    "played_ms": 4_000,
                    "caller_speech_ms": 600,
                }
                siege.heard = ReadBackEvidence(**{**made, **self._replaced(siege, forged)})
            case {"spoken_ms": spoken_ms}:
                assert siege.heard is not None
                siege.heard = siege.heard.model_copy(update={"caller_speech_ms": spoken_ms})
            case {"take_over": epoch}:
                event = CallTakenOver(
                    branch_id=siege.attack.branch, call_id=siege.call_id, menu_version=1, leg_epoch=epoch,
                    reply_to="agiza:replies:test",
                )  # fmt: skip
                assert (await self._take_overs.answer(self._received(event))).status == "ok"
                siege.epoch = epoch
            case {"move_cart": True}:
                self._admin.execute(
                    "UPDATE carts SET call_id = %s WHERE call_id = %s", (f"{siege.call_id}-on", siege.call_id)
                )
            case {"cancel": call_id}:
                await self._desk.handler.cancel(
                    self._received(
                        ToolCancelled(
                            branch_id=siege.attack.branch, call_id=siege.call_id, leg_epoch=siege.epoch,
                            ids=(call_id,), reply_to="agiza:replies:test",
                        )
                    )
                )  # fmt: skip
            case {"hung_up": seconds_ago}:
                self._end_call(siege, seconds_ago)
            case {"sell_out": item}:
                self._sell_out(siege.attack.branch, item)
            case {"kitchen": state}:
                self._admin.execute("UPDATE orders SET state = %s WHERE call_id = %s", (state, siege.call_id))
            case _:
                raise ValueError(f"no such step: {step}")

    async def _judged(self, siege: Siege, events: Sequence[Received], steps: Sequence[ToolStep]) -> None:
        """Deliver the events, all at the same moment, and judge what came of them."""
        before = self._state(siege)
        siege.last = events[-1]
        outcomes = await asyncio.gather(*(self._delivered(event) for event in events))
        answers: list[Answer] = []
        codes: list[str] = []
        for outcome in outcomes:
            if isinstance(outcome, str):
                codes.append(outcome)
            else:
                answers += outcome
                codes += [str(answer.response["code"]) for answer in outcome]
        for step, code in zip(steps, codes, strict=False):
            if step.code and step.code != code:
                siege.problems.append(f"{step.tool}: {code} instead of {step.code}")
        for answer in answers:
            self._follow(siege, answer)
        after = self._state(siege)
        siege.problems += breaches(
            Facts(
                document=self._documents[siege.attack.branch],
                answers=answers,
                cart=after["cart"],
                cart_before=before["cart"],
                orders=after["orders"],
                orders_before=before["orders"],
                tickets=after["tickets"],
                history=after["history"],
                receipts=after["receipts"],
                may_place=siege.attack.may_place,
            )
        )

    async def _delivered(self, event: Received) -> list[Answer] | str:
        """The answers, or the name of what refused the event as a whole."""
        try:
            answered = await self._desk.handler.answer(event, "stream")
        except (CartElsewhere, MenuNotFound) as error:
            return f"!{type(error).__name__}"
        return [Answer(result.id, result.name, result.response) for result in answered.event.results]

    def _follow(self, siege: Siege, answer: Answer) -> None:
        """An honest bridge follows the newest quote, and starts to listen anew when the caller is asked again."""
        quote_id = answer.response.get("quote_id")
        if answer.name == "getTotal" and isinstance(quote_id, str):
            siege.quote_id = quote_id
            siege.heard = _evidence(quote_id, *EVIDENCE["none"])
        elif answer.response.get("code") == "confirm_again" and siege.heard is not None:
            siege.heard = siege.heard.model_copy(update={"caller_speech_ms": 0, "asked_again": True})

    # -- the world -----------------------------------------------------------------------------------------------

    def _event(self, siege: Siege, steps: Sequence[ToolStep]) -> Received:
        options = {key: value for step in steps for key, value in step.options.items()}
        now_ms = int(self._desk.clock.now().timestamp() * 1000)
        event = ToolCalled(
            branch_id=options.get("branch", siege.attack.branch),
            call_id=siege.call_id,
            menu_version=options.get("menu", 1),
            leg_epoch=options.get("epoch", siege.epoch),
            calls=tuple(self._function_call(siege, step) for step in steps),
            cart_version_told=options.get("told"),
            deadline_ms=now_ms + 8_000 - options.get("late_ms", 0),
            reply_to="agiza:replies:test",
            read_back=siege.heard,
        )
        return self._received(event)

    def _function_call(self, siege: Siege, step: ToolStep) -> FunctionCall:
        return fc(step.tool, fc_id=step.options.get("id"), **self._replaced(siege, step.args))

    def _replaced(self, siege: Siege, value: Mapping[str, Any]) -> dict[str, Any]:
        """With what stands for somebody else's order."""
        return {key: siege.words.get(each, each) if isinstance(each, str) else each for key, each in value.items()}

    def _received(self, event: Event) -> Received:
        stamp = Stamp(
            id=f"evt-attack-{next(_numbers)}", source="/test", time=self._desk.clock.now(), traceparent=str(Trace.new())
        )
        return decode(encode(event, stamp))

    async def _others_order(self, branch: str) -> dict[str, str]:
        """Somebody else orders at the same branch; the ids of their order and of their quote."""
        other = Siege(Attack("another caller", branch, (), {"may_place": 1}), f"HD_other{next(_numbers):04d}", {})
        for step in (ToolStep("addItem", {"name": "tea"}), {"read_back": "completed"}):
            await self._step(other, step)
        quote = other.quote_id or ""
        await self._step(other, ToolStep("placeOrder", {}, "order_placed"))
        assert not other.problems, other.problems
        return {"OTHERS": str(self._state(other)["orders"][0]["order_id"]), "OTHERS_QUOTE": quote}

    def _sell_out(self, branch: str, item: str) -> None:
        self._admin.execute("INSERT INTO stock (branch_id, item_id) VALUES (%s, %s)", (branch, item))

    def _end_call(self, siege: Siege, seconds_ago: int) -> None:
        """As ``webhook`` notes it when the carrier says so."""
        ended_at = self._desk.clock.now() - timedelta(seconds=seconds_ago)
        self._admin.execute(
            "INSERT INTO calls (call_id, branch_id, menu_version, pii_caller, stage, traceparent, started_at, ended_at)"
            " VALUES (%s, %s, 1, %s, 'ended', '', %s, %s)",
            (siege.call_id, siege.attack.branch, CALLER, ended_at - timedelta(minutes=5), ended_at),
        )

    def _set_clock(self, moment: datetime) -> None:
        StoppedClock.__init__(self._desk.clock, moment)  # it never goes back, but each attack has a day of its own

    # -- what the database holds ---------------------------------------------------------------------------------

    def _state(self, siege: Siege) -> dict[str, Any]:
        cart = self._rows("SELECT cart_id, pii_state FROM carts WHERE call_id = %s", siege.call_id)
        orders = self._rows(
            "SELECT o.*, (SELECT coalesce(jsonb_agg(line ORDER BY position), '[]') FROM order_lines l"
            " WHERE l.order_id = o.order_id) AS lines FROM orders o WHERE call_id = %s"
            " ORDER BY placed_at, order_number",
            siege.call_id,
        )
        return {
            "cart": cart[0]["pii_state"] if cart else None,
            "orders": [{key: value for key, value in order.items() if key != "updated_at"} for order in orders],
            "tickets": [
                row["pii_event"]
                for row in self._rows(
                    "SELECT pii_event FROM outbox WHERE pii_event->>'callid' = %s ORDER BY position", siege.call_id
                )
            ],
            "history": [
                row["pii_event"]
                for row in self._rows(
                    "SELECT pii_event FROM cart_events WHERE cart_id = %s ORDER BY position",
                    cart[0]["cart_id"] if cart else "",
                )
            ],
            "receipts": {
                row["tool_call_id"]: row["pii_response"]
                for row in self._rows(
                    "SELECT tool_call_id, pii_response FROM tool_results WHERE call_id = %s", siege.call_id
                )
            },
        }

    def _rows(self, query: str, key: str) -> list[dict[str, Any]]:
        return self._admin.execute(query.encode(), (key,)).fetchall()

    def _outcome(self, siege: Siege) -> list[str]:
        """What is left at the end, beside what the attack says of it."""
        expected, state = siege.attack.expected, self._state(siege)
        lines = state["cart"]["lines"] if state["cart"] else []
        units = {
            item: sum(line["quantity"] for line in lines if line["item"] == item)
            for item in {line["item"] for line in lines}
        }
        customer = (state["cart"] or {}).get("customer", {})
        problems = []
        if "cart" in expected and units != expected["cart"]:
            problems.append(f"{units} is in the cart")
        if any(
            count > expected["cart_at_most"].get(item, 0) for item, count in units.items() if "cart_at_most" in expected
        ):
            problems.append(f"{units} is in the cart")
        if "orders" in expected and [order["total_minor"] for order in state["orders"]] != expected["orders"]:
            problems.append(f"orders of {[order['total_minor'] for order in state['orders']]}")
        if "customer" in expected and {key: value for key, value in customer.items() if value} != expected["customer"]:
            problems.append("something is known of the customer")
        if expected.get("phone_at_home") and not str(customer.get("phone") or "+2547").startswith(("+2547", "+2541")):
            problems.append("a number that must not be rung is kept")
        if "total_minor" in expected and self._cart_total(siege) != expected["total_minor"]:
            problems.append(f"the cart costs {self._cart_total(siege)}")
        return problems

    def _cart_total(self, siege: Siege) -> int | None:
        receipts = self._rows(
            "SELECT pii_response FROM tool_results WHERE call_id = %s AND pii_response ? 'cart'"
            " ORDER BY created_at DESC LIMIT 1",
            siege.call_id,
        )
        return receipts[0]["pii_response"]["cart"]["total_minor"] if receipts else None


def _evidence(quote_id: str, outcome: Any, played_ms: int, spoken_ms: int) -> ReadBackEvidence:
    return ReadBackEvidence(
        quote_id=quote_id, outcome=outcome, played_ms=played_ms, caller_speech_ms=spoken_ms, asked_again=False
    )


def connect(url: str) -> psycopg.Connection[dict[str, Any]]:
    """The administrator's connection, in which everything is visible at once."""
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)
