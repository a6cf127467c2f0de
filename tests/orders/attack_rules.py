"""The rules that no attack may breach, as code: each looks at what the database holds and at what was answered.

They share nothing with the code that they judge. Prices, limits and choices are read from the branch file itself,
totals are added up here, and texts are looked at character by character. RULES is all of them.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LINES_MAX = 40
ORDERS_MAX = 5
TEXT_CHARS_MAX = {"name": 60, "phone": 32, "address": 200, "note": 200}
ANSWER_CHARS_MAX = 64_000
STATUSES = {"ok", "ask", "refused", "error"}
NOT_KEPT = {"stale_leg", "id_reused", "cancelled"}
"""What is answered without being carried out, and so without a receipt of its own."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """One function call and what it was answered. ``may_change`` is False for one that must have no effect."""

    id: str
    name: str
    response: Json


@dataclass(frozen=True)
class Facts:
    """One call as the database holds it, before and after an event, and what was answered to the event."""

    document: Json
    answers: Sequence[Answer]
    cart: Json | None
    cart_before: Json | None
    orders: Sequence[Json]
    orders_before: Sequence[Json]
    tickets: Sequence[Json]
    history: Sequence[Json]
    receipts: Mapping[str, Json]
    may_place: int

    @property
    def items(self) -> Mapping[str, Json]:
        """The branch's items by id, from its file."""
        return {item["id"]: item for category in self.document["categories"] for item in category["items"]}

    def options(self, item_id: str) -> Mapping[tuple[str, str], Json]:
        """The options of an item by group and id."""
        groups = self.document["groups"]
        return {
            (group, option["id"]): {**option, "of": groups[group]}
            for group in self.items[item_id].get("groups", ())
            for option in groups[group]["options"]
        }

    @property
    def cart_lines(self) -> Sequence[Json]:
        """What is in the cart and not placed."""
        return self.cart["lines"] if self.cart else ()


Rule = Callable[[Facts], Iterator[str]]


def only_this_branchs_menu(facts: Facts) -> Iterator[str]:
    """Items and options are the branch's own, options belong to their item, and no group holds too many."""
    for line in facts.cart_lines:
        if line["item"] not in facts.items:
            yield f"{line['item']} is not on the menu"
            continue
        known = facts.options(line["item"])
        taken = Counter(choice["group"] for choice in line["choices"])
        for choice in line["choices"]:
            option = known.get((choice["group"], choice["option"]))
            if option is None:
                yield f"{choice['option']} is no option of {line['item']}"
            elif not 1 <= choice["quantity"] <= option["of"].get("quantity_max", 1):
                yield f"{choice['quantity']} times {choice['option']}"
        for group, count in taken.items():
            if count > facts.document["groups"][group]["max"]:
                yield f"{count} options of {group}"
    for order in facts.orders:
        for line in order["lines"]:
            if line["item"] not in facts.items:
                yield f"{line['item']} was sold and is not on the menu"


def prices_only_from_the_menu(facts: Facts) -> Iterator[str]:
    """A line that was sold costs what the branch file says."""
    for order in facts.orders:
        for line in order["lines"]:
            if (wanted := _unit_minor(facts, line)) != line["unit_minor"]:
                yield f"{line['item']} sold for {line['unit_minor']} instead of {wanted}"
            if line["total_minor"] != line["unit_minor"] * line["quantity"]:
                yield f"{line['quantity']} of {line['item']} sold for {line['total_minor']}"


def totals_are_sums(facts: Facts) -> Iterator[str]:
    """Totals, tax and fee of orders and of each answer are what the lines add up to."""
    for order in facts.orders:
        wanted = _totals(facts, [line["total_minor"] for line in order["lines"]], order["delivery_fee_minor"])
        if wanted != (order["items_minor"], order["tax_minor"], order["total_minor"]):
            yield f"order {order['order_number']}: {wanted} was wanted"
        if sum(tax["amount_minor"] for tax in order["taxes"]) != order["tax_minor"]:
            yield f"order {order['order_number']}: its taxes are not its tax"
        if order["delivery_fee_minor"] not in _fees(facts, order):
            yield f"order {order['order_number']}: a fee of {order['delivery_fee_minor']}"
        if order["currency"] != facts.document["branch"]["currency"]:
            yield f"order {order['order_number']}: in {order['currency']}"
    for answer in facts.answers:
        view = answer.response.get("cart")
        if view is not None:
            lines = [_unit_minor(facts, line) * line["quantity"] for line in view["lines"]]
            wanted = _totals(facts, lines, view["delivery_minor"])
            if wanted != (view["subtotal_minor"], view["tax_minor"], view["total_minor"]):
                yield f"the cart was told with {view['total_minor']} instead of {wanted[2]}"
            if "quote_id" in answer.response and answer.response["total_minor"] != wanted[2]:
                yield f"a total of {answer.response['total_minor']} was quoted instead of {wanted[2]}"


