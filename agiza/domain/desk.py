"""The desk: what comes of one entry of function calls, given what its transaction holds. Pure, so that a simulation of
any number of calls, losses and crashes runs the very rules that production runs.

    settled = settle(held, entry, now)
    if settled.placed:              # an order comes of it: take numbers, then settle once more with the first of them
        settled = settle(held, entry, now, first_number=17)

Whoever calls it holds the cart's lock from before `held` was read until all of `settled` is committed, and answers
only then. Every function call passes the guards in their order; the first that has an answer gives it. What passes all
is judged by the rules. Settled again, the same entry gives the same answers and leaves nothing to write.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from agiza.domain.cart import Cart, OrderPlaced
from agiza.domain.commands import MUTATING_TOOLS
from agiza.domain.context import ToolContext
from agiza.domain.entry import KEPT, Answer, CartChange, Entry, Held, How, Settled, ToolCall, derived_id
from agiza.domain.ids import OrderId
from agiza.domain.inbox import TOMBSTONE, InboxRow, Response, StoredResult, digest_of
from agiza.domain.menu_model import Branch
from agiza.domain.said import Said, said
from agiza.domain.tool_calls import ToolOutcome, handle_tool, tool_result
from agiza.domain.views import cart_view

DEADLINE_SLACK_MS = 1000
"""The asking bridge's clock and the one that judges may differ by this much before a call in time is a late one."""


END_SLACK_MS = 1000
"""So much later than the call's end a message may have been asked: two clocks, and a carrier that tells of the end a
little before the media socket breaks."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an entry stands between two of its function calls: what guards and rules are asked with.

    `told` is the cart version that the model knows; it follows our own changes, and those only. `results` has the
    answers that this entry was given so far besides those that were held.
    """

    held: Held
    entry: Entry
    now: datetime
    cart: Cart
    told: int | None
    results: Mapping[str, StoredResult]
    number: int

    def context(self) -> ToolContext:
        """What the rules judge the next function call by."""
        return ToolContext(
            menu=self.held.menu,
            branch=self.held.branch,
            now=self.now,
            sold_out=self.held.sold_out,
            cart_version_told=self.told,
            read_back=self.entry.read_back,
            order_id=order_id_of(self.cart),
            order_number=self.number,
            caller_number=self.held.caller_number,
            orders=self.held.orders,
            language=self.entry.language,
            is_known_caller=self.held.is_known_caller,
        )

    def refusal(self, code: str, message: Said) -> Response:
        """A refusal that no rule gave, in the same shape as those of the rules."""
        return {
            "status": "refused",
            "code": code,
            "message": message.in_language(self.entry.language),
            "cart": cart_view(self.cart, self.held.menu, self.held.branch),
            "cart_version": self.cart.version,
        }

    def after(self, outcome: ToolOutcome) -> "Desk":
        """The desk after the rules have ruled. A model that knew the cart before knows it now; one that did not, does
        not: what it asked for in the same breath was based on the old cart as well."""
        told = outcome.cart.version if self.told == self.cart.version else self.told
        placed = sum(isinstance(event, OrderPlaced) for event in outcome.events)
        return replace(self, cart=outcome.cart, told=told, number=self.number + placed)

    def knowing(self, row: InboxRow) -> "Desk":
        """The desk once this answer is in the inbox."""
        return replace(self, results={**self.results, row.tool_call_id: row.result})


Guard = Callable[[Desk, ToolCall], Answer | None]
"""Answers a function call that must not be carried out; None lets it pass."""
Rules = Callable[[Cart, str, Mapping[str, object], ToolContext], ToolOutcome]
"""Judges a function call that has passed: name, arguments and what is known at this moment."""


def known_already(desk: Desk, call: ToolCall) -> Answer | None:
    """The inbox: the same call again gets its answer; its id with anything else in it is no repetition."""
    stored = desk.results.get(call.id)
    if stored is None or stored.tool == TOMBSTONE:
        return None
    if stored.tool == call.name and stored.args_digest == digest_of(call.args):
        return Answer(call.id, call.name, stored.response, "repeated")
    return Answer(call.id, call.name, desk.refusal("id_reused", said("say_once_more")), "id_reused")


def taken_back(desk: Desk, call: ToolCall) -> Answer | None:
    """Tombstones: the model has cancelled the call before it came here."""
    stored = desk.results.get(call.id)
    if stored is None or stored.tool != TOMBSTONE:
        return None
    return Answer(call.id, call.name, desk.refusal("cancelled", said("was_cancelled")), "cancelled")


