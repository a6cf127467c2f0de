"""One live call: carries out what the session decides.

Every action is carried out before the next input is handled, because carrying out never waits: it leaves work for
the writer of a socket, for the outlet or for the record. So any task may call :meth:`LiveCall.feed`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, Final, assert_never

from agiza.contracts.events import Event, LegSuperseded
from agiza.runtime.logs import get_logger
from agiza.runtime.tasks import end
from agiza.runtime.traces import Trace
from services.bridge.call_events import input_of
from services.bridge.call_outlet import CallOutlet
from services.bridge.cue_book import RATE
from services.bridge.legs.audibility import judged
from services.bridge.legs.carrier_leg import CarrierLeg
from services.bridge.legs.live_setup import ModelSetup
from services.bridge.legs.uplink import Uplink
from services.bridge.legs.voice import CallerVoice
from services.bridge.measures import count_answers, note, note_flush, note_hop
from services.bridge.menu_cache import setup_of
from services.bridge.model_line import ModelLine, NotWanted
from services.bridge.past import NOTHING
from services.bridge.session import CallFacts, CallSession
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.endings import SUPERSEDED
from services.bridge.session.model_life import QUOTA
from services.bridge.shared import Shared
from services.bridge.taking_over import Superseded

FINISH_S: Final = 3.0
"""What is still to be published when a call ends may take so long."""
CLOSE_FAULT: Final = 1011
LOOK_MS: Final = 200
"""Voices come all the time and seldom bring a deadline forward; so often the session is asked after them."""
_VOICES: Final = (i.CallerSpoke, i.ModelAudio)
NOT_OF_THE_MODEL: Final = frozenset({"no_menu", *QUOTA})
"""Why no session could be had without a further failure of the model: a quota was counted when it was met."""

_log = get_logger(__name__)


class LiveCall:
    """A call leg from its open media socket to its end. :meth:`run` returns when everything is closed."""

    def __init__(self, facts: CallFacts, trace: Trace, carrier: CarrierLeg, shared: Shared) -> None:
        self._facts = facts
        self._trace = trace
        self._carrier = carrier
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._session = CallSession(facts, shared.limits, cue_times=shared.cues.times)
        self._outlet = CallOutlet(facts, trace, shared.replies.channel, shared.outlet, shared.prices, shared.metrics)
        self._uplink = Uplink(shared.metrics)
        self._voice = CallerVoice(shared.judge, carrier.played)
        self._line = ModelLine(
            shared.model,
            self._uplink,
            self._hear_model,
            self._model_setup,
            spread=lambda: random.uniform(-1, 1),
            on_first=lambda is_resumed: shared.beginnings.note_first(facts, is_resumed),
        )
        self._trial = shared.breaker.trial()
        self._running: set[asyncio.Task[None]] = set()
        self._timer: asyncio.Handle | None = None
        self._timer_at = 0.0
        self._look_at = 0
        self._may_have_moved = False
        """Whether a voice was heard since the session was last asked for its deadline."""
        self._over = asyncio.Event()
        self._close_code = CLOSE_FAULT
        self._past = NOTHING
        self._recording = (
            shared.recordings.begin(facts, shared.limits, shared.cues.times) if shared.recordings else None
        )

    async def run(self) -> None:
        """Hold the call. Whatever goes wrong in it stays in it, and it always ends."""
        publishing = asyncio.create_task(self._outlet.run(), name="publish")
        try:
            with self._shared.replies.of_call(self._facts.call_id, self._take_reply):
                self._past = await self._shared.beginnings.past(self._facts)
                self._start(self._line.run(), "model")
                self.feed(i.Opened())
                self._carrier.open(
                    self._hear,
                    gone=lambda: self.feed(i.CarrierClosed(self._carrier.close_code)),
                    stuck=lambda: self.stop("carrier_stuck"),
                    fault=self._fault,
                )
                await self._over.wait()
        finally:
            self._end_anyway()
            if self._timer is not None:
                self._timer.cancel()
            self._outlet.finish()
            self._shared.records.close(self._facts)
            if self._recording is not None:
                self._recording.close()
            await self._settle(publishing)

    def feed(self, event: i.Input) -> None:
        """Something happened. Never raises: a fault in this call must not reach the task that brought the input."""
        if self._over.is_set():
            return
        try:
            now = self._now()
            for action in self._decide(event, now):
                self._carry_out(action)
            is_voice = isinstance(event, _VOICES)
            is_steady = is_voice or isinstance(event, i.CallerAudio)
            if not is_steady and (fields := self._session.remember(event, now)):
                self._shared.records.write(self._facts, a.SaveRecord(fields))
            self._may_have_moved = self._may_have_moved or is_voice
            if not is_steady or (self._may_have_moved and now >= self._look_at):
                self._look_at = now + LOOK_MS
                self._may_have_moved = False
                self._set_timer()
        except Exception as error:  # the border of the call
            self._fault(error)

    def _decide(self, event: i.Input, now: int) -> list[a.Action]:
        actions = self._session.handle(event, now)
        if self._recording is not None:
            self._recording.add(event, now, actions)
        return actions

    def stop(self, reason: str) -> None:
        """End the call now."""
        self.feed(i.Stopped(reason))

    def _hear(self, pcm: bytes) -> None:
        """The caller, some 40 ms."""
        now = self._loop.time() * 1000
        voiced_ms = self._voice.feed(pcm, now)
        if voiced_ms:
            if self._session.wants_closer_look(int(now)):
                self.feed(i.CallerSpoke(voiced_ms, *self._voice.look(now)))
            else:
                self.feed(i.CallerSpoke(voiced_ms))
        self.feed(i.CallerAudio(pcm))

    # -- tasks ---------------------------------------------------------------------------------------------------

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fault(error)

    async def _model_setup(self) -> ModelSetup:
        """What the first model session is told. Raises MenuUnavailable, and NotWanted for a leg that is not ours."""
        facts = replace(self._facts, language=self._past.language or self._facts.language)
        opening = asyncio.create_task(self._shared.beginnings.of(facts, self._trace, self._past), name="opening")
        try:
            menu = await self._shared.menus.get(facts.branch_id, facts.menu_version)
            self.feed(i.LanguagesKnown(menu.branch.languages, self._past.language))
            opened = await opening
            if opened.cart_version is not None:
                self.feed(i.CartKnown(opened.cart_version))
            return setup_of(menu, self._facts.language, opened)
        except Superseded:
            self.stop(SUPERSEDED)
            raise NotWanted from None
        finally:
            opening.cancel()

    def _hear_model(self, event: i.Input) -> None:
        self.feed(judged(event) if isinstance(event, i.ModelAudio) else event)

    async def _settle(self, publishing: asyncio.Task[None]) -> None:
        """End all tasks and close the carrier's socket.

        What is queued gets a moment to get out: the report must be there before the socket closes. The model's own
        goodbye takes up to seconds and is not waited for: until the socket is closed nobody is rung.
        """
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.wait((publishing,), timeout=FINISH_S)
        if not publishing.done():
            _log.error("events_unsent", count=self._outlet.unsent)
        publishing.cancel()
        await self._carrier.close(self._close_code)
        await end({publishing, *running})

    # -- actions -------------------------------------------------------------------------------------------------

    def _carry_out(self, action: a.Action) -> None:
        match action:
            case a.SendCallerAudio(pcm):
                self._uplink.push(pcm)
            case a.PlayAudio(pcm, rate):
                self._carrier.play(pcm, rate)
            case a.PlayCue(language, name):
                self._carrier.play(self._shared.cues.sound(language, name), RATE)
                self._carrier.end_utterance()
                self._shared.metrics.add("voice_cues_total", cue=name)
            case a.EndUtterance():
                self._carrier.end_utterance()
            case a.FlushPlayback():
                self._carrier.flush()
                note_flush(action, self._shared.metrics)
            case a.Duck():
                self._carrier.duck()
                self._shared.metrics.add("voice_ducks_total")
            case a.Unduck():
                self._carrier.unduck()
            case a.ConnectModel():
                self._line.connect(action)
            case a.AnswerTools(results):
                count_answers(results, self._shared.metrics)
                self._line.tell(action)
            case a.RequestGreeting() | a.GoOn() | a.TellModel():
                self._line.tell(action)
            case a.PublishTools() | a.PublishToolsCancelled() | a.RequestHandoff():
                self._outlet.publish(action)
            case a.AskToolsOverHttp(request_id):
                self._start(self._ask_orders(request_id), "tool-http")
            case a.SpeakLanguage(language):
                self._facts = replace(self._facts, language=language)
                self._outlet.speak(self._facts)
            case a.SaveTurn() | a.SaveRecord():
                self._shared.records.write(self._facts, action)
            case a.Observe() | a.Complain():
                self._judge_model(action)
                note(action, self._shared.metrics)
            case a.NoteHop():
                note_hop(action, self._shared.metrics)
            case a.PublishEnded(report):
                self._outlet.report(report)
            case a.CloseModel():
                self._line.close()
            case a.CloseCarrier(code):
                self._close_code = code
                self._over.set()
            case _ as never:
                assert_never(never)

    def _judge_model(self, action: a.Observe | a.Complain) -> None:
        match action:
            case a.Observe(name="first_audio"):
                self._trial.worked()
            case a.Complain(kind="model_silent"):
                self._trial.failed(self._loop.time())
            case a.Complain(kind="model_lost", detail=why) if why in NOT_OF_THE_MODEL:
                pass
            case a.Complain(kind="model_lost" | "model_quota"):
                # Also where the agent was heard: an absence that no attempt could end is the model's, not the call's.
                self._shared.breaker.failed(self._loop.time())

    async def _ask_orders(self, request_id: str) -> None:
        answer = await self._outlet.ask_orders(request_id)
        if answer is not None:
            self._take_reply(answer)

    def _take_reply(self, event: Event) -> None:
        if self._is_superseded(event):
            self.stop(SUPERSEDED)
        taken = input_of(event)
        if taken is not None:
            self.feed(taken)

    def _is_superseded(self, event: Event) -> bool:
        return isinstance(event, LegSuperseded) and event.leg_epoch > self._facts.leg_epoch

    # -- time and end --------------------------------------------------------------------------------------------

    def _now(self) -> int:
        return int(self._loop.time() * 1000)

    def _set_timer(self) -> None:
        """Wake at the session's deadline. One that moved later is left alone: an early Tick does nothing."""
        deadline = self._session.next_deadline()
        if deadline is None:
            return
        at = deadline.at / 1000
        if self._timer is not None and not self._timer.cancelled():
            if self._loop.time() < self._timer_at <= at:
                return
            self._timer.cancel()
        # Kept beside the handle: uvloop gives one without a time when the deadline has passed already.
        self._timer_at = at
        self._timer = self._loop.call_at(at, self.feed, i.Tick())

    def _fault(self, error: BaseException) -> None:
        _log.error("call_fault", exc_info=error)
        self._shared.metrics.add("unexpected_error_total", where="call")
        self._over.set()

    def _end_anyway(self) -> None:
        """Without effect on a call that ended as it should."""
        if self._outlet.is_reported:
            return
        try:
            for action in self._decide(i.Stopped("bridge_fault"), self._now()):
                self._carry_out(action)
        except Exception as error:  # the session itself is broken
            _log.error("call_fault", exc_info=error)
        if not self._outlet.is_reported:
            self._outlet.report(a.CallReport("dropped", "bridge_fault", 0))
