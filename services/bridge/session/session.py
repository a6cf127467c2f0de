"""The call: inputs in, actions out. See :mod:`services.bridge.session` for how it is used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, assert_never

from agiza.contracts.tools import END_CALL, ESCALATE, GET_TOTAL, ORDER_TOOLS, PLACE_ORDER
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.facts import CallFacts, Limits
from services.bridge.session.farewell import Farewell
from services.bridge.session.handover import Handover, Stage
from services.bridge.session.hold import CallerHold
from services.bridge.session.ledger import Ledger
from services.bridge.session.news import News
from services.bridge.session.phases import IllegalTransition, Phase, Trigger, next_phase
from services.bridge.session.speech import AgentSpeech
from services.bridge.session.tools import ToolDesk, refusal
from services.bridge.session.transcript import Transcript
from services.bridge.session.usage import UsageMeter

CLOSE_NORMAL: Final = 1000
CLOSE_GOING_AWAY: Final = 1001

_BYE: Final[i.JsonObject] = {"status": "ok", "code": "ending", "message": "The line is closed after your last word."}

_OF_THE_MODEL: Final = (
    i.ModelAudio,
    i.ModelInterrupted,
    i.GenerationCompleted,
    i.TurnCompleted,
    i.CallerWords,
    i.AgentWords,
    i.ToolsRequested,
    i.ToolsCancelled,
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the session wants a Tick, and what for."""

    at: int
    reason: str


