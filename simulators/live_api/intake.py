"""Client messages after setup, each to its place: ears, conversation, open calls, memory."""

from __future__ import annotations

import structlog

from simulators.live_api import replies
from simulators.live_api.brain import (
    InstructionChanged,
    Prompted,
    ToolsAnswered,
    UserSpeechEnded,
    UserSpeechStarted,
    UserText,
    UserWords,
)
from simulators.live_api.conversation import Conversation
from simulators.live_api.listening import Heard, Listener
from simulators.live_api.protocol import (
    INPUT_RATE,
    ActivityEnd,
    ActivityStart,
    AudioInput,
    AudioStreamEnd,
    ClientContent,
    ClientMessage,
    ContextUpdate,
    ProtocolError,
    SetupRequest,
    TextInput,
    ToolResponse,
    VideoInput,
)
from simulators.live_api.setup import parse_functions
from simulators.live_api.stage import Stage
from simulators.live_api.vad import SpeechEnd, SpeechStart
from simulators.speech.marked import BEACON

log = structlog.get_logger(__name__)


class Intake:
    """One per session. `initial_history`: the first clientContent turns are history, up to `turnComplete`."""

    def __init__(self, stage: Stage, listener: Listener, talk: Conversation, *, initial_history: bool) -> None:
        self._stage = stage
        self._listener = listener
        self._talk = talk
        self._record = stage.record
        self._in_initial_history = initial_history
        self._unanswered: str | None = None
        """The last words of the initial history, while they wait for an answer."""
        self._manual_start_s: float | None = None

    def handle(self, message: ClientMessage) -> None:
        """Take one message after setup. Raises ProtocolError when the session does not allow it."""
        match message:
            case AudioInput():
                self._hear_audio(message)
            case TextInput(text=text):
                self._user_text(text)
            case ActivityStart() | ActivityEnd():
                self._activity(message)
            case AudioStreamEnd():
                if self._talk.setup.detection.disabled:
                    raise ProtocolError(1007, "audio_stream_end needs automatic activity detection.")
                self._post_heard(self._listener.flush())
            case ClientContent():
                self._client_content(message)
            case ToolResponse():
                self._tool_response(message)
            case ContextUpdate():
                self._context_update(message)
            case SetupRequest():
                raise ProtocolError(1007, "setup must be the first message and only the first.")
            case VideoInput():
                pass  # a picture says nothing to these brains

    def _hear_audio(self, message: AudioInput) -> None:
        if self._in_initial_history:
            return
        listener = self._listener
        pcm = listener.resample(message)
        seconds = len(pcm) / 2 / INPUT_RATE
        self._record.audio_in_s += seconds
        self._stage.context.audio_s += seconds
        self._talk.hear(pcm)
        self._post_heard(listener.hear(pcm))

    def _post_heard(self, heard: list[Heard]) -> None:
        for event in heard:
            match event:
                case SpeechStart(offset_ms=offset):
                    self._report_activity("ACTIVITY_START", offset)
                    if self._talk.setup.detection.interrupts and not self._talk.faults.unyielding:
                        self._talk.interrupt()
                    self._talk.post(UserSpeechStarted(offset))
                case SpeechEnd(offset_ms=offset, speech_ms=length):
                    self._report_activity("ACTIVITY_END", offset)
                    self._user_turn_over()
                    self._talk.post(UserSpeechEnded(offset, length))
                case str() if event == BEACON:
                    self._talk.beacon()
                case str():
                    self._talk.beacon()  # whoever speaks text wants text, also after a beacon that was lost
                    self._talk.transcribe(event)
                    self._user_turn_over()
                    self._talk.post(UserWords(event))

    def _report_activity(self, kind: str, offset_ms: int) -> None:
        if self._talk.setup.reports_activity:
            self._stage.outbox.put(replies.voice_activity(kind, offset_ms / 1000))

    def _user_turn_over(self) -> None:
        self._stage.reached("user_turn")

    def _user_text(self, text: str) -> None:
        unanswered, self._unanswered = self._unanswered, None
        if text.strip():
            self._talk.interrupt()
            self._stage.context.add("user", text)
            self._user_turn_over()
        elif unanswered is not None:
            # Initial history does not start the model by itself; the first realtime input does, even a blank one,
            # when the history ends with something to answer. Pipecat begins every conversation so.
            self._stage.nudged()
            self._talk.post(Prompted(unanswered))
            return
        self._talk.post(UserText(text))

    def _activity(self, message: ActivityStart | ActivityEnd) -> None:
        if not self._talk.setup.detection.disabled:
            raise ProtocolError(1007, "Explicit activity control is not supported when automatic detection is enabled.")
        now_s = self._record.audio_in_s
        if isinstance(message, ActivityStart):
            self._manual_start_s = now_s
            if self._talk.setup.detection.interrupts:
                self._talk.interrupt()
            self._talk.post(UserSpeechStarted(round(now_s * 1000)))
        elif self._manual_start_s is not None:
            length_ms = round((now_s - self._manual_start_s) * 1000)
            self._manual_start_s = None
            self._user_turn_over()
            self._talk.post(UserSpeechEnded(round(now_s * 1000), length_ms))

    def _client_content(self, message: ClientContent) -> None:
        roles = ("user", "model", "system") if self._stage.setup.endpoint.vertex else ("user", "model")
        for turn in message.turns:
            if turn.role not in roles:
                raise ProtocolError(1007, "Please use a valid role: user, model.")
        if not self._in_initial_history:
            self._talk.interrupt()
        for turn in message.turns:
            self._stage.context.add(turn.role, turn.text)
        if not message.turn_complete:
            return
        said = [turn.text for turn in message.turns if turn.role == "user"]
        if self._in_initial_history:
            self._in_initial_history = False
            ends_with_user = bool(message.turns) and message.turns[-1].role == "user"
            self._unanswered = said[-1] if ends_with_user else None
            return
        self._stage.nudged()
        self._talk.post(Prompted(said[-1] if said else ""))

    def _tool_response(self, message: ToolResponse) -> None:
        for answer in message.answers:
            if answer.scheduling is not None and not self._talk.setup.model.scheduling:
                raise ProtocolError(1007, f"scheduling is not supported by {self._talk.setup.model.id}.")
            call = self._talk.calls.answer(answer)
            if call is None:
                log.info("tool_response_ignored", session_id=self._record.id, call_id=answer.id)
            elif not call.blocking:
                interrupts = answer.scheduling == "INTERRUPT" and not self._talk.user_speaking
                if interrupts:
                    self._talk.interrupt()
                result = call.answered.result() if call.answered.done() else None
                if result is not None:
                    self._talk.post(ToolsAnswered(result, silent=answer.scheduling == "SILENT"), first=interrupts)

    def _context_update(self, message: ContextUpdate) -> None:
        if not self._talk.setup.model.context_update:
            raise ProtocolError(1007, f"context_update is not supported by {self._talk.setup.model.id}.")
        if message.system_instruction is not None:
            self._talk.instruction = message.system_instruction
        if message.tools is not None:
            self._talk.declarations = [
                function.raw for function in parse_functions(message.tools, self._talk.setup.model)
            ]
        self._talk.post(InstructionChanged())
