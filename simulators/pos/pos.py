"""The POS itself: it takes messages, and owes for them what its workers then do.

    pos = Pos(settings, ledger)
    pos.take(message)         # committed when it returns; a repetition changes nothing

No network here. What came is safe before anybody is told so, and nothing is done that is not written down first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from .digest import Digest, digest_of
from .kitchen import Change, KnownOrder, change_by, is_older
from .ledger import Ledger
from .messages import Message
from .numbers import Held
from .printer import stop_text, ticket_text
from .settings import PosSettings

SAYINGS: Final = ("received", "accepted", "rejected", "preparing", "ready", "completed", "cancelled")
COOKING: Final[Mapping[str, str]] = {"accepted": "preparing", "preparing": "ready", "ready": "completed"}


class Pos:
    """One restaurant's POS, or one office's for several branches."""

    def __init__(self, settings: PosSettings, ledger: Ledger) -> None:
        self.settings = settings
        self.ledger = ledger
        self.held: dict[str, Held] = {}
        for branch, (first, last) in ledger.ranges():
            self._holds(branch).add_range(first, last)
        self.to_print, self.to_say, self.to_fetch = asyncio.Event(), asyncio.Event(), asyncio.Event()
        for event in (self.to_print, self.to_say, self.to_fetch):
            event.set()  # what the last process left undone

    def take(self, message: Message, *, by_webhook: bool = True) -> bool:
        """Take a message: kept, applied and its consequences owed, all in one commit. False: it was taken before."""
        with self.ledger.transaction():
            if self._was_taken(message, by_webhook):
                return False
            self.ledger.keep(message)
            self._apply(message)
        if message.sequence is not None:
            self._holds(message.branch).add(message.sequence)
        self.to_print.set()
        self.to_say.set()
        self.to_fetch.set()
        return True

    def say(self, order_id: str, word: Mapping[str, Any]) -> bool:
        """Somebody in the kitchen pressed a button. False: there is no such order here."""
        with self.ledger.transaction():
            if self.ledger.order(order_id) is None:
                return False
            self.ledger.owe_word(order_id, word)
        self.to_say.set()
        return True

    def cook(self) -> int:
        """Each order goes one step on, as if a kitchen worked at it. How many did."""
        moved = 0
        for order in self.ledger.orders(limit=100):
            following = COOKING.get(order.said or "")
            if following is not None and order.state not in {"cancel_requested", "cancelled", "rejected", "completed"}:
                moved += self.say(order.order_id, {"state": following})
        return moved

    def give_up(self, branch: str, first: int, last: int) -> None:
        """The sender has forgotten these numbers: they are not asked for again, and are shown as lost."""
        with self.ledger.transaction():
            self.ledger.forget(branch, first, last)
        self._holds(branch).add_range(first, last)

    def branches(self) -> list[str]:
        """The branches whose feeds are followed."""
        return [self.settings.branch] if self.settings.branch is not None else sorted(self.held)

    def holds(self, branch: str) -> Held:
        """The numbers that are held of a branch."""
        return self.held.get(branch) or self._fresh()

    def whole_to(self, branch: str) -> int:
        """Where a reader of this branch goes on: nothing is missing up to here."""
        return self.holds(branch).whole_to

    def digest(self, branch: str, first: int, last: int) -> Digest:
        """The hash chain over what is held of these numbers."""
        return digest_of(self.ledger.bodies(branch, first, last))

    def _was_taken(self, message: Message, by_webhook: bool) -> bool:
        """The id is the message, however often and by whatever way it comes."""
        return self.ledger.has(message.id)

    def _known(self, message: Message, order_id: str) -> KnownOrder | None:
        return self.ledger.order(order_id)

    def _is_older(self, known: KnownOrder | None, message: Message) -> bool:
        return is_older(known, message)

    def _apply(self, message: Message) -> None:
        order_id = message.content.get("order_id")
        known = self._known(message, order_id) if isinstance(order_id, str) else None
        older = self._is_older(known, message)
        change = change_by(known, message, accept_minutes=self.settings.accept_minutes, is_older=older)
        if change is not None:
            self._owe(change)

    def _owe(self, change: Change) -> None:
        order = change.order
        self.ledger.put_order(order)
        for slip in change.slips:
            text = (
                ticket_text(order.number, order.order_id, order.ticket or {})
                if slip == "ticket"
                else stop_text(order.number, order.order_id)
            )
            self.ledger.owe_slip(order.order_id, slip, text)
        for word in change.words:
            self.ledger.owe_word(order.order_id, word)

    def _holds(self, branch: str) -> Held:
        return self.held.setdefault(branch, self._fresh())

    def _fresh(self) -> Held:
        """Nothing is held, and nothing before our first number is missed."""
        held, first = Held(), self.settings.first_number
        if first is not None and first > 1:
            held.add_range(1, first - 1)
        return held
