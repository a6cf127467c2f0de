"""The model's tool calls as typed commands. Whatever stands in the arguments, the answer is a command or a refusal.

Arguments are hostile until read here: wrong types, missing and endless values are refused. Unknown arguments are
ignored, so that a price or a branch that the model makes up has no effect. Whether a quantity or a name is acceptable
is decided later, by the rules.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agiza.domain.context import Ruling, refuse
from agiza.domain.said import said

NAME_CHARS_MAX = 80
MODIFIER_CHARS_MAX = 200  # a path of ids, such as meal/fries/large
MODIFIERS_MAX = 20
CUSTOMER_NAME_CHARS_MAX = 60
PHONE_CHARS_MAX = 32
ADDRESS_CHARS_MAX = 200
NOTE_CHARS_MAX = 200
QUANTITY_MAX = 1_000_000  # far above every branch's limit, which answers with a sentence of its own


@dataclass(frozen=True, slots=True)
class AddItem:
    name: str
    quantity: int
    modifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApplyModifier:
    """`quantity` units shall have the modifier; None means all of the line, 0 takes it off. `choices` are taken with
    it: what must be chosen within it and has no default."""

    item: str | None
    modifier: str
    quantity: int | None
    line: str | None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoveItem:
    item: str | None
    line: str | None
    quantity: int | None


@dataclass(frozen=True, slots=True)
class ChangeQuantity:
    item: str | None
    line: str | None
    quantity: int


@dataclass(frozen=True, slots=True)
class SearchMenu:
    query: str


@dataclass(frozen=True, slots=True)
class GetTotal:
    pass


@dataclass(frozen=True, slots=True)
class SetCustomer:
    """None leaves a field as it is."""

    name: str | None
    phone: str | None
    fulfilment: str | None
    address: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    pass


@dataclass(frozen=True, slots=True)
class OrderStatus:
    order: str | None


@dataclass(frozen=True, slots=True)
class CancelOrder:
    order: str | None


Command = (
    AddItem
    | ApplyModifier
    | RemoveItem
    | ChangeQuantity
    | SearchMenu
    | GetTotal
    | SetCustomer
    | PlaceOrder
    | OrderStatus
    | CancelOrder
)

# Tools of the call, not of the cart; the bridge carries them out.
_CALL_TOOLS = frozenset({"escalate", "endCall", "switchLanguage"})


class _Wrong(Exception):
    """An argument that cannot be read; stays inside this file."""

    def __init__(self, code: str, message: str, **detail: object) -> None:
        super().__init__(code)
        self.ruling = refuse(code, message, **detail)


def parse_command(name: str, args: object) -> Command | Ruling:
    """The command of a tool call, or the refusal to give back."""
    if name in _CALL_TOOLS:
        return refuse("not_a_cart_tool", said("about_the_call"), tool=name)
    read = _READERS.get(name)
    if read is None:
        return refuse("unknown_tool", said("cannot_do"))
    if not isinstance(args, Mapping):
        return refuse("bad_arguments", _NOT_UNDERSTOOD)
    try:
        return read(args)
    except _Wrong as wrong:
        return wrong.ruling


_NOT_UNDERSTOOD = said("not_understood")


def _add_item(args: Mapping[str, object]) -> Command:
    quantity = _quantity(args, "quantity")
    if quantity == 0:
        raise _Wrong("bad_quantity", said("how_many"), argument="quantity")
    return AddItem(_required(args, "name"), 1 if quantity is None else quantity, _modifiers(args, "modifiers"))


def _apply_modifier(args: Mapping[str, object]) -> Command:
    item, line = _which(args)
    modifier = _required(args, "modifier", MODIFIER_CHARS_MAX)
    return ApplyModifier(item, modifier, _quantity(args, "quantity"), line, _modifiers(args, "choices"))


def _remove_item(args: Mapping[str, object]) -> Command:
    item, line = _which(args)
    quantity = _quantity(args, "quantity")
    if quantity == 0:
        raise _Wrong("bad_quantity", said("how_many_off"), argument="quantity")
    return RemoveItem(item, line, quantity)


def _change_quantity(args: Mapping[str, object]) -> Command:
    item, line = _which(args)
    quantity = _quantity(args, "quantity")
    if quantity is None:
        raise _Wrong("bad_quantity", said("how_many"), argument="quantity")
    return ChangeQuantity(item, line, quantity)


def _search_menu(args: Mapping[str, object]) -> Command:
    return SearchMenu(_text(args, "query", NAME_CHARS_MAX) or "")


def _set_customer(args: Mapping[str, object]) -> Command:
    command = SetCustomer(
        name=_text(args, "name", CUSTOMER_NAME_CHARS_MAX),
        phone=_text(args, "phone", PHONE_CHARS_MAX),
        fulfilment=_text(args, "fulfilment", NAME_CHARS_MAX),
        address=_text(args, "address", ADDRESS_CHARS_MAX),
        note=_text(args, "note", NOTE_CHARS_MAX),
    )
    if command == SetCustomer(None, None, None, None, None):
        raise _Wrong("bad_arguments", _NOT_UNDERSTOOD)
    return command


def _get_total(_args: Mapping[str, object]) -> Command:
    return GetTotal()


def _place_order(_args: Mapping[str, object]) -> Command:
    return PlaceOrder()


def _order_status(args: Mapping[str, object]) -> Command:
    return OrderStatus(_order(args))


def _cancel_order(args: Mapping[str, object]) -> Command:
    return CancelOrder(_order(args))


_READERS: dict[str, Callable[[Mapping[str, object]], Command]] = {
    "addItem": _add_item,
    "applyModifier": _apply_modifier,
    "removeItem": _remove_item,
    "changeQuantity": _change_quantity,
    "searchMenu": _search_menu,
    "getTotal": _get_total,
    "setCustomer": _set_customer,
    "placeOrder": _place_order,
    "orderStatus": _order_status,
    "cancelOrder": _cancel_order,
}
TOOL_NAMES = frozenset(_READERS)
MUTATING_TOOLS = TOOL_NAMES - {"searchMenu", "getTotal", "orderStatus"}
"""Tools that may change a cart or an order; the others only read."""


# -- arguments ---------------------------------------------------------------------------------------------------------


def clean_text(text: str) -> str:
    """One line without control and formatting characters: fit for speech, a ticket and a log field."""
    return " ".join("".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text).split())


def _text(args: Mapping[str, object], key: str, chars_max: int) -> str | None:
    value = args.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _Wrong("bad_arguments", _NOT_UNDERSTOOD, argument=key)
    # the raw length is bounded first, so that cleaning works on little
    if len(value) > 4 * chars_max or len(cleaned := clean_text(value)) > chars_max:
        raise _Wrong("text_too_long", said("too_long"), argument=key)
    return cleaned or None


def _required(args: Mapping[str, object], key: str, chars_max: int = NAME_CHARS_MAX) -> str:
    text = _text(args, key, chars_max)
    if text is None:
        raise _Wrong("bad_arguments", _NOT_UNDERSTOOD, argument=key)
    return text


def _which(args: Mapping[str, object]) -> tuple[str | None, str | None]:
    item = _text(args, "item", NAME_CHARS_MAX)
    line = _text(args, "line", NAME_CHARS_MAX)
    if item is None and line is None:
        raise _Wrong("bad_arguments", said("which_one"), argument="item")
    return item, line


def _quantity(args: Mapping[str, object], key: str) -> int | None:
    """A count from zero up. JSON numbers may come as 2.0; a figure in a text is read as well."""
    value = args.get(key)
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 7:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _Wrong("bad_quantity", said("how_many_was_that"), argument=key)
    return min(value, QUANTITY_MAX)


def _modifiers(args: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = args.get(key)
    if value is None:
        return ()
    # one modifier without its list is a common slip of models and has one meaning only
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, (list, tuple)):
        raise _Wrong("bad_arguments", _NOT_UNDERSTOOD, argument=key)
    if len(values) > MODIFIERS_MAX:
        raise _Wrong("too_many_choices", said("one_by_one"))
    return tuple(_required({key: entry}, key, MODIFIER_CHARS_MAX) for entry in values)


def _order(args: Mapping[str, object]) -> str | None:
    """An order's number or id, as text."""
    value = args.get("order")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = _quantity(args, "order")
        return None if number is None else str(number)
    return _text(args, "order", NAME_CHARS_MAX)
