"""For each rule of attack_rules a state that it forbids: a judge who never objects is no judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import attack_rules as rules
import yaml
from orders_desk import BRANCHES

DOCUMENT = yaml.safe_load((BRANCHES / "westlands.yaml").read_text())
NOBODY = {"name": None, "phone": None, "address": None, "note": None}
CART = {"lines": [{"item": "fries", "quantity": 1, "choices": []}], "customer": NOBODY}
LINE = {"item": "tea", "quantity": 1, "options": [], "unit_minor": 12_000, "total_minor": 12_000}
ORDER = {
    "order_id": "ord-1", "order_number": 1, "cart_version": 1, "state": "placed", "fulfilment": "pickup",
    "currency": "KES", "items_minor": 12_000, "delivery_fee_minor": 0, "tax_minor": 1_655,
    "taxes": [{"id": "vat", "amount_minor": 1_655}], "total_minor": 12_000,
    "supplement_of": None, "pii_customer": NOBODY, "lines": [LINE],
}  # fmt: skip
TICKET = {"type": "agiza.order.placed", "data": {"order_id": "ord-1", "total_minor": 12_000, "lines": [LINE]}}
QUOTE = {"type": "quote_given", "quote": {"id": "q1", "total_minor": 12_000}}
PLACED = {"type": "order_placed", "order": {"number": 1, "quote_id": "q1", "totals": {"total_minor": 12_000}}}

SOUND = rules.Facts(
    document=DOCUMENT,
    answers=(),
    cart=CART,
    cart_before=CART,
    orders=(ORDER,),
    orders_before=(ORDER,),
    tickets=(TICKET,),
    history=(QUOTE, PLACED),
    receipts={},
    may_place=1,
)
"""One order as it should be. No rule objects to it."""


def _with_line(**changes: Any) -> rules.Facts:
    order = {**ORDER, "lines": [{**LINE, **changes}]}
    return replace(SOUND, orders=(order,), orders_before=(order,))


def _answer(name: str, response: Mapping[str, Any]) -> rules.Answer:
    return rules.Answer("fc-1", name, response)


FORGED: Mapping[rules.Rule, rules.Facts] = {
    rules.only_this_branchs_menu: _with_line(item="margherita"),
    rules.prices_only_from_the_menu: _with_line(unit_minor=1, total_minor=1),
    rules.totals_are_sums: replace(SOUND, orders=({**ORDER, "total_minor": 1},)),
    rules.quantities_within_limits: _with_line(quantity=31, total_minor=31 * 12_000),
    rules.texts_are_short_and_plain: replace(SOUND, cart={**CART, "customer": {**NOBODY, "name": "Gra\nce"}}),
    rules.texts_are_not_echoed: replace(
        SOUND,
        cart_before={**CART, "customer": {**NOBODY, "note": "no onions"}},
        answers=(_answer("addItem", {"status": "ok", "code": "x", "note": "no onions"}),),
    ),
    rules.one_ticket_for_each_order: replace(SOUND, tickets=(TICKET, TICKET)),
    rules.no_order_without_a_yes: replace(SOUND, history=(PLACED,)),
    rules.refusals_change_nothing: replace(SOUND, cart_before={**CART, "lines": []}),
    rules.receipts_say_what_was_told: replace(SOUND, answers=(_answer("addItem", {"status": "ok", "code": "x"}),)),
    rules.answers_are_sound: replace(SOUND, answers=(_answer("addItem", {"status": "fine", "code": "x"}),)),
}
