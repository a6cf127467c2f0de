"""Branch files: one YAML or JSON file per branch, read with every mistake named by its line.

for loaded in load_branch_files(Path("branches")):
    loaded.file.menu ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agiza.carrier.numbers import MEANINGS, refusal, region_of
from agiza.domain.document import Problem
from agiza.domain.menu import BranchFile, BranchFileError, parse_branch
from agiza.runtime.file_lines import NotReadable, Written, odd_values, read_written

SUFFIXES: Final = (".yaml", ".yml", ".json")
FILE_BYTES_MAX: Final = 1024 * 1024


class BranchFilesError(Exception):
    """The branch files cannot be used. ``problems`` has one line per mistake, in the order of each file's lines:
    ``FILE:LINE: place: what is wrong``."""

    retryable = False

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class LoadedBranch:
    """A branch file as document (what is stored and served as JSON) and as checked value; ``written`` has its lines."""

    path: Path
    document: Mapping[str, Any]
    file: BranchFile
    written: Written


def load_branch_files(folder: Path) -> tuple[LoadedBranch, ...]:
    """All branch files of this folder, by name. Raises :class:`BranchFilesError` with the mistakes of all files."""
    paths = branch_paths(folder)
    if not paths:
        raise BranchFilesError((f"{folder}: there is no branch file ({', '.join(f'*{each}' for each in SUFFIXES)})",))
    return load_together(paths)


def branch_paths(folder: Path) -> list[Path]:
    """The branch files of a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)


def load_together(paths: Sequence[Path]) -> tuple[LoadedBranch, ...]:
    """These files, which must not claim the same id or number. Raises :class:`BranchFilesError`."""
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
    name = path.name
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise BranchFilesError((f"{name}: larger than {FILE_BYTES_MAX} bytes: make it smaller",))
        written = read_written(path.read_text(encoding="utf-8"), is_json=path.suffix == ".json")
    except NotReadable as error:
        raise BranchFilesError((f"{name}:{error.line}: {error}",)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BranchFilesError((f"{name}: cannot be read ({type(error).__name__})",)) from None
    document = written.document
    if not isinstance(document, dict):
        raise BranchFilesError((f"{name}:1: must be a mapping with the key branch at its head",))
    told = [(line, f"the key {key!r} stands here a second time: take one out") for line, key in written.doubled]
    problems: Sequence[Problem] = [
        Problem(each, "has a value that is not text, number, list or mapping") for each in odd_values(document)
    ]
    file = None
    if not problems:
        try:
            file = parse_branch(document)
            problems = _unfit_numbers(file, document)
        except BranchFileError as error:
            problems = error.problems
    told += [(written.line_of(problem.path), str(problem)) for problem in problems]
    if told or file is None:
        raise BranchFilesError(tuple(f"{name}:{line}: {text}" for line, text in sorted(told, key=lambda each: each[0])))
    return LoadedBranch(path, document, file, written)


def _unfit_numbers(file: BranchFile, document: Mapping[str, Any]) -> list[Problem]:
    """Contacts that a machine must not ring. A file is our own document, so its numbers may be repeated."""
    home = file.branch.phone
    if region_of(home) is None:
        return [Problem("branch.phone", f"{home} is a number of no country, so nobody could be rung from it")]
    numbers = [str(each["phone"]) for each in document["branch"]["staff"]]
    judged = ((index, phone, refusal(phone, home)) for index, phone in enumerate(numbers))
    return [
        Problem(f"branch.staff[{index}].phone", f"{phone} {MEANINGS[reason]}")
        for index, phone, reason in judged
        if reason
    ]


def _shared(loaded: list[LoadedBranch]) -> list[str]:
    """Ids and telephone numbers that two files claim."""
    problems = []
    claims: dict[tuple[str, str], str] = {}
    for branch in loaded:
        for kind, value in (("id", str(branch.file.branch.id)), ("phone", branch.file.branch.phone)):
            first = claims.setdefault((kind, value), branch.path.name)
            if first != branch.path.name:
                place = f"{branch.path.name}:{branch.written.line_of(f'branch.{kind}')}"
                problems.append(f"{place}: branch.{kind}: {value} is already that of {first}")
    return problems
