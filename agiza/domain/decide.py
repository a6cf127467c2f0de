"""One command, one cart, one moment: the ruling. Which file rules on which command is seen here."""

from typing import assert_never

from agiza.domain.cart import Cart
from agiza.domain.commands import (
    AddItem,
    ApplyModifier,
    CancelOrder,
    ChangeQuantity,
    Command,
    GetTotal,
    OrderStatus,
    PlaceOrder,
    RemoveItem,
    SearchMenu,
    SetCustomer,
)
from agiza.domain.context import Ruling, ToolContext
from agiza.domain.decide_customer import set_customer
from agiza.domain.decide_items import add_item, change_quantity, remove_item
from agiza.domain.decide_modifier import apply_modifier
from agiza.domain.decide_order import cancel_order, order_status, place_order
from agiza.domain.quote import get_total
from agiza.domain.search import search_menu


def decide(cart: Cart, command: Command, ctx: ToolContext) -> Ruling:
    """The events that `command` causes in `cart`, or why it causes none."""
    match command:
        case AddItem():
            return add_item(cart, command, ctx)
        case ApplyModifier():
            return apply_modifier(cart, command, ctx)
        case RemoveItem():
            return remove_item(cart, command, ctx)
        case ChangeQuantity():
            return change_quantity(cart, command, ctx)
        case SearchMenu():
            return search_menu(command, ctx)
        case GetTotal():
            return get_total(cart, ctx)
        case SetCustomer():
            return set_customer(cart, command, ctx)
        case PlaceOrder():
            return place_order(cart, ctx)
        case OrderStatus():
            return order_status(cart, command, ctx)
        case CancelOrder():
            return cancel_order(cart, command, ctx)
        case _:
            assert_never(command)


def changes_cart(command: Command, cart: Cart) -> bool:
    """Whether the command builds on what the model believes to be in the cart, so that an old belief must stop it.

    Placing what is placed already is a repetition, which is answered; the read-back guards a first placing besides.
    """
    match command:
        case AddItem() | ApplyModifier() | RemoveItem() | ChangeQuantity() | SetCustomer():
            return True
        case PlaceOrder():
            return bool(cart.lines)
        case GetTotal() | SearchMenu() | OrderStatus() | CancelOrder():
            return False
        case _:
            assert_never(command)
