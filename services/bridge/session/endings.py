"""The ways out of a leg: to a person, after a goodbye, or because something is gone. Each ends with one report."""

from __future__ import annotations

from typing import Final

from services.bridge.session import actions as a
from services.bridge.session.handover import Stage
from services.bridge.session.phases import Phase, Trigger
from services.bridge.session.state import LegState

CLOSE_NORMAL: Final = 1000
CLOSE_GOING_AWAY: Final = 1001


class Endings:
    """Leads a leg to its end and reports it. After :meth:`end` nothing more may be asked of it."""

    def __init__(self, leg: LegState) -> None:
        self._leg = leg

    def hand_over(self, actions: list[a.Action], now: int) -> None:
        """Carry out a step of the hand-over and let the phase follow it."""
        leg = self._leg
        leg.do(actions)
        if leg.handover.stage is Stage.AGREED and leg.phase in (Phase.TALKING, Phase.FAREWELL):
            leg.farewell.cancel()
            leg.advance(Trigger.HANDOVER_AGREED)
        if leg.handover.leave_due(now):
            self.end("handoff", now)

    def need_person(self, summary: str, now: int) -> None:
        """Something does not work: ask for a hand-over, whatever the model thinks."""
        self._leg.greeted()
        self._leg.do(self._leg.handover.ask_for_machinery(summary, now))

    def on_leave_requested(self, now: int) -> None:
        """The escalation service wants the stream left. The sentence of a hand-over under way is played out first."""
        if self._leg.handover.stage is Stage.IDLE:
            self.end("leave_requested", now, handing_over=True)
        else:
            self.hand_over(self._leg.handover.on_leave_requested(now), now)

    def on_model_closed(self, reason: str, now: int) -> None:
        """The model is gone. What it had said is still played."""
        if self._leg.phase is Phase.FAREWELL:
            self._leg.farewell.on_turn_over()
        elif self._leg.phase is Phase.HANDING_OVER:
            self.hand_over(self._leg.handover.on_leave_requested(now), now)
        else:
            self.end(f"model_{reason}", now)

    def end(
        self,
        reason: str,
        now: int,
        *,
        code: int = CLOSE_NORMAL,
        caller_left: bool = False,
        handing_over: bool = False,
    ) -> None:
        """Report what the leg came to and close both sides."""
        leg = self._leg
        outcome = leg.ledger.outcome(
            handing_over=handing_over or leg.handover.stage is not Stage.IDLE,
            said_goodbye=leg.phase is Phase.FAREWELL,
            caller_left=caller_left,
        )
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
        )
        leg.do([a.PublishEnded(report), a.CloseModel(), a.CloseCarrier(code)])
