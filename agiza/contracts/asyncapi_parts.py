"""What the AsyncAPI documents say of the ways that events travel; :mod:`agiza.contracts.asyncapi` joins them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from agiza.contracts import streams

Part = Mapping[str, Any]

_ANY_HOST: Final = "No host is part of the contract: it is where the operator runs the service"

SERVERS: Final[Mapping[str, Part]] = {
    "orders": {
        "host": "{orders_host}",
        "protocol": "https",
        "description": "The orders service",
        "variables": {"orders_host": {"description": _ANY_HOST, "examples": ["orders.example"]}},
        "security": [{"$ref": "#/components/securitySchemes/key"}],
    },
    "subscriber": {
        "host": "{your_host}",
        "protocol": "https",
        "description": "The address that a subscriber gave for its webhook",
        "variables": {"your_host": {"description": "Your own", "examples": ["pos.example"]}},
        "security": [{"$ref": "#/components/securitySchemes/signature"}],
    },
    "redis": {
        "host": "{redis_host}",
        "protocol": "redis",
        "description": "Redis, for readers inside the network",
        "variables": {"redis_host": {"description": _ANY_HOST, "examples": ["redis.example:6379"]}},
        "security": [{"$ref": "#/components/securitySchemes/redis"}],
    },
}

SECURITY_SCHEMES: Final[Mapping[str, Part]] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of `agiza keys create` with the right `orders:read`, for the branches that it names",
    },
    "signature": {
        "type": "httpApiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Not a password but a signature that you check (Standard Webhooks 1.0.0): HMAC-SHA256 by the"
        " webhook's secret over `webhook-id`, `webhook-timestamp` and the raw body, joined by full stops",
    },
    "redis": {"type": "userPassword", "description": "A Redis user that may read the stream"},
}

SIGNED: Final[Part] = {
    "headers": {
        "type": "object",
        "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
        "properties": {
            "webhook-id": {
                "type": "string",
                "pattern": "^[^.]+$",
                "description": "The event's `id`; the same in every repetition and for every webhook",
            },
            "webhook-timestamp": {
                "type": "string",
                "pattern": "^[0-9]+$",
                "description": "When this attempt was made, in Unix seconds. Refuse one that is 5 minutes off",
            },
            "webhook-signature": {
                "type": "string",
                "description": "One or, while the secret is being changed, several signatures `v1,BASE64`, with a space"
                " between them. One that fits is enough",
            },
        },
    }
}

_BRANCH: Final[Part] = {"branch_id": {"description": "The branch", "examples": ["westlands"]}}

WEBHOOK: Final[Part] = {
    "address": None,
    "title": "Webhook",
    "description": "Each event is one POST to the address of each webhook that wants it. Answer 2xx once you have"
    " stored it; everything else is tried again, 410 ends the webhook. Events may overtake each other: see `sequence`.",
    "servers": [{"$ref": "#/servers/subscriber"}],
}
SSE: Final[Part] = {
    "address": "/v1/branches/{branch_id}/events/stream",
    "title": "Server-Sent Events",
    "description": "`text/event-stream`: `id` is the sequence as a number, `event` the type, `data` the event. Come"
    " again with `Last-Event-ID` and it goes on behind it. A comment at least each 15 s shows that the line stands."
    " `gap` and `end`, both without an id, are no events of the feed: what follows is forgotten, or the key is no"
    " longer good.",
    "servers": [{"$ref": "#/servers/orders"}],
    "parameters": _BRANCH,
}
PULL: Final[Part] = {
    "address": "/v1/branches/{branch_id}/events",
    "title": "Pull",
    "description": "Pages of events behind a sequence, each the message of its `type` and `dataversion`. An empty page:"
    " there is nothing new. What is older than what is kept is refused: 410 `events-forgotten`.",
    "servers": [{"$ref": "#/servers/orders"}],
    "parameters": _BRANCH,
}
CURSOR: Final[Part] = {
    "address": "/v1/branches/{branch_id}/cursors/{name}/events",
    "title": "Pull with acknowledgement",
    "description": "Pages of events that the named cursor has not acknowledged: the same again until `POST"
    " /v1/branches/{branch_id}/cursors/{name}/acknowledge` says that they are stored.",
    "servers": [{"$ref": "#/servers/orders"}],
    "parameters": {**_BRANCH, "name": {"description": "The cursor's name", "examples": ["till-1"]}},
}
STREAM: Final[Part] = {
    "title": "Redis stream",
    "description": "For consumer groups inside the network. An entry's id is SEQUENCE-0, its field `event` the event.",
    "servers": [{"$ref": "#/servers/redis"}],
    "parameters": _BRANCH,
}


def page(event: Part) -> dict[str, Any]:
    """What a pull is answered with. No list of what an event may be: types come on top, and readers ignore them."""
    return {
        "name": "page",
        "title": "A page of events",
        "contentType": "application/json",
        "payload": {
            "type": "object",
            "required": ["events"],
            "properties": {"events": {"type": "array", "items": event}},
        },
    }


def cursor_page(event: Part) -> dict[str, Any]:
    """What a pull by a cursor is answered with."""
    made = page(event)
    payload = made["payload"]
    place = {
        "acknowledged": {"type": "integer", "minimum": 0, "description": "Where the cursor stands"},
        "newest": {"type": "integer", "minimum": 0, "description": "The newest sequence of the branch; 0 for none"},
    }
    properties = {**place, **payload["properties"]}
    return {**made, "payload": {**payload, "properties": properties, "required": [*place, "events"]}}


_AFTER: Final[Part] = {"type": "integer", "minimum": 0, "description": "The last sequence that you have"}
_LIMIT: Final[Part] = {"type": "integer", "minimum": 1, "maximum": 200, "description": "At most so many events"}
_KEY: Final = [{"$ref": "#/components/securitySchemes/key"}]

OPERATIONS: Final[Mapping[str, Part]] = {
    "pushEvents": {
        "action": "send",
        "channel": {"$ref": "#/channels/webhook"},
        "summary": "Events are pushed to each webhook",
        "security": [{"$ref": "#/components/securitySchemes/signature"}],
        "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
    },
    "streamEvents": {
        "action": "send",
        "channel": {"$ref": "#/channels/sse"},
        "summary": "Events are sent as they are numbered",
        "security": _KEY,
        "bindings": {
            "http": {
                "method": "GET",
                "query": {"type": "object", "properties": {"after": _AFTER}},
                "bindingVersion": "0.3.0",
            }
        },
    },
    "pullEvents": {
        "action": "send",
        "channel": {"$ref": "#/channels/pull"},
        "summary": "Events are given page by page",
        "security": _KEY,
        "bindings": {
            "http": {
                "method": "GET",
                "query": {
                    "type": "object",
                    "properties": {"after": _AFTER, "limit": _LIMIT},
                },
                "bindingVersion": "0.3.0",
            }
        },
    },
    "pullUnacknowledged": {
        "action": "send",
        "channel": {"$ref": "#/channels/cursor"},
        "summary": "Events are given page by page, again until they are acknowledged",
        "security": _KEY,
        "bindings": {
            "http": {
                "method": "GET",
                "query": {"type": "object", "properties": {"limit": _LIMIT}},
                "bindingVersion": "0.3.0",
            }
        },
    },
    "addEvents": {
        "action": "send",
        "channel": {"$ref": "#/channels/stream"},
        "summary": "Events are added to the branch's stream",
        "security": [{"$ref": "#/components/securitySchemes/redis"}],
    },
}

INTERNAL_TEXTS: Final[Mapping[str, str]] = {
    streams.CALLS: "What the carrier and the bridge tell of each call",
    streams.HANDOFFS: "Calls that need a person",
    f"{streams.TOOLS_PREFIX}{{partition}}": "What the model asks for; all of a call in one partition, in order",
    streams.replies_channel("{bridge_id}"): "Pub/Sub: answers and orders to one bridge",
    streams.ALL_BRIDGES: "Pub/Sub: what every bridge has to hear",
    streams.carts_channel("{branch_id}"): "Pub/Sub: carts of live calls, for screens; provisional and not numbered",
}
_PARAMETERS: Final[Mapping[str, str]] = {
    "branch_id": "The branch",
    "bridge_id": "A replica of the bridge",
    "partition": f"0 to {streams.TOOL_PARTITIONS - 1}: CRC-32 of the call's id, modulo {streams.TOOL_PARTITIONS}",
}


def channel_name(address: str) -> str:
    """The address as a name of a channel: ``agiza:tools:{partition}`` is ``tools``."""
    return re.sub(r":{\w+}", "", streams.label(address)).replace(":", "_")


def parameters_of(address: str) -> dict[str, Any]:
    """What stands in braces."""
    names = re.findall(r"{(\w+)}", address)
    return {"parameters": {name: {"description": _PARAMETERS[name]} for name in names}} if names else {}
