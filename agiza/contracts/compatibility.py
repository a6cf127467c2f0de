"""Whether a new JSON Schema breaks those who were told the old one.

    breaks(old, new, "reader")       we send it: who reads by the old schema must understand all that we send now
    breaks(old, new, "writer")       they send it: all that the old schema let them send must still be taken

A pure comparison of two schemas, each with the document that its references point into. What cannot be shown to be
compatible is a break: a changed pattern is one, and a keyword that this module does not know raises
:class:`UnknownKeyword` rather than being passed over. The policy behind it, in words for integrators, is
docs/contracts.md:

- readers ignore fields that they do not know, so a new field breaks no reader; a field that went breaks them;
- a missing field stands for its ``default``, so a changed default is a changed meaning;
- words of an ``enum`` are all that there are. A list that may grow is an ``x-extensible-enum``, which is no limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Side = Literal["reader", "writer"]
Rule = Literal["removed", "required", "type", "words", "pattern", "format", "limit", "default", "closed", "open"]
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that somebody relied on. ``where`` is its path, ``what`` a sentence."""

    where: str
    rule: Rule
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class UnknownKeyword(ValueError):
    """A schema says something that this comparison does not understand: teach it here first."""

    retryable = False


_NOTES: Final = frozenset(
    "$schema $id $defs definitions title description examples deprecated discriminator".split()  # noqa: SIM905
)
"""Keywords that limit nothing. ``discriminator`` only says how to find the alternative."""
_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_KNOWN: Final = _NOTES | {
    "$ref", "type", "const", "enum", "format", "pattern", "default", "properties", "required", "additionalProperties",
    "items", "uniqueItems", "anyOf", "oneOf", *_LEAST, *_MOST,
}  # fmt: skip


def breaks(
    old: Any, new: Any, side: Side, *, old_root: Any = None, new_root: Any = None, where: str = "$"
) -> tuple[Break, ...]:
    """All breaks, in the schemas' order. The roots are what ``#/...`` points into; left out, the schemas themselves."""
    comparison = _Comparison(side, old if old_root is None else old_root, new if new_root is None else new_root)
    return tuple(dict.fromkeys(comparison.compare(old, new, where)))


@dataclass(slots=True)
class _Comparison:
    """One run over two documents. ``_open`` has the pairs that are being compared: a schema may contain itself."""

    side: Side
    old_root: Any
    new_root: Any
    _open: set[tuple[int, int]] = field(default_factory=set)

    def compare(self, old: Any, new: Any, where: str) -> Iterator[Break]:
        """What breaks at this place and below it."""
        pair = (id(old), id(new))
        if pair in self._open:
            return
        self._open.add(pair)
        yield from self._defaults(old, new, where)
        yield from self._alternatives(_alternatives(old, self.old_root), _alternatives(new, self.new_root), where)
        self._open.discard(pair)

    def _defaults(self, old: Any, new: Any, where: str) -> Iterator[Break]:
        before, after = _default(old, self.old_root), _default(new, self.new_root)
        if before and before != after:
            told = f"is {after[0]!r} now" if after else "is gone"
            yield Break(where, "default", f"its default was {before[0]!r} and {told}")

    def _alternatives(self, old: Sequence[Schema], new: Sequence[Schema], where: str) -> Iterator[Break]:
        """Of each thing that may be sent, one of the things that may be read must take it."""
        sent, read = (new, old) if self.side == "reader" else (old, new)
        for one in sent:
            found = [self._within(one, other, where) for other in read]
            if any(not problems for problems in found):
                continue
            kin = [problems for problems, other in zip(found, read, strict=True) if _is_kin(one, other)]
            if len(kin) == 1:
                yield from kin[0]
            else:
                word = "may be sent now and could not before" if self.side == "reader" else "is no longer taken"
                yield Break(where, "type", f"{_in_words(one)} {word}")

    def _within(self, sent: Schema, read: Schema, where: str) -> list[Break]:
        """Why something that is sent would not be read; nothing when all of it is."""
        found = list(self._values(sent, read, where))
        if not found:
            found += self._limits(sent, read, where)
            found += self._lists(sent, read, where)
            found += self._objects(sent, read, where)
        return found

    def _values(self, sent: Schema, read: Schema, where: str) -> Iterator[Break]:
        wanted, kinds = _types(read), _types(sent) or {_type_of(word) for word in _words(sent) or ()}
        if wanted and not (kinds and all(_is_one_of(kind, wanted) for kind in kinds)):
            yield Break(where, "type", self._was_now(_or(kinds), _or(wanted)))
        words = _words(read)
        if words is not None:
            said = _words(sent)
            if said is None:
                yield Break(where, "words", f"{self._was_now('any value', _listed(words))}")
            elif more := [word for word in said if not _is_said(word, words)]:
                told = "came" if self.side == "reader" else "went"
                yield Break(where, "words", f"{_listed(more)} {told}, and the list is closed")

    def _limits(self, sent: Schema, read: Schema, where: str) -> Iterator[Break]:
        for name in ("pattern", "format"):
            wanted, said = read.get(name), sent.get(name)
            if wanted is not None and wanted != said:
                rule: Rule = "pattern" if name == "pattern" else "format"
                yield Break(where, rule, f"its {name} {self._was_now(repr(said), repr(wanted))}")
        for name in (*_LEAST, *_MOST):
            wanted, said = read.get(name), sent.get(name)
            if wanted is not None and (said is None or (said < wanted if name in _LEAST else said > wanted)):
                yield Break(where, "limit", f"its {name} {self._was_now(repr(said), repr(wanted))}")
        if read.get("uniqueItems") and not sent.get("uniqueItems"):
            yield Break(where, "limit", "uniqueItems differs")

    def _lists(self, sent: Schema, read: Schema, where: str) -> Iterator[Break]:
        if "items" in read or "items" in sent:
            yield from self._inner(sent.get("items", {}), read.get("items", {}), f"{where}[]")

    def _objects(self, sent: Schema, read: Schema, where: str) -> Iterator[Break]:
        old, new = (read, sent) if self.side == "reader" else (sent, read)
        known: Mapping[str, Any] = new.get("properties", {})
        for name, schema in old.get("properties", {}).items():
            if name not in known:
                yield Break(f"{where}.{name}", "removed", "the field went")
            else:
                yield from self.compare(schema, known[name], f"{where}.{name}")
        must = set(sent.get("required", ()))
        for name in read.get("required", ()):
            if name not in must:
                told = "may be missing now" if self.side == "reader" else "must be sent now"
                yield Break(f"{where}.{name}", "required", told)
        yield from self._further(sent, read, where)

    def _further(self, sent: Schema, read: Schema, where: str) -> Iterator[Break]:
        """Members that have no name in the schema."""
        takes, gives = read.get("additionalProperties", True), sent.get("additionalProperties", True)
        named = read.get("properties", {})
        fields = {name: schema for name, schema in sent.get("properties", {}).items() if name not in named}
        if takes is False and (gives is not False or fields):
            if self.side == "reader":
                yield Break(where, "open", "fields that had no name may come now, and none were promised to")
            elif gives is not False:
                yield Break(where, "closed", "fields without a name are refused now")
        elif isinstance(takes, Mapping):
            for name, schema in (fields | {"*": gives}).items():
                yield from self._inner(schema, takes, f"{where}.{name}")
        if isinstance(gives, Mapping):  # what came under any name, and has a schema of its own now
            for name in named.keys() - sent.get("properties", {}).keys():
                yield from self._inner(gives, named[name], f"{where}.{name}")

    def _inner(self, sent: Any, read: Any, where: str) -> Iterator[Break]:
        old, new = (read, sent) if self.side == "reader" else (sent, read)
        yield from self.compare(old, new, where)

    def _was_now(self, sent: str, read: str) -> str:
        old, new = (read, sent) if self.side == "reader" else (sent, read)
        return f"was {old} and is {new} now"


