"""One media leg: a real CallSession, and what the bridge's driver does around it, in virtual time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from agiza.contracts.tools import ORDER_TOOLS
from agiza.domain.context import ReadBack
from agiza.domain.entry import Entry, ToolCall
from agiza.domain.ids import BranchId, CallId
from benchmarks.simulation.agenda import Deed
from benchmarks.simulation.orders import Answered, TakenOver
from benchmarks.simulation.redis import Cancellation, Letter, TakeOver
from benchmarks.simulation.times import unix_ms
from services.bridge.session import CallFacts, CallSession, Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.endings import SUPERSEDED

if TYPE_CHECKING:
    from benchmarks.simulation.line import Line
    from benchmarks.simulation.world import World

LIMITS: Final = Limits()
RATE: Final = 1_000
"""Of the agent's sound: as long as any, and lighter. Nobody listens to it."""
FRAMES_MS: Final = 6_000
"""The carrier sends frames all the time; a few are enough to say that it is there."""
TAKE_OVER_HTTP_MS: Final = 400
_SILENCE: Final = bytes(2 * 30_000)


class Leg:
    """Drives its session as the bridge does. ``is_alive`` ends with the process, the socket or the session."""

    def __init__(self, world: World, line: Line, epoch: int, bridge: int) -> None:
        self._world = world
        self._agenda = world.agenda
        self.line = line
        self.epoch = epoch
        self.bridge = bridge
        self.is_alive = True
        self.hears_caller = True
        """False where the carrier has lost the socket and the bridge does not know."""
        self.opening: TakenOver | None = None
        self.playing_until = 0
        """By our own count: when the last sound of the agent will have been heard."""
        self._facts = CallFacts(line.call_id, world.file.branch.id, 1, epoch, "en", f"bridge-{bridge}")
        self._session = CallSession(self._facts, LIMITS, strict=True)
        self._generation = 1
        self._letters: dict[str, Letter] = {}
        self._tick_at: int | None = None
        self._cancellations = 0

    def open(self) -> None:
        """The socket is accepted. A later leg first takes its call over."""
        if self.epoch:
            self._take_over()
        self.feed(i.Opened())
        if self._world.chance.hits(self._world.faults.opening_lost):
            self.line.is_tainted = True  # what nobody knows of the cart, the first function call is not judged by
        elif not self.epoch:
            self.feed(i.CartKnown(self._world.database.row(self.line.call_id).cart.version))
        self._send_frame()

    # -- what happens to it --------------------------------------------------------------------------------------

    def feed(self, event: i.Input, *, is_last: bool = True) -> None:
        """An input of the session; its actions are carried out before the next one. The session is asked for its
        deadline after the last one of a moment, as the driver asks it seldom while voices come."""
        if not self.is_alive:
            return
        for action in self._session.handle(event, self._agenda.now):
            self._carry_out(action)
        if is_last and self.is_alive and not isinstance(event, i.CallerAudio):
            self._set_timer()

    def die(self) -> None:
        """kill -9 of its process: nothing is said any more, to anybody."""
        self.is_alive = False

    def say(self, ms: int) -> tuple[int, int]:
        """The model speaks a whole turn, in one burst. From when to when it is heard."""
        starts_at = max(self.playing_until, self._agenda.now)
        self.playing_until = starts_at + ms
        self.feed(i.ModelAudio(_SILENCE[: 2 * ms], RATE), is_last=False)
        self.feed(i.GenerationCompleted(), is_last=False)
        self.feed(i.TurnCompleted())
        return starts_at, starts_at + ms

    def call(self, *calls: tuple[str, str, dict[str, Any]]) -> None:
        """The model calls functions: (id, name, arguments)."""
        self.feed(i.ToolsRequested(tuple(i.ToolRequest(*call) for call in calls)))

    def later(self, ms: float, deed: Deed) -> None:
        """Do this so much later, if this leg still lives then."""

        def do() -> None:
            if self.is_alive:
                deed()

        self._agenda.after(ms, do)

    @property
    def is_playing(self) -> bool:
        """The caller is hearing the agent."""
        return self._agenda.now < self.playing_until

    def mark(self, model_id: str) -> str:
        """The id under which the session asks for this function call of the model."""
        is_first = (self.epoch, self._generation) == (0, 1)
        return model_id if is_first else f"{self.epoch}.{self._generation}:{model_id}"

    # -- what it does --------------------------------------------------------------------------------------------

    def _carry_out(self, action: a.Action) -> None:
        mind, after = self.line.mind, self._agenda.after
        match action:
            case a.PublishTools():
                self._publish(action)
            case a.AskToolsOverHttp(request_id):
                self._world.orders.ask_over_http(self._letters[request_id])
            case a.PublishToolsCancelled(ids):
                self._cancellations += 1
                message = Cancellation(self.line.call_id, self.epoch, ids)
                self._world.redis.add(Letter(f"x{self._cancellations}", message, lambda value: None))
            case a.AnswerTools(results):
                self._on_told([(self.mark(each.id), each.name, each.response) for each in results])
                self.later(60, lambda: mind.on_results(self, results))
            case a.TellModel(text) | a.GoOn(text):
                results = _results_in(text)
                self._on_told([(None, each.name, each.response) for each in results])
                self.later(60, lambda: mind.on_note(self, results))
            case a.RequestGreeting():
                self.later(60, lambda: mind.on_greet(self))
            case a.ConnectModel(generation, delay_ms=delay_ms):
                self._generation = generation
                after(delay_ms + self._world.chance.ms(150, 500), lambda: self.feed(i.ModelReady(generation)))
            case a.FlushPlayback():
                self.playing_until = self._agenda.now
                self._world.books.on_cut(self.line.call_id, self._agenda.now)
            case a.RequestHandoff(request_id):
                self.line.on_handoff_requested(self, request_id)
            case a.PublishEnded(report):
                self.line.on_report(self, report.outcome, report.reason)
            case a.CloseCarrier():
                self.is_alive = False
                self.line.on_socket_closed(self)

    def _publish(self, action: a.PublishTools) -> None:
        read_back = action.read_back
        entry = Entry(
            call_id=CallId(self.line.call_id),
            branch_id=BranchId(self._facts.branch_id),
            leg_epoch=self.epoch,
            calls=tuple(ToolCall(call.id, call.name, call.args) for call in action.calls),
            asked_ms=unix_ms(self._agenda.now),
            deadline_ms=unix_ms(self._agenda.now) + action.deadline_in_ms,
            cart_version_told=action.cart_version_told,
            read_back=ReadBack(
                read_back.quote_id,
                read_back.outcome,
                read_back.played_ms,
                read_back.caller_speech_ms,
                read_back.asked_again,
            )
            if read_back is not None
            else None,
        )
        letter = Letter(action.request_id, entry, lambda value: self._on_answered(action.request_id, value))
        self._letters[action.request_id] = letter
        self._world.redis.add(letter)

    def _on_answered(self, request_id: str, value: object) -> None:
        assert isinstance(value, Answered)
        results = tuple(i.ToolResult(each.id, each.name, each.response) for each in value.answers)
        self.feed(i.ToolsAnswered(request_id, results, value.cart_version))

    def _take_over(self) -> None:
        """First of all the older legs are fenced; without an answer the leg goes on, and its calls raise the fence."""
        letter = Letter(
            f"{self.line.call_id}:{self.epoch}:taken_over", TakeOver(self.line.call_id, self.epoch), self._on_opening
        )
        self._world.redis.add(letter)
        self.later(TAKE_OVER_HTTP_MS, lambda: self._take_over_again(letter))

    def _take_over_again(self, letter: Letter) -> None:
        if self.opening is None:
            self._world.orders.ask_over_http(letter)

    def _on_opening(self, value: object) -> None:
        assert isinstance(value, TakenOver)
        if self.opening is not None or not self.is_alive:
            return
        if value.status == "superseded":
            self.feed(i.Stopped(SUPERSEDED))
            return
        self.opening = value
        self.feed(i.CartKnown(value.cart_version))

    def _on_told(self, told: list[tuple[str | None, str, Any]]) -> None:
        """For the books: functions of ``orders`` only. What is told as a note has lost its id on the way."""
        results = self._world.database.row(self.line.call_id).results
        for tool_call_id, name, response in told:
            if name not in ORDER_TOOLS:
                continue
            kept = results.get(tool_call_id) if tool_call_id is not None else None
            if tool_call_id is None:
                kept = next((each for each in results.values() if _is_same(each.response, response)), None)
            self._world.books.on_told(
                self.line.call_id, tool_call_id or "as a note", name, response, kept, self._agenda.now
            )

    # -- time ----------------------------------------------------------------------------------------------------

    def _set_timer(self) -> None:
        deadline = self._session.next_deadline()
        at = None if deadline is None else max(deadline.at, self._agenda.now)
        if at == self._tick_at:
            return
        self._tick_at = at
        if at is not None:
            self._agenda.at(at, lambda: self._tick(at))

    def _tick(self, at: int) -> None:
        if self._tick_at == at:
            self._tick_at = None
            self.feed(i.Tick())

    def _send_frame(self) -> None:
        if self.is_alive and self.hears_caller:
            self.feed(i.CallerAudio(b"\0\0"))
            self._agenda.after(FRAMES_MS, self._send_frame)


def _is_same(kept: Any, told: Any) -> bool:
    return {**kept} == {key: value for key, value in told.items() if key != "note"}


def _results_in(text: str) -> tuple[i.ToolResult, ...]:
    """Answers that are told to the model in words."""
    start, end = text.find("[{"), text.rfind("}]")
    if start < 0 or end < start:
        return ()
    told = json.loads(text[start : end + 2])
    return tuple(i.ToolResult("", each["function"], each["result"]) for each in told)
