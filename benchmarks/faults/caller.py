"""A caller who orders, and what they believe at the end: their orders, their cart, whether a person had to help.

What is wanted comes from the seed; what is done next follows from the answers, as a model would do it. A caller
believes what they were told and nothing else.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from benchmarks.faults.ledger import Confirmed
from benchmarks.faults.line import Heard, Line, Response
from services.bridge.session.actions import ReadBackState

BRANCHES: Final = ("westlands", "cbd")
DISHES: Final = {
    "westlands": ("chicken-burger", "beef-burger", "fries", "bhajia", "onion-rings", "coleslaw", "tea", "brownie"),
    "cbd": ("githeri", "ugali", "pilau-rice", "sukuma-wiki", "kachumbari", "coleslaw", "samosa", "fruit-salad"),
}
"""Dishes that need no choice."""
THINK_S: Final = (0.1, 0.9)
TRIES_MAX: Final = 6
"""So often something is asked for that was refused, before the caller goes to a person."""
SUPPLEMENT_SHARE: Final = 0.2
REMOVE_SHARE: Final = 0.3

Ending = Literal["placed", "person", "refused"]


@dataclass(slots=True)
class Account:
    """What the caller, and whoever looks after the call, can say when it is over."""

    call_id: str
    branch_id: str
    ending: Ending = "refused"
    confirmed: list[Confirmed] = field(default_factory=list)
    cart: Response | None = None
    """The last cart that was shown."""
    wanted: Counter[str] = field(default_factory=Counter)
    """What must be in the cart now, by what was confirmed: dish -> how many."""
    heard: list[Heard] = field(default_factory=list)
    open_request: str | None = None
    """The request whose answer never came."""
    open_call: tuple[str, dict[str, Any]] | None = None
    """What was asked for in it."""
    unheard: list[Confirmed] = field(default_factory=list)
    """Orders that were placed although the caller was never told: known once orders was asked again."""
    placings: list[tuple[str, Confirmed]] = field(default_factory=list)
    """The request of each confirmed order."""

    def learn(self, response: Response) -> None:
        """Orders has said what became of the request whose answer never came."""
        assert self.open_call is not None
        name, args = self.open_call
        self.cart = response.get("cart", self.cart)
        if response["status"] != "ok":
            return
        match name:
            case "addItem":
                self.wanted[args["name"]] += args["quantity"]
            case "removeItem":
                del self.wanted[args["item"]]
            case "placeOrder":
                self.unheard.append(self.order_of(response, int(response["total_minor"])))
                self.wanted.clear()

    def order_of(self, placed: Response, total_minor: int) -> Confirmed:
        """The order that this answer confirms; what is in it is what was wanted."""
        lines = tuple(sorted(self.wanted.items()))
        return Confirmed(self.call_id, self.branch_id, int(placed["order_number"]), total_minor, lines)


class Caller:
    """One of them. The same seed and number want the same."""

    def __init__(self, seed: int, number: int) -> None:
        self.chance = random.Random(f"caller {seed} {number}")
        branch = BRANCHES[self.chance.random() < 0.5]
        self.account = Account(f"HD_faults{seed}x{number:05d}", branch)

    async def call(self, line: Line) -> None:
        """The whole call. Fills the account."""
        rounds = 1 + (self.chance.random() < SUPPLEMENT_SHARE)
        for _ in range(rounds):
            if not (await self._choose(line) and await self._place(line)):
                return
        status = await self._ask(line, "orderStatus", {})
        self.account.ending = "person" if status is None else "placed"

    async def _choose(self, line: Line) -> bool:
        dishes = self.chance.sample(DISHES[self.account.branch_id], self.chance.randint(2, 3))
        for dish in dishes:
            quantity = self.chance.randint(1, 3)
            if not await self._insist(line, "addItem", {"name": dish, "quantity": quantity}):
                return False
            self.account.wanted[dish] += quantity
        if self.chance.random() < REMOVE_SHARE:
            if not await self._insist(line, "removeItem", {"item": dishes[0]}):
                return False
            del self.account.wanted[dishes[0]]
        return True

    async def _place(self, line: Line) -> bool:
        """Hear the total, say yes; where the cart or the total has changed in between, once more."""
        for _ in range(TRIES_MAX):
            total = await self._insist(line, "getTotal", {})
            if total is None:
                return False
            heard = ReadBackState(str(total["quote_id"]), "completed", played_ms=9_000, caller_speech_ms=600)
            placed = await self._ask(line, "placeOrder", {}, heard)
            if placed is None:
                self.account.ending = "person"
                return False
            if placed["status"] == "ok":
                order = self.account.order_of(placed, int(total["total_minor"]))
                self.account.confirmed.append(order)
                self.account.placings.append((self.account.heard[-1].request_id, order))
                self.account.wanted.clear()
                return True
        return False

    async def _insist(self, line: Line, name: str, args: dict[str, Any]) -> Response | None:
        """Ask until it is done; None when a person has to help."""
        for _ in range(TRIES_MAX):
            response = await self._ask(line, name, args)
            if response is None:
                self.account.ending = "person"
                return None
            if response["status"] == "ok":
                return response
        return None

    async def _ask(
        self, line: Line, name: str, args: dict[str, Any], read_back: ReadBackState | None = None
    ) -> Response | None:
        await asyncio.sleep(self.chance.uniform(*THINK_S))
        heard = await line.ask(name, args, read_back)
        self.account.heard.append(heard)
        if heard.response is None:
            self.account.open_request, self.account.open_call = heard.request_id, (name, args)
        elif "cart" in heard.response:
            self.account.cart = heard.response["cart"]
        return heard.response
