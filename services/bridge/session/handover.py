"""Leaving the stream so that a person can take over.

asked -> agreed (recorded, or no answer came) -> the agent says the sentence -> it was played -> leave. Six seconds
after asking the stream is left whatever happened: what the carrier gets next is the webhook's decision, and that
needs nothing of this process.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, get_args

from agiza.contracts.events import SUMMARY_CHARS_MAX, EscalationReason
from services.bridge.session.actions import Action, RequestHandoff, TellModel
from services.bridge.session.facts import CallFacts, Limits
from services.bridge.session.inputs import HandoffAnswered, JsonObject, ToolRequest
from services.bridge.session.playback import Playback
from services.bridge.session.tools import ToolDesk

REASONS: Final[frozenset[str]] = frozenset(get_args(EscalationReason))
REASON_DEFAULT: Final = "caller_asked"

UNRECORDED: Final = (
    "Tell the caller that you are putting them through to a colleague now, and that we ring back if the line drops."
)


class Stage(StrEnum):
    """How far a hand-over is."""

    IDLE = "idle"
    ASKED = "asked"
    AGREED = "agreed"


class Handover:
    """At most one hand-over at a time; it may be asked for again when nobody was on duty."""

    def __init__(self, facts: CallFacts, limits: Limits, playback: Playback, desk: ToolDesk) -> None:
        self._facts = facts
        self._limits = limits
        self._playback = playback
        self._desk = desk
        self._waiting: list[tuple[ToolRequest, int]] = []
        self._requests = 0
        self._request_id = ""
        self._asked_at = 0
        self._message = ""
        self._sentence_from = 0.0
        self._sentence_over = False
        self._leave_asked = False
        self.stage = Stage.IDLE

    def ask_for_model(self, call: ToolRequest, now: int) -> list[Action]:
        """The model called ``escalate``. It is answered when the escalation service has answered."""
        if self.stage is Stage.AGREED:
            return self._desk.answer_here(call, self._response(), now, now)
        self._waiting.append((call, now))
        if self.stage is Stage.ASKED:
            return []
        return [self._ask(call.args.get("reason"), call.args.get("summary"), now)]

    def ask_for_machinery(self, summary: str, now: int) -> list[Action]:
        """Something does not work, so a person is needed, whatever the model thinks."""
        return [self._ask("technical", summary, now)] if self.stage is Stage.IDLE else []

    def on_answered(self, answer: HandoffAnswered, now: int) -> list[Action]:
        """The escalation service answered; other answers than the awaited one change nothing."""
        if self.stage is not Stage.ASKED or answer.request_id != self._request_id:
            return []
        # Nobody on duty: the agent can go on. When the machinery failed it cannot, and the branch's phone must do.
        if answer.contact_id is None and self._waiting:
            self.stage = Stage.IDLE
            return self._answer({"status": "refused", "code": "nobody_on_duty", "message": answer.message}, now)
        return self._agree(answer.message, now)

    def on_leave_requested(self, now: int) -> list[Action]:
        """It is time to leave. A sentence that is being played is played out first."""
        self._leave_asked = True
        return self._agree(UNRECORDED, now) if self.stage is Stage.ASKED else []

    def on_answer_late(self, now: int) -> list[Action]:
        """Go on without an answer, if its time is over."""
        if self.stage is Stage.ASKED and now >= self._asked_at + self._limits.handoff_answer_ms:
            return self._agree(UNRECORDED, now)
        return []

    def on_cancelled(self, ids: tuple[str, ...]) -> None:
        """The model does not wait for these any more. The person stays asked for."""
        self._waiting = [each for each in self._waiting if each[0].id not in ids]

    def on_turn_over(self) -> None:
        """The model's turn ended; it was the sentence if anything was said since."""
        if self.stage is Stage.AGREED and self._playback.queued_ms > self._sentence_from:
            self._sentence_over = True

    def leave_due(self, now: int) -> bool:
        """The stream is to be left now."""
        deadline = self.next_due()
        return self.stage is Stage.AGREED and deadline is not None and now >= deadline

    def next_due(self) -> int | None:
        """When the next step is to be made, as far as is known now."""
        match self.stage:
            case Stage.IDLE:
                return None
            case Stage.ASKED:
                return self._asked_at + self._limits.handoff_answer_ms
            case Stage.AGREED:
                return self._leave_at()

    def _leave_at(self) -> int:
        latest = self._asked_at + self._limits.handoff_leave_ms
        if not (self._sentence_over or self._leave_asked):
            return latest
        tail = self._limits.close_tail_ms if self._sentence_over else 0
        return min(latest, int(self._playback.ends_at) + tail)

    def _ask(self, reason: object, summary: object, now: int) -> RequestHandoff:
        self._requests += 1
        self._request_id = f"{self._facts.call_id}:{self._facts.leg_epoch}:h{self._requests}"
        self._asked_at = now
        self.stage = Stage.ASKED
        known = reason if isinstance(reason, str) and reason in REASONS else REASON_DEFAULT
        return RequestHandoff(self._request_id, known, summary[:SUMMARY_CHARS_MAX] if isinstance(summary, str) else "")

    def _agree(self, message: str, now: int) -> list[Action]:
        """A person will take over. Audio queued from now on is the sentence that says so."""
        self.stage = Stage.AGREED
        self._message = message
        self._sentence_from = self._playback.queued_ms
        if self._waiting:
            return self._answer(self._response(), now)
        return [TellModel(f"[Say to the caller now: {message}]")]

    def _response(self) -> JsonObject:
        return {"status": "ok", "code": "handoff", "message": self._message}

    def _answer(self, response: JsonObject, now: int) -> list[Action]:
        waiting, self._waiting = self._waiting, []
        return [each for call, asked_at in waiting for each in self._desk.answer_here(call, response, asked_at, now)]
