"""Failures that a person at the command line can mend. Shown as one line, exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console

from agiza.runtime.logs import configure_logging


class CliError(Exception):
    """One clear line for the user: what is wrong and what to do."""


def enter(app: Callable[[], object]) -> None:
    """Run a command line; a :class:`CliError` becomes its one line on standard error, and exit code 2."""
    configure_logging("agiza", level="error")  # the screen belongs to the command; services log for themselves
    try:
        app()
    except CliError as error:
        line = Console(stderr=True)
        line.print(f"agiza: {error}", style="red", soft_wrap=True, markup=False, highlight=False)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
