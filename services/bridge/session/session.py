"""The call: inputs in, actions out. See :mod:`services.bridge.session` for how it is used."""

from __future__ import annotations

from typing import Final, assert_never

from agiza.contracts.tools import END_CALL, ESCALATE, ORDER_TOOLS, SWITCH_LANGUAGE
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.barge_in import BargeIn
from services.bridge.session.cues import NO_CUES, CueTimes
from services.bridge.session.endings import CLOSE_GOING_AWAY, STALE_LEG, SUPERSEDED, Endings
from services.bridge.session.facts import CallFacts, Limits
from services.bridge.session.handover import TECHNICAL, Stage
from services.bridge.session.hops import ModelHops
from services.bridge.session.phases import Phase, Trigger
from services.bridge.session.record_fields import RecordFields
from services.bridge.session.state import LegState
from services.bridge.session.tools import refusal
from services.bridge.session.watch import Deadline, Watch

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


class CallSession:
    """One leg of one call. ``cue_times``: the sentences that can be heard without the model; none by default.
    ``strict`` raises on an illegal phase transition instead of reporting it."""

    def __init__(
        self,
        facts: CallFacts,
        limits: Limits | None = None,
        *,
        cue_times: CueTimes = NO_CUES,
        strict: bool = False,
    ) -> None:
        self._leg = LegState(facts, limits or Limits(), cue_times, strict=strict)
        self._endings = Endings(self._leg)
        self._hops = ModelHops(self._leg, self._endings)
        self._barge_in = BargeIn(self._leg, self._endings)
        self._watch = Watch(self._leg, self._endings, self._hops, self._barge_in)
        self._record_fields = RecordFields()
        self._speech_at: int | None = None
        self._called_in_turn = False

    @property
    def phase(self) -> Phase:
        """Where the leg is."""
        return self._leg.phase

    def handle(self, event: i.Input, now: int) -> list[a.Action]:
        """What to do about ``event``. Before :class:`~.inputs.Opened` and after the end: nothing, whatever comes."""
        leg = self._leg
        actions = leg.begin_input()
        if leg.opened_at is None:
            if isinstance(event, i.Opened):
                self._open(now)
        elif leg.phase is Phase.ENDED:
            pass
        elif isinstance(event, _OF_THE_MODEL) and not leg.model.is_live:
            pass  # of a model session that is not set up, or not any more; there is nothing to do it to
        else:
            self._dispatch(event, now)
            if not isinstance(event, i.CallerAudio):  # which comes all the time, and nothing follows from it
                self._follow_up(actions, now)
        return actions

    def _follow_up(self, actions: list[a.Action], now: int) -> None:
        """What an input may have brought about, whichever it was."""
        leg = self._leg
        if any(isinstance(action, a.AnswerTools) for action in actions):
            leg.stuck.expect(now)
        if self.phase is not Phase.ENDED:
            self._hops.hop_if_quiet(now)
        if self.phase is not Phase.ENDED and leg.progress.take_runaway():
            leg.do([a.Complain("model_runaway")])
            self._endings.need_person(TECHNICAL, "The assistant turned in a circle.", now)

    def remember(self, event: i.Input, now: int) -> dict[str, str]:
        """What ``event``, which was just handled, has changed for the call's record; mostly nothing."""
        return self._record_fields.after(event, self._leg, now)

    def next_deadline(self) -> Deadline | None:
        """The earliest moment at which a Tick will do something."""
        return self._watch.next_deadline()

    def wants_closer_look(self, now: int) -> bool:
        """Whether :class:`~.inputs.CallerSpoke` should tell whose voice it is. Changes nothing."""
        return self._leg.opened_at is not None and self._barge_in.wants_closer_look(now)

    # -- dispatch ------------------------------------------------------------------------------------------------

    def _dispatch(self, event: i.Input, now: int) -> None:
        leg = self._leg
        match event:
            case i.CallerAudio(pcm):
                self._watch.on_frame(now)
                leg.send_caller_audio(leg.hold.pass_on(pcm))
            case i.ModelAudio(pcm, rate, is_audible):
                self._on_model_audio(pcm, rate, is_audible, now)
            case i.CallerSpoke(voiced_ms):
                self._speech_at = now
                self._hops.on_caller_speech(voiced_ms, now)
                self._on_caller_over_cue(voiced_ms, now)
                leg.stuck.on_caller_speech(voiced_ms, now)
                leg.absence.on_caller_speech(voiced_ms, now)
                leg.progress.on_caller_speech(voiced_ms)
                leg.news.on_caller_speech(now)
                self._barge_in.on_caller_spoke(event, now)
            case i.CallerWords(text):
                leg.absence.on_caller_words(now)
                leg.transcript.add("caller", text, leg.since_open(now), now)
            case i.AgentWords(text):
                leg.transcript.add("agent", text, leg.since_open(now), now)
            case i.Tick():
                self._watch.on_tick(now)
            case i.ModelInterrupted():
                self._barge_in.on_interrupted(now)
            case i.GenerationCompleted():
                leg.do(leg.speech.on_generation_completed())
                leg.stuck.on_generation_completed()
                leg.handover.on_turn_over()
            case i.TurnCompleted():
                self._on_turn_completed(event, now)
            case i.ToolsRequested(calls):
                self._on_tools_requested(leg.adopt(calls), now)
            case i.ToolsCancelled(ids_of_model):
                ids = leg.ours(ids_of_model)
                leg.handover.on_cancelled(ids)
                leg.progress.on_cancelled(ids)
                leg.do(leg.desk.on_cancelled(ids, now))
                self._let_caller_through()
                self._endings.hand_over(leg.handover.say_if_free(), now)
            case i.ToolsAnswered():
                self._on_tools_answered(event, now)
            case i.HandoffAnswered():
                self._endings.on_handoff_answered(event, now)
            case i.LeaveRequested():
                self._endings.on_leave_requested(now)
            case i.OrderMoved():
                self._endings.on_order_moved(event, now)
            case i.UsageReported():
                leg.usage.add(event)
            case i.ResumptionOffered(handle):
                self._hops.on_handle(handle, now)
            case i.GoAwayAnnounced(time_left_ms):
                self._hops.on_go_away(time_left_ms, now)
            case i.ModelReady(generation):
                self._hops.on_ready(generation, now)
            case i.ModelClosed(reason, generation):
                self._hops.on_closed(reason, generation, now)
            case i.LanguagesKnown(languages, spoken):
                leg.tongue.offer(languages)
                if spoken in languages and spoken != leg.facts.language:
                    leg.speak(spoken)
            case i.CartKnown(version):
                leg.on_told((), version)
            case i.CarrierClosed():
                self._endings.end("caller_hung_up", now, caller_left=True)
            case i.Stopped(reason):
                self._endings.end(reason, now, code=CLOSE_GOING_AWAY)
            case i.Opened():
                pass  # said twice
            case _ as never:
                assert_never(never)

    def _open(self, now: int) -> None:
        leg = self._leg
        leg.opened_at = now
        leg.stuck.expect(now)
        self._watch.on_frame(now)
        facts = leg.facts
        record = {
            "branch_id": facts.branch_id,
            "menu_version": str(facts.menu_version),
            "language": facts.language,
            "phase": self.phase.value,
        }
        leg.do([a.SaveRecord(record)])
        self._hops.open(now)

    # -- speech of the agent -------------------------------------------------------------------------------------

    def _on_model_audio(self, pcm: bytes, rate: int, is_audible: bool, now: int) -> None:
        leg = self._leg
        if leg.speech.is_stale(now):
            leg.do(leg.speech.on_audio(pcm, rate, now))
            return
        self._begin_turn()
        pcm = leg.audibility.pass_on(pcm, rate, is_audible=is_audible)
        if not pcm:
            return
        leg.farewell.on_audio(now)
        self._hops.on_agent_audio()
        if self._watch.on_agent_audio():
            leg.do([a.Observe("first_audio", leg.since_open(now))])
        if self._speech_at is not None:
            leg.do([a.Observe("response", now - self._speech_at)])
            self._speech_at = None
        leg.do(leg.speech.on_audio(pcm, rate, now))
        leg.stuck.on_agent_audio()
        leg.patience.on_agent_audio()
        leg.handover.promise_unsaid = False

    def _begin_turn(self) -> None:
        leg = self._leg
        if leg.speech.begin_turn():
            leg.save_turns(leg.transcript.complete("caller"))

    def _on_turn_completed(self, turn: i.TurnCompleted, now: int) -> None:
        leg = self._leg
        is_cut = leg.speech.is_cut
        was_heard = leg.audibility.heard
        if leg.audibility.on_turn_over():
            leg.do([a.Complain("model_inaudible")])
        _, actions = leg.speech.on_turn_completed()
        leg.do(actions)
        failed = not (was_heard or is_cut or self._called_in_turn or turn.goes_on or turn.awaits_caller)
        self._called_in_turn = False
        if leg.stuck.on_turn_over(now, failed=failed, awaits_caller=turn.awaits_caller):
            leg.do([a.Complain("model_turn_failed", turn.reason)])
        leg.handover.on_turn_over()
        leg.farewell.on_turn_over()
        leg.save_turns(leg.transcript.complete("agent"))
        self._barge_in.on_turn_over()
        if was_heard:
            leg.ledger.on_agent_turn_over()
            leg.memory.on_turn_over()
            if not is_cut:
                leg.backstop.on_turn_over()
            leg.greeted()
        leg.tell_news(now)

    def _on_caller_over_cue(self, voiced_ms: int, now: int) -> None:
        cut = self._leg.cues.on_caller_speech(voiced_ms, now)
        self._leg.do(cut)
        if cut and self.phase is Phase.FAREWELL:  # somebody is there after all
            self._endings.went_on(Trigger.CALLER_WENT_ON, now)

    # -- tools ---------------------------------------------------------------------------------------------------

    def _on_tools_requested(self, calls: tuple[i.ToolRequest, ...], now: int) -> None:
        leg = self._leg
        leg.model.on_sign_of_life()
        leg.save_turns(leg.transcript.complete("caller"))  # the model acts on it, so it was said
        self._begin_turn()
        leg.greeted()
        fresh, complaints = leg.desk.admit(calls)
        self._switch_language([call for call in fresh if call.name == SWITCH_LANGUAGE], now)
        leg.do(complaints)
        leg.progress.on_called(fresh)
        self._called_in_turn = True
        leg.stuck.on_step(now)
        ours = tuple(call for call in fresh if call.name not in (ESCALATE, END_CALL, SWITCH_LANGUAGE))
        if ours:
            leg.do(leg.desk.request(ours, ORDER_TOOLS, leg.speech.read_back.state(now), now))
            if leg.desk.is_waiting():
                leg.hold.begin(now)
        for call in fresh:
            if self.phase is Phase.ENDED:
                return
            if call.name == ESCALATE:
                self._endings.on_escalate(call, now)
            elif call.name == END_CALL:
                self._on_end_call(call, now)

    def _switch_language(self, calls: list[i.ToolRequest], now: int) -> None:
        """Before anything else of the same message, so that its answers come in that language already."""
        leg = self._leg
        for call in calls:
            response, language = leg.tongue.answer(call.args, leg.facts.language)
            if language is not None:
                leg.speak(language)
            leg.do(leg.desk.answer_here(call, response, now, now))

    def _on_tools_answered(self, answer: i.ToolsAnswered, now: int) -> None:
        leg = self._leg
        if any(result.response.get("code") == STALE_LEG for result in answer.results):
            self._endings.end(SUPERSEDED, now, code=CLOSE_GOING_AWAY)
            return
        version = _version_shown(answer)
        leg.ledger.on_results(answer.results)
        leg.memory.on_answered(answer.results, version)
        told_before = leg.desk.cart_version_told
        outcome, actions = leg.desk.on_answered(answer.request_id, answer.results, version, now)
        leg.do(actions)
        for result in outcome.told:
            leg.watch_result(result)
        if leg.desk.cart_version_told != told_before:
            leg.do([a.SaveRecord({"cart_version": str(leg.desk.cart_version_told)})])
        leg.news.add(outcome.news, version)
        leg.news.add(outcome.stands, version, unless_known=True)
        leg.note_answers(outcome.news)
        leg.tell_news(now)
        self._let_caller_through()
        self._endings.hand_over(leg.handover.say_if_free(), now)

    def _on_end_call(self, call: i.ToolRequest, now: int) -> None:
        leg = self._leg
        if leg.desk.is_waiting():
            response = refusal("not_yet", "Another function is still running. Tell the caller its result first.")
        elif leg.news.must_be_heard():
            response = refusal("not_yet", "There is news of the order. Tell the caller first.")
        elif leg.handover.stage in (Stage.ASKED, Stage.AGREED):
            response = refusal("handing_over", "The caller is being put through; do not hang up.")
        else:
            response = _BYE
            if self.phase is Phase.TALKING and leg.advance(Trigger.GOODBYE_SAID):
                leg.farewell.begin(now)
                leg.handover.on_goodbye()
        leg.do(leg.desk.answer_here(call, response, now, now))

    def _let_caller_through(self) -> None:
        leg = self._leg
        if not leg.desk.is_waiting():
            leg.send_caller_audio(leg.hold.release())


def _version_shown(answer: i.ToolsAnswered) -> int:
    """The newest cart that the model sees in these answers. A repeated one shows the cart of its time, whatever came on
    top of it since; a change that is based on it must be refused."""
    shown = [version for each in answer.results if isinstance(version := each.response.get("cart_version"), int)]
    return min(answer.cart_version, max(shown)) if shown else answer.cart_version
