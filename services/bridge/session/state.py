"""Where a leg is and what it consists of: shared by the session, its watch and its endings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agiza.contracts.tools import GET_TOTAL, PLACE_ORDER
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.absence import Absence
from services.bridge.session.audibility import Audibility
from services.bridge.session.backstop import Backstop
from services.bridge.session.cues import NO_CUES, Cues, CueTimes
from services.bridge.session.ducking import Ducking
from services.bridge.session.facts import CallFacts, Limits
from services.bridge.session.farewell import Farewell
from services.bridge.session.handover import Handover, Stage
from services.bridge.session.hold import CallerHold
from services.bridge.session.ledger import Ledger
from services.bridge.session.model_life import ModelLife
from services.bridge.session.news import News
from services.bridge.session.order_words import OrderWords
from services.bridge.session.patience import Patience
from services.bridge.session.phases import IllegalTransition, Phase, Trigger, next_phase
from services.bridge.session.progress import Progress
from services.bridge.session.said import Cut
from services.bridge.session.seed import CallMemory, answers_text
from services.bridge.session.speech import AgentSpeech
from services.bridge.session.stuck import StuckWatch
from services.bridge.session.tongue import Tongue
from services.bridge.session.tools import ToolDesk
from services.bridge.session.transcript import Transcript
from services.bridge.session.usage import UsageMeter


class LegState:
    """The phase, the parts, and the few steps that several inputs take. Every action goes out through :meth:`do`."""

    def __init__(self, facts: CallFacts, limits: Limits, cue_times: CueTimes = NO_CUES, *, strict: bool) -> None:
        self.facts = facts
        self.limits = limits
        self._strict = strict
        self._out: list[a.Action] = []
        self.phase = Phase.CONNECTING
        self.opened_at: int | None = None
        self.cut: Cut | None = None
        """The newest one."""
        self.agent_heard = False
        """The agent, not a cue, was heard by the caller."""
        self.speech = AgentSpeech(limits)
        self.ducking = Ducking(limits)
        self.desk = ToolDesk(facts, limits)
        self.news = News(self.speech.playback)
        self.order_words = OrderWords()
        self.handover = Handover(facts, limits, self.speech, self.desk, self.news)
        self.backstop = Backstop(self.speech.playback)
        self.progress = Progress(limits)
        self.stuck = StuckWatch(limits, self.speech.playback)
        self.cues = Cues(facts, limits, self.speech.playback, cue_times)
        self.patience = Patience(limits, self.cues, self.speech.playback)
        self.absence = Absence(limits, self.speech.playback)
        self.audibility = Audibility(limits)
        self.farewell = Farewell(limits, self.speech.playback)
        self.hold = CallerHold(limits.caller_hold_ms)
        self.transcript = Transcript(limits)
        self.usage = UsageMeter()
        self.model = ModelLife(limits)
        self.memory = CallMemory()
        self.ledger = Ledger()
        self.tongue = Tongue()

    def begin_input(self) -> list[a.Action]:
        """The list that collects what the next input leads to. What an input that raised had led to is forgotten."""
        self._out = []
        return self._out

    def do(self, actions: Iterable[a.Action]) -> None:
        """Have these carried out, after those of this input that came before."""
        for action in actions:
            match action:
                case a.Observe():
                    self.ledger.keep(action)
                case a.AnswerTools(results):
                    self.note_answers(results)
                    self._answer(results)
                    continue
                case a.TellModel(text) if not self.model.is_live:
                    self.memory.keep_note(text)
                    continue
                case a.RequestHandoff():
                    self.backstop.on_asked()
            self._out.append(action)
            if isinstance(action, a.FlushPlayback):
                self._on_flushed()

    def _on_flushed(self) -> None:
        """A duck ends with the audio it lowered, and what was said of the turn was not all heard."""
        if self.ducking.on_flushed():
            self._out.append(a.Unduck())
        cut = self.speech.take_cut()
        if cut is None:  # a cue gave way
            return
        self.cut = cut
        turn = self.transcript.mark_cut(cut, self.speech.turn_open)
        if turn is not None:  # its line is written already
            place, heard, length = str(turn.at_ms), str(cut.heard_ms), str(cut.length_ms)
            self._out.append(a.SaveRecord({"cut_turn_at_ms": place, "cut_heard_ms": heard, "cut_length_ms": length}))

    def adopt(self, calls: tuple[i.ToolRequest, ...]) -> tuple[i.ToolRequest, ...]:
        """Function calls under ids of ours: two model sessions may give the same id to two calls."""
        return tuple(i.ToolRequest(self._mark() + call.id, call.name, call.args) for call in calls)

    def ours(self, ids: tuple[str, ...]) -> tuple[str, ...]:
        """The model's ids as :meth:`adopt` has named them."""
        return tuple(self._mark() + each for each in ids)

    def _mark(self) -> str:
        """Of the present model session. The first one of a call keeps its ids as they are."""
        epoch, generation = self.facts.leg_epoch, self.model.generation
        return "" if (epoch, generation) == (0, 1) else f"{epoch}.{generation}:"

    def _answer(self, results: tuple[i.ToolResult, ...]) -> None:
        """Under the model's own ids. No session is answered what another one has asked."""
        mark = self._mark()
        own = [result for result in results if self.model.is_live and result.id.startswith(mark)]
        if own:
            named = tuple(i.ToolResult(each.id.removeprefix(mark), each.name, each.response, each.ms) for each in own)
            self._out.append(a.AnswerTools(named))
            self.memory.on_told(own)
        self.news.add(tuple(result for result in results if result not in own))

    def note_answers(self, results: tuple[i.ToolResult, ...]) -> None:
        """What the model is told of its functions, at once or late, may be a reason for a person."""
        for reason in self.progress.on_answered(results):
            self.backstop.raise_(reason)

    def advance(self, trigger: Trigger) -> bool:
        """Go to the next phase. False, and nothing but a complaint, where the table does not know the step."""
        try:
            self.phase = next_phase(self.phase, trigger)
        except IllegalTransition as error:
            if self._strict:
                raise
            self.do([a.Complain("illegal_transition", str(error))])
            return False
        self.do([a.SaveRecord({"phase": self.phase.value})])
        return True

    def speak(self, language: str) -> None:
        """The call goes on in this language, whatever is said for the agent or about the call."""
        self.facts = replace(self.facts, language=language)
        self.handover.speak(language)
        self.cues.language = language
        self.do([a.SpeakLanguage(language), a.SaveRecord({"language": language})])

    def greeted(self) -> None:
        """The greeting is over, however it came to that. Later it means nothing."""
        if self.phase is Phase.GREETING:
            self.advance(Trigger.GREETED)

    def send_caller_audio(self, pcm: bytes) -> None:
        """To the model, if there is any."""
        if pcm:
            self.do([a.SendCallerAudio(pcm)])

    def save_turns(self, turns: list[a.Turn]) -> None:
        """Complete turns, outside of this process. The caller's are listened to, unless a person comes anyway."""
        for turn in turns:
            if turn.who == "caller" and self.handover.stage is Stage.IDLE:
                self.backstop.hear(turn.pii_text)
        self.do(a.SaveTurn(turn) for turn in turns)

    def tell_news(self, now: int) -> None:
        """Late results, if the moment is quiet and somebody listens."""
        results = self.take_news(now) if self.model.is_live else ()
        if results:
            self.stuck.expect(now)
            self.do([a.TellModel(answers_text(results))])

    def take_news(self, now: int) -> tuple[i.ToolResult, ...]:
        """Late results that are told to the model with the action that follows."""
        results, cart_version = self.news.take(now, self.speech.turn_open, self.desk.cart_version_told)
        self.on_told(results, cart_version)
        return results

    def on_told(self, results: tuple[i.ToolResult, ...], cart_version: int | None) -> None:
        """The model learns these outside of a tool response, and with them this cart."""
        told_before = self.desk.cart_version_told
        self.desk.told(cart_version)
        if self.desk.cart_version_told != told_before:
            self.do([a.SaveRecord({"cart_version": str(self.desk.cart_version_told)})])
        self.memory.on_told(results)
        for result in results:
            self.watch_result(result)

    def watch_result(self, result: i.ToolResult) -> None:
        """What the model was told may begin a read-back, or ask for it once more."""
        quote_id = result.response.get("quote_id")
        if result.name == GET_TOTAL and isinstance(quote_id, str):
            self.speech.read_back.arm(quote_id)
        elif result.name == PLACE_ORDER and result.response.get("status") == "ok":
            self.speech.read_back.on_placed()
        elif result.name == PLACE_ORDER and result.response.get("code") == "confirm_again":
            self.speech.read_back.asked_again()

    def since_open(self, now: int) -> int:
        """Milliseconds since the carrier's stream began."""
        return now - self.opened_at if self.opened_at is not None else 0