def quantities_within_limits(facts: Facts) -> Iterator[str]:
    """Units of an item, lines, money and orders of one call stay below the branch's limits."""
    limits = facts.document["branch"]["limits"]
    for what, lines in (
        ("cart", facts.cart_lines),
        *((str(order["order_number"]), order["lines"]) for order in facts.orders),
    ):
        units: Counter[str] = Counter()
        for line in lines:
            units[line["item"]] += line["quantity"]
            if type(line["quantity"]) is not int or line["quantity"] < 1:
                yield f"{what}: {line['quantity']!r} units"
        for item, count in units.items():
            if count > limits["line_quantity_max"]:
                yield f"{what}: {count} of {item}"
        if len(lines) > LINES_MAX:
            yield f"{what}: {len(lines)} lines"
    standing = sum(order["total_minor"] for order in facts.orders if "cancel" not in order["state"])
    if standing > limits["order_total_max_minor"]:
        yield f"orders of {standing} from one call"
    if len(facts.orders) > ORDERS_MAX:
        yield f"{len(facts.orders)} orders from one call"


def texts_are_short_and_plain(facts: Facts) -> Iterator[str]:
    """Whatever the caller dictated is one short line without control characters, wherever it is kept."""
    customers = [facts.cart["customer"]] if facts.cart else []
    customers += [order["pii_customer"] for order in facts.orders]
    for customer in customers:
        for key, chars_max in TEXT_CHARS_MAX.items():
            text = customer.get(key) or ""
            if len(text) > chars_max:
                yield f"a {key} of {len(text)} characters is kept"
            if any(unicodedata.category(char)[0] == "C" or unicodedata.category(char) in ("Zl", "Zp") for char in text):
                yield f"a {key} with control characters is kept"


def texts_are_not_echoed(facts: Facts) -> Iterator[str]:
    """A caller's words come back only where they are read to the caller: in a read-back."""
    customer = facts.cart_before["customer"] if facts.cart_before else {}
    for answer in facts.answers:
        if answer.name in ("getTotal", "placeOrder"):
            continue
        told = json.dumps(answer.response, ensure_ascii=False)
        for key in ("name", "note", "address", "phone"):
            if len(customer.get(key) or "") > 5 and customer[key] in told:
                yield f"the {key} is repeated in the answer of {answer.name}"


def one_ticket_for_each_order(facts: Facts) -> Iterator[str]:
    """Every order has exactly one ticket, with the same lines and total, and every ticket an order."""
    tickets = Counter(ticket["data"]["order_id"] for ticket in facts.tickets if ticket["type"] == "agiza.order.placed")
    orders = {order["order_id"]: order for order in facts.orders}
    if tickets != Counter(list(orders)):
        yield f"tickets {dict(tickets)} for orders {list(orders)}"
    for ticket in facts.tickets:
        order = orders.get(ticket["data"]["order_id"])
        if order is None or ticket["type"] != "agiza.order.placed":
            continue
        if (ticket["data"]["total_minor"], list(ticket["data"]["lines"])) != (order["total_minor"], order["lines"]):
            yield f"the ticket of order {order['order_number']} says something else"
    for key in ("order_number", "cart_version"):
        if len({order[key] for order in facts.orders}) != len(facts.orders):
            yield f"two orders with one {key}"


