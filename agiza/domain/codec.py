"""Carts and their events as JSON and back, for whoever stores them.

Each document says its version; a shape that changes gets a new one, and `codec_lift` lifts the old ones. Reading is
strict: an unknown field, a missing one or a wrong type raises CodecError, because a stored cart that is read wrongly
becomes a wrong order.

A document is written in the oldest version that can hold it: while yesterday's code still serves beside this, it reads
every cart that has nothing new in it.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

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
from agiza.domain.codec_lift import CodecError, lifted, lowered

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
    body = _write_fields(event)
    oldest, body = lowered(body)
    return {"type": _TYPE_NAMES[type(event)], "version": oldest, **body}


def event_from_json(document: Mapping[str, object]) -> CartEvent:
    body = dict(document)
    kind = EVENT_TYPES.get(str(body.pop("type", None)))
    if kind is None:
        raise CodecError("no known type of cart event")
    version = _take_version(body, "version")
    return cast(CartEvent, _read_fields(kind, lifted(body) if version == 1 else body, "event"))


def cart_to_json(cart: Cart) -> dict[str, object]:
    oldest, body = lowered(_write_fields(cart))
    return {"schema_version": oldest, **body}


def cart_from_json(document: Mapping[str, object]) -> Cart:
    body = dict(document)
    version = _take_version(body, "schema_version")
    return cast(Cart, _read_fields(Cart, lifted(body) if version == 1 else body, "cart"))


def _take_version(body: dict[str, object], key: str) -> int:
    version = body.pop(key, None)
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= VERSION:
        raise CodecError(f"{key} {version!r} is none of 1 to {VERSION}")
    return version


# -- any frozen dataclass of the domain
# `Any` below: types are looked at as values here, and typing has no static word for "some type form".


def _write_fields(value: Any) -> dict[str, object]:
    return {field.name: _write(getattr(value, field.name)) for field in fields(value)}


def _write(value: Any) -> object:
    if is_dataclass(value):
        return _write_fields(value)
    if isinstance(value, tuple):
        return [_write(entry) for entry in value]
    return value


@lru_cache(maxsize=64)
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _read_fields(kind: Any, body: object, path: str) -> object:
    if not isinstance(body, Mapping):
        raise CodecError(f"{path} must be an object")
    hints = _hints(kind)
    if set(body) != set(hints):
        raise CodecError(f"{path} has the wrong fields: {sorted(set(body) ^ set(hints))}")
    return kind(**{name: _read(hint, body[name], f"{path}.{name}") for name, hint in hints.items()})


def _read(hint: Any, value: object, path: str) -> object:
    hint = getattr(hint, "__supertype__", hint)  # an id is stored as its text
    if is_dataclass(hint):
        return _read_fields(hint, value, path)
    origin = get_origin(hint)
    if origin in (UnionType, Union):
        if value is None and NoneType in get_args(hint):
            return None
        (inner,) = [arg for arg in get_args(hint) if arg is not NoneType]
        return _read(inner, value, path)
    if origin is tuple:
        if not isinstance(value, list):
            raise CodecError(f"{path} must be a list")
        return tuple(_read(get_args(hint)[0], entry, f"{path}[{index}]") for index, entry in enumerate(value))
    if origin is Literal:
        if value not in get_args(hint):
            raise CodecError(f"{path} has an unknown value")
        return value
    # a bool is an int to isinstance, but never to us
    if type(value) is not hint:
        raise CodecError(f"{path} must be {hint.__name__}")
    return value
