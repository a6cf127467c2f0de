"""The AsyncAPI documents: valid by the initiative's own schema, complete, and with examples that are what they show."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from agiza.contracts import streams
from agiza.contracts.asyncapi import document, internal_document
from agiza.contracts.compatibility import resolved
from agiza.contracts.envelope import decode
from agiza.contracts.events import EVENTS, CartChanged, OrderReady
from agiza.contracts.examples import example_of
from agiza.contracts.journeys import address_of, is_public, public_events
from agiza.contracts.schemas import name_of
from services.orders.public_api.document import document as api_document

FOLDER = Path(__file__).parent / "asyncapi"
OFFICIAL = FOLDER / "asyncapi-3.0.0.json"
VALIDATOR = Draft7Validator(json.loads(OFFICIAL.read_text()))

DOCUMENTS = [pytest.param(document(), id="feed"), pytest.param(internal_document(), id="internal")]
PUBLIC = {name_of(event.type, event.version) for event in public_events()}


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for one in part:
            yield from references(one)


def test_the_official_schema_is_the_one_that_was_published() -> None:
    digest = hashlib.sha256(OFFICIAL.read_bytes()).hexdigest()
    assert digest in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("made", DOCUMENTS)
def test_the_document_is_valid(made: dict[str, Any]) -> None:
    assert [(list(error.absolute_path), error.message) for error in VALIDATOR.iter_errors(made)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("asyncapi",), "2.6.0"),
        (("info", "version"), None),
        (("servers", "orders", "protocol"), None),
        (("channels", "sse", "address"), 7),
        (("channels", "sse", "parameters", "branch_id", "schema"), {"type": "string"}),
        (("operations", "pushEvents", "action"), "push"),
        (("operations", "pushEvents", "bindings", "http", "method"), "FETCH"),
        (("components", "securitySchemes", "key", "type"), "token"),
        (("components", "messages", "agiza.order.ready.v1", "payload"), "agiza.order.ready"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_the_official_schema_finds_what_is_wrong(path: tuple[str, ...], value: object) -> None:
    made = copy.deepcopy(document())
    place = made
    for name in path[:-1]:
        place = place[name]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    assert not VALIDATOR.is_valid(made)


@pytest.mark.parametrize("made", DOCUMENTS)
def test_every_reference_leads_somewhere(made: dict[str, Any]) -> None:
    found = set(references(made))
    assert found
    for reference in found:
        resolved({"$ref": reference}, made)


@pytest.mark.parametrize("made", DOCUMENTS)
def test_every_example_is_valid_and_an_event_of_ours(made: dict[str, Any]) -> None:
    for name, message in made["components"]["messages"].items():
        (example,) = message["examples"]
        schema = {**message["payload"], "components": made["components"]}
        Draft7Validator(schema).validate(example["payload"])
        received = decode(json.dumps(example["payload"]))
        assert name_of(received.event.type, received.event.version) == name
        assert not Draft7Validator(schema).is_valid(example["payload"] | {"type": "agiza.order.lost"})
        assert not Draft7Validator(schema).is_valid(example["payload"] | {"data": {}})


def test_the_four_forms_carry_every_numbered_event_and_no_other() -> None:
    channels = document()["channels"]
    assert set(channels) == {"webhook", "sse", "pull", "cursor", "stream"}
    assert set(channels["webhook"]["messages"]) == PUBLIC | {"agiza.ping.v1"}
    assert set(channels["sse"]["messages"]) == set(channels["stream"]["messages"]) == PUBLIC
    for name, place in (("pull", {}), ("cursor", {"acknowledged": 3, "newest": 42})):
        page = Draft7Validator(channels[name]["messages"]["page"]["payload"])
        page.validate({"events": [example_of(event) for event in public_events()], **place})
        page.validate({"events": [example_of(OrderReady) | {"type": "agiza.order.of_tomorrow"}], **place})
        assert not page.is_valid({"events": [example_of(CartChanged)], **place}), "it has no number"
    assert "agiza.order.placed.v1" in PUBLIC
    assert "agiza.cart.changed.v1" not in PUBLIC, "provisional: for screens, not for subscribers"
    assert set(document()["components"]["messages"]) == PUBLIC


def test_the_ping_is_valid_and_nobodys_event() -> None:
    made = document()
    ping = made["channels"]["webhook"]["messages"]["agiza.ping.v1"]
    schema = {**ping["payload"], "components": made["components"]}
    Draft7Validator(schema).validate(ping["examples"][0]["payload"])
    assert not Draft7Validator(schema).is_valid(example_of(OrderReady))
    assert "agiza.ping.v1" not in made["channels"]["sse"]["messages"]


def test_a_webhook_carries_the_three_headers_of_standard_webhooks() -> None:
    made = document()
    for message in made["channels"]["webhook"]["messages"].values():
        (trait,) = (resolved(trait, made) for trait in message["traits"])
        assert set(trait["headers"]["required"]) == {"webhook-id", "webhook-timestamp", "webhook-signature"}


def test_the_ways_to_the_feed_are_those_of_the_api_and_of_redis() -> None:
    made = document()
    for name, operation in (("sse", "streamEvents"), ("pull", "pullEvents"), ("cursor", "pullUnacknowledged")):
        route = api_document()["paths"][made["channels"][name]["address"]]["get"]
        asked = {one["name"] for one in route["parameters"] if one["in"] == "query"}
        assert set(made["operations"][operation]["bindings"]["http"]["query"]["properties"]) == asked
        named = {one["name"] for one in route["parameters"] if one["in"] == "path"}
        assert set(made["channels"][name]["parameters"]) == named
    assert made["channels"]["stream"]["address"] == streams.orders_stream("{branch_id}")
    assert {operation["action"] for operation in made["operations"].values()} == {"send"}
    assert {operation["channel"]["$ref"].rpartition("/")[2] for operation in made["operations"].values()} == set(
        made["channels"]
    )
    assert all(operation["security"] for operation in made["operations"].values())


def test_no_host_is_named_but_examples() -> None:
    for server in document()["servers"].values():
        assert re.fullmatch(r"{\w+}", server["host"])
    hosts = re.findall(r"https?://[^/\"]+", json.dumps(document()))
    assert hosts == []


def test_every_event_is_in_one_of_the_documents_on_its_own_channel() -> None:
    inside = {
        name: channel["address"] for channel in internal_document()["channels"].values() for name in channel["messages"]
    }
    for event in EVENTS:
        name = name_of(event.type, event.version)
        assert (name in PUBLIC) == is_public(event)
        assert (name in inside) == (not is_public(event))
        assert inside.get(name, address_of(event)) == address_of(event)
    assert all(channel["description"] for channel in internal_document()["channels"].values())
    assert all(channel["x-internal"] for channel in internal_document()["channels"].values())


def test_the_two_documents_share_nothing_that_could_be_changed_in_one() -> None:
    ours, theirs = document()["servers"]["redis"], internal_document()["servers"]["redis"]
    assert ours == theirs
    assert ours is not theirs
