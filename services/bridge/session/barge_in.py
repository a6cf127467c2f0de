"""Carries out what :mod:`ducking` decides, and what the model's own interruption means for the leg."""

from __future__ import annotations

from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.ducking import UNYIELDING
from services.bridge.session.endings import Endings
from services.bridge.session.handover import Stage
from services.bridge.session.phases import Phase, Trigger
from services.bridge.session.state import LegState


class BargeIn:
    """The caller speaks while the agent does."""

    def __init__(self, leg: LegState, endings: Endings) -> None:
        self._leg = leg
        self._endings = endings

    def wants_closer_look(self, now: int) -> bool:
        """Whose voice it is matters now: the agent is heard, or its echo may be, or a total waits for its yes."""
        speech = self._leg.speech
        return now < speech.playback.ends_at + self._leg.limits.echo_ms or speech.read_back.waits_for_answer

    def on_caller_spoke(self, event: i.CallerSpoke, now: int) -> None:
        """The detectors heard the caller. Their own voice over the agent's ducks it at once and stops it in the end;
        what tells the caller where they are put through to is ducked only."""
        leg = self._leg
        leg.speech.read_back.on_caller_speech(event.voiced_ms if event.answer_ms is None else event.answer_ms, now)
        if not event.own_ms:
            return
        step = leg.ducking.on_own_voice(
            event.own_ms,
            now,
            agent_heard=leg.speech.playback.is_playing(now),
            reading_back=leg.speech.read_back.is_playing(now),
        )
        if step == "discard" and leg.phase is not Phase.HANDING_OVER:
            self._on_discarded(leg.speech.discard(now), now)
            if leg.speech.is_unyielding:
                leg.ducking.on_discarded(now)
        elif step is not None and leg.ducking.begin():
            leg.do([a.Duck()])

    def on_interrupted(self, now: int) -> None:
        """The model stopped by itself."""
        leg = self._leg
        leg.ducking.on_yielded()
        was_in_turn = leg.speech.turn_open
        flush = leg.speech.on_interrupted(now)
        in_vain = not flush and not was_in_turn
        leg.stuck.on_interrupted(now, in_vain=in_vain)
        if in_vain:
            leg.do([a.Complain("model_phantom_interruption")])
        self._on_stopped(flush, now)

    def on_turn_over(self) -> None:
        """The model's turn is over, however it came to that."""
        self._leg.ducking.on_yielded()
        self._leg.transcript.on_agent_turn_over()

    def next_due(self) -> int | None:
        """When :meth:`on_tick` will do something."""
        return self._leg.ducking.next_due()

    def on_tick(self, now: int) -> None:
        """Do what is due."""
        leg = self._leg
        for due in leg.ducking.due(now):
            match due:
                case "unduck":
                    leg.do([a.Unduck()])
                case "tell" if leg.speech.is_unyielding and self._may_tell():
                    leg.speech.told_to_stop(now)
                    leg.do([a.Complain("model_unyielding"), a.TellModel(UNYIELDING)])

    def _may_tell(self) -> bool:
        """A text to the model would cancel a function that runs, and there must be nothing more urgent to say."""
        leg = self._leg
        return (
            leg.model.is_live
            and leg.phase in (Phase.GREETING, Phase.TALKING)
            and leg.handover.stage in (Stage.IDLE, Stage.RINGING)
            and not leg.desk.is_waiting()
        )

    def _on_discarded(self, flush: list[a.Action], now: int) -> None:
        if flush:
            self._leg.stuck.on_interrupted(now, in_vain=False)
        self._on_stopped(flush, now)

    def _on_stopped(self, flush: list[a.Action], now: int) -> None:
        leg = self._leg
        leg.do(flush)
        leg.save_turns(leg.transcript.complete("agent"))
        leg.greeted()
        if flush:
            leg.cues.on_flushed(now)
        if flush and leg.phase is Phase.FAREWELL:
            self._endings.went_on(Trigger.CALLER_WENT_ON, now)
