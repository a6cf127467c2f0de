"""Carts and their events as JSON and back, for whoever stores them.

Each document says its version; a shape that changes gets a new one (`codec_fields`). Reading is strict: an unknown
field, a missing one or a wrong type raises CodecError: a stored cart that is read wrongly becomes a wrong order.

A document is written in the oldest version that can hold it: while yesterday's code still serves beside this, it reads
every cart that has nothing new in it.
"""

from collections.abc import Mapping
from typing import cast

from agiza.domain.cart import (
    Cart,
    CartEvent,
    ChoicesChanged,
    ConfirmationAsked,
    CustomerChanged,
    ItemAdded,
    OrderCancelRequested,
    OrderPlaced,
    QuantityChanged,
    QuoteGiven,
    UnitsRemoved,
)
from agiza.domain.codec_fields import CodecError, NotOldError, read, written, written_old

__all__ = ["EVENT_TYPES", "VERSION", "CodecError", "cart_from_json", "cart_to_json", "event_from_json", "event_to_json"]

VERSION = 2
EVENT_TYPES: dict[str, type[CartEvent]] = {
    "item_added": ItemAdded,
    "choices_changed": ChoicesChanged,
    "units_removed": UnitsRemoved,
    "quantity_changed": QuantityChanged,
    "customer_changed": CustomerChanged,
    "quote_given": QuoteGiven,
    "confirmation_asked": ConfirmationAsked,
    "order_placed": OrderPlaced,
    "order_cancel_requested": OrderCancelRequested,
}
_TYPE_NAMES = {kind: name for name, kind in EVENT_TYPES.items()}


def event_to_json(event: CartEvent) -> dict[str, object]:
    version, body = _oldest(event)
    return {"type": _TYPE_NAMES[type(event)], "version": version, **body}


def event_from_json(document: Mapping[str, object]) -> CartEvent:
    body = dict(document)
    kind = EVENT_TYPES.get(str(body.pop("type", None)))
    if kind is None:
        raise CodecError("no known type of cart event")
    version = _take_version(body, "version")
    return cast(CartEvent, read(kind, body, "event", old=version == 1))


def cart_to_json(cart: Cart) -> dict[str, object]:
    version, body = _oldest(cart)
    return {"schema_version": version, **body}


def cart_from_json(document: Mapping[str, object]) -> Cart:
    body = dict(document)
    version = _take_version(body, "schema_version")
    return cast(Cart, read(Cart, body, "cart", old=version == 1))


def _oldest(value: Cart | CartEvent) -> tuple[int, dict[str, object]]:
    """(the oldest version that can hold all of it, the body as that version writes it)"""
    try:
        return 1, written_old(value)
    except NotOldError:
        return 2, written(value)


def _take_version(body: dict[str, object], key: str) -> int:
    version = body.pop(key, None)
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= VERSION:
        raise CodecError(f"{key} {version!r} is none of 1 to {VERSION}")
    return version
