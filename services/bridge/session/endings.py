"""The ways out of a leg: to a person, after a goodbye, or because something is gone. Each ends with one report."""

from __future__ import annotations

from typing import Final

from agiza.contracts.events import EscalationReason
from agiza.domain.order_news import TROUBLE
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.handover import TECHNICAL, Stage
from services.bridge.session.phases import Phase, Trigger
from services.bridge.session.state import LegState

CLOSE_NORMAL: Final = 1000
CLOSE_GOING_AWAY: Final = 1001
SUPERSEDED: Final = "superseded"
"""Another leg has this call now."""
STALE_LEG: Final = "stale_leg"
"""The code with which ``orders`` refuses everything of a leg that was taken over."""


class Endings:
    """Leads a leg to its end and reports it. After :meth:`end` nothing more may be asked of it."""

    def __init__(self, leg: LegState) -> None:
        self._leg = leg

    # -- to a person ---------------------------------------------------------------------------------------------

    def on_escalate(self, call: i.ToolRequest, now: int) -> None:
        """The model wants a person."""
        self._person_asked(now)
        if self._leg.phase is not Phase.ENDED:
            self.hand_over(self._leg.handover.ask_for_model(call, now), now)

    def need_person(self, reason: EscalationReason, summary: str, now: int) -> None:
        """Ask for a hand-over, whatever the model thinks. ``technical`` means that the agent cannot go on."""
        if self._leg.phase is Phase.CONNECTING:  # nobody is there who could say a sentence or go on
            self.end(reason, now, handing_over=True)
            return
        self._person_asked(now)
        if self._leg.phase is not Phase.ENDED:
            self.hand_over(self._leg.handover.ask_for_session(reason, summary, now), now)

    def on_model_stuck(self, now: int) -> None:
        """The model owes the caller something, was reminded, and does nothing: a person, and a cue that says so."""
        leg = self._leg
        if leg.phase is Phase.TALKING and leg.handover.promise_unsaid and leg.cues.ms("call_back") is not None:
            self.take_leave("call_back", now)  # nobody is on duty, and all that was left was to say this
            return
        self.need_person(TECHNICAL, "The assistant fell silent.", now)
        self.say_without_model("connecting", now)

    def say_without_model(self, name: a.CueName, now: int) -> None:
        """Tell the caller that a person takes over; where there is such a cue the model need not say it."""
        leg = self._leg
        if leg.phase is Phase.ENDED:
            return
        said = leg.cues.play(name, now, at_once=True)
        if said:
            leg.do(said)
            leg.handover.on_said_by_cue()
            self.hand_over([], now)

    def take_leave(self, name: a.CueName, now: int) -> None:
        """End the conversation with a cue, in phase talking; a caller who speaks over it goes on instead."""
        leg = self._leg
        leg.do(leg.cues.play(name, now, at_once=True))
        if leg.advance(Trigger.GOODBYE_SAID):
            leg.farewell.begin(now)
            leg.farewell.on_turn_over()

    def on_handoff_answered(self, answer: i.HandoffAnswered, now: int) -> None:
        """Word of the escalation service."""
        handover = self._leg.handover
        was_ringing = handover.stage is Stage.RINGING
        self.hand_over(handover.on_answered(answer, now), now)
        if was_ringing and handover.stage is Stage.IDLE:
            self._leg.backstop.on_nobody_came()
        if self._leg.phase is not Phase.ENDED:
            self._leg.tell_news(now)

    def on_leave_requested(self, now: int) -> None:
        """The escalation service wants the stream left. The sentence of a hand-over under way is played out first."""
        if self._leg.handover.stage is Stage.IDLE:
            self.end("leave_requested", now, handing_over=True)
        else:
            self.hand_over(self._leg.handover.on_leave_requested(now), now)

    def on_order_moved(self, moved: i.OrderMoved, now: int) -> None:
        """Word of the kitchen: told at the next pause. A goodbye ends with trouble, and is not disturbed by less; a
        person who takes over the caller sees the order themselves."""
        leg = self._leg
        news = leg.order_words.news_of(moved, leg.facts.language)
        if news is None or leg.phase is Phase.HANDING_OVER:
            return
        if leg.phase is Phase.FAREWELL:
            if moved.word not in TROUBLE:
                return
            self.went_on(Trigger.ORDER_IN_TROUBLE, now)
        leg.news.add_in_pause(news, must_be_heard=moved.word in TROUBLE)
        leg.tell_news(now)

    def went_on(self, trigger: Trigger, now: int) -> None:
        """The goodbye was none."""
        self._leg.farewell.cancel()
        if self._leg.advance(trigger):
            self.hand_over(self._leg.handover.on_went_on(now), now)

    def hand_over(self, actions: list[a.Action], now: int) -> None:
        """Carry out a step of the hand-over and let the phase follow it."""
        leg = self._leg
        leg.do(actions)
        if leg.handover.stage is Stage.AGREED and leg.phase in (Phase.GREETING, Phase.TALKING):
            leg.greeted()
            leg.advance(Trigger.HANDOVER_AGREED)
        if leg.handover.leave_due(now):
            self.end("handoff", now)

    def _person_asked(self, now: int) -> None:
        self._leg.greeted()
        if self._leg.phase is Phase.FAREWELL:
            self.went_on(Trigger.PERSON_ASKED, now)

    # -- the end -------------------------------------------------------------------------------------------------

    def on_model_gone(self, now: int) -> None:
        """There is no model and none will come. What it had said is still played, nothing more is waited for."""
        self._leg.handover.on_model_gone()
        if self._leg.handover.is_untold:
            self.say_without_model("connecting", now)
        if self._leg.phase is Phase.FAREWELL:
            self._leg.farewell.on_turn_over()
        else:
            self.hand_over([], now)

    def end(
        self,
        reason: str,
        now: int,
        *,
        code: int = CLOSE_NORMAL,
        caller_left: bool = False,
        handing_over: bool = False,
    ) -> None:
        """Report what the leg came to and close both sides.

        It is a hand-over only where the stream is left for a person: not when the caller has left, and not while
        somebody is still being rung.
        """
        leg = self._leg
        is_under_way = leg.handover.stage in (Stage.ASKED, Stage.AGREED)
        outcome = leg.ledger.outcome(
            handing_over=handing_over or (is_under_way and not caller_left),
            said_goodbye=leg.phase is Phase.FAREWELL,
            caller_left=caller_left,
        )
        waited_ms = leg.handover.since_last_word(now)
        if waited_ms is not None and not caller_left:
            leg.do([a.Observe("handoff_leave", waited_ms)])
        leg.save_turns(leg.transcript.complete_all())
        leg.advance(Trigger.OVER)
        report = a.CallReport(
            outcome=outcome,
            reason=reason[:64],
            duration_ms=leg.since_open(now),
            transcript=leg.transcript.turns,
            tools=tuple(leg.desk.timings),
            latencies_ms=leg.ledger.latencies_ms(),
            usage=leg.usage.sum(),
            prompt_tokens_max=leg.usage.prompt_tokens_max,
            language=leg.facts.language,
        )
        leg.do([a.PublishEnded(report), a.CloseModel(), a.CloseCarrier(code)])
