"""What breaks a reader or a writer of a JSON Schema is found, each by its kind; what does not is let pass."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agiza.contracts.compatibility import Side, UnknownKeyword, breaks
from agiza.contracts.released import released_schemas
from agiza.contracts.schemas import schemas

OLD: dict[str, Any] = {
    "type": "object",
    "required": ["id", "kind", "lines"],
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 20},
        "kind": {"enum": ["pickup", "delivery"], "type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 1},
        "share": {"type": "number", "exclusiveMinimum": 0},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "lines": {"type": "array", "minItems": 1, "maxItems": 5, "items": {"$ref": "#/$defs/Line"}},
        "tags": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
        "by_name": {"type": "object", "additionalProperties": {"type": "integer"}},
        "word": {
            "oneOf": [
                {"type": "object", "required": ["say"], "properties": {"say": {"const": "yes"}}},
                {
                    "type": "object",
                    "required": ["say", "why"],
                    "properties": {"say": {"const": "no"}, "why": {"type": "string"}},
                },
            ]
        },
        "code": {"type": "string", "x-extensible-enum": ["a", "b"]},
        "closed": {"type": "object", "additionalProperties": False, "properties": {"a": {"type": "string"}}},
    },
    "$defs": {
        "Line": {
            "type": "object",
            "required": ["item"],
            "properties": {
                "item": {"type": "string"},
                "quantity": {"type": "integer", "minimum": 1},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
            },
        }
    },
}
"""A schema with everything that ours have."""

Change = Callable[[dict[str, Any]], Any]


def to(path: str, value: Any) -> Change:
    """Puts a value there."""

    def change(schema: dict[str, Any]) -> None:
        *way, last = path.split(".")
        place: Any = schema
        for name in way:
            place = place[int(name)] if isinstance(place, list) else place[name]
        place[last] = value

    return change


def without(path: str) -> Change:
    """Takes away what is there."""

    def change(schema: dict[str, Any]) -> None:
        *way, last = path.split(".")
        place: Any = schema
        for name in way:
            place = place[int(name)] if isinstance(place, list) else place[name]
        del place[int(last) if isinstance(place, list) else last]

    return change


def changed(change: Change) -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    change(new)
    assert new != OLD
    return new


NEW_WORD = {"type": "object", "required": ["say"], "properties": {"say": {"const": "perhaps"}}}
CHANGES: list[tuple[str, Change, set[str], set[str]]] = [
    # what was done, how, the kinds of break for a reader and for a writer
    ("a field went", without("properties.at"), {"removed"}, {"removed"}),
    ("a field of a part went", without("$defs.Line.properties.quantity"), {"removed"}, {"removed"}),
    ("another type", to("properties.count.type", "string"), {"type"}, {"type"}),
    ("a wider type", to("properties.count.type", "number"), {"type"}, set()),
    ("a narrower type", to("properties.share.type", "integer"), set(), {"type"}),
    ("may be null", to("properties.kind", {"anyOf": [OLD["properties"]["kind"], {"type": "null"}]}), {"type"}, set()),
    ("is never null", to("properties.note", {"type": "string", "default": None}), set(), {"type"}),
    ("any type", to("properties.share", {}), {"type"}, set()),
    ("must be there and may be missing", to("required", ["id", "kind"]), {"required"}, set()),
    ("may be missing and must be there", to("required", ["id", "kind", "lines", "at"]), set(), {"required"}),
    ("of a part, may be missing", without("$defs.Line.required"), {"required"}, set()),
    ("a new field that may be missing", to("properties.new", {"type": "string"}), set(), set()),
    (
        "a new field that must be there",
        lambda schema: (to("properties.new", {})(schema), to("required", [*OLD["required"], "new"])(schema)),
        set(),
        {"required"},
    ),
    ("a word more", to("properties.kind.enum", ["pickup", "delivery", "drone"]), {"words"}, set()),
    ("a word less", to("properties.kind.enum", ["pickup"]), set(), {"words"}),
    ("the words may be any", without("properties.kind.enum"), {"words"}, set()),
    ("only one word", to("properties.kind", {"const": "pickup", "type": "string"}), set(), {"words"}),
    ("a word more in a list that may grow", to("properties.code.x-extensible-enum", ["a", "b", "c"]), set(), set()),
    ("a list that may grow is closed", to("properties.code.enum", ["a", "b"]), set(), {"words"}),
    ("another pattern", to("properties.id.pattern", "^[a-z0-9]+$"), {"pattern"}, {"pattern"}),
    ("no pattern", without("properties.id.pattern"), {"pattern"}, set()),
    ("a pattern", to("$defs.Line.properties.item.pattern", "^x"), set(), {"pattern"}),
    ("no format", without("properties.at.format"), {"format"}, set()),
    ("a format", to("properties.id.format", "uuid"), set(), {"format"}),
    ("longer", to("properties.id.maxLength", 40), {"limit"}, set()),
    ("shorter", to("properties.id.maxLength", 10), set(), {"limit"}),
    ("of any length", without("properties.id.maxLength"), {"limit"}, set()),
    ("lower", to("properties.count.minimum", 0), {"limit"}, set()),
    ("less low", to("properties.count.minimum", 2), set(), {"limit"}),
    ("higher", to("properties.count.maximum", 99), {"limit"}, set()),
    ("of any height", without("properties.share.exclusiveMinimum"), {"limit"}, set()),
    ("a limit that was none", to("properties.share.maximum", 1), set(), {"limit"}),
    ("may be empty", without("properties.lines.minItems"), {"limit"}, set()),
    ("more of them", to("properties.lines.maxItems", 50), {"limit"}, set()),
    ("fewer of them", to("properties.lines.maxItems", 4), set(), {"limit"}),
    ("no more different ones", without("properties.tags.uniqueItems"), {"limit"}, set()),
    ("others in the list", to("properties.tags.items", {"type": "integer"}), {"type"}, {"type"}),
    ("others by name", to("properties.by_name.additionalProperties", {"type": "number"}), {"type"}, set()),
    ("anything by name", without("properties.by_name.additionalProperties"), {"type"}, set()),
    ("another default", to("properties.count.default", 2), {"default"}, {"default"}),
    ("no default", without("properties.note.default"), {"default"}, {"default"}),
    ("a default", to("properties.at.default", "2026-11-22T09:00:00Z"), set(), set()),
    ("one more of several", lambda schema: schema["properties"]["word"]["oneOf"].append(NEW_WORD), {"type"}, set()),
    ("one less of several", without("properties.word.oneOf.1"), set(), {"type"}),
    ("within one of several", without("properties.word.oneOf.1.properties.why"), {"removed"}, {"removed"}),
    ("fields without a name are refused", to("additionalProperties", False), set(), {"closed"}),
    ("fields without a name may come", without("properties.closed.additionalProperties"), {"open"}, set()),
    ("a field where there were no others", to("properties.closed.properties.b", {}), {"open"}, set()),
    ("another text", to("properties.count.description", "How many"), set(), set()),
    ("another title", to("title", "Order"), set(), set()),
    ("an example", to("properties.id.examples", ["abc"]), set(), set()),
    ("another name of a part", lambda schema: rename_part(schema), set(), set()),
]


def rename_part(schema: dict[str, Any]) -> None:
    schema["$defs"]["TicketLine"] = schema["$defs"].pop("Line")
    schema["$defs"]["TicketLine"]["properties"]["parts"]["items"] = {"$ref": "#/$defs/TicketLine"}
    schema["properties"]["lines"]["items"] = {"$ref": "#/$defs/TicketLine"}


@pytest.mark.parametrize(("change", "reader", "writer"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_each_change_breaks_whom_it_breaks(change: Change, reader: set[str], writer: set[str]) -> None:
    new = changed(change)
    Draft202012Validator.check_schema(new)
    assert {found.rule for found in breaks(OLD, new, "reader")} == reader
    assert {found.rule for found in breaks(OLD, new, "writer")} == writer


@pytest.mark.parametrize("side", ["reader", "writer"])
def test_the_same_breaks_nobody(side: Side) -> None:
    assert breaks(OLD, copy.deepcopy(OLD), side) == ()
    for schema in schemas().values():
        assert breaks(schema, copy.deepcopy(schema), side) == ()


def test_a_break_says_where_and_what() -> None:
    (found,) = breaks(OLD, changed(to("properties.kind.enum", ["pickup", "delivery", "drone"])), "reader")
    assert str(found) == "$.kind: 'drone' came, and the list is closed"
    found = breaks(OLD, changed(without("$defs.Line.required")), "reader")[-1]
    assert str(found) == "$.lines[].item: may be missing now"
    (found,) = breaks(OLD, changed(to("properties.id.maxLength", 40)), "reader")
    assert str(found) == "$.id: its maxLength was 20 and is 40 now"


def test_true_is_not_one() -> None:
    assert breaks({"const": 1}, {"const": True}, "reader")


@pytest.mark.parametrize(
    "schema",
    [
        {"not": {"type": "string"}},
        {"type": "object", "patternProperties": {"^x": {}}},
        {"anyOf": [{"type": "string"}], "minLength": 3},
        {"$ref": "other.json#/x"},
        {"properties": {"deep": {"allOf": []}}},
    ],
    ids=lambda schema: next(iter(schema)),
)
def test_what_it_does_not_understand_it_does_not_pass_over(schema: dict[str, Any]) -> None:
    with pytest.raises(UnknownKeyword):
        breaks(schema, copy.deepcopy(schema), "reader")


def test_a_schema_that_contains_itself_has_an_end() -> None:
    tree = {
        "$ref": "#/$defs/T",
        "$defs": {"T": {"properties": {"next": {"anyOf": [{"$ref": "#/$defs/T"}, {"type": "null"}]}}}},
    }
    other = copy.deepcopy(tree)
    assert breaks(tree, other, "reader") == ()
    other["$defs"]["T"]["properties"]["next"]["anyOf"].append({"type": "string"})  # type: ignore[index]
    assert [found.rule for found in breaks(tree, other, "reader")] == ["type"]


def every_place(schema: Any, way: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every schema within the schema that limits something."""
    found = [way] if way and ("type" in schema or "const" in schema or "anyOf" in schema or "$ref" in schema) else []
    for name, inner in schema.get("properties", {}).items():
        found += every_place(inner, (*way, "properties", name))
    for name, inner in schema.get("$defs", {}).items():
        found += every_place(inner, (*way, "$defs", name))
    return found


