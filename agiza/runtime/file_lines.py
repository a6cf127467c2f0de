"""A YAML or JSON document together with the line on which each of its parts stands.

    written = read_written(text, is_json=False)
    written.document, written.line_of("groups.dip.options[1].id")

YAML is read strictly: ``10:30``, ``no`` and dates are the texts that they look like, not the numbers and booleans of
YAML 1.1. (``true`` and ``false`` are booleans.) In both a key that stands twice is a mistake.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

PLACES_MAX: Final = 200_000
"""Parts of one document: a small file can unfold to any size where YAML refers back to itself."""


class NotReadable(Exception):
    """The text is no document at all. ``line`` is where reading stopped; what comes after it was not looked at."""

    retryable = False

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class Written:
    """A document, the first line of each of its parts by path, and keys that stand twice (line, key)."""

    document: Any = None
    lines: dict[str, int] = field(default_factory=lambda: {"": 1})
    doubled: list[tuple[int, str]] = field(default_factory=list)

    def line_of(self, path: str) -> int:
        """The line of this part; of the nearest part around it when it is not there, as with a key that is missing."""
        while path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines[path]

    def put(self, path: str, line: int) -> None:
        """Note where a part begins."""
        if len(self.lines) >= PLACES_MAX:
            raise NotReadable(line, f"holds more than {PLACES_MAX} values: make it smaller")
        self.lines.setdefault(path, line)


def read_written(text: str, *, is_json: bool) -> Written:
    """The document in ``text``. Raises :class:`NotReadable`."""
    try:
        return _read_json(text) if is_json else _read_yaml(text)
    except RecursionError:
        raise NotReadable(1, "lists and mappings stand too deep in each other") from None


# -- YAML -------------------------------------------------------------------------------------------------------------


def _read_yaml(text: str) -> Written:
    written = Written()
    try:
        loader = _StrictLoader(text)
        loader.doubled = written.doubled
        node = loader.get_single_node()
        if node is None:
            return written
        written.document = loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        told = getattr(error, "problem", None) or str(error)
        place = f" (column {mark.column + 1})" if mark is not None else ""
        raise NotReadable(mark.line + 1 if mark is not None else 1, f"{told}{place}") from None
    except ValueError as error:  # a number with thousands of digits
        raise NotReadable(1, str(error)) from None
    _walk(node, "", written)
    return written


def _walk(node: yaml.Node, path: str, written: Written) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            at = _join(path, str(key.value))
            written.put(at, key.start_mark.line + 1)
            _walk(value, at, written)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            at = f"{path}[{index}]"
            written.put(at, value.start_mark.line + 1)
            _walk(value, at, written)


class _StrictLoader(yaml.SafeLoader):
    """A safe loader without YAML 1.1's surprises."""

    doubled: list[tuple[int, str]]

    yaml_implicit_resolvers = {  # noqa: RUF012 - overrides the table of the class above
        first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in ("null", "merge", "float")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As usual, but a key that stands twice is noted."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                self.doubled.append((key_node.start_mark.line + 1, key))
            if isinstance(key, str):
                seen.add(key)
        return super().construct_mapping(node, deep)


_BOOLEAN: Final = re.compile(r"^(?:true|false|True|False)$")
_WHOLE_NUMBER: Final = re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$")
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOLEAN, list("tTfF"))
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:int", _WHOLE_NUMBER, list("-+0123456789"))


# -- JSON -------------------------------------------------------------------------------------------------------------

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def _read_json(text: str) -> Written:
    written = Written()
    try:
        written.document = json.loads(text)
    except json.JSONDecodeError as error:
        raise NotReadable(error.lineno, f"{error.msg} (column {error.colno})") from None
    except ValueError as error:  # a number with thousands of digits
        raise NotReadable(1, str(error)) from None
    breaks = [match.start() for match in re.finditer("\n", text)]
    tokens = ((match[0], bisect.bisect_left(breaks, match.start()) + 1) for match in _TOKEN.finditer(text))
    _value(next(tokens)[0], "", tokens, written)
    return written


def _value(token: str, path: str, tokens: Iterator[tuple[str, int]], written: Written) -> None:
    """Goes through one value, whose first token was taken. The text is known to be JSON."""
    if token == "{":  # noqa: S105 - a bracket, no password
        keys: set[str] = set()
        for key_token, line in tokens:
            if key_token == "}":  # noqa: S105
                return
            if key_token == ",":  # noqa: S105
                continue
            key: str = json.loads(key_token)
            at = _join(path, key)
            if key in keys:
                written.doubled.append((line, key))
            keys.add(key)
            written.put(at, line)
            next(tokens)  # the colon
            _value(next(tokens)[0], at, tokens, written)
    elif token == "[":  # noqa: S105
        index = 0
        for each, line in tokens:
            if each == "]":
                return
            if each == ",":
                continue
            at = f"{path}[{index}]"
            written.put(at, line)
            _value(each, at, tokens, written)
            index += 1


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def odd_values(value: object, path: str = "") -> Iterator[str]:
    """Paths of what is neither text, number, true, false, null, list nor mapping with texts as keys."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if isinstance(key, str):
                yield from odd_values(part, _join(path, key))
            else:
                yield _join(path, str(key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from odd_values(part, f"{path}[{index}]")
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            yield path
    elif value is not None and not isinstance(value, str | int):
        yield path
