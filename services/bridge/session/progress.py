"""Whether the functions get the call anywhere: what their answers say about the talk between caller and model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from agiza.contracts.events import EscalationReason
from agiza.contracts.tools import MUTATING_TOOLS
from services.bridge.session.facts import Limits
from services.bridge.session.inputs import JsonObject, ToolRequest, ToolResult

NOT_UNDERSTOOD: Final = frozenset(
    {
        "unclear_item", "unknown_item", "unclear_modifier", "unknown_modifier", "unclear_line", "unknown_line",
        "line_mismatch", "not_in_order", "unclear_fulfilment", "bad_phone", "bad_arguments", "nothing_found",
    }
)  # fmt: skip
"""Answers of ``orders`` that say: what the caller meant was not found out."""
_REPAIRING: Final = MUTATING_TOOLS | {"searchMenu"}
_NOT_ACCEPTED: Final = "already_rejected"


class Progress:
    """Follows all answers to the model, in order.

    A *miss* is an answer that says that the caller was not understood, or a question word by word as it was asked
    before. So a menu's rules do not count (sold out, too many, closed), and neither does the first question for a
    required choice: it is normal talk, and a new question after it means that the last answer was understood. One turn
    of the caller is one miss at most, whatever the model tries by itself. Anything that works ends the row.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._calls: dict[str, ToolRequest] = {}
        self._misses = 0
        self._asked: set[str | None] = set()
        self._spoken_ms = 0
        self._caller_spoke = True
        self._refused_as_too_large = False
        self._spoke_since_too_large = False
        self._repeated: Counter[str] = Counter()
        self._repeats = 0

    def on_caller_speech(self, voiced_ms: int) -> None:
        """The caller spoke. A cough is not yet a word."""
        self._spoken_ms += voiced_ms
        if self._spoken_ms >= self._limits.stuck_voice_ms:
            self._spoken_ms = 0
            self._caller_spoke = self._spoke_since_too_large = True
            self._repeated.clear()
            self._repeats = 0

    def on_called(self, calls: Iterable[ToolRequest]) -> None:
        """The model called these."""
        self._calls.update((call.id, call) for call in calls)

    def on_answered(self, results: Sequence[ToolResult]) -> list[EscalationReason]:
        """The model was answered; the reasons for a person that lie in it."""
        reasons: list[EscalationReason] = []
        settled = [result for result in results if result.response.get("status") != "pending"]
        for result in settled:
            call = self._calls.pop(result.id, None)
            if call is not None:
                self._count_repeats(call, result.response)
            code = result.response.get("code")
            if code == "order_too_large" and self._is_too_large_again():
                reasons.append("high_value")
            if result.response.get("state") == "rejected" or code == _NOT_ACCEPTED:
                reasons.append("order_not_accepted")
        if self._is_third_miss(settled):
            reasons.append("not_understood")
        return reasons

    def on_cancelled(self, ids: Iterable[str]) -> None:
        """The model does not wait for these any more."""
        for call_id in ids:
            self._calls.pop(call_id, None)

    def take_runaway(self) -> bool:
        """True, once, when the model turns in a circle."""
        if self._repeats <= self._limits.repeats_max:
            return False
        self._repeats = 0
        self._repeated.clear()
        return True

    def _is_third_miss(self, results: list[ToolResult]) -> bool:
        questions = {_question(result) for result in results if result.name in _REPAIRING} - {None}
        misses = [result for result in results if _is_not_understood(result)]
        if any(result.response.get("status") == "ok" and result not in misses for result in results):
            self._misses = 0
            self._asked.clear()
        elif self._caller_spoke and (misses or questions & self._asked):
            self._misses += 1
        if questions or misses:
            self._asked |= questions
            self._caller_spoke = False
        if self._misses < self._limits.misses_max:
            return False
        self._misses = 0
        return True

    def _is_too_large_again(self) -> bool:
        """The first refusal offers a person. Who has heard it and still wants as much, wants that person."""
        is_again = self._refused_as_too_large and self._spoke_since_too_large
        if not self._refused_as_too_large:
            self._refused_as_too_large, self._spoke_since_too_large = True, False
        return is_again

    def _count_repeats(self, call: ToolRequest, response: JsonObject) -> None:
        """A circle may have several stations, so that the same call need not follow itself. The answer to one that
        changes the cart is never the same: it has the cart in it."""
        answer = {} if call.name in MUTATING_TOOLS and response.get("status") == "ok" else response
        this = json.dumps((call.name, call.args, answer), sort_keys=True, default=str)
        self._repeated[this] += 1
        self._repeats = max(self._repeats, self._repeated[this])


def _is_not_understood(result: ToolResult) -> bool:
    return result.name in _REPAIRING and result.response.get("code") in NOT_UNDERSTOOD


def _question(result: ToolResult) -> str | None:
    return str(result.response.get("message")) if result.response.get("status") == "ask" else None
