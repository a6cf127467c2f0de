"""What several commands share: an option, and the loop that runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop

BranchesFolder = Annotated[
    Path, typer.Option("--branches", help="Folder with branch files.", exists=True, file_okay=False)
]


def run(work: Coroutine[Any, Any, int]) -> None:
    """Run a command and leave with its exit code."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        raise typer.Exit(runner.run(work))
