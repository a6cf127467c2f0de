"""The branches that can be called, from their files."""

from __future__ import annotations

from pathlib import Path

from agiza.cli.errors import CliError
from agiza.domain.menu import BranchFile
from agiza.runtime.branch_files import BranchFilesError, load_branch_files


def known_branches(folder: Path) -> dict[str, BranchFile]:
    """Branch files by branch id. Raises :class:`CliError` naming the file and what is wrong in it."""
    try:
        return {loaded.file.branch.id: loaded.file for loaded in load_branch_files(folder)}
    except BranchFilesError as error:
        raise CliError(str(error)) from None


def branch_to_call(folder: Path, branch_id: str) -> BranchFile:
    """The branch with this id, or a :class:`CliError` that lists those there are."""
    branches = known_branches(folder)
    if branch_id not in branches:
        raise CliError(f"there is no branch {branch_id!r}; there are: {', '.join(sorted(branches))}")
    return branches[branch_id]
