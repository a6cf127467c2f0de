"""Calls that we placed ourselves: connected once, settled once, told to whoever asked for them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from agiza.domain.call_answers import (
    Close,
    Decision,
    DialPerson,
    HungUp,
    JoinRoom,
    OfferStream,
    OutboundMoved,
    Silent,
    Started,
)
from agiza.domain.call_control import decide
from agiza.domain.call_state import (
    Callback,
    CallKind,
    CallState,
    Channel,
    Desk,
    DialTarget,
    Edge,
    Outbound,
    Phase,
    Phrase,
)
from agiza.domain.outbound import OUTBOUND_STEPS

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
CUSTOMER = DialTarget("customer", "+254711000001")
BRIDGE = Outbound("out-1", is_open=True, customer=CUSTOMER)
ROOM = Outbound("out-1", is_open=True, room="room-h1")
RINGING = Callback(Edge.RINGING, Channel.VOICE)
ANSWERED = Callback(Edge.ANSWERED, Channel.VOICE, "Answered")
BACK = Callback(Edge.AFTER_DIAL, Channel.AFTER_DIAL, attempt=1)
OVER = Callback(Edge.COMPLETED, Channel.VOICE, "Completed", is_active=False, duration_s=40)
NEVER = replace(OVER, duration_s=None)
CHANNELS = (Channel.VOICE, Channel.AFTER_DIAL, Channel.EVENTS)
KINDS = (CallKind.STAFF_BRIDGE, CallKind.STAFF_JOIN, CallKind.CUSTOMER_JOIN)


def desk(outbound: Outbound | None) -> Desk:
    return Desk("+254709000002", None, is_open=True, can_order=True, contacts=(), outbound=outbound)


class Line:
    def __init__(self, kind: CallKind, outbound: Outbound | None) -> None:
        self.desk, self.now = desk(outbound), NOW
        self.call = CallState(kind=kind)
        self.last = Decision(Silent(), self.call)

    def hears(self, *callbacks: Callback, after_s: float = 0) -> Line:
        self.now += timedelta(seconds=after_s)
        for callback in callbacks:
            self.last = decide(self.call, None, callback, self.desk, self.now)
            self.call = self.last.call
        return self

    @property
    def steps(self) -> list[str]:
        return [event.step for event in self.last.events if isinstance(event, OutboundMoved)]


def test_staff_who_pick_up_are_connected_with_the_customer() -> None:
    line = Line(CallKind.STAFF_BRIDGE, BRIDGE).hears(ANSWERED)
    assert line.last.answer == DialPerson(CUSTOMER, Phrase.STAFF_CONNECTING, 1)
    assert line.steps == ["answered"]
    assert line.hears(ANSWERED).last == Decision(DialPerson(CUSTOMER, Phrase.STAFF_CONNECTING, 1), line.call)
    line.hears(BACK, after_s=90)
    assert line.last.answer == Close(None)
    assert line.steps == ["connected"]
    assert line.hears(OVER).last.events == ()


def test_customer_who_does_not_pick_up_is_told_to_the_staff() -> None:
    line = Line(CallKind.STAFF_BRIDGE, BRIDGE).hears(ANSWERED).hears(BACK, after_s=20)
    assert line.last.answer == Close(Phrase.STAFF_MISSED)
    assert line.steps == ["missed"]


@pytest.mark.parametrize(
    ("connected", "duration_s", "after_s", "step"),
    [
        (True, 2, 2, "connected"),
        (False, 60, 60, "missed"),
        (None, 60, 60, "connected"),
        (None, None, 60, "connected"),
        # they hung up while they were still being told who calls: nobody has talked with the customer
        (None, 3, 3, "missed"),
        (None, None, 3, "missed"),
    ],
)
def test_end_of_the_call_tells_how_it_went(
    connected: bool | None, duration_s: int | None, after_s: float, step: str
) -> None:
    over = replace(OVER, dial_connected=connected, duration_s=duration_s)
    assert Line(CallKind.STAFF_BRIDGE, BRIDGE).hears(ANSWERED).hears(over, after_s=after_s).steps == [step]


def test_ring_back_whose_first_word_is_ringing_is_told_when_it_goes_on() -> None:
    line = Line(CallKind.RING_BACK, Outbound("o1", is_open=True)).hears(RINGING)
    assert line.steps == []
    started = Callback(Edge.STREAM_STARTED, Channel.VOICE, "StreamStarted")
    assert line.hears(started).steps == ["answered"]
    assert line.hears(started).last.events == ()


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_picks_up(kind: CallKind) -> None:
    outbound = BRIDGE if kind is CallKind.STAFF_BRIDGE else ROOM
    assert Line(kind, outbound).hears(NEVER).steps == ["unanswered"]
    # A carrier that calls its first request Ringing shows only at the end that nobody was there.
    line = Line(kind, outbound).hears(RINGING)
    assert line.last.answer != Silent()
    assert line.steps == []
    assert line.hears(NEVER).steps == ["unanswered"]


def test_first_word_that_somebody_picked_up_may_come_late() -> None:
    line = Line(CallKind.STAFF_JOIN, ROOM).hears(RINGING, ANSWERED)
    assert line.last.answer == JoinRoom("room-h1", Phrase.STAFF_CONNECTING, 1)
    assert line.steps == ["answered"]
    assert line.hears(ANSWERED).steps == []


@pytest.mark.parametrize(
    ("kind", "phrase"),
    [(CallKind.STAFF_JOIN, Phrase.STAFF_CONNECTING), (CallKind.CUSTOMER_JOIN, Phrase.CONNECTING)],
)
def test_room(kind: CallKind, phrase: Phrase) -> None:
    line = Line(kind, ROOM).hears(ANSWERED)
    assert line.last.answer == JoinRoom("room-h1", phrase, 1)
    assert line.hears(OVER, after_s=60).steps == ["ended"]


@pytest.mark.parametrize("outbound", [None, replace(BRIDGE, is_open=False)])
def test_matter_that_is_settled_rings_nobody(outbound: Outbound | None) -> None:
    line = Line(CallKind.STAFF_BRIDGE, outbound).hears(ANSWERED)
    assert line.last.answer == Close(Phrase.STAFF_SETTLED)


@pytest.mark.parametrize("phone", ["+447700900001", "+254709000002", "+254900123456"])
def test_customer_whose_number_may_not_be_rung(phone: str) -> None:
    line = Line(CallKind.STAFF_BRIDGE, replace(BRIDGE, customer=DialTarget("customer", phone))).hears(ANSWERED)
    assert line.last.answer == Close(Phrase.STAFF_MISSED)
    assert line.steps == ["answered", "missed"]


def test_customer_who_is_rung_back_goes_on_with_the_agent() -> None:
    line = Line(CallKind.RING_BACK, Outbound("out-1", is_open=True)).hears(ANSWERED)
    assert line.last.answer == OfferStream(0)
    assert line.last.events == (Started(), OutboundMoved("out-1", "answered", "Answered"))
    line.hears(Callback(Edge.STREAM_STARTED, Channel.VOICE)).hears(OVER)
    assert line.last.events == (OutboundMoved("out-1", "ended", "Completed"), HungUp(40))


@pytest.mark.parametrize("first", [None, RINGING])
def test_customer_who_is_not_there(first: Callback | None) -> None:
    line = Line(CallKind.RING_BACK, Outbound("out-1", is_open=True))
    line.hears(*([first] if first else []), NEVER)
    assert line.steps == ["unanswered"]
    assert line.call.phase is Phase.ENDED


@dataclass(frozen=True)
class Path:
    call: CallState
    now: datetime
    steps: tuple[str, ...] = ()


@pytest.mark.parametrize("kind", KINDS)
def test_promises_hold_after_any_sequence_of_requests(kind: CallKind) -> None:
    assert set(OUTBOUND_STEPS[kind]) == set(product(Phase, Edge))
    callbacks = [
        Callback(edge, channel, dial_connected=connected)
        for edge, channel, connected in product(Edge, CHANNELS, (None, False))
    ]
    around = desk(BRIDGE if kind is CallKind.STAFF_BRIDGE else ROOM)
    seen: set[object] = set()
    front = deque([Path(CallState(kind=kind), NOW)])
    for _ in range(8):
        following: deque[Path] = deque()
        for path in front:
            for callback, wait_s in product(callbacks, (0, 100)):
                after = _watch(path, callback, around, path.now + timedelta(seconds=wait_s))
                served = after.call.dial
                essence = (
                    replace(after.call, dial=served and replace(served, served_at=NOW)),
                    served and min(after.now - served.served_at, timedelta(seconds=100)),
                    after.steps,
                )
                if essence not in seen:
                    seen.add(essence)
                    following.append(after)
        front = following
    assert not front, "nothing new is left to reach"


def _watch(path: Path, callback: Callback, around: Desk, now: datetime) -> Path:
    decision = decide(path.call, None, callback, around, now)
    where = f"{path} + {callback} gave {decision}"
    told = [event.step for event in decision.events if isinstance(event, OutboundMoved)]
    steps = (*path.steps, *told)
    assert len(steps) == len(set(steps)), where
    assert len({"connected", "missed", "unanswered", "ended"} & set(steps)) <= 1, where
    assert not isinstance(decision.answer, OfferStream), where
    if isinstance(decision.answer, DialPerson | JoinRoom):
        assert path.call.phase in (Phase.NEW, Phase.DIALLING), where
        assert decision.answer.attempt == 1, where
    if path.call.phase is Phase.ENDED:
        assert decision == Decision(Silent(), path.call), where
    return Path(decision.call, now, steps)
