"""``agiza menu check``: what is wrong in branch files, without any service or database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from agiza.domain.menu_hints import hints
from agiza.domain.money import format_minor
from agiza.runtime.branch_files import BranchFilesError, LoadedBranch, load_together

MISTAKES = 1
"""Exit code where a file has mistakes."""


def check(paths: Sequence[Path], console: Console, *, as_json: bool = False) -> int:
    """Say every mistake with its line, and what will cost callers a question. 1 when there is a mistake, else 0."""
    loaded: tuple[LoadedBranch, ...] = ()
    problems: tuple[str, ...] = ()
    try:
        loaded = load_together(paths)
    except BranchFilesError as error:
        problems = error.problems
    notes = [note for each in loaded for note in _notes(each)]
    if as_json:
        branches = [each.file.branch.id for each in loaded]
        console.print_json(json.dumps({"problems": problems, "notes": notes, "branches": branches}))
        return MISTAKES if problems else 0
    for line in (*problems, *(f"{note} (note)" for note in notes)):
        say(console, line)
    for each in loaded:
        say(console, f"{each.path.name}: {summary(each)}")
    if problems:
        say(console, f"{len(problems)} to mend")
    return MISTAKES if problems else 0


def summary(loaded: LoadedBranch) -> str:
    """What the file holds, in a line."""
    branch, menu = loaded.file.branch, loaded.file.menu
    prices = [item.price_minor for item in menu.items.values()]
    low, high = (format_minor(price, branch.currency) for price in (min(prices), max(prices)))
    return f"branch {branch.id}, {len(menu.items)} items in {len(menu.categories)} categories, {low} to {high}"


def say(console: Console, line: str) -> None:
    """One line, as it is."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _notes(loaded: LoadedBranch) -> list[str]:
    placed = sorted((loaded.written.line_of(hint.path), hint.message) for hint in hints(loaded.file))
    return [f"{loaded.path.name}:{line}: {message}" for line, message in placed]
