"""A thousand announced ends in virtual time, with functions running at random: no result may be lost."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable

from services.bridge.session import CallFacts, CallSession, Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.phases import Phase

HOPS = 1_000
HOPS_PER_CALL = 25
SPEECH_MS = 800


class Model:
    """What one model session knows, and whether it is still the one that is connected."""

    def __init__(self, generation: int, known: Iterable[str]) -> None:
        self.generation = generation
        self.known = set(known)
        self.is_open = True


class VirtualCall:
    """Session, model, ``orders`` and caller on one clock. Everything that is not decided here comes from ``chance``."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.session = CallSession(CallFacts("HD_1234", "westlands", 1), Limits(call_ms=3_600_000), strict=True)
        self.now = 0
        self.log: list[a.Action] = []
        self.committed: list[str] = []
        self.voiced: set[str] = set()
        """Results that a session knew when it ended a turn that the caller heard."""
        self.answered: Counter[tuple[int, str]] = Counter()
        self.model: Model | None = None
        self._asked = 1
        self._handles: dict[str, frozenset[str]] = {}
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = itertools.count(1)

    # -- the clock -------------------------------------------------------------------------------------------------

    def at(self, in_ms: int, what: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + in_ms, next(self._numbers), what))

    def run(self, until: int) -> None:
        while True:
            due = self.session.next_deadline()
            queued = self._queue[0][0] if self._queue else until
            if due is not None and due.at <= min(queued, until):
                self.now = max(self.now, due.at)
                self.feed(i.Tick())
            elif self._queue and queued <= until:
                self.now, _, what = heapq.heappop(self._queue)
                what()
            else:
                self.now = until
                return

    def feed(self, event: i.Input) -> None:
        for action in self.session.handle(event, self.now):
            self.log.append(action)
            self.carry_out(action)

    # -- the driver ------------------------------------------------------------------------------------------------

    def carry_out(self, action: a.Action) -> None:
        match action:
            case a.CloseModel():
                self.hang_up()
            case a.ConnectModel():
                assert self.model is None or not self.model.is_open, "the old socket is closed first"
                self.at(action.delay_ms + self.chance.randint(40, 500), lambda: self.set_up(action))
            case a.PublishTools(request_id, calls):
                self.at(self.chance.choice([5, 20, 60, 300, 900, 3_000]), lambda: self.orders(request_id, calls))
            case a.AnswerTools(results):
                model = self.live()
                for result in results:
                    self.answered[model.generation, result.id] += 1
                    model.known.add(str(result.response["message"]))
                self.at(200, lambda: self.speak(model))
            case a.TellModel(text) | a.GoOn(text):
                model = self.live()
                model.known |= {each for each in self.committed if f'"{each}"' in text}
                self.at(200, lambda: self.speak(model))

    def orders(self, request_id: str, calls: tuple[i.ToolRequest, ...]) -> None:
        results = []
        for call in calls:
            self.committed.append(f"result {len(self.committed) + 1}")
            results.append(i.ToolResult(call.id, call.name, {"status": "ok", "message": self.committed[-1]}))
        self.feed(i.ToolsAnswered(request_id, tuple(results), len(self.committed)))

    # -- the model -------------------------------------------------------------------------------------------------

    def live(self) -> Model:
        assert self.model is not None
        assert self.model.is_open, "told to a session that is gone"
        return self.model

    def hang_up(self) -> None:
        if self.model is not None:
            self.model.is_open = False

    def set_up(self, order: a.ConnectModel) -> None:
        if order.handle is not None and self.chance.random() < 0.05:
            self.feed(i.ModelClosed("refused_1007", order.generation))
            return
        told = () if order.seed is None else (str(each.response["message"]) for each in order.seed.answers)
        self.model = Model(order.generation, {*self._handles.get(order.handle or "", ()), *told})
        self.feed(i.ModelReady(order.generation))
        if order.generation == 1:
            greeter = self.live()
            self.at(300, lambda: self.speak(greeter))

    def speak(self, model: Model) -> None:
        """One turn: audio in pieces, its end, and mostly a handle after it."""
        if not model.is_open or self.session.phase is Phase.ENDED:
            return
        for _ in range(4):
            self.feed(i.ModelAudio(bytes(48 * SPEECH_MS // 4), 24_000))
        self.at(100, lambda: self.from_model(model, i.GenerationCompleted()))
        self.at(SPEECH_MS, lambda: self.from_model(model, i.TurnCompleted()))
        if self.chance.random() < 0.9:
            self.at(SPEECH_MS + 5, lambda: self.offer_handle(model))

    def offer_handle(self, model: Model) -> None:
        handle = f"h{len(self._handles) + 1}"
        self._handles[handle] = frozenset(model.known)
        self.from_model(model, i.ResumptionOffered(handle))

    def from_model(self, model: Model, event: i.Input) -> None:
        if model.is_open:
            if isinstance(event, i.TurnCompleted):
                self.voiced |= model.known
            self.feed(event)

    def ask_functions(self) -> None:
        if self.model is not None and self.model.is_open:
            count = self.chance.randint(1, 2)
            # The same few ids in every session, and so in several sessions of a call.
            ids = [f"c{number}" for number in range(self._asked, self._asked + count)]
            self._asked += count
            self.feed(i.ToolsRequested(tuple(i.ToolRequest(each, "addItem") for each in ids)))

    def announce_end(self) -> None:
        """The server closes at the end of that time if nobody has left by then."""
        model, left_ms = self.model, self.chance.choice([1_500, 4_000, 10_000, 50_000])
        if model is not None and model.is_open:
            self._asked = 1 if self.chance.random() < 0.5 else self._asked
            self.feed(i.GoAwayAnnounced(left_ms))
            self.at(left_ms, lambda: self.close_by_server(model))

    def close_by_server(self, model: Model) -> None:
        if model.is_open:
            model.is_open = False
            self.feed(i.ModelClosed("closed_1011", model.generation))

    def hops(self) -> list[a.NoteHop]:
        return [each for each in self.log if isinstance(each, a.NoteHop)]


def hold(seed: int) -> VirtualCall:
    """One call: every few seconds the caller says something, functions run, and an end is announced in between."""
    call = VirtualCall(seed)
    call.feed(i.Opened())
    call.run(2_500)
    while len(call.hops()) < HOPS_PER_CALL:
        call.feed(i.CallerAudio(b"\0\0"))
        if call.chance.random() < 0.6:
            call.at(call.chance.randint(0, 2_500), call.announce_end)
        if call.chance.random() < 0.7:
            call.feed(i.CallerSpoke(400))
            call.at(call.chance.randint(300, 900), call.ask_functions)
        call.run(call.now + call.chance.randint(1_500, 4_000))
        assert call.session.phase is Phase.TALKING, f"seed {seed}: {call.log[-3:]}"
    for _ in range(4):  # everything that is under way arrives
        call.feed(i.CallerAudio(b"\0\0"))
        call.run(call.now + 3_000)
    return call


def test_a_thousand_announced_ends_lose_no_result() -> None:
    hops: Counter[tuple[str, str]] = Counter()
    results = forced = 0
    for seed in range(HOPS // HOPS_PER_CALL):
        call = hold(seed)
        lost = set(call.committed) - call.voiced
        assert not lost, f"seed {seed}: {sorted(lost)} never reached the caller"
        assert all(count == 1 for count in call.answered.values()), f"seed {seed}: answered twice"
        results += len(call.committed)
        hops.update((hop.reason, hop.how) for hop in call.hops())
        forced += sum(isinstance(each, a.Complain) and each.kind == "hop_forced" for each in call.log)
        assert sum(isinstance(each, a.RequestGreeting) for each in call.log) == 1
    print(f"{hops.total()} hops, {forced} forced, {results} results, {dict(hops)}")
    assert hops.total() >= HOPS
    assert hops["go_away", "resumed"] > HOPS // 2
    assert forced > HOPS // 50, "and some in the middle of something"
