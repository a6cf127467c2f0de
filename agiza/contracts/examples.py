"""An example of every event, made from its class: what documentation shows, the same at every making.

    example_of(OrderAccepted)["data"]["eta_minutes"]        20

A field gets its word from the table below, by its name or by its class and name; else its default; else the plainest
value of its type. An event that is new has an example without anybody writing one; a test says when it is not valid.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from agiza.contracts import streams
from agiza.contracts.envelope import Stamp, to_envelope
from agiza.contracts.events import Event
from agiza.contracts.journeys import is_public
from agiza.contracts.schemas import PING_TYPE

_STAMP: Final = Stamp(
    id="5f0f8a52-6a55-4c57-9f0e-3b7f6f6f1d11",
    source="/agiza/orders",
    time=datetime(2026, 11, 22, 9, 1, tzinfo=UTC),
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)
_SEQUENCE: Final = 42

_WORDS: Final[Mapping[str, Any]] = {
    "branch_id": "westlands",
    "call_id": "HD_7c21e04ab9f3",
    "order_id": "ord_4f7c2a9be1",
    "order_number": 17,
    "at": "2026-11-22T09:01:00+00:00",
    "placed_at": "2026-11-22T09:01:00+00:00",
    "eta_minutes": 20,
    "eta_at": "2026-11-22T09:21:00+00:00",
    "currency": "KES",
    "menu_version": 3,
    "reply_to": streams.replies_channel("b1"),
    "OrderPlaced.items_minor": 33000,
    "OrderPlaced.tax_minor": 4552,
    "OrderPlaced.total_minor": 33000,
    "OrderPlaced.eta_minutes": None,
    "OrderPlaced.pii_customer_name": "A. Caller",
    "OrderPlaced.pii_customer_phone": "+254711000001",
    "OrderRejected.reason": "busy",
    "OrderCancelled.reason": "caller",
    "TicketLine.item": "fries",
    "TicketLine.name": "fries",
    "TicketLine.kitchen": "FRIES",
    "TicketLine.parts": (),
    "TicketLine.printed": ("1 x FRIES", "  large"),
    "TicketLine.unit_minor": 33000,
    "TicketLine.total_minor": 33000,
    "TicketOption.id": "large",
    "TicketOption.name": "large",
    "TicketOption.group": "size-fries",
    "TicketOption.price_minor": 8000,
    "TicketTax.id": "vat",
    "TicketTax.name": "VAT",
    "TicketTax.rate_bp": 1600,
    "TicketTax.included": True,
    "TicketTax.amount_minor": 4552,
}


def example_of(event: type[Event]) -> dict[str, Any]:
    """The CloudEvent as subscribers get it, numbered when it is one of the feed."""
    made = to_envelope(_instance(event), _STAMP)
    return made | ({"sequence": f"{_SEQUENCE:020d}", "timestamp": made["time"]} if is_public(event) else {})


def ping_example() -> dict[str, Any]:
    """What a webhook is tried with."""
    made = _STAMP
    return {
        "specversion": "1.0",
        "id": made.id,
        "source": made.source,
        "type": PING_TYPE,
        "time": made.time.isoformat(),
        "timestamp": made.time.isoformat(),
        "datacontenttype": "application/json",
        "dataversion": 1,
        "data": {"endpoint_id": "whe_2b7k5q3m6n4p7r2s"},
    }


def _instance(model: type[Any]) -> Any:
    return model(**{name: _value(model.__name__, name, field) for name, field in model.model_fields.items()})


def _value(owner: str, name: str, field: FieldInfo) -> Any:
    for key in (f"{owner}.{name}", name):
        if key in _WORDS:
            return _WORDS[key]
    if _part_of(field.annotation) is None and not field.is_required():
        return field.get_default(call_default_factory=True)
    return _plainest(field.annotation, name)


def _plainest(annotation: Any, name: str) -> Any:
    """A value of this type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return arguments[0]
    if origin in {Union, types.UnionType}:
        return _plainest(arguments[0], name)
    if origin is tuple:
        return (_plainest(arguments[0], name),)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _instance(annotation)
    if hasattr(annotation, "__metadata__"):
        return _plainest(annotation.__origin__, name)
    plain: dict[Any, Any] = {str: name.replace("_", "-"), int: 1, bool: True}
    return plain.get(annotation, {})


def _part_of(annotation: Any) -> type[BaseModel] | None:
    """The part that the field holds, if it holds any: its example is worth more than an empty default."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((part for inner in get_args(annotation) if (part := _part_of(inner)) is not None), None)
