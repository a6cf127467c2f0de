"""Time: what a leg waits for, when the first of it is due, and what happens then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.bridge.session import actions as a
from services.bridge.session.backstop import SUMMARIES
from services.bridge.session.barge_in import BargeIn
from services.bridge.session.endings import Endings
from services.bridge.session.handover import TECHNICAL, Stage
from services.bridge.session.hops import ModelHops
from services.bridge.session.phases import Phase
from services.bridge.session.state import LegState
from services.bridge.session.stuck import NUDGE, NUDGE_FAILED, NUDGE_GREETING

CALL_IS_LONG: Final = (
    "[This call has become long. Bring it to an end: what is still open, the whole order with the total, and goodbye. "
    "If that is not possible soon, offer a colleague.]"
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the session wants a Tick, and what for."""

    at: int
    reason: str


class Watch:
    """Keeps all times of one leg. The signs of life that no other part keeps are noted here."""

    def __init__(self, leg: LegState, endings: Endings, hops: ModelHops, barge_in: BargeIn) -> None:
        self._leg = leg
        self._hops = hops
        self._endings = endings
        self._barge_in = barge_in
        self._frame_at = 0
        self._parting_at: int | None = None
        self._is_warned = False

    def on_frame(self, now: int) -> None:
        """The carrier sent audio, or opened its stream."""
        self._frame_at = now

    def on_agent_audio(self) -> bool:
        """The agent can be heard. True when it is the first time."""
        is_first = not self._leg.agent_heard
        self._leg.agent_heard = True
        return is_first

    def next_deadline(self) -> Deadline | None:
        """The earliest moment at which a Tick will do something."""
        if self._leg.phase is Phase.ENDED or self._leg.opened_at is None:
            return None
        earliest, why = None, ""
        for at, reason in self._wanted():
            if at is not None and (earliest is None or at < earliest):
                earliest, why = at, reason
        return None if earliest is None else Deadline(earliest, why)

    def _wanted(self) -> Iterator[tuple[int | None, str]]:
        leg = self._leg
        opened_at = leg.opened_at or 0
        yield leg.desk.next_due(), "tool"
        yield leg.hold.until, "caller_hold"
        yield self._barge_in.next_due(), "barge_in"
        yield leg.handover.next_due(), "handover"
        yield leg.farewell.next_due(), "farewell"
        yield leg.transcript.next_quiet(leg.speech.turn_open), "transcript"
        yield leg.news.next_due(leg.speech.turn_open) if leg.model.is_live else None, "news"
        yield self._hops.next_due(), "model"
        yield leg.backstop.next_due() if self._is_talking(Stage.IDLE) else None, "backstop"
        yield self._cue_at(), "cue"
        yield self._handover_cue_at(), "handover_cue"
        yield self._stuck_at(), "stuck"
        yield leg.absence.next_due() if self._may_be_absent() else None, "caller_silent"
        yield self._warn_at(), "call_long"
        yield self._parting_at, "parting"
        yield None if self._was_begun() else opened_at + leg.limits.first_audio_ms, "first_audio"
        yield self._frame_at + leg.limits.caller_frames_ms, "caller_frames"
        yield opened_at + leg.limits.call_ms if self._may_be_too_long() else None, "call_length"

    def on_tick(self, now: int) -> None:
        """Do all that is due. Early and repeated ticks do nothing."""
        leg = self._leg
        overdue, actions = leg.desk.due(now)
        leg.do(actions)
        if overdue:
            self._endings.need_person(TECHNICAL, "The order system did not answer.", now)
        if leg.hold.until is not None and now >= leg.hold.until:
            leg.send_caller_audio(leg.hold.release())
        self._barge_in.on_tick(now)
        leg.save_turns(leg.transcript.complete_quiet(now, leg.speech.turn_open))
        leg.tell_news(now)
        self._endings.hand_over(leg.handover.due(now), now)
        for step in (self._hops.on_tick, self._ask_if_due, self._end_if_due, self._speak_if_due):
            if leg.phase is not Phase.ENDED:
                step(now)

    # -- the model -------------------------------------------------------------------------------------------------

    def _ask_if_due(self, now: int) -> None:
        leg = self._leg
        reason = leg.backstop.take(now) if self._is_talking(Stage.IDLE) else None
        if reason is not None:
            self._endings.need_person(reason, SUMMARIES[reason], now)
            return
        due = leg.stuck.due(now, unheard=not leg.agent_heard) if self._may_be_stuck() else None
        if due == "stuck":
            leg.do([a.Complain("model_stuck")])
            if not leg.stuck.is_renewed and self._hops.renew_if_silent(now):
                leg.stuck.begin_anew(now)
            else:
                leg.stuck.give_up()
                self._endings.on_model_stuck(now)
        elif due is not None:
            text = NUDGE if due == "nudge" else NUDGE_FAILED
            leg.do([a.Complain("model_nudged"), a.TellModel(text if leg.agent_heard else NUDGE_GREETING)])

    def _stuck_at(self) -> int | None:
        return self._leg.stuck.next_due(unheard=not self._leg.agent_heard) if self._may_be_stuck() else None

    def _may_be_stuck(self) -> bool:
        """A model that waits for a function need not speak, and one that is away is looked after by the hops."""
        is_answering = self._leg.model.is_live and not self._leg.desk.is_waiting()
        return is_answering and self._is_talking(Stage.IDLE, Stage.RINGING)

    # -- what the caller hears meanwhile -----------------------------------------------------------------------------

    def _speak_if_due(self, now: int) -> None:
        leg = self._leg
        if self._may_be_kept_company():
            leg.do(leg.patience.due(leg.stuck.owed_since, leg.desk.waits_since(), now))
        handover_cue_at = self._handover_cue_at()
        if handover_cue_at is not None and now >= handover_cue_at:
            self._endings.say_without_model("connecting", now)
        warn_at = self._warn_at()
        if warn_at is not None and now >= warn_at:
            self._is_warned = True
            leg.do([a.Complain("call_long"), a.TellModel(CALL_IS_LONG)])
        elif self._may_be_absent():
            self._ask_caller_if_due(now)

    def _ask_caller_if_due(self, now: int) -> None:
        leg = self._leg
        due = leg.absence.due(now)
        if due is None:
            return
        leg.do([a.Complain("caller_silent", due)])
        if due == "ask":
            leg.speech.read_back.doubt()
            leg.do(leg.cues.play("are_you_there", now, at_once=True))
        else:
            leg.greeted()
            self._endings.take_leave("goodbye", now)

    def _cue_at(self) -> int | None:
        if not self._may_be_kept_company():
            return None
        return self._leg.patience.next_due(self._leg.stuck.owed_since, self._leg.desk.waits_since())

    def _may_be_kept_company(self) -> bool:
        return self._parting_at is None and (
            self._leg.phase is Phase.CONNECTING or self._is_talking(Stage.IDLE, Stage.ASKED, Stage.RINGING)
        )

    def _handover_cue_at(self) -> int | None:
        leg = self._leg
        cue_ms = leg.cues.ms("connecting")
        if cue_ms is None:
            return None
        quiet_since = max(int(leg.speech.playback.ends_at), leg.stuck.owed_since or 0)
        return leg.handover.cue_due(cue_ms, quiet_since)

    def _may_be_absent(self) -> bool:
        """It is the caller's turn, and we could say something about it."""
        leg = self._leg
        return (
            leg.agent_heard
            and self._is_talking(Stage.IDLE)
            and leg.stuck.owed_since is None
            and leg.desk.next_due() is None
            and leg.cues.ms("are_you_there") is not None
        )

    # -- ends --------------------------------------------------------------------------------------------------------

    def _end_if_due(self, now: int) -> None:
        leg = self._leg
        farewell_at = leg.farewell.next_due()
        if farewell_at is not None and now >= farewell_at:
            self._endings.end("goodbye", now)
        elif self._parting_at is not None and now >= self._parting_at:
            self._endings.end("first_audio_late", now)
        elif not self._was_begun() and leg.since_open(now) >= leg.limits.first_audio_ms:
            self._part(now)
        elif now >= self._frame_at + leg.limits.caller_frames_ms:
            leg.do([a.Complain("caller_frames_missing")])
            self._endings.end("caller_frames_missing", now)
        elif self._may_be_too_long() and leg.since_open(now) >= leg.limits.call_ms:
            self._hand_over_long_call(now)

    def _part(self, now: int) -> None:
        """There never was an agent. What the carrier does next is the webhook's decision; the caller is told so."""
        leg = self._leg
        leg.do([a.Complain("model_silent")])
        said = leg.cues.play("connecting", now, at_once=True)
        if not said:
            self._endings.end("first_audio_late", now)
            return
        leg.do(said)
        self._parting_at = int(leg.speech.playback.ends_at) + leg.limits.handoff_tail_ms

    def _hand_over_long_call(self, now: int) -> None:
        leg = self._leg
        is_quiet = not leg.speech.turn_open and not leg.speech.playback.is_playing(now)
        self._endings.need_person(TECHNICAL, "The call has become very long.", now)
        if is_quiet:  # else the model is in the middle of something, and says it
            self._endings.say_without_model("long_call", now)

    def _warn_at(self) -> int | None:
        """At a quiet moment: a text cuts off what the model is saying, and cancels what it waits for."""
        leg = self._leg
        may_be_told = (
            leg.agent_heard and leg.model.is_live and self._is_talking(Stage.IDLE) and leg.desk.next_due() is None
        )
        if self._is_warned or not may_be_told or leg.speech.turn_open or leg.stuck.owed_since is not None:
            return None
        return max((leg.opened_at or 0) + leg.limits.call_warn_ms, int(leg.speech.playback.ends_at) + 1)

    def _was_begun(self) -> bool:
        """The agent was heard, or the caller knows what follows instead."""
        is_leaving = self._parting_at is not None or self._leg.handover.stage in (Stage.ASKED, Stage.AGREED)
        return self._leg.agent_heard or is_leaving

    def _may_be_too_long(self) -> bool:
        return self._is_talking(Stage.IDLE)

    def _is_talking(self, *stages: Stage) -> bool:
        return self._leg.phase in (Phase.GREETING, Phase.TALKING) and self._leg.handover.stage in stages
