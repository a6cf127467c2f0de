"""Branch files: one YAML file per branch, read with every mistake named.

    for loaded in load_branch_files(Path("branches")):
        loaded.file.menu ...

YAML is read strictly: a key that stands twice is a mistake, and ``10:30``, ``no`` and dates are the texts that they
look like, not the numbers and booleans of YAML 1.1. (``true`` and ``false`` are booleans.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from agiza.carrier.numbers import MEANINGS, refusal, region_of
from agiza.domain.menu import BranchFile, BranchFileError, parse_branch

FILE_BYTES_MAX: Final = 1024 * 1024


class BranchFilesError(Exception):
    """The branch files cannot be used. ``problems`` has one line per mistake: file, place, what is wrong."""

    retryable = False

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class LoadedBranch:
    """A branch file as document (what is stored and served as JSON) and as checked value."""

    path: Path
    document: Mapping[str, Any]
    file: BranchFile


def load_branch_files(folder: Path) -> tuple[LoadedBranch, ...]:
    """All ``*.yaml`` of this folder, by file name. Raises :class:`BranchFilesError` with the mistakes of all files."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise BranchFilesError((f"{folder}: there is no branch file (*.yaml)",))
    loaded: list[LoadedBranch] = []
    problems: list[str] = []
    for path in paths:
        try:
            loaded.append(load_branch_file(path))
        except BranchFilesError as error:
            problems.extend(error.problems)
    problems.extend(_shared(loaded))
    if problems:
        raise BranchFilesError(tuple(problems))
    return tuple(loaded)


def load_branch_file(path: Path) -> LoadedBranch:
    """One file. Raises :class:`BranchFilesError`."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise BranchFilesError((f"{path.name}: larger than {FILE_BYTES_MAX} bytes",))
        document = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise BranchFilesError((f"{path.name}: {_place(error)}",)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BranchFilesError((f"{path.name}: cannot be read ({type(error).__name__})",)) from None
    if not isinstance(document, dict):
        raise BranchFilesError((f"{path.name}: must be a mapping with the key branch at its head",))
    try:
        json.dumps(document, allow_nan=False)
        file = parse_branch(document)
    except BranchFileError as error:
        raise BranchFilesError(tuple(f"{path.name}: {problem}" for problem in error.problems)) from None
    except (TypeError, ValueError):
        raise BranchFilesError((f"{path.name}: has a value that is not text, number, list or mapping",)) from None
    problems = _unfit_numbers(file)
    if problems:
        raise BranchFilesError(tuple(f"{path.name}: {problem}" for problem in problems))
    return LoadedBranch(path, document, file)


def _unfit_numbers(file: BranchFile) -> list[str]:
    """Contacts that a machine must not ring. A file is our own document, so its numbers may be repeated."""
    home = file.branch.phone
    if region_of(home) is None:
        return [f"branch.phone: {home} is a number of no country, so nobody could be rung from it"]
    judged = ((contact, refusal(contact.phone, home)) for contact in file.contacts)
    return [
        f"contacts: {contact.id}: phone: {contact.phone} {MEANINGS[reason]}" for contact, reason in judged if reason
    ]


def _shared(loaded: list[LoadedBranch]) -> list[str]:
    """Ids and telephone numbers that two files claim."""
    problems = []
    claims: dict[tuple[str, str], str] = {}
    for branch in loaded:
        for kind, value in (("id", str(branch.file.branch.id)), ("phone", branch.file.branch.phone)):
            first = claims.setdefault((kind, value), branch.path.name)
            if first != branch.path.name:
                problems.append(f"{branch.path.name}: branch.{kind}: {value} is already that of {first}")
    return problems


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    text = getattr(error, "problem", None) or "is not YAML"
    return f"line {mark.line + 1}, column {mark.column + 1}: {text}" if mark else str(text)


class _StrictLoader(yaml.SafeLoader):
    """A safe loader without YAML 1.1's surprises."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - overrides the table of the class above
        first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in ("null", "merge", "float")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As usual, but a key that stands twice is a mistake."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands here a second time", key_node.start_mark
                )
            if isinstance(key, str):
                seen.add(key)
        return super().construct_mapping(node, deep)


_BOOLEAN: Final = re.compile(r"^(?:true|false|True|False)$")
_WHOLE_NUMBER: Final = re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$")
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOLEAN, list("tTfF"))
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:int", _WHOLE_NUMBER, list("-+0123456789"))
