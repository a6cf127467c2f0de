"""Today's contracts beside those that were released: nothing breaks, nothing is forgotten, and no break gets in."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agiza.cli import release_contracts
from agiza.cli.release_contracts import contracts, findings, main
from agiza.contracts.api_compatibility import api_breaks
from agiza.contracts.compatibility import Break
from agiza.contracts.events import EVENTS
from agiza.contracts.feed_compatibility import feed_breaks
from agiza.contracts.released import FOLDER, former_schemas, released_schemas
from agiza.contracts.schemas import name_of

Change = Callable[[dict[str, Any]], Any]
API: dict[str, Any] = json.loads((FOLDER / "orders-api.v1.json").read_text())
FEED: dict[str, Any] = json.loads((FOLDER / "asyncapi.v1.json").read_text())

STATE = "/v1/orders/{order_id}/state"
ORDERS = "/v1/orders"
SIGNED = ("components", "messageTraits", "signed", "headers")


def test_todays_contracts_break_nobody() -> None:
    broken = {finding.path.name: [str(one) for one in finding.broken] for finding in findings(contracts())}
    assert {name: found for name, found in broken.items() if found} == {}, (
        "somebody relies on this: make it a new version, or take it back (docs/contracts.md)"
    )


def test_todays_contracts_are_released() -> None:
    fresh = [finding.path.name for finding in findings(contracts()) if finding.is_new]
    assert fresh == [], "run make contracts-baseline, and commit what it writes"


def test_every_version_of_every_event_is_released_and_none_that_is_not_there() -> None:
    wanted = {name_of(event.type, version) for event in EVENTS for version in range(1, event.version + 1)}
    assert set(released_schemas()) == wanted | {"agiza.ping.v1"}


def at(*way: str) -> Callable[[Any], Any]:
    def place(document: Any) -> Any:
        for name in way:
            document = document[name]
        return document

    return place


def put(*way: str, value: Any) -> Change:
    return lambda document: at(*way[:-1])(document).__setitem__(way[-1], value)


def drop(*way: str) -> Change:
    return lambda document: at(*way[:-1])(document).__delitem__(way[-1])


def parameter(path: str, name: str, **change: Any) -> Change:
    def do(document: dict[str, Any]) -> None:
        (found,) = (one for one in document["paths"][path]["get"]["parameters"] if one["name"] == name)
        found.update(change)

    return do


def body(document: dict[str, Any]) -> dict[str, Any]:
    schemas: dict[str, Any] = document["components"]["schemas"]
    return schemas


API_BREAKS: list[tuple[str, Change, str]] = [
    ("a route went", drop("paths", ORDERS), "GET /v1/orders: the route went"),
    ("a method went", drop("paths", STATE, "post"), f"POST {STATE}: the route went"),
    ("a parameter went", lambda d: d["paths"][ORDERS]["get"]["parameters"].pop(), "the parameter went"),
    ("a parameter must be sent", parameter(ORDERS, "branch_id", required=True), "query branch_id: must be sent now"),
    (
        "a new parameter must be sent",
        lambda d: d["paths"][ORDERS]["get"]["parameters"].append(
            {"in": "header", "name": "X-Till", "required": True, "schema": {"type": "string"}}
        ),
        "header x-till: must be sent now",
    ),
    (
        "a parameter takes less",
        parameter(ORDERS, "limit", schema={"type": "integer", "minimum": 1, "maximum": 50, "default": 50}),
        "query limit: its maximum was 200 and is 50 now",
    ),
    (
        "a parameter means something else when it is left out",
        parameter(ORDERS, "limit", schema={"type": "integer", "minimum": 1, "maximum": 200, "default": 20}),
        "query limit: its default was 50",
    ),
    ("a field must be sent", lambda d: body(d)["SayReady"]["required"].append("at"), ".at: must be sent now"),
    ("a field is refused", drop("components", "schemas", "SayRejected", "properties", "note"), ".note: the field went"),
    (
        "a word is refused",
        lambda d: at("components", "schemas", "SayRejected", "properties", "reason", "enum")(d).remove("busy"),
        "'busy' went",
    ),
    (
        "a word of a kitchen is refused",
        lambda d: at("paths", STATE, "post", "requestBody", "content", "application/json", "schema", "oneOf")(d).pop(),
        "is no longer taken",
    ),
    (
        "a shorter note",
        put("components", "schemas", "SetStock", "properties", "sold_out", value={"const": True, "type": "boolean"}),
        ".sold_out",
    ),
    ("another media type", put("paths", STATE, "post", "requestBody", "content", value={}), "the media type went"),
    ("an answer lacks a field", drop("components", "schemas", "Order", "properties", "lines"), "lines: the field went"),
    ("an answer may lack a field", lambda d: body(d)["Order"]["required"].remove("state"), "state: may be missing now"),
    (
        "an answer has another type",
        put("components", "schemas", "Order", "properties", "order_number", value={"type": "string"}),
        "a value of type string may be sent now",
    ),
    (
        "an answer may be null",
        put("components", "schemas", "Order", "properties", "currency", value={"type": ["string", "null"]}),
        "a value of type null may be sent now",
    ),
    ("an answer has a state more", lambda d: body(d)["OrderState"]["enum"].append("lost"), "'lost' came"),
    ("another success", put("paths", ORDERS, "get", "responses", "206", value={}), "that clients do not know"),
    ("no such success", drop("paths", ORDERS, "get", "responses", "200"), "it is no longer answered so"),
    (
        "refusals of another form",
        put("paths", ORDERS, "get", "responses", "429", "content", value={"text/plain": {}}),
        "application/problem+json: the media type went",
    ),
    ("no Retry-After", drop("paths", ORDERS, "get", "responses", "429", "headers"), "the header may be missing now"),
    ("another way to show who one is", put("paths", ORDERS, "get", "security", value=[{"cookie": []}]), "another key"),
    ("keys are told otherwise", drop("components", "securitySchemes", "key"), "key key"),
]  # fmt: skip

API_ADDITIONS: list[tuple[str, Change]] = [
    ("a route", put("paths", "/v1/of-tomorrow", value=API["paths"][ORDERS])),
    ("a method", put("paths", ORDERS, "post", value=API["paths"][STATE]["post"])),
    (
        "a parameter that may be left out",
        lambda d: d["paths"][ORDERS]["get"]["parameters"].append(
            {"in": "query", "name": "since", "required": False, "schema": {"type": "string"}}
        ),
    ),
    (
        "a larger page",
        parameter(ORDERS, "limit", schema={"type": "integer", "minimum": 1, "maximum": 500, "default": 50}),
    ),
    ("a field of a body", put("components", "schemas", "SayReady", "properties", "shelf", value={"type": "string"})),
    ("a word that may be said", lambda d: body(d)["SayRejected"]["properties"]["reason"]["enum"].append("fire")),
    ("a field of an answer", put("components", "schemas", "Order", "properties", "table", value={"type": "string"})),
    ("a refusal", put("paths", ORDERS, "get", "responses", "410", value={"description": "gone"})),
    ("no such refusal", drop("paths", ORDERS, "get", "responses", "503")),
    (
        "a code of refusals",
        lambda d: body(d)["Problem"]["properties"]["code"]["x-extensible-enum"].append("on-fire"),
    ),
    ("a further key", put("components", "securitySchemes", "cookie", value={"type": "apiKey"})),
    ("no key asked for", put("paths", ORDERS, "get", "security", value=[])),
    ("better words", put("info", "description", value="What one says and reads")),
]

FEED_BREAKS: list[tuple[str, Change, str]] = [
    ("a channel went", drop("channels", "pull"), "channel pull: the channel went"),
    ("it is elsewhere", put("channels", "sse", "address", value="/v2/events"), "channel sse: address was"),
    ("on another server", put("channels", "stream", "servers", value=[]), "channel stream: servers was"),
    ("another parameter", put("channels", "sse", "parameters", "key", value={}), "channel sse: parameters was"),
    ("a message went", drop("channels", "webhook", "messages", "agiza.order.ready.v1"), "the message went"),
    (
        "a field of an event went",
        drop("components", "schemas", "agiza.order.placed.v1", "properties", "data", "properties", "lines"),
        ".data.lines: the field went",
    ),
    (
        "a pulled page is something else",
        put("channels", "pull", "messages", "page", "payload", "properties", value={}),
        "page payload.events: the field went",
    ),
    ("a header went", lambda d: at(*SIGNED, "properties")(d).pop("webhook-id"), "webhook-id: the field went"),
    (
        "a header may be missing",
        lambda d: at(*SIGNED, "required")(d).pop(),
        "headers.webhook-signature: may be missing",
    ),
    ("the id may have full stops", drop(*SIGNED, "properties", "webhook-id", "pattern"), "webhook-id: its pattern was"),
    ("an operation went", drop("operations", "streamEvents"), "operation streamEvents: the operation went"),
    ("it goes the other way", put("operations", "pushEvents", "action", value="receive"), "pushEvents: action was"),
    ("another key", put("components", "securitySchemes", "key", "scheme", value="basic"), "scheme key: scheme was"),
]
FEED_ADDITIONS: list[tuple[str, Change]] = [
    ("a channel", put("channels", "queue", value=FEED["channels"]["sse"])),
    ("an event", put("channels", "sse", "messages", "agiza.order.lost.v1", value=FEED["components"]["messages"])),
    (
        "a field of an event",
        put("components", "schemas", "agiza.order.ready.v1", "properties", "data", "properties", "shelf", value={}),
    ),
    ("a header", put(*SIGNED, "properties", "webhook-attempt", value={"type": "string"})),
    ("an operation", put("operations", "more", value=FEED["operations"]["pullEvents"])),
    ("better words", put("channels", "sse", "description", value="Events as they come")),
]


def changed(old: dict[str, Any], change: Change) -> dict[str, Any]:
    new = copy.deepcopy(old)
    change(new)
    assert new != old, "the change did nothing"
    return new


def names(table: list[Any]) -> list[str]:
    return [row[0] for row in table]


@pytest.mark.parametrize(("change", "told"), [row[1:] for row in API_BREAKS], ids=names(API_BREAKS))
def test_what_breaks_a_client_is_found(change: Change, told: str) -> None:
    assert any(told in str(found) for found in api_breaks(API, changed(API, change)))


@pytest.mark.parametrize("change", [row[1] for row in API_ADDITIONS], ids=names(API_ADDITIONS))
def test_what_is_added_to_the_api_breaks_no_client(change: Change) -> None:
    assert api_breaks(API, changed(API, change)) == ()


@pytest.mark.parametrize(("change", "told"), [row[1:] for row in FEED_BREAKS], ids=names(FEED_BREAKS))
def test_what_breaks_a_subscriber_is_found(change: Change, told: str) -> None:
    assert any(told in str(found) for found in feed_breaks(FEED, changed(FEED, change)))


@pytest.mark.parametrize("change", [row[1] for row in FEED_ADDITIONS], ids=names(FEED_ADDITIONS))
def test_what_is_added_to_the_feed_breaks_no_subscriber(change: Change) -> None:
    assert feed_breaks(FEED, changed(FEED, change)) == ()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place with one released schema; of today's contracts there is only this one."""
    old = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/x.v1.json").write_text(json.dumps(old))
    return tmp_path


