"""What a model session within a call is told: the cart, the last answers, the last lines, what is still owed.

The cart and the answers are those of ``orders``, word by word; what the lost session knew of them is gone with it.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.bridge.session.inputs import ToolResult
from services.bridge.session.said import Said

LINES_MAX: Final = 20
ANSWERS_MAX: Final = 4
NOTES_MAX: Final = 8
"""Sentences to say that no session was there for."""

GO_ON: Final = "[The call was interrupted for a moment. Do not greet again. {what}]"
ANSWER_CALLER: Final = "The caller is waiting for you: answer what they said last; if you missed it, ask for it again."
FINISH: Final = "Your last sentence broke off: say it again from its beginning, in your own words."
FINISH_GREETING: Final = (
    "Your first sentence broke off: tell the caller in a few words that you are an automated assistant, and ask what "
    "they would like."
)


@dataclass(frozen=True, slots=True)
class Seed:
    """All of it, oldest first. ``cart`` is None when no function has shown it in this leg."""

    said: tuple[Said, ...] = ()
    answers: tuple[ToolResult, ...] = ()
    cart: object | None = None
    cart_version: int | None = None
    language: str = ""
    """In which the call is held now; it may have changed since its first session. Empty: not known."""


class CallMemory:
    """Follows what ``orders`` said and what of it reached the caller."""

    def __init__(self) -> None:
        self._answers: deque[ToolResult] = deque(maxlen=ANSWERS_MAX)
        self._unvoiced: list[ToolResult] = []
        self._notes: deque[str] = deque(maxlen=NOTES_MAX)
        self._cart: object | None = None
        self._cart_version: int | None = None

    def on_answered(self, results: Iterable[ToolResult], cart_version: int) -> None:
        """Results of ``orders`` came, in any order; the newest cart counts."""
        for result in results:
            cart = result.response.get("cart")
            if cart is not None and cart_version >= (self._cart_version or 0):
                self._cart, self._cart_version = cart, cart_version

    def on_told(self, results: Sequence[ToolResult]) -> None:
        """The model was told these, as an answer or later."""
        settled = [result for result in results if result.response.get("status") != "pending"]
        self._answers += [result for result in settled if result not in self._answers]
        self._unvoiced += settled[-ANSWERS_MAX:]

    def on_turn_over(self) -> None:
        """The agent has finished a turn that had audio: what it was told before has reached the caller."""
        self._unvoiced.clear()

    def keep_note(self, text: str) -> None:
        """Something is to be said, and there is no session that could say it."""
        self._notes.append(text)

    def seed(self, said: Sequence[Said], language: str = "") -> Seed:
        """For a session that begins now."""
        return Seed(tuple(said[-LINES_MAX:]), tuple(self._answers), self._cart, self._cart_version, language)

    def take_notes(self) -> list[str]:
        """What no session was there to say."""
        notes = list(self._notes)
        self._notes.clear()
        return notes

    def take_unvoiced(self) -> tuple[ToolResult, ...]:
        """What the lost session was told and did not say any more."""
        unvoiced = tuple(self._unvoiced)
        self._unvoiced.clear()
        return unvoiced


def answers_text(results: Iterable[ToolResult]) -> str:
    """Answers that no function call waits for, as a note."""
    told = [{"function": result.name, "result": dict(result.response)} for result in results]
    return f"[These functions have an answer now; tell the caller: {json.dumps(told, ensure_ascii=False)}]"