def resolved(schema: Any, root: Any) -> Any:
    """What the schema is once its reference is followed. Members beside a reference go before those behind it."""
    seen: set[str] = set()
    while isinstance(schema, Mapping) and "$ref" in schema:
        reference = schema["$ref"]
        if reference in seen or not reference.startswith("#/"):
            raise UnknownKeyword(f"the reference {reference} cannot be followed within the document")
        seen.add(reference)
        target = root
        for part in reference[2:].split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        schema = {**target, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def _default(schema: Any, root: Any) -> tuple[Any, ...]:
    found = resolved(schema, root)
    return (found["default"],) if isinstance(found, Mapping) and "default" in found else ()


def _alternatives(schema: Any, root: Any) -> list[Schema]:
    """The schema as a list of simple ones, of which a value has to fit one."""
    found = resolved(schema, root)
    if found is True:
        return [{}]
    if found is False:
        return []
    if unknown := [name for name in found if name not in _KNOWN and not name.startswith("x-")]:
        raise UnknownKeyword(f"the comparison of schemas does not know {', '.join(sorted(unknown))}")
    for name in ("anyOf", "oneOf"):
        if name in found:
            rest = {key: value for key, value in found.items() if key not in _NOTES and key not in {name, "default"}}
            if rest:
                raise UnknownKeyword(f"the comparison of schemas does not know {name} beside {', '.join(sorted(rest))}")
            return [simple for one in found[name] for simple in _alternatives(one, root)]
    if isinstance(found.get("type"), list):
        return [{**found, "type": one} for one in found["type"]]
    return [found]


def _types(schema: Schema) -> set[str]:
    return {schema["type"]} if "type" in schema else set()


def _is_one_of(type_: str, types: set[str]) -> bool:
    return type_ in types or (type_ == "integer" and "number" in types)


def _or(types: set[str]) -> str:
    return " or ".join(sorted(types)) or "anything"


def _words(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if "enum" in schema else None


def _is_said(word: Any, words: Sequence[Any]) -> bool:
    return any(type(word) is type(one) and word == one for one in words)  # True is not 1 in JSON


def _type_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case _:
            return "array" if isinstance(value, list) else "object"


def _is_kin(one: Schema, other: Schema) -> bool:
    """Whether the two were meant to be the same: of one type, and with the same word where each has only one."""
    if _types(one) != _types(other):
        return False
    ours, theirs = one.get("properties", {}), other.get("properties", {})
    tags = ({name: field["const"] for name, field in side.items() if "const" in field} for side in (ours, theirs))
    mine, yours = tags
    return all(mine[name] == yours[name] for name in mine.keys() & yours.keys())


def _in_words(schema: Schema) -> str:
    words = _words(schema)
    return _listed(words) if words is not None else f"a value of type {_or(_types(schema))}"


def _listed(words: Sequence[Any]) -> str:
    return ", ".join(repr(word) for word in words)
