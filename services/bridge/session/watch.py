"""Time: what a leg waits for, when the first of it is due, and what happens then."""

from __future__ import annotations

from dataclasses import dataclass

from services.bridge.session import actions as a
from services.bridge.session.backstop import SUMMARIES
from services.bridge.session.endings import Endings
from services.bridge.session.handover import TECHNICAL, Stage
from services.bridge.session.hops import ModelHops
from services.bridge.session.phases import Phase
from services.bridge.session.state import LegState
from services.bridge.session.stuck import NUDGE


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the session wants a Tick, and what for."""

    at: int
    reason: str


class Watch:
    """Keeps all times of one leg. The signs of life that no other part keeps are noted here."""

    def __init__(self, leg: LegState, endings: Endings, hops: ModelHops) -> None:
        self._leg = leg
        self._hops = hops
        self._endings = endings
        self._frame_at = 0
        self._agent_heard = False

    def on_frame(self, now: int) -> None:
        """The carrier sent audio, or opened its stream."""
        self._frame_at = now

    def on_agent_audio(self) -> bool:
        """The agent can be heard. True when it is the first time."""
        is_first = not self._agent_heard
        self._agent_heard = True
        return is_first

    def next_deadline(self) -> Deadline | None:
        """The earliest moment at which a Tick will do something."""
        leg = self._leg
        if leg.phase is Phase.ENDED or leg.opened_at is None:
            return None
        wanted = (
            (leg.desk.next_due(), "tool"),
            (leg.hold.until, "caller_hold"),
            (leg.handover.next_due(), "handover"),
            (leg.farewell.next_due(), "farewell"),
            (leg.transcript.next_quiet(leg.speech.turn_open), "transcript"),
            (leg.news.next_due(leg.speech.turn_open) if leg.model.is_live else None, "news"),
            (self._hops.next_due(), "model"),
            (leg.backstop.next_due() if self._is_talking(Stage.IDLE) else None, "backstop"),
            (leg.stuck.next_due() if self._may_be_stuck() else None, "stuck"),
            (None if self._agent_heard else leg.opened_at + leg.limits.first_audio_ms, "first_audio"),
            (self._frame_at + leg.limits.caller_frames_ms, "caller_frames"),
            (leg.opened_at + leg.limits.call_ms if self._may_be_too_long() else None, "call_length"),
        )
        at, reason = min((each for each in wanted if each[0] is not None), key=lambda each: each[0] or 0)
        return Deadline(at or 0, reason)

    def on_tick(self, now: int) -> None:
        """Do all that is due. Early and repeated ticks do nothing."""
        leg = self._leg
        overdue, actions = leg.desk.due(now)
        leg.do(actions)
        if overdue:
            self._endings.need_person(TECHNICAL, "The order system did not answer.", now)
        if leg.hold.until is not None and now >= leg.hold.until:
            leg.send_caller_audio(leg.hold.release())
        leg.save_turns(leg.transcript.complete_quiet(now, leg.speech.turn_open))
        leg.tell_news(now)
        self._endings.hand_over(leg.handover.due(now), now)
        if leg.phase is not Phase.ENDED:
            self._hops.on_tick(now)
        if leg.phase is not Phase.ENDED:
            self._ask_if_due(now)
        if leg.phase is not Phase.ENDED:
            self._end_if_due(now)

    def _ask_if_due(self, now: int) -> None:
        leg = self._leg
        reason = leg.backstop.take(now) if self._is_talking(Stage.IDLE) else None
        if reason is not None:
            self._endings.need_person(reason, SUMMARIES[reason], now)
            return
        match leg.stuck.due(now) if self._may_be_stuck() else None:
            case "nudge":
                leg.do([a.Complain("model_nudged"), a.TellModel(NUDGE)])
            case "stuck":
                leg.do([a.Complain("model_stuck")])
                self._endings.need_person(TECHNICAL, "The assistant fell silent.", now)

    def _end_if_due(self, now: int) -> None:
        leg = self._leg
        farewell_at = leg.farewell.next_due()
        if farewell_at is not None and now >= farewell_at:
            self._endings.end("goodbye", now)
        elif not self._agent_heard and leg.since_open(now) >= leg.limits.first_audio_ms:
            leg.do([a.Complain("model_silent")])
            self._endings.end("first_audio_late", now)
        elif now >= self._frame_at + leg.limits.caller_frames_ms:
            leg.do([a.Complain("caller_frames_missing")])
            self._endings.end("caller_frames_missing", now)
        elif self._may_be_too_long() and leg.since_open(now) >= leg.limits.call_ms:
            self._endings.need_person(TECHNICAL, "The call has become very long.", now)

    def _may_be_too_long(self) -> bool:
        return self._is_talking(Stage.IDLE)

    def _may_be_stuck(self) -> bool:
        """Before its first audio another deadline holds, and a model that waits for a function need not speak."""
        is_answering = self._leg.model.is_live and not self._leg.desk.is_waiting()
        return is_answering and self._agent_heard and self._is_talking(Stage.IDLE, Stage.RINGING)

    def _is_talking(self, *stages: Stage) -> bool:
        return self._leg.phase in (Phase.GREETING, Phase.TALKING) and self._leg.handover.stage in stages
