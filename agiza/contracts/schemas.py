"""The JSON Schema of every event as it crosses a border: the CloudEvent with its ``data``.

    schemas()["agiza.order.placed.v1"]          {"$id": "urn:agiza:schema:agiza.order.placed:1", ...}

A schema stands for one version of one type, and an event names both (``type``, ``dataversion``): no attribute has to
say where its schema is. A field that an event must have is ``required``; one that is missing stands for its
``default``, since events that were recorded before the field was added are replayed as they were. Fields that a schema
does not know are allowed everywhere: readers ignore them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from agiza.contracts.envelope import TRACEPARENT_PATTERN
from agiza.contracts.events import EVENTS, CallIdField, Event, SlugField
from agiza.contracts.journeys import is_public

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
PING_TYPE: Final = "agiza.ping"
"""What a webhook is tried with: sent like an event, but no event of any branch's feed."""
SEQUENCE_PATTERN: Final = r"^[0-9]{20}$"


class _Untitled(GenerateJsonSchema):
    """Without the titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def name_of(type_: str, version: int) -> str:
    """By which a schema is asked for, and its file is called: ``agiza.order.placed.v1``."""
    return f"{type_}.v{version}"


def urn_of(type_: str, version: int) -> str:
    """The schema's ``$id``."""
    return f"urn:agiza:schema:{type_}:{version}"


@functools.cache
def schemas() -> dict[str, Schema]:
    """Of all events at their current version and of the ping, by name."""
    return schemas_of(EVENTS) | {name_of(PING_TYPE, 1): ping_schema()}


def schemas_of(events: Iterable[type[Event]]) -> dict[str, Schema]:
    """Of these events, by name."""
    return {name_of(event.type, event.version): event_schema(event) for event in events}


def event_schema(event: type[Event]) -> Schema:
    """The whole CloudEvent. Those of the feed are numbered; the others are not."""
    data = event.model_json_schema(ref_template="#/$defs/{model}", schema_generator=_Untitled)
    parts = data.pop("$defs", {})
    attributes = _attributes(event.type, event.version, is_numbered=is_public(event))
    schema: Schema = {
        "$schema": DIALECT,
        "$id": urn_of(event.type, event.version),
        "title": name_of(event.type, event.version),
        "description": data.pop("description", ""),
        "type": "object",
        "properties": {**attributes, "data": data},
        "required": [*(name for name in attributes if name != "callid"), "data"],
    }
    return schema | ({"$defs": parts} if parts else {})


def ping_schema() -> Schema:
    """It is of no branch and no call: it has no number and nobody's trace."""
    attributes = _attributes(PING_TYPE, 1, is_numbered=True)
    for name in ("branchid", "callid", "sequence", "traceparent"):
        del attributes[name]
    data = {
        "type": "object",
        "properties": {"endpoint_id": {"type": "string", "description": "The webhook that is tried"}},
        "required": ["endpoint_id"],
    }
    return {
        "$schema": DIALECT,
        "$id": urn_of(PING_TYPE, 1),
        "title": name_of(PING_TYPE, 1),
        "description": "Somebody tries whether a webhook is reached. Check its signature and answer 2xx, no more.",
        "type": "object",
        "properties": {**attributes, "data": data},
        "required": [*(name for name in attributes if name != "dataversion"), "data"],
    }


def any_event_schema() -> Schema:
    """What holds of every event of the feed, also of a type that will come; each has one of its own."""
    attributes = _attributes("", 1, is_numbered=True)
    attributes["type"] = {"type": "string"}
    attributes["dataversion"] = {"type": "integer", "minimum": 1}
    required = [*(name for name in attributes if name != "callid"), "data"]
    return {"type": "object", "properties": {**attributes, "data": {"type": "object"}}, "required": required}


def _attributes(type_: str, version: int, *, is_numbered: bool) -> Schema:
    """The attributes of :mod:`agiza.contracts.envelope` as they are written, in its order."""
    time = {"type": "string", "format": "date-time"}
    attributes: Schema = {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "minLength": 1,
            "maxLength": 128,
            "description": "Names this event for good, in every form and repetition: leave out one that you have had",
        },
        "source": {"type": "string", "minLength": 1, "maxLength": 256},
        "type": {"const": type_},
        "time": time | {"description": "When it happened"},
        "datacontenttype": {"const": "application/json"},
        "dataversion": {"const": version, "description": "Which version of this type `data` is"},
        "branchid": TypeAdapter(SlugField).json_schema(),
        "callid": TypeAdapter(CallIdField).json_schema(),
        "traceparent": {"type": "string", "pattern": TRACEPARENT_PATTERN, "description": "W3C Trace Context"},
    }
    if is_numbered:
        attributes["sequence"] = {
            "type": "string",
            "pattern": SEQUENCE_PATTERN,
            "description": "The event's place in its branch's feed: 1, 2, 3, without a hole, padded with zeros",
        }
        attributes["timestamp"] = time | {"description": "`time` again, under the name that Standard Webhooks asks for"}
    return attributes