@pytest.mark.parametrize("name", released_schemas())
def test_no_field_of_any_event_that_was_released_can_change_unseen(name: str) -> None:
    """Each field of each event in turn is turned into something else, is made to be anything, and is taken away."""
    old = released_schemas()[name]
    for way in every_place(old):
        for other in ({"type": "array", "const": [["odd"]]}, {}, None):
            new = copy.deepcopy(old)
            place = new
            for step in way[:-1]:
                place = place[step]
            if other is None and way[-2] == "properties":
                del place[way[-1]]
            elif other is not None:
                place[way[-1]] = other
            if new != old:
                assert breaks(old, new, "reader"), (way, other)


simple = st.one_of(
    st.just({}),
    st.sampled_from([{"type": kind} for kind in ("string", "integer", "number", "boolean", "null")]),
    st.builds(
        lambda low, high: {"type": "integer", "minimum": low, "maximum": high}, st.integers(0, 2), st.integers(2, 4)
    ),
    st.builds(lambda low: {"type": "string", "minLength": low}, st.integers(0, 2)),
    st.builds(lambda words: {"enum": words}, st.lists(st.sampled_from(["", "a", "bb", 1, True, None]), min_size=1)),
    st.builds(lambda word: {"const": word}, st.sampled_from(["a", 1, 2, False, None])),
)
some_schema = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner),
        st.builds(
            lambda fields, must, further: {
                "type": "object", "properties": fields, "required": must, "additionalProperties": further,
            },
            st.dictionaries(st.sampled_from("pq"), inner),
            st.lists(st.sampled_from("pq"), unique=True),
            st.one_of(st.booleans(), inner),
        ),
    ),
    max_leaves=4,
)  # fmt: skip
some_value = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 2, 3, 0.5, "", "a", "bb"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("pqr"), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=120)
@given(some_schema, some_schema, st.lists(some_value, min_size=5, max_size=12))
def test_where_nothing_breaks_all_that_is_sent_is_read(old: Any, new: Any, values: list[Any]) -> None:
    """The promise itself, on schemas and values that nobody chose."""
    if not breaks(old, new, "reader"):
        sent, read = Draft202012Validator(new), Draft202012Validator(old)
        assert [value for value in values if sent.is_valid(value) and not read.is_valid(value)] == []
    if not breaks(old, new, "writer") and not takes_anything_more(old):
        sent, read = Draft202012Validator(old), Draft202012Validator(new)
        assert [value for value in values if sent.is_valid(value) and not read.is_valid(value)] == []


def takes_anything_more(schema: Any) -> bool:
    """What is sent under a name that is ignored is not promised to be ignored for good."""
    if isinstance(schema, dict):
        return schema.get("additionalProperties") is True or any(takes_anything_more(one) for one in schema.values())
    return isinstance(schema, list) and any(takes_anything_more(one) for one in schema)
