"""Leaving the stream so that a person can take over.

asked -> agreed (recorded, or no answer came) -> the agent says the sentence -> it was played -> leave. Six seconds
after asking the stream is left whatever happened: what the carrier gets next is the webhook's decision, and that
needs nothing of this process.

Where the person is rung while the agent goes on, there is a stage between: asked -> ringing -> agreed, or back to
nothing when nobody came. It lasts 150 s at most; then the carrier's Dial has to do it.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Final, get_args

from agiza.contracts.events import SUMMARY_CHARS_MAX, EscalationReason
from agiza.contracts.tools import ESCALATE
from services.bridge.session.actions import Action, RequestHandoff, TellModel
from services.bridge.session.facts import CallFacts, Limits
from services.bridge.session.inputs import HandoffAnswered, JsonObject, ToolRequest, ToolResult
from services.bridge.session.news import News
from services.bridge.session.sayings import saying
from services.bridge.session.speech import AgentSpeech
from services.bridge.session.tools import ToolDesk

REASONS: Final[frozenset[str]] = frozenset(get_args(EscalationReason))
REASON_DEFAULT: Final = "caller_asked"
TECHNICAL: Final[EscalationReason] = "technical"


class Stage(StrEnum):
    """How far a hand-over is."""

    IDLE = "idle"
    ASKED = "asked"
    RINGING = "ringing"
    """A person is being rung; the agent goes on talking with the caller."""
    AGREED = "agreed"
    """The stream is left as soon as the sentence about it was heard."""


class Handover:
    """At most one hand-over at a time; it may be asked for again when nobody was on duty, or nobody came."""

    def __init__(self, facts: CallFacts, limits: Limits, speech: AgentSpeech, desk: ToolDesk, news: News) -> None:
        self._facts = facts
        self._limits = limits
        self._speech = speech
        self._playback = speech.playback
        self._desk = desk
        self._news = news
        self._waiting: list[tuple[ToolRequest, int]] = []
        self._requests = 0
        self._request_id = ""
        self._cannot_go_on = False
        self._asked_at = 0
        self._due_at = 0
        """Of the stage: an answer is late, ringing takes too long, or the stream is left at the latest."""
        self._message = ""
        self._unsaid = ""
        self._sentence_from = 0.0
        self._sentence_over = False
        self._breaks_off = False
        self._leave_asked = False
        self._said_by_cue = False
        self._agreed_at = 0
        self._at_goodbye = False
        self._ready: HandoffAnswered | None = None
        self._joined = False
        self.stage = Stage.IDLE
        self.promise_unsaid = False
        """The customer is to be rung back, and nobody has told them yet. The session knows when the agent spoke."""

    def speak(self, language: str) -> None:
        """Sentences of the session are said in this language from now on."""
        self._facts = replace(self._facts, language=language)

    # -- asking --------------------------------------------------------------------------------------------------

    def ask_for_model(self, call: ToolRequest, now: int) -> list[Action]:
        """The model called ``escalate``. It is answered when the escalation service has answered."""
        match self.stage:
            case Stage.AGREED:
                return self._desk.answer_here(call, self._handing_over(), now, now)
            case Stage.RINGING:
                response = being_rung(saying("being_rung", self._facts.language))
                return self._desk.answer_here(call, response, now, now)
            case Stage.ASKED:
                self._waiting.append((call, now))
                return []
            case Stage.IDLE:
                self._waiting.append((call, now))
                return [self._ask(call.args.get("reason"), call.args.get("summary"), now, by_session=False)]

    def ask_for_session(self, reason: EscalationReason, summary: str, now: int) -> list[Action]:
        """The session asks, whatever the model thinks. ``technical``: the agent cannot go on without a person."""
        if reason == TECHNICAL:
            self._cannot_go_on = True
            if self.stage is Stage.RINGING:  # the carrier's Dial is there at once
                return self._put_through(now)
        return [self._ask(reason, summary, now, by_session=True)] if self.stage is Stage.IDLE else []

    # -- what the escalation service says ------------------------------------------------------------------------

    def on_answered(self, answer: HandoffAnswered, now: int) -> list[Action]:
        """Word of the escalation service. Of another request, or said again, it changes nothing."""
        if answer.request_id != self._request_id:
            return []
        match self.stage:
            case Stage.ASKED:
                return self._on_first_word(answer, now)
            case Stage.RINGING if answer.contact_id is not None and answer.stay:
                return []
            case Stage.RINGING if self._at_goodbye:
                self._ready = answer
                return []
            case Stage.RINGING if answer.contact_id is None:
                return self._end(nobody(answer, "nobody_came"), now)
            case Stage.RINGING:
                return self._agree(answer.message, now, now + self._limits.handoff_leave_ms)
            case _:
                return []

    def on_leave_requested(self, now: int) -> list[Action]:
        """It is time to leave. A sentence that is being played is played out first; who picked up meanwhile waits
        for one short sentence."""
        match self.stage:
            case Stage.RINGING if self._at_goodbye:
                self._joined = True
                return []
            case Stage.RINGING:
                return self._join(now)
            case Stage.ASKED:
                self._leave_asked = True
                return self._put_through(now)
            case _:
                self._leave_asked = self._leave_asked or not self._joined  # ordered twice, it is no more urgent
                return []

    def on_model_gone(self) -> None:
        """Nothing more will be said."""
        self._leave_asked = True

    def on_model_lost(self) -> None:
        """The session whose calls wait for an answer is gone; the next one is told it as news."""
        self._waiting.clear()

    @property
    def is_untold(self) -> bool:
        """The stream is about to be left, and the caller has not heard why."""
        return self.stage is Stage.AGREED and not self._is_said()

    def on_said_by_cue(self) -> None:
        """The caller has been told without the model, so it need not say it: the stream is left behind that."""
        self._said_by_cue = True
        self._unsaid = ""
        self._sentence_over = self._sentence_over or self.stage is Stage.AGREED

    def on_cancelled(self, ids: tuple[str, ...]) -> None:
        """The model does not wait for these any more. The person stays asked for."""
        self._waiting = [each for each in self._waiting if each[0].id not in ids]

    # -- the talk goes on ----------------------------------------------------------------------------------------

    def on_goodbye(self) -> None:
        """The talk has ended while somebody was being rung: it is a goodbye, unless it goes on after all."""
        self._at_goodbye = True

    def on_went_on(self, now: int) -> list[Action]:
        """It goes on after all: what came during the goodbye counts now."""
        if not self._at_goodbye:
            return []
        self._at_goodbye = False
        ready, self._ready = self._ready, None
        if self._joined:
            return self._join(now)
        return self.on_answered(ready, now) if ready is not None else []

    def on_turn_over(self) -> None:
        """The model has said all of a turn; it was the sentence if anything was said since it was agreed."""
        if self.stage is not Stage.AGREED:
            return
        if self._breaks_off:  # that was the turn which the order to say the sentence has cut off
            self._breaks_off = False
            self._sentence_from = self._playback.queued_ms
        elif self._is_said():
            self._sentence_over = True

    # -- time ----------------------------------------------------------------------------------------------------

    def due(self, now: int) -> list[Action]:
        """Go on without an answer, or without the one who is being rung, if their time is over."""
        deadline = self.next_due()
        if self.stage in (Stage.ASKED, Stage.RINGING) and deadline is not None and now >= deadline:
            return self._put_through(now)
        return self.say_if_free()

    def say_if_free(self) -> list[Action]:
        """The sentence, if it had to wait for a function: a text to the model would cancel it."""
        if not self._unsaid or self._desk.is_waiting():
            return []
        message, self._unsaid = self._unsaid, ""
        self._breaks_off = self._speech.turn_open
        return [TellModel(f"[Say to the caller now: {message}]")]

    def leave_due(self, now: int) -> bool:
        """The stream is to be left now."""
        deadline = self.next_due()
        return self.stage is Stage.AGREED and deadline is not None and now >= deadline

    def cue_due(self, cue_ms: int, quiet_since: int) -> int | None:
        """When a cue of this length has to say what the model does not; None while it need not, or where the stream
        is left before it would be over. ``quiet_since``: the last that the caller heard or said."""
        if self.stage is not Stage.AGREED or self._is_said():
            return None
        soon = min(self._agreed_at + self._limits.handoff_cue_ms, quiet_since + self._limits.cue_again_ms)
        at = max(soon, self._agreed_at + self._limits.tool_cue_ms, int(self._playback.ends_at) + 1)
        return at if at + cue_ms + self._limits.handoff_tail_ms <= self._due_at else None

    def since_last_word(self, now: int) -> int | None:
        """Milliseconds since the last word about the hand-over was played; None when nothing was said about it."""
        return max(0, now - int(self._playback.ends_at)) if self.stage is Stage.AGREED and self._is_said() else None

    def next_due(self) -> int | None:
        """When the next step is to be made, as far as is known now."""
        match self.stage:
            case Stage.IDLE:
                return None
            case Stage.RINGING if self._at_goodbye:
                return None
            case Stage.ASKED | Stage.RINGING:
                return self._due_at
            case Stage.AGREED:
                return self._leave_at()

    def _leave_at(self) -> int:
        if not (self._sentence_over or self._leave_asked):
            return self._due_at
        tail = self._limits.handoff_tail_ms if self._sentence_over else 0
        return min(self._due_at, int(self._playback.ends_at) + tail)

    # -- steps ---------------------------------------------------------------------------------------------------

    def _ask(self, reason: object, summary: object, now: int, *, by_session: bool) -> RequestHandoff:
        self._requests += 1
        self._request_id = f"{self._facts.call_id}:{self._facts.leg_epoch}:h{self._requests}"
        self._asked_at = now
        self._due_at = now + self._limits.handoff_answer_ms
        self._cannot_go_on = by_session and reason == TECHNICAL
        self._said_by_cue = False
        self.stage = Stage.ASKED
        known = reason if isinstance(reason, str) and reason in REASONS else REASON_DEFAULT
        words = summary[:SUMMARY_CHARS_MAX] if isinstance(summary, str) else ""
        return RequestHandoff(self._request_id, known, words, by_session)

    def _on_first_word(self, answer: HandoffAnswered, now: int) -> list[Action]:
        if answer.contact_id is not None and not answer.stay:
            return self._agree(answer.message, now, self._asked_at + self._limits.handoff_leave_ms)
        # Where the machinery failed the agent cannot go on, neither alone nor for the time of ringing: the branch's
        # phone must do. A model that waits for the answer of its own call is alive, and can.
        if self._cannot_go_on and (self._said_by_cue or not self._waiting):
            return self._put_through(now)
        if answer.contact_id is None:
            self.promise_unsaid = answer.callback == "promised"
            return self._end(nobody(answer, "nobody_on_duty"), now)
        self.stage = Stage.RINGING
        self._said_by_cue = False
        self._due_at = now + self._limits.handoff_stay_ms
        self._at_goodbye = self._joined = False
        self._ready = None
        return self._tell(being_rung(answer.message), now)

    def _end(self, response: JsonObject, now: int) -> list[Action]:
        self.stage = Stage.IDLE
        return self._tell(response, now)

    def _join(self, now: int) -> list[Action]:
        """A person has picked up and waits: one short sentence, and what the agent still has to say is not said."""
        self._joined = True
        cut = self._speech.cut_short(now)
        message = saying("joined", self._facts.language)
        return [*cut, *self._agree(message, now, now + self._limits.handoff_join_ms)]

    def _put_through(self, now: int) -> list[Action]:
        asked_at = self._asked_at if self.stage is Stage.ASKED else now
        message = saying("putting_through", self._facts.language)
        return self._agree(message, now, asked_at + self._limits.handoff_leave_ms)

    def _agree(self, message: str, now: int, leave_by: int) -> list[Action]:
        """A person will take over. Audio queued from now on is the sentence that says so."""
        self.stage = Stage.AGREED
        self._due_at = leave_by
        self._message = message
        self._agreed_at = now
        self._sentence_over = self._said_by_cue
        self._sentence_from = self._playback.queued_ms
        self._news.drop(ESCALATE)
        if self._waiting:
            return self._answer(self._handing_over(), now)
        self._unsaid = "" if self._said_by_cue else message
        return self.say_if_free()

    def _is_said(self) -> bool:
        return self._said_by_cue or self._playback.queued_ms > self._sentence_from

    def _handing_over(self) -> JsonObject:
        return {"status": "ok", "code": "handoff", "message": self._message}

    def _tell(self, response: JsonObject, now: int) -> list[Action]:
        """To the model: as the answer it waits for, else at the next quiet moment."""
        if not self._waiting:
            self._news.add((ToolResult(self._request_id, ESCALATE, response),))
        return self._answer(response, now)

    def _answer(self, response: JsonObject, now: int) -> list[Action]:
        waiting, self._waiting = self._waiting, []
        return [each for call, asked_at in waiting for each in self._desk.answer_here(call, response, asked_at, now)]


def being_rung(message: str) -> JsonObject:
    """The answer to ``escalate`` while a person is rung and the agent goes on."""
    return {"status": "ok", "code": "being_rung", "message": message}


def nobody(answer: HandoffAnswered, code: str) -> JsonObject:
    """The answer to ``escalate`` when no person comes, with what is known of ringing back."""
    if answer.callback == "promised":
        return {"status": "ok", "code": "callback_promised", "message": answer.message}
    offer = {} if answer.callback == "none" else {"callback": answer.callback}
    return {"status": "refused", "code": code, "message": answer.message, **offer}