def today(monkeypatch: pytest.MonkeyPatch, **schemas: dict[str, Any]) -> None:
    made = {f"schemas/{name}.json": (schema, release_contracts._schema_breaks) for name, schema in schemas.items()}
    monkeypatch.setattr(release_contracts, "contracts", lambda: made)


NOW = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}


def test_what_is_new_is_added(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    today(monkeypatch, **{"x.v1": NOW, "y.v1": NOW})
    assert main(["--check"], folder) == 1
    assert "not released yet: x.v1.json, y.v1.json; run make contracts-baseline" in capsys.readouterr().err
    assert main([], folder) == 0
    assert json.loads((folder / "schemas/x.v1.json").read_text()) == NOW
    assert json.loads((folder / "schemas/y.v1.json").read_text()) == NOW
    assert main(["--check"], folder) == 0


def test_a_break_is_refused_by_name_and_nothing_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "schemas/x.v1.json").read_text()
    today(monkeypatch, **{"x.v1": {"type": "object", "properties": {}}, "y.v1": NOW})
    for arguments in ([], ["--check"]):
        assert main(arguments, folder) == 1
        told = capsys.readouterr().err
        assert "x.v1.json breaks those who rely on it:\n  $.a: the field went" in told
        assert "make it a new version instead" in told
    assert (folder / "schemas/x.v1.json").read_text() == before
    assert not (folder / "schemas/y.v1.json").exists()