def from_older_leg(desk: Desk, call: ToolCall) -> Answer | None:
    """The fence: a later leg speaks for this call now. Not kept: the later leg may make the same call."""
    if desk.entry.leg_epoch >= desk.held.leg_epoch:
        return None
    return Answer(call.id, call.name, desk.refusal("stale_leg", said("goes_on_elsewhere")), "older_leg")


def after_the_end(desk: Desk, call: ToolCall) -> Answer | None:
    """The end of the call: a model that still asks talks to nobody. What was asked while the caller was there is
    carried out, also when it comes after the end; how late it may come is the deadline's matter."""
    ended_at = desk.held.ended_at
    if call.name not in MUTATING_TOOLS or ended_at is None:
        return None
    if desk.entry.asked_ms <= ended_at.timestamp() * 1000 + END_SLACK_MS:
        return None
    return Answer(call.id, call.name, desk.refusal("call_over", said("call_is_over")), "call_over")


def too_late(desk: Desk, call: ToolCall) -> Answer | None:
    """The deadline: the model was told by now that nothing is confirmed, so nothing may be changed behind its back."""
    if call.name not in MUTATING_TOOLS or desk.now.timestamp() * 1000 <= desk.entry.deadline_ms + DEADLINE_SLACK_MS:
        return None
    return Answer(call.id, call.name, desk.refusal("expired", said("took_too_long")), "expired")


@dataclass(frozen=True, slots=True)
class Guards:
    """Everything that a function call has to pass, in this order. In production all of them stand (`GUARDS`); whoever
    wants to know what one of them is worth replaces it and looks at what breaks."""

    inbox: Guard = known_already
    tombstone: Guard = taken_back
    fence: Guard = from_older_leg
    end: Guard = after_the_end
    deadline: Guard = too_late
    rules: Rules = handle_tool

    def stop(self, desk: Desk, call: ToolCall) -> Answer | None:
        """The answer of the first guard that has one."""
        for guard in (self.inbox, self.tombstone, self.fence, self.end, self.deadline):
            answer = guard(desk, call)
            if answer is not None:
                return answer
        return None


GUARDS = Guards()


def settle(held: Held, entry: Entry, now: datetime, *, first_number: int = 1, guards: Guards = GUARDS) -> Settled:
    """What comes of `entry`. Never raises for anything that the model has written.

    `now` is aware, by the clock that all replicas share. Orders that are placed get the numbers from `first_number` on;
    while that is a guess, everything but the numbers is right, and is what the same entry comes to with other numbers.
    """
    desk = Desk(held, entry, now, held.cart, entry.cart_version_told, held.results, first_number)
    answers: list[Answer] = []
    inbox: list[InboxRow] = []
    changes: list[CartChange] = []
    for call in entry.calls:
        answer = guards.stop(desk, call)
        if answer is None:
            context = desk.context()
            outcome = guards.rules(desk.cart, call.name, call.args, context)
            how: How = "stale_cart" if outcome.code == "stale_cart" else "applied"
            answer = Answer(call.id, call.name, tool_result(outcome, context), how)
            changes += (CartChange(call.id, event) for event in outcome.events)
            desk = desk.after(outcome)
        if answer.how in KEPT:
            row = InboxRow(call.id, StoredResult(call.name, digest_of(call.args), answer.response), desk.cart.version)
            inbox.append(row)
            desk = desk.knowing(row)
        answers.append(answer)
    return Settled(
        answers=tuple(answers),
        cart=desk.cart,
        leg_epoch=max(held.leg_epoch, entry.leg_epoch),
        changes=tuple(changes),
        inbox=tuple(inbox),
        is_fence_raised=entry.leg_epoch > held.leg_epoch,
    )


def take_over(fence: int, leg_epoch: int) -> Literal["ok", "superseded"]:
    """Whether this leg may have the call: then the fence is raised to it. The leg that has it already may once more."""
    return "superseded" if leg_epoch < fence else "ok"


def order_id_of(cart: Cart) -> OrderId:
    """The id of the order that this version of the cart becomes: a repetition that slipped past everything else would
    meet the same key."""
    return OrderId(f"ord-{derived_id(cart.id, str(cart.version))}")


def local_day(now: datetime, branch: Branch) -> date:
    """The branch's day, on which its order numbers are unique."""
    return now.astimezone(ZoneInfo(branch.timezone)).date()
