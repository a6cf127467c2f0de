"""Where a leg is and what it consists of: shared by the session, its watch and its endings."""

from __future__ import annotations

from collections.abc import Iterable

from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.backstop import Backstop
from services.bridge.session.facts import CallFacts, Limits
from services.bridge.session.farewell import Farewell
from services.bridge.session.handover import Handover, Stage
from services.bridge.session.hold import CallerHold
from services.bridge.session.ledger import Ledger
from services.bridge.session.news import News
from services.bridge.session.phases import IllegalTransition, Phase, Trigger, next_phase
from services.bridge.session.progress import Progress
from services.bridge.session.speech import AgentSpeech
from services.bridge.session.stuck import StuckWatch
from services.bridge.session.tools import ToolDesk
from services.bridge.session.transcript import Transcript
from services.bridge.session.usage import UsageMeter


class LegState:
    """The phase, the parts, and the few steps that several inputs take. Every action goes out through :meth:`do`."""

    def __init__(self, facts: CallFacts, limits: Limits, *, strict: bool) -> None:
        self.facts = facts
        self.limits = limits
        self._strict = strict
        self._out: list[a.Action] = []
        self.phase = Phase.CONNECTING
        self.opened_at: int | None = None
        self.speech = AgentSpeech(limits)
        self.desk = ToolDesk(facts, limits)
        self.news = News(self.speech.playback)
        self.handover = Handover(facts, limits, self.speech, self.desk, self.news)
        self.backstop = Backstop(self.speech.playback)
        self.progress = Progress(limits)
        self.stuck = StuckWatch(limits, self.speech.playback)
        self.farewell = Farewell(limits, self.speech.playback)
        self.hold = CallerHold(limits.caller_hold_ms)
        self.transcript = Transcript(limits)
        self.usage = UsageMeter()
        self.ledger = Ledger()

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
                case a.RequestHandoff():
                    self.backstop.on_asked()
            self._out.append(action)

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
        """Late results, if the moment is quiet."""
        text = self.news.take(now, self.speech.turn_open)
        if text is not None:
            self.do([a.TellModel(text)])

    def since_open(self, now: int) -> int:
        """Milliseconds since the carrier's stream began."""
        return now - self.opened_at if self.opened_at is not None else 0