def test_a_new_version_beside_the_old_one_is_no_break(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "schemas/x.v1.json").read_text()
    today(monkeypatch, **{"x.v2": {"type": "object", "properties": {"z": {"type": "integer"}}}})
    assert main([], folder) == 0
    assert (folder / "schemas/x.v1.json").read_text() == before


def test_a_word_said_better_is_no_release(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = json.loads((folder / "schemas/x.v1.json").read_text())
    released["properties"]["a"]["description"] = "What it is"
    today(monkeypatch, **{"x.v1": released})
    assert main(["--check"], folder) == 0


def test_a_former_version_is_found_beside_the_code(tmp_path: Path) -> None:
    class Third(EVENTS[-1]):  # type: ignore[misc]
        version = 3

    for version in (1, 2, 3):
        (tmp_path / f"{Third.type}.v{version}.json").write_text(f'{{"title": "{version}"}}')
    assert {name: schema["title"] for name, schema in former_schemas([Third], tmp_path).items()} == {
        f"{Third.type}.v1": "1", f"{Third.type}.v2": "2",
    }  # fmt: skip
    assert former_schemas() == {}, "while all events are at their first version"


def test_a_break_can_be_read() -> None:
    assert str(Break("$.a", "removed", "the field went")) == "$.a: the field went"
