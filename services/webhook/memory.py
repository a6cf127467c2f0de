"""The calls that this process has answered, for when the database is away."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Final

from services.webhook.store import CallRow

REMEMBERED_MAX: Final = 10_000
"""The oldest are forgotten first."""


class Memory:
    """Rows by call, and which of them went further than their row in the database."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, CallRow] = OrderedDict()
        self._unstored: set[str] = set()

    def get(self, call_id: str) -> CallRow | None:
        """The call as it was answered last, without its events."""
        return self._rows.get(call_id)

    def remember(self, row: CallRow) -> None:
        """Keep what was answered."""
        self._rows[row.call_id] = replace(row, unsent=())
        self._rows.move_to_end(row.call_id)
        while len(self._rows) > REMEMBERED_MAX:
            forgotten, _ = self._rows.popitem(last=False)
            self._unstored.discard(forgotten)

    def is_unstored(self, call_id: str) -> bool:
        """Whether the database does not know the last answer."""
        return call_id in self._unstored

    def unstored(self, call_id: str) -> None:
        """This call is answered without the database."""
        self._unstored.add(call_id)

    def stored(self, call_id: str) -> None:
        """The database knows this call's last answer."""
        self._unstored.discard(call_id)