def no_order_without_a_yes(facts: Facts) -> Iterator[str]:
    """No more orders than were agreed to, each behind a quote of its own version and total."""
    if len(facts.orders) > facts.may_place:
        yield f"{len(facts.orders)} orders, {facts.may_place} were agreed to"
    quotes: dict[str, int] = {}
    for event in facts.history:
        if event["type"] == "quote_given":
            quotes[event["quote"]["id"]] = event["quote"]["total_minor"]
        elif event["type"] == "order_placed":
            order = event["order"]
            if quotes.get(order["quote_id"]) != order["totals"]["total_minor"]:
                yield f"order {order['number']} is not what was quoted"
            quotes.clear()


def refusals_change_nothing(facts: Facts) -> Iterator[str]:
    """An event of which nothing was taken leaves cart and orders as they were."""
    if facts.cart_before is None or any(answer.response.get("status") in ("ok", "ask") for answer in facts.answers):
        return
    if facts.cart != facts.cart_before or facts.orders != facts.orders_before:
        yield "something was changed by what was refused"


def receipts_say_what_was_told(facts: Facts) -> Iterator[str]:
    """The answer is the one that is kept for a repetition."""
    for answer in facts.answers:
        if answer.response.get("code") in NOT_KEPT:
            continue
        kept = facts.receipts.get(answer.id)
        if kept != json.loads(json.dumps(answer.response)):
            yield f"{answer.name} was told something else than what is kept"


def answers_are_sound(facts: Facts) -> Iterator[str]:
    """An answer is JSON of bounded size, with a status, a code and one printable sentence."""
    for answer in facts.answers:
        text = json.dumps(answer.response, allow_nan=False)
        if len(text) > ANSWER_CHARS_MAX:
            yield f"{answer.name} was answered with {len(text)} characters"
        if answer.response.get("status") not in STATUSES or not answer.response.get("code"):
            yield f"{answer.name} was answered with {answer.response.get('status')!r}"
        if not str(answer.response.get("message", "")).isprintable():
            yield f"{answer.name} was answered with an unprintable sentence"


RULES: tuple[Rule, ...] = (
    only_this_branchs_menu,
    prices_only_from_the_menu,
    totals_are_sums,
    quantities_within_limits,
    texts_are_short_and_plain,
    texts_are_not_echoed,
    one_ticket_for_each_order,
    no_order_without_a_yes,
    refusals_change_nothing,
    receipts_say_what_was_told,
    answers_are_sound,
)


def breaches(facts: Facts) -> list[str]:
    """Every breach of every rule, with the rule's name."""
    return [f"{rule.__name__}: {what}" for rule in RULES for what in rule(facts)]


# -- sums of our own -----------------------------------------------------------------------------------------------


def _unit_minor(facts: Facts, line: Json) -> int:
    """What one unit of this line costs by the branch file. Options of a combo's parts are paid for with the combo."""
    item = facts.items.get(line["item"])
    if item is None:
        return -1
    known = facts.options(line["item"])
    chosen = [(known.get((option["group"], option["id"])), option["quantity"]) for option in line["options"]]
    return int(item["price_minor"]) + sum(
        (option or {}).get("price_minor", 0) * quantity for option, quantity in chosen
    )


def _totals(facts: Facts, lines: Sequence[int], fee: int) -> tuple[int, int, int]:
    """(items, tax, total) by the branch's tax, rounded half up once."""
    tax = facts.document["branch"]["tax"]
    items, rate = sum(lines), tax["rate_bp"]
    if tax["included"]:
        total = items + fee
        return items, (2 * total * rate + 10_000 + rate) // (2 * (10_000 + rate)), total
    added = (2 * items * rate + 10_000) // 20_000
    shown = ((2 * (items * (10_000 + rate) + fee * 10_000) * rate) + 10_000 * (10_000 + rate)) // (
        2 * 10_000 * (10_000 + rate)
    )
    return items, shown, items + added + fee


def _fees(facts: Facts, order: Json) -> set[int]:
    """The fee that this order may have: the branch's for a delivery, none for what travels with another one."""
    if order["fulfilment"] != "delivery":
        return {0}
    earlier = {each["order_id"]: each["fulfilment"] for each in facts.orders}
    travels = earlier.get(order["supplement_of"] or "") == "delivery"
    return {0 if travels else facts.document["branch"]["delivery"]["fee_minor"]}
