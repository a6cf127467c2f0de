"""Whether a new OpenAPI document breaks clients that were written by the old one.

    api_breaks(old, new)

Both sides of every route that the old document has: what a client sends must still be taken (parameters, body, keys),
what it gets must still be what it can read (statuses of success, media types, bodies, headers). Routes, parameters that
may be left out, fields and refusals may be added. A pure comparison; the schemas are compared by
:mod:`agiza.contracts.compatibility`, and docs/contracts.md has the policy in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from agiza.contracts.compatibility import Break, Side, breaks, resolved

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
Document = Mapping[str, Any]


def api_breaks(old: Document, new: Document) -> tuple[Break, ...]:
    """Everything that breaks a client, route by route."""
    return tuple(_breaks(old, new))


def _breaks(old: Document, new: Document) -> Iterator[Break]:
    yield from _key_schemes(old, new)
    found: dict[Any, tuple[Break, ...]] = {}
    for path, operations in old["paths"].items():
        for method in METHODS:
            if method not in operations:
                continue
            where = f"{method.upper()} {path}"
            operation = new["paths"].get(path, {}).get(method)
            if operation is None:
                yield Break(where, "removed", "the route went")
            else:
                yield from _Route(old, new, where, found).compare(operations[method], operation)


def _key_schemes(old: Document, new: Document) -> Iterator[Break]:
    """How a client shows who it is."""
    after = new.get("components", {}).get("securitySchemes", {})
    for name, scheme in old.get("components", {}).get("securitySchemes", {}).items():
        told = {key: value for key, value in scheme.items() if key != "description"}
        if told != {key: value for key, value in after.get(name, {}).items() if key != "description"}:
            yield Break(f"key {name}", "removed", "clients show who they are in this way")


class _Route:
    """One route of both documents. ``found`` is what was found of pairs of schemas, for all routes."""

    def __init__(self, old: Document, new: Document, where: str, found: dict[Any, tuple[Break, ...]]) -> None:
        self._old = old
        self._new = new
        self._where = where
        self._found = found

    def compare(self, old: Document, new: Document) -> Iterator[Break]:
        yield from self._keys(old, new)
        yield from self._parameters(old, new)
        yield from self._body(old, new)
        yield from self._answers(old, new)

    def _keys(self, old: Document, new: Document) -> Iterator[Break]:
        """Each way of being let in that there was must still be one; an empty list lets everybody in."""
        before = old.get("security", self._old.get("security", [])) or [{}]
        after = new.get("security", self._new.get("security", [])) or [{}]
        if {} not in after and any(way not in after for way in before):
            yield Break(self._where, "required", "it asks for another key, or for one where it asked for none")

    def _parameters(self, old: Document, new: Document) -> Iterator[Break]:
        before, after = (
            {(one["in"], one["name"].lower() if one["in"] == "header" else one["name"]): one for one in found}
            for found in (
                [resolved(one, self._old) for one in old.get("parameters", ())],
                [resolved(one, self._new) for one in new.get("parameters", ())],
            )
        )
        for kind, name in dict.fromkeys([*before, *after]):
            where = f"{self._where} {kind} {name}"
            was, now = before.get((kind, name)), after.get((kind, name))
            if now is None:
                yield Break(where, "removed", "the parameter went")
                continue
            if now.get("required") and not (was or {}).get("required"):
                yield Break(where, "required", "must be sent now")
            if was is not None:
                yield from self._schemas(was["schema"], now["schema"], "writer", where)

    def _body(self, old: Document, new: Document) -> Iterator[Break]:
        was, now = (resolved(side.get("requestBody", {}), root) for side, root in ((old, self._old), (new, self._new)))
        where = f"{self._where} body"
        if now.get("required") and not was.get("required"):
            yield Break(where, "required", "must be sent now")
        yield from self._contents(was, now, "writer", where)

    def _answers(self, old: Document, new: Document) -> Iterator[Break]:
        after = new["responses"]
        for status, answer in old["responses"].items():
            where = f"{self._where} {status}"
            if status in after:
                yield from self._answer(resolved(answer, self._old), resolved(after[status], self._new), where)
            elif _is_success(status):
                yield Break(where, "removed", "it is no longer answered so")
        for status in after:
            if _is_success(status) and status not in old["responses"]:
                yield Break(f"{self._where} {status}", "words", "a success that clients do not know")

    def _answer(self, was: Document, now: Document, where: str) -> Iterator[Break]:
        yield from self._contents(was, now, "reader", where)
        after = {name.lower(): header for name, header in now.get("headers", {}).items()}
        for name, header in was.get("headers", {}).items():
            found = after.get(name.lower())
            if found is None or (header.get("required") and not found.get("required")):
                yield Break(f"{where} {name}", "removed", "the header may be missing now")
            else:
                yield from self._schemas(header.get("schema", {}), found.get("schema", {}), "reader", f"{where} {name}")

    def _contents(self, was: Document, now: Document, side: Side, where: str) -> Iterator[Break]:
        after = now.get("content", {})
        for kind, content in was.get("content", {}).items():
            if kind not in after:
                yield Break(f"{where} {kind}", "removed", "the media type went")
            else:
                yield from self._schemas(content.get("schema", {}), after[kind].get("schema", {}), side, where)

    def _schemas(self, old: Any, new: Any, side: Side, where: str) -> Iterator[Break]:
        """What many routes share, such as the refusals, is compared once."""
        pair = (side, old.get("$ref"), new.get("$ref"))
        if old.keys() != {"$ref"} or new.keys() != {"$ref"}:
            yield from breaks(old, new, side, old_root=self._old, new_root=self._new, where=where)
            return
        if pair not in self._found:
            self._found[pair] = breaks(old, new, side, old_root=self._old, new_root=self._new, where="")
        for found in self._found[pair]:
            yield replace(found, where=f"{where}{found.where}")


def _is_success(status: str) -> bool:
    return status.startswith(("1", "2", "3"))
