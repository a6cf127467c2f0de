"""The AsyncAPI 3.0 document of the branches' feeds, and of what travels within the network.

    document()              four forms of one feed: webhooks, Server-Sent Events, pull, Redis streams
    internal_document()     the streams and channels between our own services

Both are made from the event classes: a new event is in them without anybody writing it there. Payloads are the schemas
of :mod:`agiza.contracts.schemas`, also those of former versions: what was recorded by them may still be replayed.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from agiza.contracts import asyncapi_parts as parts
from agiza.contracts.events import EVENTS, Event
from agiza.contracts.examples import example_of, ping_example
from agiza.contracts.journeys import FEED_ADDRESS, address_of, public_events
from agiza.contracts.released import former_schemas
from agiza.contracts.schemas import PING_TYPE, any_event_schema, event_schema, name_of, ping_schema

VERSION: Final = "1"
Document = dict[str, Any]

_FEED: Final = """
The order events of each branch, numbered 1, 2, 3 without a hole. Webhooks, Server-Sent Events, pull and the Redis
stream are four forms of the same events, byte for byte: take one, or change over at any number. An event comes at least
once: leave out an `id` that you have had, and within an order an event whose `sequence` is lower than one that you have
applied. Ignore types, fields and attributes that you do not know. Whether you hold all of them is proved by the digest
route of the orders API (/v1/openapi.json), where the other routes are described too.
"""
_INTERNAL: Final = """
What our own services tell each other over Redis. Nobody outside of the network can read or write these. Streams keep
their entries until every group of readers has acknowledged them; a Pub/Sub message that is lost is asked for again.
"""


@functools.cache
def document() -> Document:
    """What subscribers are told. Served without a key. Webhooks get a message more than the other forms: the ping."""
    events = public_events()
    made = _document(
        "Agiza order feed",
        _FEED,
        events,
        servers=parts.SERVERS,
        channels=_feed_channels(_names(events)),
        operations=parts.OPERATIONS,
        security=parts.SECURITY_SCHEMES,
    )
    ping = name_of(PING_TYPE, 1)
    made["components"]["schemas"][ping] = embedded(ping, ping_schema())
    made["channels"]["webhook"]["messages"][ping] = {
        **_signed(ping),
        "summary": "A webhook is tried",
        "examples": [{"name": ping, "payload": ping_example()}],
    }
    return made


@functools.cache
def internal_document() -> Document:
    """What engineers of this system want to see. Not served."""
    events = [event for event in EVENTS if address_of(event) != FEED_ADDRESS]
    channels = _internal_channels(events)
    return _document(
        "Agiza internal events",
        _INTERNAL,
        events,
        servers={"redis": parts.SERVERS["redis"]},
        channels=channels,
        operations={},
        security={"redis": parts.SECURITY_SCHEMES["redis"]},
    )


def _document(
    title: str,
    text: str,
    events: Sequence[type[Event]],
    *,
    servers: Mapping[str, Any],
    channels: Mapping[str, Any],
    operations: Mapping[str, Any],
    security: Mapping[str, Any],
) -> Document:
    schemas = {name_of(event.type, event.version): event_schema(event) for event in events}
    former = {name: schema for name, schema in former_schemas(events).items() if name not in schemas}
    messages = {name_of(event.type, event.version): _message(event) for event in events}
    messages |= {name: _former_message(name, schema) for name, schema in former.items()}
    made = {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": VERSION, "description": text.strip(), "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/json",
        "servers": servers,
        "channels": channels,
        "operations": operations,
        "components": {
            "schemas": {name: embedded(name, schema) for name, schema in sorted((former | schemas).items())},
            "messages": dict(sorted(messages.items())),
            "messageTraits": {"signed": parts.SIGNED},
            "securitySchemes": security,
        },
    }
    return copy.deepcopy(made)


def embedded(name: str, schema: Mapping[str, Any]) -> Document:
    """The schema as a part of a document. AsyncAPI's dialect is draft 7, whose word for parts is ``definitions``."""
    inside: Document = _pointing_into(f"#/components/schemas/{name}/definitions/", schema)
    for only_alone in ("$schema", "$id"):
        inside.pop(only_alone, None)
    if "$defs" in inside:
        inside["definitions"] = inside.pop("$defs")
    return inside


def _pointing_into(place: str, schema: Any) -> Any:
    """References to parts of the schema point to where the parts are in the document."""
    if isinstance(schema, Mapping):
        return {
            key: value.replace("#/$defs/", place) if key == "$ref" else _pointing_into(place, value)
            for key, value in schema.items()
        }
    return [_pointing_into(place, one) for one in schema] if isinstance(schema, list) else schema


def _message(event: type[Event]) -> Document:
    name = name_of(event.type, event.version)
    return {
        "name": event.type,
        "title": name,
        "summary": (event.__doc__ or "").strip().partition("\n")[0],
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "examples": [{"name": name, "payload": example_of(event)}],
    }


def _former_message(name: str, schema: Mapping[str, Any]) -> Document:
    return {
        "name": name.rpartition(".v")[0],
        "title": name,
        "summary": "A former version: only of events that were recorded while it was the present one",
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }


def _names(events: Iterable[type[Event]]) -> list[str]:
    wanted = list(events)
    return sorted({name_of(event.type, event.version) for event in wanted} | former_schemas(wanted).keys())


def _feed_channels(names: Sequence[str]) -> Document:
    plain = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    signed = {name: _signed(name) for name in names}
    return {
        "webhook": {**parts.WEBHOOK, "messages": signed},
        "sse": {**parts.SSE, "messages": plain},
        "pull": {**parts.PULL, "messages": {"page": parts.page(any_event_schema())}},
        "cursor": {**parts.CURSOR, "messages": {"page": parts.cursor_page(any_event_schema())}},
        "stream": {**parts.STREAM, "address": FEED_ADDRESS, "messages": plain},
    }


def _signed(name: str) -> Document:
    """The same message as an HTTP request of ours."""
    return {
        "name": name.rpartition(".v")[0],
        "title": name,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "traits": [{"$ref": "#/components/messageTraits/signed"}],
    }


def _internal_channels(events: Iterable[type[Event]]) -> Document:
    by_address: dict[str, list[type[Event]]] = {}
    for event in events:
        by_address.setdefault(address_of(event), []).append(event)
    return {
        parts.channel_name(address): {
            "address": address,
            "description": parts.INTERNAL_TEXTS.get(address, ""),
            "servers": [{"$ref": "#/servers/redis"}],
            "x-internal": True,
            "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _names(carried)},
            **parts.parameters_of(address),
        }
        for address, carried in sorted(by_address.items())
    }
