"""The conversation as a brain sees it: events in, sentences and function calls out."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import soxr

from simulators.live_api import replies
from simulators.live_api.brain import Event
from simulators.live_api.casing import JsonObject
from simulators.live_api.clock import Clock
from simulators.live_api.faults import Faults
from simulators.live_api.listening import Listener
from simulators.live_api.outbox import Frame
from simulators.live_api.protocol import OUTPUT_RATE
from simulators.live_api.record import SpokenText
from simulators.live_api.setup import Setup
from simulators.live_api.stage import Stage, TurnInterrupted
from simulators.live_api.tool_calls import OpenCall, ToolCalls, ToolRequest, ToolResult
from simulators.live_api.turn import ModelTurn
from simulators.live_api.voices import Voice
from simulators.speech.voices import MarkedVoice, sentences

_EVENTS_MAX = 256  # a brain that never asks loses the oldest
_QUIET_WAIT_S = 3.0
_BEACON_WAIT_S = 0.25
_BEACON_LENGTH_S = 1.5
_MARKED_BYTES_MAX = 2_000


class Conversation:
    """`say` and `call_tools` open a turn of the model, `end_turn` closes it.

    All three raise TurnInterrupted when the caller barges in, or did so since the turn began; the turn is then over
    and the next `say` opens a new one.
    """

    def __init__(
        self,
        stage: Stage,
        listener: Listener,
        *,
        voice: Voice,
        text_voice: Voice,
        memory: object,
        on_settled: Callable[[], None],
        on_close: Callable[[int, str], None],
    ) -> None:
        self._stage = stage
        self._listener = listener
        self._voice = voice
        self._text_voice = text_voice
        self._on_settled = on_settled
        self._on_close = on_close
        self._events: deque[Event] = deque(maxlen=_EVENTS_MAX)
        self._news = asyncio.Event()
        self._beacon = asyncio.Event()
        self._turn: ModelTurn | None = None
        self._heard_before = False
        self._audio_taps: list[Callable[[bytes], None]] = []
        self.calls = ToolCalls(stage)
        self.memory = memory
        self.resumed = memory is not None
        self.instruction = stage.setup.instruction
        self.declarations: list[JsonObject] = stage.setup.declarations

    # --- what a brain may look at -----------------------------------------------------------------------------

    @property
    def setup(self) -> Setup:
        return self._stage.setup

    @property
    def clock(self) -> Clock:
        return self._stage.clock

    @property
    def faults(self) -> Faults:
        """This session's own switches; change them in place."""
        return self._stage.faults

    @property
    def history(self) -> list[tuple[str, str]]:
        """(role, text) of every turn so far, including what a handle or the client's initial history brought."""
        return [(turn.role, turn.text) for turn in self._stage.context.history]

    @property
    def text_caller(self) -> bool:
        return self._beacon.is_set()

    @property
    def user_speaking(self) -> bool:
        return self._listener.speaking

    # --- hearing ------------------------------------------------------------------------------------------------

    async def next_event(self, timeout_s: float | None = None) -> Event | None:
        """The oldest event that was not taken yet; None when the time is over."""
        while not self._events:
            self._news.clear()
            if timeout_s is None:
                await self._news.wait()
            elif not await self._stage.clock.wait(self._news, timeout_s):
                return None
        return self._events.popleft()

    def post(self, event: Event, *, first: bool = False) -> None:
        """Add an event; a brain with an ear of its own posts what it understood."""
        if first:
            self._events.appendleft(event)
        else:
            self._events.append(event)
        self._news.set()

    def forget_events(self, *kinds: type[Event]) -> None:
        """Drop waiting events of these kinds: what was heard belongs to the turn that is answered now."""
        self._events = deque((event for event in self._events if not isinstance(event, kinds)), maxlen=_EVENTS_MAX)

    def listen(self, tap: Callable[[bytes], None]) -> None:
        """Call `tap` with every piece of the caller's audio at 16 kHz. It must return at once."""
        self._audio_taps.append(tap)

    def stop_listening(self, tap: Callable[[bytes], None]) -> None:
        self._audio_taps = [other for other in self._audio_taps if other != tap]

    async def learn_caller(self) -> bool:
        """Wait a moment for the beacon of a text caller; whether it came. Call it before the first sentence."""
        if await self._stage.clock.wait(self._beacon, _BEACON_WAIT_S):
            return True
        if self._listener.speaking:  # perhaps the beacon itself, half heard
            return await self._stage.clock.wait(self._beacon, _BEACON_LENGTH_S)
        return False

    def transcribe(self, text: str) -> None:
        """The brain's ear has understood the caller: keep it, and send it if transcription was asked for."""
        self._stage.context.add("user", text)
        self._stage.record.transcript.append(SpokenText("caller", text))
        if not self._stage.setup.transcribes_input:
            return
        words = text.split(" ")
        for at in range(0, len(words), 3):
            lead = " " if at or self._heard_before else ""
            self._stage.outbox.put(replies.input_transcription(lead + " ".join(words[at : at + 3])))
        self._heard_before = True

    # --- speaking -------------------------------------------------------------------------------------------------

    async def say(self, text: str) -> None:
        """Speak one sentence or several, with transcription if it was asked for. Raises TurnInterrupted."""
        with self._turn_lost_on_interruption():
            turn = await self._open_turn()
            voice = self._text_voice if self.text_caller else self._voice
            for piece in _pieces(voice, text):
                pcm = await turn.race(asyncio.to_thread(_speech, voice, piece))
                await turn.speak(pcm, piece)

    async def call_tools(self, requests: Sequence[ToolRequest]) -> tuple[ToolResult, ...]:
        """Send one toolCall. Returns the answers of its BLOCKING calls, in order, once all are there.

        NON_BLOCKING calls are not waited for: their answers come as ToolsAnswered. Raises TurnInterrupted when new
        speech of the caller withdrew the calls.
        """
        with self._turn_lost_on_interruption():
            turn = await self._open_turn()
            results = await self._one_message(turn, requests)
            for _ in range(self._stage.faults.repeat_calls):
                results = await self._one_message(turn, requests)
            if self._stage.faults.empty_turn_after_tool_response:
                turn.send({"serverContent": {"turnComplete": True}})
            return results

    async def end_turn(self) -> None:
        """Close the model's turn: generationComplete, the rest of the playback, turnComplete. No turn: no message."""
        if self._turn is None:
            return
        with self._turn_lost_on_interruption():
            await self._turn.finish(waiting_for_calls=self.calls.any_open)
            self._turn = None

    def remember(self, memory: object) -> None:
        """What a later session gets back as `memory` when it resumes from the next handle; it is copied then."""
        self.memory = memory

    def send_raw(self, message: JsonObject | Frame) -> None:
        """Put a message or a frame on the wire as it is, for faults that no switch covers."""
        self._stage.outbox.put(message)

    def close(self, code: int, reason: str) -> None:
        """End the session once everything that was said has left."""
        self._on_close(code, reason)

    # --- for the session ------------------------------------------------------------------------------------------

    def hear(self, pcm16k: bytes) -> None:
        for tap in self._audio_taps:
            tap(pcm16k)

    def beacon(self) -> None:
        self._stage.record.text_caller = True
        self._beacon.set()

    def interrupt(self) -> None:
        """The caller barges in: the open turn and its BLOCKING calls end now. Without a turn nothing happens."""
        if self._turn is not None and not self._turn.over:
            self._turn.interrupt(self.calls.withdraw_blocking())
            self._heard_before = False
            self._stage.reached("interrupted")

    async def _open_turn(self) -> ModelTurn:
        if self._turn is None:
            await self._until_quiet()
            self._turn = ModelTurn(self._stage, self._on_settled)
            self._heard_before = False
        self._turn.check()
        return self._turn

    @contextlib.contextmanager
    def _turn_lost_on_interruption(self) -> Iterator[None]:
        try:
            yield
        except TurnInterrupted:
            self._turn = None
            raise

    async def _until_quiet(self) -> None:
        """A model does not begin to speak while the caller does; a line that is never quiet waits in vain."""
        until = self._stage.clock.now() + _QUIET_WAIT_S
        while self._listener.speaking and self._stage.clock.now() < until:
            await self._stage.clock.sleep(0.02)

    async def _one_message(self, turn: ModelTurn, requests: Sequence[ToolRequest]) -> tuple[ToolResult, ...]:
        faults = self._stage.faults
        await turn.ready()
        calls = self.calls.send(requests, turn)
        blocking = [call for call in calls if call.blocking]
        if faults.cancel_call == "at_once":
            self._withdraw(turn, calls)
        elif faults.cancel_call == "while_running":
            await self._withdraw_later(turn, calls)
        results = [await turn.race(_answer(call)) for call in blocking]
        if faults.cancel_call == "after_response":
            faults.cancel_call = None
            turn.send(replies.tool_call_cancellation([call.record.id for call in calls]))
        for result in results:
            turn.note_tool(str(result.response))
        if results:
            self._stage.reached("tool_response")
        return tuple(results)

    def _withdraw(self, turn: ModelTurn, calls: Sequence[OpenCall]) -> None:
        """Take the calls back without any speech of the caller; the turn ends with them."""
        self._stage.faults.cancel_call = None
        turn.interrupt(self.calls.withdraw(calls), announced=False)
        turn.check()

    async def _withdraw_later(self, turn: ModelTurn, calls: Sequence[OpenCall]) -> None:
        await turn.race(self._stage.clock.sleep(self._stage.faults.cancel_after_ms / 1000))
        if not all(call.answered.done() for call in calls):
            self._withdraw(turn, calls)


async def _answer(call: OpenCall) -> ToolResult:
    return await asyncio.shield(call.answered)


def _pieces(voice: Voice, text: str) -> list[str]:
    """Marked text travels whole if it fits; a voice begins with its first sentence while the next is being made."""
    if isinstance(voice, MarkedVoice) and len(text.encode()) <= _MARKED_BYTES_MAX:
        return [text]
    return sentences(text)


def _speech(voice: Voice, text: str) -> bytes:
    """24 kHz S16LE from any voice."""
    pcm = voice.synthesize(text)
    if voice.rate == OUTPUT_RATE:
        return pcm
    samples: bytes = soxr.resample(np.frombuffer(pcm, dtype="<i2"), voice.rate, OUTPUT_RATE).astype("<i2").tobytes()
    return samples
