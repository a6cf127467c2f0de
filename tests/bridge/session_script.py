"""A tiny language for session tests: feed inputs at times, look at the actions."""

from __future__ import annotations

from typing import TypeVar

from services.bridge.session import CallFacts, CallSession, Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.cues import NO_CUES, CueTimes

FACTS = CallFacts("HD_1234abcd", "westlands", 3)
SECOND_OF_24K = bytes(48_000)
T = TypeVar("T")


class Script:
    """A session with a clock that stands still between the lines. Due Ticks are delivered on the way."""

    def __init__(self, *, strict: bool = True, limits: Limits | None = None, cue_times: CueTimes = NO_CUES) -> None:
        self.session = CallSession(FACTS, limits, cue_times=cue_times, strict=strict)
        self.now = 1_000
        self.log: list[a.Action] = []
        self.last: list[a.Action] = []

    def feed(self, *events: i.Input) -> list[a.Action]:
        """Hand in events now; all their actions."""
        self.last = [action for event in events for action in self.session.handle(event, self.now)]
        self.log += self.last
        return self.last

    def wait(self, ms: int, *, frames: bool = True) -> list[a.Action]:
        """Let time pass: the carrier sends its frames, deadlines are met to the millisecond."""
        until, seen = self.now + ms, len(self.log)
        next_frame = self.now + 1_000
        while True:
            due = self.session.next_deadline()
            steps = [at for at in (due.at if due else None, next_frame if frames else None) if at is not None]
            at = max(self.now, min(steps, default=until + 1))
            if at > until:
                break
            self.now = at
            if frames and at >= next_frame:
                next_frame += 1_000
                self.feed(i.CallerAudio(b"\0\0"))
            if due is not None and at >= due.at:
                self.feed(i.Tick())
                after = self.session.next_deadline()
                assert after is None or after.at > self.now or after != due, f"{due} does not go away"
        self.now = until
        self.last = self.log[seen:]
        return self.last

    def talking(self) -> Script:
        """A call whose greeting was said and heard."""
        self.feed(i.Opened())
        self.feed(i.ModelReady())
        self.say("hello", 1_000)
        self.wait(1_500)
        return self

    def say(self, words: str, ms: int) -> None:
        """One complete turn of the agent; its audio comes in one burst."""
        self.feed(i.AgentWords(words), i.ModelAudio(bytes(48 * ms), 24_000), i.GenerationCompleted(), i.TurnCompleted())

    def call(self, *names: str, start: int = 1, **args: object) -> list[a.Action]:
        """The model calls functions with ids c1, c2, ..."""
        return self.feed(
            i.ToolsRequested(tuple(i.ToolRequest(f"c{n}", name, args) for n, name in enumerate(names, start)))
        )

    def answer(self, request: int, *results: tuple[str, str, dict[str, object]], version: int = 1) -> list[a.Action]:
        """``orders`` answers its ``request``-th request."""
        return self.feed(
            i.ToolsAnswered(f"{FACTS.call_id}:0:{request}", tuple(i.ToolResult(*result) for result in results), version)
        )

    def quote(self) -> None:
        """getTotal and its answer; the next audio is the read-back."""
        self.call("getTotal", start=90)
        self.answer(1, ("c90", "getTotal", {"status": "ok", "quote_id": "q1"}))

    def evidence(self) -> a.ReadBackState:
        """What would be sent with placeOrder now."""
        state = self.session._leg.speech.read_back.state(self.now)
        assert state is not None
        return state

    @property
    def report(self) -> a.CallReport:
        """Of a call that ended."""
        return only(self.log, a.PublishEnded)[0].report


def only(actions: list[a.Action], kind: type[T] | tuple[type[T], ...]) -> list[T]:
    """The actions of one kind."""
    return [action for action in actions if isinstance(action, kind)]


def answers(actions: list[a.Action]) -> dict[str, object]:
    """id -> status of everything that was answered."""
    return {result.id: result.response["status"] for each in only(actions, a.AnswerTools) for result in each.results}
