"""Who orders, and how they get their food."""

from dataclasses import replace

from agiza.domain.cart import Cart, CustomerChanged
from agiza.domain.commands import SetCustomer
from agiza.domain.context import Ruling, ToolContext, ask, done, refuse
from agiza.domain.decide_items import judged
from agiza.domain.menu_model import Fulfilment
from agiza.domain.names import words_of
from agiza.domain.phone import normalise_phone
from agiza.domain.replies import FULFILMENT_WORDS, one_of
from agiza.domain.said import Said, said

_SPOKEN_FULFILMENTS: dict[str, Fulfilment] = {
    "pickup": "pickup",
    "pick up": "pickup",
    "collect": "pickup",
    "collection": "pickup",
    "takeaway": "pickup",
    "take away": "pickup",
    "takeout": "pickup",
    "to go": "pickup",
    "delivery": "delivery",
    "deliver": "delivery",
    "delivered": "delivery",
    "home delivery": "delivery",
    "dine in": "dine-in",
    "eat in": "dine-in",
    "eat here": "dine-in",
}
_FULFILMENT_NAMES: dict[Fulfilment, Said] = {
    "pickup": said("pickup"),
    "delivery": said("delivery"),
    "dine-in": said("dine_in"),
}


def set_customer(cart: Cart, command: SetCustomer, ctx: ToolContext) -> Ruling:
    """Takes what is given and keeps the rest. All of it is taken, or, with one bad value, none of it."""
    changed = cart.customer
    if command.name is not None:
        changed = replace(changed, name=command.name)
    if command.address is not None:
        changed = replace(changed, address=command.address)
    if command.note is not None:
        changed = replace(changed, note=command.note)
    if command.phone is not None:
        phone = normalise_phone(command.phone, ctx.branch.phone)
        if phone is None:
            return refuse("bad_phone", said("bad_phone"))
        changed = replace(changed, phone=phone)
    if command.fulfilment is not None:
        fulfilment = _SPOKEN_FULFILMENTS.get(" ".join(words_of(command.fulfilment)))
        if fulfilment is None or fulfilment not in ctx.branch.fulfilment:
            return _not_offered(fulfilment, ctx)
        changed = replace(changed, fulfilment=fulfilment)
    if changed == cart.customer:
        return done("no_change", said("customer_no_change"))
    message = said("noted")
    if command.fulfilment is not None and changed.fulfilment is not None:
        message = said("noted_way", way=FULFILMENT_WORDS[changed.fulfilment])
        if changed.fulfilment == "delivery" and changed.address is None:
            message = said("noted_delivery")
    return judged(cart, ctx, CustomerChanged(changed), "customer_noted", message)


def _not_offered(fulfilment: Fulfilment | None, ctx: ToolContext) -> Ruling:
    offered = ctx.branch.fulfilment
    names = one_of(_FULFILMENT_NAMES[way] for way in offered)
    options = [{"id": way, "name": str(_FULFILMENT_NAMES[way])} for way in offered]
    if fulfilment is None:
        return ask("unclear_fulfilment", said("is_that_way", ways=names), options=options)
    return refuse(
        "fulfilment_not_offered",
        said("way_not_offered", way=_FULFILMENT_NAMES[fulfilment], ways=names),
        options=options,
    )


def ask_fulfilment(ctx: ToolContext) -> Ruling:
    """The question for the caller who has not said how they get their food, where there is no default."""
    ways = ctx.branch.fulfilment
    return ask(
        "fulfilment_missing",
        said("is_that_way", ways=one_of(_FULFILMENT_NAMES[way] for way in ways)),
        options=[{"id": way, "name": str(_FULFILMENT_NAMES[way])} for way in ways],
    )
