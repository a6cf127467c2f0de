"""Reading a nested document with care: every mistake is noted with its path, and reading goes on.

A reader method answers with a harmless stand-in when a value is wrong, so that one mistake does not hide the next.
Whoever reads must look at `problems` before using anything.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_CHARS_MAX = 48
# Spoken and printed names go into the model's instructions, into speech and onto tickets: letters, marks, digits and
# a little punctuation. Separators of those texts (= / ; : ,) and line breaks could forge a line of theirs.
_NAME = re.compile(r"[^\W_](?:[^\W_]|[ '’&.+()\-])*")
NAME_CHARS_MAX = 60
LIST_LENGTH_MAX = 500
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z]{2})?")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of a document: where it stands ('groups.dip.options[1].id') and what is wrong."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class BranchFileError(ValueError):
    """A branch document with mistakes; `problems` holds every one of them, in the document's order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(str(problem) for problem in problems))


@dataclass(slots=True)
class Problems:
    """The list of mistakes while a document is read."""

    found: list[Problem] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        self.found.append(Problem(path, message))


class Node:
    """One mapping of the document. `finish` notes the keys that nobody asked for, which are mostly typing mistakes."""

    def __init__(self, value: object, path: str, problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self._asked: set[str] = set()
        self._map: Mapping[object, object] = {}
        if isinstance(value, Mapping):
            self._map = value
        else:
            problems.add(path, "must be a mapping" if value is not None else "is missing: must be a mapping")

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def note(self, key: str, message: str) -> None:
        self.problems.add(self.at(key), message)

    def has(self, key: str) -> bool:
        return self._map.get(key) is not None

    def raw(self, key: str) -> object:
        self._asked.add(key)
        return self._map.get(key)

    def finish(self) -> None:
        for key in self._map:
            if key not in self._asked:
                near = get_close_matches(str(key), self._asked - self._map.keys(), 1)
                self.note(str(key), f"is not known here: {f'did you mean {near[0]}?' if near else 'take it out'}")

    # -- values ---------------------------------------------------------------------------------------------------

    def text(self, key: str) -> str:
        value = self.raw(key)
        if isinstance(value, str) and value.strip():
            return value
        self._wrong(key, "must be a text")
        return ""

    def name(self, key: str) -> str:
        value = self.text(key)
        if value and not is_name(value):
            self.note(key, _NAME_RULE)
        return value

    def slug(self, key: str) -> str:
        value = self.text(key)
        if value and not is_slug(value):
            self.note(key, "must be an id of small letters, digits and hyphens")
        return value

    def integer(self, key: str, *, low: int, high: int, default: int | None = None) -> int:
        value = self.raw(key)
        if value is None and default is not None:
            return default
        # bool is an int to Python, but `min: yes` in a file is a mistake
        if not isinstance(value, int) or isinstance(value, bool):
            self._wrong(key, "must be a whole number")
            return low
        if not low <= value <= high:
            self.note(key, f"must be between {low} and {high}")
            return low
        return value

    def boolean(self, key: str) -> bool:
        value = self.raw(key)
        if not isinstance(value, bool):
            self._wrong(key, "must be true or false")
        return value is True

    def node(self, key: str) -> "Node":
        return Node(self.raw(key), self.at(key), self.problems)

    def nodes(self, key: str) -> Iterator["Node"]:
        """The mappings of a list, each with its index in the path."""
        for index, value in enumerate(self._list(key)):
            yield Node(value, f"{self.at(key)}[{index}]", self.problems)

    def children(self, key: str) -> Iterator[tuple[str, "Node"]]:
        """The mappings of a mapping, each with its key (a slug)."""
        parent = self.node(key) if self.has(key) else Node({}, self.at(key), self.problems)
        self._asked.add(key)
        for child_key in list(parent._map):
            if not isinstance(child_key, str) or not is_slug(child_key):
                parent.note(str(child_key), "must be an id of small letters, digits and hyphens")
            yield str(child_key), parent.node(str(child_key))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts without repetition."""
        values: list[str] = []
        for index, value in enumerate(self._list(key)):
            where = f"{self.at(key)}[{index}]"
            if not isinstance(value, str) or not value.strip():
                self.problems.add(where, "must be a text")
            elif value in values:
                self.problems.add(where, f"{value!r} is given twice")
            else:
                values.append(value)
        return tuple(values)

    def languages(self, key: str) -> tuple[str, ...]:
        values = self.texts(key)
        for value in values:
            if not _LANGUAGE.fullmatch(value):
                self.note(key, f"{value!r} is not a language such as en or sw")
        if not values and not isinstance(self.raw(key), list):
            return ()
        if not values:
            self.note(key, "must hold at least one language")
        return values

    def aliases(self, key: str) -> dict[str, tuple[str, ...]]:
        """{language: names}; may be left out."""
        if not self.has(key):
            self._asked.add(key)
            return {}
        node = self.node(key)
        aliases: dict[str, tuple[str, ...]] = {}
        for language in list(node._map):
            if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
                node.note(str(language), "is not a language such as en or sw")
                continue
            aliases[language] = node.texts(language)
            for alias in aliases[language]:
                if not is_name(alias):
                    node.note(language, f"{alias!r}: {_NAME_RULE}")
        return aliases

    def _wrong(self, key: str, rule: str) -> None:
        self.note(key, rule if self.has(key) else f"is missing: {rule}")

    def _list(self, key: str) -> list[object]:
        value = self.raw(key)
        if not isinstance(value, list):
            self._wrong(key, "must be a list")
            return []
        if len(value) > LIST_LENGTH_MAX:
            self.note(key, f"holds more than {LIST_LENGTH_MAX} entries")
            return []
        return value


_NAME_RULE = f"must be a name of up to {NAME_CHARS_MAX} letters, digits, spaces and ' & . + ( ) -"


def is_slug(text: str) -> bool:
    return len(text) <= SLUG_CHARS_MAX and SLUG.fullmatch(text) is not None


def is_name(text: str) -> bool:
    return len(text) <= NAME_CHARS_MAX and text == text.strip() and _NAME.fullmatch(text) is not None
