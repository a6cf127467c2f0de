"""A small cart server in the test's process: answers tool calls in the shapes of the real one.

Its rules are the real ones where a dialogue depends on them: equal lines merge, a missing required choice is asked
back, an order needs a quote of the cart as it stands.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.live_api.offline import (
    AgentInput,
    AgentSetup,
    CallStarted,
    CallTools,
    Heard,
    OfflineAgent,
    Say,
    ToolRequest,
    ToolResult,
    ToolResults,
)


@dataclass
class Line:
    id: str
    item: str
    quantity: int
    options: tuple[str, ...]


@dataclass
class Orders:
    """One call's cart. `answers` overrides the next answer to a tool, once per entry, to play a fault."""

    document: Mapping[str, Any]
    lines: list[Line] = field(default_factory=list)
    placed: list[tuple[Line, ...]] = field(default_factory=list)
    calls: list[ToolRequest] = field(default_factory=list)
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    customer: dict[str, str] = field(default_factory=dict)
    version: int = 0
    quoted: int | None = None

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        categories = self.document["categories"]
        self._items = {item["id"]: item for category in categories for item in category["items"]}

    def answer(self, request: ToolRequest) -> dict[str, Any]:
        self.calls.append(request)
        planned = self.answers.get(request.name)
        result = planned.pop(0) if planned else getattr(self, f"_{request.name}")(**request.args)
        return {"cart": self._view(), "cart_version": self.version, **result}

    def ticket(self) -> list[tuple[str, int, tuple[str, ...]]]:
        """What the last order holds: (item, quantity, options that are not defaults), sorted."""
        if not self.placed:
            return []
        rows = [(line.item, line.quantity, self._unusual(line)) for line in self.placed[-1]]
        return sorted(rows)

    def names(self) -> list[str]:
        return [request.name for request in self.calls]

    # -- tools

    def _addItem(self, name: str, quantity: int = 1, modifiers: list[str] | None = None) -> dict[str, Any]:
        chosen = list(modifiers or [])
        for group in self._groups(name):
            own = {option["id"]: option["name"] for option in group["options"]}
            if group["min"] and not group.get("default") and not own.keys() & set(chosen):
                options = [{"id": option, "name": spoken} for option, spoken in own.items()]
                text = f"Which {group['name']} for the {self._items[name]['name']}?"
                return {"status": "ask", "code": "choice_missing", "message": text, "options": options}
        unknown = set(chosen) - {option["id"] for group in self._groups(name) for option in group["options"]}
        if unknown:
            return {"status": "refused", "code": "modifier_not_offered", "message": "That cannot be chosen."}
        line = self._put(name, quantity, self._complete(name, chosen))
        return self._done("item_added", f"I have added {self._spoken(line, quantity)}.", line)

    def _applyModifier(
        self, item: str, modifier: str, quantity: int | None = None, line: str | None = None
    ) -> dict[str, Any]:
        lines = [known for known in self.lines if known.item == item and line in (None, known.id)]
        if not lines:
            return {"status": "refused", "code": "not_in_order", "message": "That is not in the order."}
        if len(lines) > 1:
            return self._which(lines)
        old = lines[0]
        units = old.quantity if not quantity or quantity >= old.quantity else quantity
        times = quantity // old.quantity if quantity and quantity > old.quantity else 1
        options = tuple(option for option in old.options if option not in self._same_group(item, modifier))
        if quantity != 0:
            options = (*options, *[modifier] * times)
        complete = self._complete(item, list(options))
        if units == old.quantity and not any((known.item, known.options) == (item, complete) for known in self.lines):
            old.options = complete
            return self._done("modifier_applied", f"That is {self._spoken(old)} now.", old)
        old.quantity -= units
        self.lines = [known for known in self.lines if known.quantity]
        new = self._put(item, units, complete)
        return self._done("modifier_applied", f"That is {self._spoken(new)} now.", new)

    def _removeItem(
        self, item: str | None = None, line: str | None = None, quantity: int | None = None
    ) -> dict[str, Any]:
        lines = [known for known in self.lines if known.id == line or (line is None and known.item == item)]
        if not lines:
            return {"status": "refused", "code": "not_in_order", "message": "That is not in the order."}
        if len(lines) > 1:
            return self._which(lines)
        lines[0].quantity -= min(quantity or lines[0].quantity, lines[0].quantity)
        self.lines = [known for known in self.lines if known.quantity]
        return self._done("item_removed", f"I have taken off {self._spoken(lines[0], quantity or 1)}.", lines[0])

    def _changeQuantity(self, quantity: int, item: str | None = None, line: str | None = None) -> dict[str, Any]:
        known = next((known for known in self.lines if known.id == line or (line is None and known.item == item)), None)
        if known is None:
            return {"status": "refused", "code": "not_in_order", "message": "That is not in the order."}
        known.quantity = quantity
        return self._done("quantity_changed", f"That is {self._spoken(known)} now.", known)

    def _searchMenu(self, query: str) -> dict[str, Any]:
        found = [item for item in self._items.values() if query.lower() in item["name"].lower()]
        matches = [
            {"id": i["id"], "name": i["name"], "price_minor": i["price_minor"], "sold_out": False} for i in found
        ]
        return {"status": "ok", "code": "menu", "message": "We have that.", "matches": matches}

    def _getTotal(self) -> dict[str, Any]:
        if not self.lines:
            return {"status": "refused", "code": "cart_empty", "message": "There is nothing in the order yet."}
        self.quoted = self.version
        words = ", ".join(self._spoken(line) for line in self.lines)
        if self.customer.get("fulfilment") == "delivery" and not self.customer.get("address"):
            text = f"That is {words}. What is the address for the delivery?"
            return {"status": "ok", "code": "total", "message": text, "read_back": text, "blocked": "address_missing"}
        text = f"That is {words}. The total is much. Shall I place the order?"
        total = {"total_words": "much", "total_minor": 1, "quote_id": f"q{self.version}", "read_back": text}
        return {"status": "ok", "code": "total", "message": text, **total}

    def _setCustomer(self, **said: str) -> dict[str, Any]:
        self.customer.update(said)
        self.version += 1
        if said.get("fulfilment") == "delivery" and not self.customer.get("address"):
            return {"status": "ok", "code": "customer_noted", "message": "For delivery. What is the address?"}
        return {"status": "ok", "code": "customer_noted", "message": "Thank you, I have noted that."}

    def _placeOrder(self) -> dict[str, Any]:
        if not self.lines or self.quoted != self.version:
            return {"status": "refused", "code": "quote_outdated", "message": "Let me read it back again."}
        self.placed.append(tuple(self.lines))
        self.lines, self.quoted = [], None
        self.version += 1
        number = 16 + len(self.placed)
        return {
            "status": "ok",
            "code": "order_placed",
            "message": f"Your order number is {number}.",
            "order_number": number,
        }

    def _orderStatus(self, order: str | None = None) -> dict[str, Any]:
        return {"status": "ok", "code": "order_status", "message": "Order seventeen is being prepared."}

    def _cancelOrder(self, order: str | None = None) -> dict[str, Any]:
        if not self.placed:
            return {"status": "refused", "code": "no_order", "message": "There is no placed order of yours yet."}
        return {"status": "ok", "code": "cancel_requested", "message": "I have asked the kitchen to cancel it."}

    def _escalate(self, reason: str, summary: str) -> dict[str, Any]:
        return {"status": "ok", "code": "requested", "message": "I am calling the front counter for you."}

    def _endCall(self) -> dict[str, Any]:
        return {"status": "ok", "code": "ending", "message": ""}

    # -- the cart

    def _which(self, lines: list[Line]) -> dict[str, Any]:
        options = [{"id": line.id, "name": self._spoken(line)} for line in lines]
        return {"status": "ask", "code": "unclear_line", "message": "Which one do you mean?", "options": options}

    def _groups(self, item: str) -> list[dict[str, Any]]:
        return [self.document["groups"][group] for group in self._items[item].get("groups", [])]

    def _same_group(self, item: str, option: str) -> set[str]:
        for group in self._groups(item):
            own = {known["id"] for known in group["options"]}
            if option in own:
                return own if group["max"] == 1 else {option}
        return set()

    def _complete(self, item: str, chosen: list[str]) -> tuple[str, ...]:
        options: list[str] = []
        for group in self._groups(item):
            own = [option["id"] for option in group["options"]]
            taken = sorted(option for option in chosen if option in own)
            options += taken or ([group["default"]] if group.get("default") else [])
        return tuple(options)

    def _unusual(self, line: Line) -> tuple[str, ...]:
        usual = {group.get("default") for group in self._groups(line.item)}
        return tuple(sorted(option for option in line.options if option not in usual))

    def _put(self, item: str, quantity: int, options: tuple[str, ...]) -> Line:
        equal = next((line for line in self.lines if (line.item, line.options) == (item, options)), None)
        if equal is None:
            equal = Line(f"line-{next(self._ids)}", item, 0, options)
            self.lines.append(equal)
        equal.quantity += quantity
        return equal

    def _done(self, code: str, message: str, line: Line) -> dict[str, Any]:
        self.version += 1
        return {"status": "ok", "code": code, "message": message, "lines": [line.id]}

    def _spoken(self, line: Line, quantity: int | None = None) -> str:
        unusual = self._unusual(line)
        tail = f" with {' and '.join(unusual)}" if unusual else ""
        return f"{quantity or line.quantity} {self._items[line.item]['name']}{tail}"

    def _view(self) -> dict[str, Any]:
        lines = [
            {
                "id": line.id,
                "item": line.item,
                "name": self._items[line.item]["name"],
                "quantity": line.quantity,
                "options": [
                    {"id": option, "name": option, "quantity": line.options.count(option)}
                    for option in dict.fromkeys(line.options)
                ],
                "spoken": self._spoken(line),
            }
            for line in self.lines
        ]
        return {"lines": lines, "total_minor": 1, "currency": "KES"}


class Call:
    """A call by text: what is heard goes to the agent, its tool calls to the orders, what it says is kept."""

    def __init__(self, setup: AgentSetup, document: Mapping[str, Any]) -> None:
        self.agent = OfflineAgent(setup)
        self.orders = Orders(document)
        self.said: list[str] = []

    def give(self, event: AgentInput) -> list[str]:
        """What the agent says about it, tool calls and their answers included."""
        before, events = len(self.said), [event]
        while events:
            for step in self.agent.handle(events.pop(0)):
                match step:
                    case Say(text):
                        self.said.append(text)
                    case CallTools(requests):
                        results = (ToolResult(request.name, self.orders.answer(request)) for request in requests)
                        events.append(ToolResults(tuple(results)))
        return self.said[before:]

    def hear(self, *lines: str) -> str:
        """What the agent says to the last of these lines."""
        answers: list[str] = []
        for line in lines:
            answers = self.give(Heard(line))
        return " ".join(answers)

    def start(self) -> "Call":
        self.give(CallStarted())
        return self
