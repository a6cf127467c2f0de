"""What a test has logged, in the form of production."""

from __future__ import annotations

import io
import json
from typing import Any

import structlog


class Logged:
    """What was logged during a test, as it would be written in production: without pii_ fields."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        """All lines as written."""
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """All events with their fields."""
        return [json.loads(line) for line in self.text.splitlines()]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The events of this name."""
        return [line for line in self.lines if line["event"] == name]


def plain_logs() -> None:
    """Log to standard output, which pytest shows of a test that fails, with tracebacks as Python writes them.

    structlog by itself draws the values of every frame's variables: whole menus, many seconds of the processor, during
    which a loop stands still.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
