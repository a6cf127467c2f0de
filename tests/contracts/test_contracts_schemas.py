"""The JSON Schema of each event: a valid schema, and kept by everything that is sent or ever was."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from samples import SAMPLES, STAMP

from agiza.contracts.envelope import Envelope, decode, to_envelope
from agiza.contracts.events import EVENTS, Event
from agiza.contracts.examples import example_of
from agiza.contracts.journeys import address_of, is_public
from agiza.contracts.released import released_schemas
from agiza.contracts.schemas import name_of, schemas
from agiza.runtime.outbox import with_sequence

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
DRAFT_7_AS_WELL = {
    "$schema", "$id", "$ref", "title", "description", "type", "properties", "required", "items", "const", "enum",
    "default", "pattern", "format", "anyOf", "additionalProperties", "minLength", "maxLength", "minimum", "maximum",
    "minItems", "maxItems",
}  # fmt: skip


FORMATS = FormatChecker(())


@FORMATS.checks("date-time", raises=ValueError)
def is_moment(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


def validator_of(name: str) -> Draft202012Validator:
    schema = schemas().get(name) or released_schemas()[name]
    return Draft202012Validator(schema, format_checker=FORMATS)


@pytest.mark.parametrize("name", schemas())
def test_it_is_a_schema_with_a_name_of_its_own(name: str) -> None:
    schema = schemas()[name]
    Draft202012Validator.check_schema(schema)
    type_, _, version = name.rpartition(".v")
    assert schema["$id"] == f"urn:agiza:schema:{type_}:{version}"
    assert schema["description"]


def test_there_is_one_for_every_event() -> None:
    assert list(schemas()) == [*(name_of(event.type, event.version) for event in EVENTS), "agiza.ping.v1"]


@pytest.mark.parametrize("name", schemas())
def test_it_means_the_same_in_the_dialect_of_the_asyncapi_document(name: str) -> None:
    assert set(keywords(schemas()[name])) <= DRAFT_7_AS_WELL | {"$defs"}


def keywords(schema: Any) -> list[str]:
    found = list(schema)
    for name in ("properties", "$defs"):
        found += [word for inner in schema.get(name, {}).values() for word in keywords(inner)]
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            found += keywords(schema[name])
    return found + [word for inner in schema.get("anyOf", ()) for word in keywords(inner)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.type)
def test_every_event_that_is_sent_keeps_its_schema(sample: Event) -> None:
    sent = with_sequence(json.loads(json.dumps(to_envelope(sample, STAMP))), 7)
    validator_of(name_of(sample.type, sample.version)).validate(sent)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_event_that_was_ever_sent_keeps_its_schema(path: Path) -> None:
    golden = json.loads(path.read_text())
    validator_of(name_of(golden["type"], golden["dataversion"])).validate(with_sequence(golden, 7))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_its_example_is_an_event_and_shows_every_field(event: type[Event]) -> None:
    example = example_of(event)
    validator_of(name_of(event.type, event.version)).validate(example)
    assert decode(json.dumps(example)).event.model_dump(mode="json") == example["data"]
    assert example_of(event) == example


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_what_is_not_the_event_does_not_keep_its_schema(event: type[Event]) -> None:
    validator = validator_of(name_of(event.type, event.version))
    example = example_of(event)
    for name in validator.schema["required"]:
        assert not validator.is_valid({key: value for key, value in example.items() if key != name}), name
    for name in validator.schema["properties"]["data"]["required"]:
        data = {key: value for key, value in example["data"].items() if key != name}
        assert not validator.is_valid(example | {"data": data}), name
    assert not validator.is_valid(example | {"dataversion": event.version + 1})
    assert not validator.is_valid(example | {"branchid": "Not A Branch"})
    assert not validator.is_valid(example | {"time": "yesterday"})


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_what_comes_with_a_newer_sender_keeps_it(event: type[Event]) -> None:
    example = example_of(event)
    example["attributeoftomorrow"] = "x"
    example["data"]["a_field_of_tomorrow"] = {"any": 1}
    validator_of(name_of(event.type, event.version)).validate(example)


def test_it_has_the_attributes_that_are_written() -> None:
    """Of the feed's events more than the envelope's own: what the relay adds when it gives the number."""
    written = set(Envelope.model_fields) | with_sequence({"time": "2026-11-22T09:00:00+00:00"}, 7).keys()
    for event in EVENTS:
        attributes = set(schemas()[name_of(event.type, event.version)]["properties"])
        assert attributes == (written if is_public(event) else set(Envelope.model_fields) - {"sequence"})


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.type)
def test_a_kind_of_event_travels_where_each_of_them_does(sample: Event) -> None:
    pattern = address_of(type(sample))
    head = pattern.partition("{")[0]
    assert sample.stream().startswith(head)
    assert ("{" in pattern) or pattern == sample.stream()
