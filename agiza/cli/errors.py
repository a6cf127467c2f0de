"""Failures that a person at the command line can mend. Shown as one line, exit code 2."""

from __future__ import annotations


class CliError(Exception):
    """One clear line for the user: what is wrong and what to do."""
