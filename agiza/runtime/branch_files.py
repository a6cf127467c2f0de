"""Branch files: the YAML that a branch manager writes, read into checked documents.

    for loaded in load_branch_files(settings.agiza_branches_dir):
        loaded.document          # as stored and served
        loaded.file.branch       # as the rules see it

YAML is read with the safe loader only. All mistakes of all files are named at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from agiza.domain.menu import BranchFile, BranchFileError, parse_branch

FILE_BYTES_MAX: Final = 1024 * 1024


class BranchFilesError(Exception):
    """One or more branch files cannot be used. ``problems`` has one line each: file, place, what is wrong."""

    retryable = False

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class LoadedBranch:
    """One branch file."""

    path: Path
    document: Mapping[str, Any]
    file: BranchFile


def load_branch_files(folder: Path) -> list[LoadedBranch]:
    """All ``*.yaml`` files of the folder, by branch id. Raises :class:`BranchFilesError`."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise BranchFilesError((f"{folder}: no branch files (*.yaml) here",))
    loaded: list[LoadedBranch] = []
    problems: list[str] = []
    for path in paths:
        try:
            loaded.append(load_branch_file(path))
        except BranchFilesError as error:
            problems.extend(error.problems)
    problems.extend(_twice(loaded))
    if problems:
        raise BranchFilesError(tuple(problems))
    return sorted(loaded, key=lambda branch: branch.file.branch.id)


def load_branch_file(path: Path) -> LoadedBranch:
    """One branch file. Raises :class:`BranchFilesError` with every mistake in it."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise BranchFilesError((f"{path.name}: larger than {FILE_BYTES_MAX // 1024} KiB",))
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BranchFilesError((f"{path.name}: cannot be read ({type(error).__name__})",)) from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else "somewhere"
        raise BranchFilesError((f"{path.name}: {line}: {error.problem or 'not YAML'}",)) from None
    except yaml.YAMLError:
        raise BranchFilesError((f"{path.name}: not YAML",)) from None
    if not isinstance(document, dict):
        raise BranchFilesError((f"{path.name}: must be a mapping with branch, groups and categories",))
    try:
        return LoadedBranch(path, document, parse_branch(document))
    except BranchFileError as error:
        raise BranchFilesError(tuple(f"{path.name}: {item.path}: {item.message}" for item in error.problems)) from None


def _twice(loaded: list[LoadedBranch]) -> list[str]:
    """Two branches with one id or one number would answer each other's calls."""
    problems = []
    seen: dict[str, Path] = {}
    for branch in loaded:
        for key in (f"branch id {branch.file.branch.id}", f"phone {branch.file.branch.phone}"):
            first = seen.setdefault(key, branch.path)
            if first != branch.path:
                problems.append(f"{branch.path.name}: {key} is already used in {first.name}")
    return problems