class CallSession:
    """One leg of one call. ``strict`` raises on an illegal phase transition instead of reporting it."""

    def __init__(self, facts: CallFacts, limits: Limits | None = None, *, strict: bool = False) -> None:
        self._facts = facts
        self._limits = limits or Limits()
        self._strict = strict
        self._out: list[a.Action] = []
        self.phase = Phase.CONNECTING
        self._speech = AgentSpeech(self._limits)
        self._desk = ToolDesk(facts, self._limits)
        self._handover = Handover(facts, self._limits, self._speech.playback, self._desk)
        self._farewell = Farewell(self._limits, self._speech.playback)
        self._hold = CallerHold(self._limits.caller_hold_ms)
        self._news = News(self._speech.playback)
        self._transcript = Transcript(self._limits)
        self._usage = UsageMeter()
        self._ledger = Ledger()
        self._opened_at: int | None = None
        self._frame_at = 0
        self._speech_at: int | None = None
        self._agent_heard = False

    def handle(self, event: i.Input, now: int) -> list[a.Action]:
        """What to do about ``event``. Before :class:`~.inputs.Opened` and after the end: nothing, whatever comes."""
        self._out = []
        if self._opened_at is None:
            if isinstance(event, i.Opened):
                self._open(now)
        elif self.phase is Phase.CONNECTING and isinstance(event, _OF_THE_MODEL):
            pass  # of a model session that is not set up; there is nothing to do it to
        elif self.phase is not Phase.ENDED:
            self._dispatch(event, now)
        return self._out

    def next_deadline(self) -> Deadline | None:
        """The earliest moment at which a Tick will do something."""
        if self.phase is Phase.ENDED or self._opened_at is None:
            return None
        wanted = (
            (self._desk.next_due(), "tool"),
            (self._hold.until, "caller_hold"),
            (self._handover.next_due(), "handover"),
            (self._farewell.next_due(), "farewell"),
            (self._transcript.next_quiet(self._speech.turn_open), "transcript"),
            (self._news.next_due(self._speech.turn_open), "news"),
            (None if self._agent_heard else self._opened_at + self._limits.first_audio_ms, "first_audio"),
            (self._frame_at + self._limits.caller_frames_ms, "caller_frames"),
            (self._opened_at + self._limits.call_ms if self._may_be_too_long() else None, "call_length"),
        )
        at, reason = min((each for each in wanted if each[0] is not None), key=lambda each: each[0] or 0)
        return Deadline(at or 0, reason)

    # -- dispatch ------------------------------------------------------------------------------------------------

    def _dispatch(self, event: i.Input, now: int) -> None:
        match event:
            case i.CallerAudio(pcm):
                self._frame_at = now
                self._send_caller_audio(self._hold.pass_on(pcm))
            case i.ModelAudio(pcm, rate):
                self._on_model_audio(pcm, rate, now)
            case i.CallerSpoke(voiced_ms):
                self._speech_at = now
                self._speech.read_back.on_caller_speech(voiced_ms, now)
            case i.CallerWords(text):
                self._transcript.add("caller", text, self._since_open(now), now)
            case i.AgentWords(text):
                self._transcript.add("agent", text, self._since_open(now), now)
            case i.Tick():
                self._on_tick(now)
            case i.ModelInterrupted():
                self._on_interrupted(now)
            case i.GenerationCompleted():
                self._do(self._speech.on_generation_completed())
            case i.TurnCompleted():
                self._on_turn_completed(now)
            case i.ToolsRequested(calls):
                self._on_tools_requested(calls, now)
            case i.ToolsCancelled(ids):
                self._handover.on_cancelled(ids)
                self._do(self._desk.on_cancelled(ids, now))
                self._let_caller_through()
            case i.ToolsAnswered():
                self._on_tools_answered(event, now)
            case i.HandoffAnswered():
                self._hand_over(self._handover.on_answered(event, now), now)
            case i.LeaveRequested():
                self._on_leave_requested(now)
            case i.UsageReported():
                self._usage.add(event)
            case i.ResumptionOffered(handle):
                self._do([a.SaveRecord({"handle": handle, "handle_at_ms": str(self._since_open(now))})])
            case i.GoAwayAnnounced(time_left_ms):
                self._do([a.Complain("go_away", f"{time_left_ms} ms left")])
            case i.ModelReady():
                if self._advance(Trigger.MODEL_READY):
                    self._do([a.RequestGreeting()])
            case i.ModelClosed(reason):
                self._on_model_closed(reason, now)
            case i.CarrierClosed():
                self._end("caller_hung_up", now, caller_left=True)
            case i.Stopped(reason):
                self._end(reason, now, code=CLOSE_GOING_AWAY)
            case i.Opened():
                pass  # said twice
            case _ as never:
                assert_never(never)

    def _open(self, now: int) -> None:
        self._opened_at = self._frame_at = now
        facts = self._facts
        record = {
            "branch_id": facts.branch_id,
            "menu_version": str(facts.menu_version),
            "leg_epoch": str(facts.leg_epoch),
            "language": facts.language,
            "phase": self.phase.value,
        }
        self._do([a.SaveRecord(record), a.ConnectModel()])

    # -- speech of the agent -------------------------------------------------------------------------------------

    def _on_model_audio(self, pcm: bytes, rate: int, now: int) -> None:
        if not self._speech.is_stale(now):
            self._begin_turn()
            self._farewell.on_audio(now)
            if not self._agent_heard:
                self._agent_heard = True
                self._do([a.Observe("first_audio", self._since_open(now))])
            if self._speech_at is not None:
                self._do([a.Observe("response", now - self._speech_at)])
                self._speech_at = None
        self._do(self._speech.on_audio(pcm, rate, now))

    def _begin_turn(self) -> None:
        if self._speech.begin_turn():
            self._save_turns(self._transcript.complete("caller"))

    def _on_interrupted(self, now: int) -> None:
        flush = self._speech.on_interrupted(now)
        self._do(flush)
        self._save_turns(self._transcript.complete("agent"))
        self._greeted()
        if flush and self.phase is Phase.FAREWELL:
            self._farewell.cancel()
            self._advance(Trigger.CALLER_WENT_ON)

    def _on_turn_completed(self, now: int) -> None:
        said_something, actions = self._speech.on_turn_completed()
        self._do(actions)
        self._handover.on_turn_over()
        self._farewell.on_turn_over()
        self._save_turns(self._transcript.complete("agent"))
        if said_something:
            self._ledger.on_agent_turn_over()
            self._greeted()
        self._tell_news(now)

    def _greeted(self) -> None:
        if self.phase is Phase.GREETING:
            self._advance(Trigger.GREETED)

    # -- tools ---------------------------------------------------------------------------------------------------

    def _on_tools_requested(self, calls: tuple[i.ToolRequest, ...], now: int) -> None:
        self._save_turns(self._transcript.complete("caller"))  # the model acts on it, so it was said
        self._begin_turn()
        self._greeted()
        fresh, complaints = self._desk.admit(calls)
        self._do(complaints)
        ours = tuple(call for call in fresh if call.name not in (ESCALATE, END_CALL))
        if ours:
            self._do(self._desk.request(ours, ORDER_TOOLS, self._speech.read_back.state(now), now))
            if self._desk.is_waiting():
                self._hold.begin(now)
        for call in fresh:
            if call.name == ESCALATE:
                self._do(self._handover.ask_for_model(call, now))
            elif call.name == END_CALL:
                self._on_end_call(call, now)

    def _on_tools_answered(self, answer: i.ToolsAnswered, now: int) -> None:
        self._ledger.on_results(answer.results)
        told_before = self._desk.cart_version_told
        outcome, actions = self._desk.on_answered(answer.request_id, answer.results, answer.cart_version, now)
        self._do(actions)
        for result in (*outcome.told, *outcome.news):
            self._watch_result(result)
        if self._desk.cart_version_told != told_before:
            self._do([a.SaveRecord({"cart_version": str(self._desk.cart_version_told)})])
        self._news.add(outcome.news)
        self._tell_news(now)
        self._let_caller_through()

    def _watch_result(self, result: i.ToolResult) -> None:
        quote_id = result.response.get("quote_id")
        if result.name == GET_TOTAL and isinstance(quote_id, str):
            self._speech.read_back.arm(quote_id)
        elif result.name == PLACE_ORDER and result.response.get("code") == "confirm_again":
            self._speech.read_back.asked_again()

    def _tell_news(self, now: int) -> None:
        text = self._news.take(now, self._speech.turn_open)
        if text is not None:
            self._do([a.TellModel(text)])

    def _on_end_call(self, call: i.ToolRequest, now: int) -> None:
        if self._desk.is_waiting():
            response = refusal("not_yet", "Another function is still running. Tell the caller its result first.")
        elif self._handover.stage is not Stage.IDLE:
            response = refusal("handing_over", "The caller is being put through; do not hang up.")
        else:
            response = _BYE
            if self.phase is Phase.TALKING and self._advance(Trigger.GOODBYE_SAID):
                self._farewell.begin(now)
        self._do(self._desk.answer_here(call, response, now, now))

    # -- a person ------------------------------------------------------------------------------------------------

    def _hand_over(self, actions: list[a.Action], now: int) -> None:
        """Carry out a step of the hand-over and let the phase follow it."""
        self._do(actions)
        if self._handover.stage is Stage.AGREED and self.phase in (Phase.TALKING, Phase.FAREWELL):
            self._farewell.cancel()
            self._advance(Trigger.HANDOVER_AGREED)
        if self._handover.leave_due(now):
            self._end("handoff", now)

    def _on_leave_requested(self, now: int) -> None:
        if self._handover.stage is Stage.IDLE:
            self._end("leave_requested", now, handing_over=True)
        else:
            self._hand_over(self._handover.on_leave_requested(now), now)

    def _need_person(self, summary: str, now: int) -> None:
        self._greeted()
        self._do(self._handover.ask_for_machinery(summary, now))

    # -- time ----------------------------------------------------------------------------------------------------

    def _on_tick(self, now: int) -> None:
        overdue, actions = self._desk.due(now)
        self._do(actions)
        if overdue:
            self._need_person("The order system did not answer.", now)
        if self._hold.until is not None and now >= self._hold.until:
            self._send_caller_audio(self._hold.release())
        self._save_turns(self._transcript.complete_quiet(now, self._speech.turn_open))
        self._tell_news(now)
        self._hand_over(self._handover.on_answer_late(now), now)
        if self.phase is not Phase.ENDED:
            self._end_if_due(now)

    def _end_if_due(self, now: int) -> None:
        farewell_at = self._farewell.next_due()
        if farewell_at is not None and now >= farewell_at:
            self._end("goodbye", now)
        elif not self._agent_heard and self._since_open(now) >= self._limits.first_audio_ms:
            self._do([a.Complain("model_silent")])
            self._end("first_audio_late", now)
        elif now >= self._frame_at + self._limits.caller_frames_ms:
            self._do([a.Complain("caller_frames_missing")])
            self._end("caller_frames_missing", now)
        elif self._may_be_too_long() and self._since_open(now) >= self._limits.call_ms:
            self._need_person("The call has become very long.", now)

    def _may_be_too_long(self) -> bool:
        return self.phase in (Phase.GREETING, Phase.TALKING) and self._handover.stage is Stage.IDLE

    # -- the end -------------------------------------------------------------------------------------------------

    def _on_model_closed(self, reason: str, now: int) -> None:
        if self.phase is Phase.FAREWELL:
            self._farewell.on_turn_over()  # what was said is still played
        elif self.phase is Phase.HANDING_OVER:
            self._hand_over(self._handover.on_leave_requested(now), now)
        else:
            self._end(f"model_{reason}", now)

    def _end(
        self,
        reason: str,
        now: int,
        *,
        code: int = CLOSE_NORMAL,
        caller_left: bool = False,
        handing_over: bool = False,
    ) -> None:
        outcome = self._ledger.outcome(
            handing_over=handing_over or self._handover.stage is not Stage.IDLE,
            said_goodbye=self.phase is Phase.FAREWELL,
            caller_left=caller_left,
        )
        self._save_turns(self._transcript.complete_all())
        self._advance(Trigger.OVER)
        report = a.CallReport(
            outcome=outcome,
            reason=reason[:64],
            duration_ms=self._since_open(now),
            transcript=self._transcript.turns,
            tools=tuple(self._desk.timings),
            latencies_ms=self._ledger.latencies_ms(),
            usage=self._usage.sum(),
        )
        self._do([a.PublishEnded(report), a.CloseModel(), a.CloseCarrier(code)])

    # -- small things --------------------------------------------------------------------------------------------

    def _do(self, actions: Iterable[a.Action]) -> None:
        for action in actions:
            if isinstance(action, a.Observe):
                self._ledger.keep(action)
            self._out.append(action)

    def _advance(self, trigger: Trigger) -> bool:
        try:
            self.phase = next_phase(self.phase, trigger)
        except IllegalTransition as error:
            if self._strict:
                raise
            self._do([a.Complain("illegal_transition", str(error))])
            return False
        self._do([a.SaveRecord({"phase": self.phase.value})])
        return True

    def _send_caller_audio(self, pcm: bytes) -> None:
        if pcm:
            self._do([a.SendCallerAudio(pcm)])

    def _let_caller_through(self) -> None:
        if not self._desk.is_waiting():
            self._send_caller_audio(self._hold.release())

    def _save_turns(self, turns: list[a.Turn]) -> None:
        self._do(a.SaveTurn(turn) for turn in turns)

    def _since_open(self, now: int) -> int:
        return now - self._opened_at if self._opened_at is not None else 0
