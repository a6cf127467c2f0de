"""What a test has logged, in the form of production."""

from __future__ import annotations

import io
import json
from typing import Any


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
