"""Random legal and illegal sequences of inputs, and what must hold in each of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.bridge.cue_book import load_cues
from services.bridge.session import CallFacts, CallSession, Limits, Stage
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.phases import Phase

CUES = load_cues().times
SILENCE_MS_MAX = 4_500
"""Half a second less than may be heard: what the voice detector, the network and the carrier add."""
NAMES = ("addItem", "getTotal", "placeOrder", "escalate", "endCall", "orderPizza")
IDS = tuple(f"c{n}" for n in range(12))

requests = st.builds(i.ToolRequest, st.sampled_from(IDS), st.sampled_from(NAMES), st.just({}))
OTHERS = st.one_of(
    st.sampled_from(
        [
            i.Opened(), i.ModelInterrupted(), i.GenerationCompleted(), i.TurnCompleted(),
            i.CallerWords("yes "), i.CallerWords("I am allergic. "), i.AgentWords("so "),
            i.TurnCompleted("RESPONSE_REJECTED"), i.TurnCompleted(awaits_caller=True),
            i.CallerSpoke(200), i.CallerSpoke(700, 700, 700), i.CallerSpoke(60, 0, 0), i.LeaveRequested(), i.Tick(),
            i.CarrierClosed(), i.Stopped("drained"), i.UsageReported(1, 1, 2), i.ResumptionOffered("h"),
            i.GoAwayAnnounced(1), i.GoAwayAnnounced(50_000),
        ]
    ),
    st.builds(i.ModelClosed, st.sampled_from(["closed_1011", "refused_1007", "quota"]), st.integers(1, 4)),
    st.builds(i.ModelReady, st.integers(1, 4)),
    st.builds(
        i.ModelAudio, st.sampled_from([b"\0\0", bytes(4_800), bytes(96_000)]), st.just(24_000), st.booleans()
    ),
    st.builds(i.ToolsRequested, st.lists(requests, min_size=1, max_size=3).map(tuple)),
    st.builds(i.ToolsCancelled, st.lists(st.sampled_from(IDS), min_size=1, max_size=2).map(tuple)),
)  # fmt: skip
LIVE = st.one_of(
    st.sampled_from(
        [
            i.ModelInterrupted(),
            i.GenerationCompleted(),
            i.TurnCompleted(),
            i.CallerWords("yes "),
            i.CallerWords("I am allergic. "),
            i.CallerWords("speak to a person "),
            i.CallerSpoke(400),
            i.ResumptionOffered("h"),
            i.GoAwayAnnounced(2_000),
            i.GoAwayAnnounced(50_000),
            i.CallerSpoke(700, 700, 700),
            i.CallerSpoke(60, 60, 60),
            i.Tick(),
        ]
    ),
    st.builds(i.ModelAudio, st.sampled_from([b"\0\0", bytes(4_800), bytes(96_000)]), st.just(24_000), st.booleans()),
    st.builds(i.ToolsRequested, st.lists(requests, min_size=1, max_size=3).map(tuple)),
    st.builds(i.ToolsCancelled, st.lists(st.sampled_from(IDS), min_size=1, max_size=2).map(tuple)),
)
LOSSES = st.sampled_from(
    ["closed_1000", "closed_1006", "closed_1007", "closed_1011", "refused_1007", "refused_1011", "setup_timeout",
     "unreachable", "quota", "refused_401"]
)  # fmt: skip
PAUSES = st.sampled_from([0, 1, 20, 300, 450, 2_600, 6_100])
ANSWERS = st.sampled_from(
    [
        {"status": "ok", "quote_id": "q"},
        {"status": "ask", "code": "unclear_item", "message": "Which one?"},
        {"status": "refused", "code": "order_too_large", "message": "Too much."},
        {"status": "ok", "state": "rejected"},
    ]
)
WORD_OF_ESCALATION = st.builds(
    i.HandoffAnswered,
    st.just(""),
    st.sampled_from([None, "ann"]),
    st.just("One moment."),
    st.sampled_from(["none", "offered", "number_needed", "promised"]),
    st.booleans(),
)


class World:
    """Drives a session the way the driver does and keeps the books."""

    def __init__(self, strict: bool) -> None:
        limits = Limits(call_ms=60_000, call_warn_ms=40_000)
        self.session = CallSession(CallFacts("HD_1234", "westlands", 1), limits, cue_times=CUES, strict=strict)
        self.now = 0
        self.log: list[a.Action] = []
        self.asked: set[tuple[int, str]] = set()
        """Ids as the model gave them, under the generation of their model session; so are all that follow."""
        self.answered: list[tuple[int, str]] = []
        self.cancelled_unanswered: set[tuple[int, str]] = set()
        self.dialled: a.ConnectModel | None = None
        self.is_open = False
        """A model session is open or being opened."""
        self.requests: list[a.PublishTools] = []
        self.handoffs: list[a.RequestHandoff] = []
        self.spoke_at: int | None = None
        self.voice_at = 0
        self.is_duck_ended_in_time = True

    def feed(self, event: i.Input) -> None:
        ducking = self.session._leg.ducking
        release_ms = self.session._leg.limits.duck_release_ms
        if isinstance(event, i.CallerSpoke) and event.own_ms:
            self.voice_at = self.now
        elif ducking.is_ducked and self.now > self.voice_at + release_ms and self.session.phase is not Phase.ENDED:
            self.is_duck_ended_in_time = False
        was_over = self.session.phase is Phase.ENDED
        was_ready = self.session._leg.model.is_live and not was_over
        if isinstance(event, i.CallerSpoke):
            self.spoke_at = self.now
        if isinstance(event, i.ToolsRequested) and was_ready:
            self.asked |= {(self.generation, call.id) for call in event.calls}
        if isinstance(event, i.ToolsCancelled) and was_ready:
            ids = {(self.generation, each) for each in event.ids}
            self.cancelled_unanswered |= (ids & self.asked) - set(self.answered)
        if isinstance(event, i.ModelReady | i.ModelClosed) and event.generation == self.generation and self.is_open:
            self.dialled = None
            self.is_open = isinstance(event, i.ModelReady)
        stage = self.session._leg.handover.stage
        was_playing = self.session._leg.speech.playback.is_playing(self.now)
        actions = self.session.handle(event, self.now)
        self.check_outcome(event, stage, actions)
        assert not (was_over and actions), "nothing after the end"
        if isinstance(event, i.ModelInterrupted) and was_ready:
            self.check_flush(actions)
        if any(isinstance(each, a.FlushPlayback) for each in actions):
            assert not self.session._leg.ducking.is_ducked, "nothing is left to be low"
        self.check_cues(actions, was_playing)
        for action in actions:
            self.keep_books(action)
        self.requests += [each for each in actions if isinstance(each, a.PublishTools)]
        self.handoffs += [each for each in actions if isinstance(each, a.RequestHandoff)]

    def keep_books(self, action: a.Action) -> None:
        match action:
            case a.ConnectModel():
                assert not self.is_open, "two model sessions at once"
                assert action.generation > self.generation
                self.dialled, self.is_open = action, True
            case a.CloseModel():
                self.dialled, self.is_open = None, False
            case a.AnswerTools(results):
                assert self.dialled is None, "nobody is there to be answered"
                self.answered += [(self.generation, result.id) for result in results]
            case a.TellModel() | a.GoOn():
                assert self.dialled is None, "nobody listens"
        self.log.append(action)

    @property
    def generation(self) -> int:
        """Of the model session that is dialled or live."""
        return max((each.generation for each in self.log if isinstance(each, a.ConnectModel)), default=0)

    def model_gets_on(self, data: st.DataObject) -> None:
        """What a driver does with the order for a session: it comes about, or not, or is lost later."""
        if self.dialled is not None and data.draw(st.booleans()):
            self.feed(i.ModelReady(self.generation))
        elif self.is_open:
            self.feed(i.ModelClosed(data.draw(LOSSES), self.generation))

    def check_outcome(self, event: i.Input, before: Stage, actions: list[a.Action]) -> None:
        """A hand-off is reported only where the stream is left for a person."""
        for ended in (each for each in actions if isinstance(each, a.PublishEnded)):
            stages = {before, self.session._leg.handover.stage}
            for_a_person = stages & {Stage.ASKED, Stage.AGREED} or (
                isinstance(event, i.LeaveRequested | i.ModelClosed) and before is not Stage.ASKED
            )
            if ended.report.outcome == "handoff":
                assert for_a_person
                assert not isinstance(event, i.CarrierClosed)
            if ended.report.reason in ("handoff", "leave_requested"):
                assert ended.report.outcome == "handoff"

    def check_flush(self, actions: list[a.Action]) -> None:
        assert not self.session._leg.speech.playback.is_playing(self.now), "unplayed audio after an interruption"
        for action in actions:
            assert not isinstance(action, a.PlayAudio)

    def check_cues(self, actions: list[a.Action], was_playing: bool) -> None:
        cues = [each.name for each in actions if isinstance(each, a.PlayCue)]
        assert len(cues) <= 1, "one at a time"
        assert not was_playing or not set(cues) & {"one_moment", "still_here"}, "never behind the agent's own words"
        if cues and self.spoke_at is not None and cues[0] in ("one_moment", "still_here", "are_you_there"):
            assert self.now - self.spoke_at >= 500, "not into the caller's words"

    def check_silence(self) -> None:
        """Whoever waits for the agent does not hear nothing for long. At a hand-over another limit holds."""
        leg = self.session._leg
        since = [at for at in (leg.stuck.owed_since, leg.desk.waits_since()) if at is not None]
        if leg.phase in (Phase.GREETING, Phase.TALKING) and leg.handover.stage is not Stage.AGREED and since:
            quiet_from = max(min(since), leg.speech.playback.ends_at, self.spoke_at or 0)
            assert self.now - quiet_from <= SILENCE_MS_MAX, f"{self.now - quiet_from} ms"

    def pass_time(self, ms: int) -> None:
        until = self.now + ms
        while True:
            due = self.session.next_deadline()
            if due is None or due.at > until:
                break
            self.now = max(self.now, due.at)
            self.check_silence()
            before = self.session.next_deadline()
            self.feed(i.Tick())
            after = self.session.next_deadline()
            assert after is None or after != before, f"{before} would spin"
        self.now = until
        self.check_silence()

    def orders_answers(self, data: st.DataObject) -> None:
        if self.requests:
            request = data.draw(st.sampled_from(self.requests))
            results = tuple(i.ToolResult(call.id, call.name, data.draw(ANSWERS)) for call in request.calls)
            self.feed(i.ToolsAnswered(request.request_id, results, data.draw(st.integers(0, 9))))

    def escalation_answers(self, data: st.DataObject) -> None:
        """Any word about any hand-off that was asked for, or the order to leave for one."""
        if not self.handoffs:
            return
        if data.draw(st.integers(0, 3)) == 0:
            self.feed(i.LeaveRequested())
        else:
            request_id = data.draw(st.sampled_from(self.handoffs)).request_id
            self.feed(replace(data.draw(WORD_OF_ESCALATION), request_id=request_id))

    def check(self) -> None:
        counts = Counter(self.answered)
        assert all(count == 1 for count in counts.values()), "an id was answered twice"
        assert not self.cancelled_unanswered & set(counts), "a cancelled id was answered"
        assert set(counts) <= self.asked, "an answer to an id of another model session"
        greetings = [index for index, each in enumerate(self.log) if isinstance(each, a.RequestGreeting)]
        audio = [index for index, each in enumerate(self.log) if isinstance(each, a.PlayAudio)]
        assert not (greetings and audio and greetings[-1] > audio[0]), "two greetings"
        generations = [each.generation for each in self.log if isinstance(each, a.PlayAudio | a.FlushPlayback)]
        assert generations == sorted(generations), "audio of an old generation"
        ducks = [each for each in self.log if isinstance(each, a.Duck | a.Unduck | a.FlushPlayback)]
        for before, after in pairwise(ducks):
            assert not (isinstance(before, a.Duck) and isinstance(after, a.Duck)), "ducked twice"
            assert not (isinstance(after, a.Unduck) and isinstance(before, a.Unduck)), "ended twice"
        ends = [index for index, each in enumerate(self.log) if isinstance(each, a.CloseCarrier)]
        assert len(ends) <= 1
        assert not ends or ends == [len(self.log) - 1]

    def finish(self) -> None:
        """Nobody does anything any more, and still the call ends, with everything answered on the way."""
        self.pass_time(240_000)
        opened = self.session._leg.opened_at is not None
        assert self.session.phase is Phase.ENDED or not opened
        if opened:
            assert sum(isinstance(each, a.PublishEnded) for each in self.log) == 1
            assert self.is_duck_ended_in_time, "a duck outlived the caller's voice"


@settings(max_examples=2 * settings().max_examples)
@given(st.data())
def test_any_sequence_keeps_the_promises(data: st.DataObject) -> None:
    world = World(strict=False)
    for _ in range(data.draw(st.integers(1, 40))):
        step = data.draw(st.integers(0, 9))
        if step == 0:
            world.orders_answers(data)
        elif step == 1:
            world.escalation_answers(data)
        else:
            world.feed(data.draw(OTHERS))
        world.pass_time(data.draw(PAUSES))
        world.check()
    world.finish()
    world.check()


@settings(max_examples=2 * settings().max_examples)
@given(st.data())
def test_a_live_call_never_leaves_the_table_and_answers_everything(data: st.DataObject) -> None:
    world = World(strict=True)
    world.feed(i.Opened())
    world.feed(i.ModelReady())
    for _ in range(data.draw(st.integers(1, 30))):
        step = data.draw(st.integers(0, 9))
        if step == 0:
            world.orders_answers(data)
        elif step == 1:
            world.escalation_answers(data)
        elif step == 2:
            world.model_gets_on(data)
        elif world.session._leg.model.is_live:
            world.feed(data.draw(LIVE))
        world.feed(i.CallerAudio(b"\0\0"))
        world.pass_time(data.draw(PAUSES))
        world.check()
    if world.session.phase is not Phase.ENDED:
        generation = world.generation
        asked = {each for each in world.asked if each[0] == generation} - world.cancelled_unanswered
        for _ in range(3):
            world.feed(i.CallerAudio(b"\0\0"))
            world.pass_time(2_600)
        if world.session.phase is not Phase.ENDED and world.generation == generation:
            assert asked <= set(world.answered), "an id was never answered"
    world.finish()
    world.check()
