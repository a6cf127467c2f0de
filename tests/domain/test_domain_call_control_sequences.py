"""Every sequence of requests, to the depth where nothing new can happen, against the promises of call control."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.domain.call_answers import (
    CallbackPromised,
    Close,
    Decision,
    DialEnded,
    DialPerson,
    DialServed,
    HungUp,
    JoinRoom,
    OfferStream,
    Rejoined,
    Silent,
    Started,
)
from agiza.domain.call_codec import call_from_json, call_to_json
from agiza.domain.call_control import STEPS, decide
from agiza.domain.call_state import (
    Callback,
    CallOutcome,
    CallState,
    Channel,
    Desk,
    DialTarget,
    Edge,
    Handoff,
    Phase,
    Phrase,
)
from agiza.domain.call_step import DIALS_MAX, LEGS_MAX, OFFER_SECONDS
from agiza.domain.handoff import HandoffState

EPOCH = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
FRONT = DialTarget("front", "+254700000001")
MANAGER = DialTarget("manager", "+254700000002")
OFF_DUTY = DialTarget("owner", "+254700000003", on_duty=False)
ROGUE = DialTarget("rogue", "+254711000001")  # the caller's own number
DESK = Desk(
    "+254709000002", "+254711000001", is_open=True, can_order=True, contacts=(FRONT, MANAGER, OFF_DUTY),
    can_rejoin=True, can_call_back=True, is_watched=True,
)  # fmt: skip
SEQUENCE_LENGTH = 8

CALLBACKS = (
    *(Callback(edge, Channel.VOICE) for edge in Edge if edge not in (Edge.NEXT, Edge.AFTER_DIAL)),
    *(Callback(edge, Channel.NEXT, leg=leg) for edge, leg in product((Edge.NEXT, Edge.STREAM_ENDED), (0, 1))),
    Callback(Edge.COMPLETED, Channel.NEXT, leg=0),
    *(Callback(Edge.AFTER_DIAL, Channel.AFTER_DIAL, attempt=attempt) for attempt in (1, 2)),
    Callback(Edge.AFTER_DIAL, Channel.AFTER_DIAL, attempt=1, dial_connected=False),
    Callback(Edge.STREAM_STARTED, Channel.STATUS, leg=1),
    Callback(Edge.STREAM_ENDED, Channel.STATUS, leg=0),
    *(Callback(edge, Channel.EVENTS) for edge in (Edge.RINGING, Edge.STREAM_ENDED, Edge.COMPLETED)),
    Callback(Edge.COMPLETED, Channel.VOICE, is_active=True),
    Callback(Edge.DIAL_ENDED, Channel.VOICE, dial_connected=True),
    Callback(Edge.DIAL_ENDED, Channel.VOICE, dial_connected=False),
)
REPORTS: tuple[tuple[Handoff | None, CallOutcome | None], ...] = (
    (None, None),
    (None, "placed"),
    (Handoff("h1", HandoffState.REQUESTED, MANAGER, ringing="manager"), "handoff"),
    (Handoff("h1", HandoffState.LEAVING, ROGUE), "handoff"),
    (Handoff("h1", HandoffState.LEAVING, MANAGER, room="room-h1"), "handoff"),
    (Handoff("h1", HandoffState.CALLBACK, MANAGER), "handoff"),
)
AGE_MAX = timedelta(seconds=OFFER_SECONDS + 1)
WAITS = (timedelta(0), AGE_MAX)  # at once, or later than every limit
DESKS = {
    "usual": DESK,
    "no_orders": replace(DESK, can_order=False, can_call_back=False, is_watched=False),
    "closed": replace(DESK, is_open=False),
    "nobody": replace(DESK, contacts=(), can_rejoin=False),
    "dial_off": replace(DESK, may_dial=False, can_rejoin=False),
    "taken": replace(DESK, token_used=True),
}


@dataclass(frozen=True)
class Path:
    """A call after some requests, with what a watcher noted on the way."""

    call: CallState
    now: datetime
    epochs: tuple[int, ...] = ()
    attached: bool = False
    streams_over: bool = False
    rung: tuple[str | None, ...] = ()
    promised: bool = False
    hung_up: bool = False

    def essence(self) -> object:
        """Two paths with the same essence have the same futures: ages matter only up to the longest limit."""
        call, served = self.call, self.call.dial
        return (
            call.phase, call.epoch, call.farewell, call.tried,
            call.offered_at and min(self.now - call.offered_at, AGE_MAX),
            served and (
                served.target, served.phrase, served.attempt, served.handoff_id, served.channel, served.edge,
                served.certainty, served.room, min(self.now - served.served_at, AGE_MAX),
            ),
            self.epochs, self.attached, self.streams_over, self.rung, self.promised, self.hung_up,
        )  # fmt: skip


def test_table_knows_every_phase_with_every_edge() -> None:
    assert set(STEPS) == set(product(Phase, Edge))


@pytest.mark.parametrize("desk", DESKS.values(), ids=DESKS.keys())
def test_promises_hold_after_any_sequence_of_requests(desk: Desk) -> None:
    seen: set[object] = set()
    front = deque([Path(CallState(), EPOCH)])
    for _ in range(SEQUENCE_LENGTH):
        following: deque[Path] = deque()
        for path in front:
            for after in _futures(path, desk):
                essence = after.essence()
                if essence not in seen:
                    assert call_from_json(call_to_json(after.call)) == after.call
                    seen.add(essence)
                    following.append(after)
        front = following
    assert len(seen) > 8


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(CALLBACKS), st.sampled_from(REPORTS), st.sampled_from((0.0, 0.5, 3.0, 11.0, 40.0))),
        min_size=6,
        max_size=14,
    ),
    desk=st.sampled_from(tuple(DESKS.values())),
)
def test_promises_hold_at_other_moments_too(
    steps: list[tuple[Callback, tuple[Handoff | None, CallOutcome | None], float]], desk: Desk
) -> None:
    path = Path(CallState(), EPOCH)
    for callback, (handoff, outcome), wait_s in steps:
        now = path.now + timedelta(seconds=wait_s)
        path = _watch(path, callback, handoff, replace(desk, outcome=outcome), now)


def _futures(path: Path, desk: Desk) -> Iterator[Path]:
    for handoff, outcome in REPORTS:
        around = replace(desk, outcome=outcome)
        for callback, wait in product(CALLBACKS, WAITS):
            yield _watch(path, callback, handoff, around, path.now + wait)


def _watch(path: Path, callback: Callback, handoff: Handoff | None, desk: Desk, now: datetime) -> Path:
    decision = decide(path.call, handoff, callback, desk, now)
    try:
        _check_events(path, callback, decision, desk)
        _check_streams(path, callback, decision, desk)
        _check_dials(path, callback, decision, desk)
        _check_end(path, callback, decision)
        _check_call_backs(path, handoff, decision)
        _check_nobody_is_stranded(path, callback, decision)
    except AssertionError as error:
        raise AssertionError(f"{path}\n+ {callback}\nwith {handoff}, {desk}\ngave {decision}") from error
    answer, call = decision.answer, decision.call
    if call is path.call and not decision.events:
        return replace(path, now=now)
    is_attached = path.attached
    if call.phase is Phase.STREAMING and path.call.phase is not Phase.STREAMING:
        is_attached = True
    elif call.phase is not Phase.STREAMING:
        is_attached = False
    return Path(
        call,
        now,
        tuple(dict.fromkeys((*path.epochs, *([answer.epoch] if isinstance(answer, OfferStream) else [])))),
        is_attached,
        path.streams_over or isinstance(answer, DialPerson | JoinRoom | Close) or call.phase is Phase.ENDED,
        (*path.rung, *(event.contact_id for event in _of(DialServed, decision))),
        path.promised or bool(_of(CallbackPromised, decision)),
        path.hung_up or bool(_of(HungUp, decision)),
    )


E = TypeVar("E")


def _of(kind: type[E], decision: Decision) -> list[E]:
    return [event for event in decision.events if isinstance(event, kind)]


def _check_events(path: Path, callback: Callback, decision: Decision, desk: Desk) -> None:
    """Told to others: each thing once, and nothing after the end."""
    assert len(_of(Started, decision)) <= (not path.epochs)
    assert not (path.hung_up and decision.events)
    assert len(_of(DialEnded, decision)) <= 1
    if promised := _of(CallbackPromised, decision):
        assert desk.can_call_back
        assert len(promised) == 1
        assert not path.promised
        assert decision.answer == Close(Phrase.CALLBACK_PROMISED)


def _check_streams(path: Path, callback: Callback, decision: Decision, desk: Desk) -> None:
    """One Stream per leg, the next leg only after a loss, none after a Dial, a goodbye or the end."""
    answer = decision.answer
    if not isinstance(answer, OfferStream):
        return
    assert not path.streams_over
    assert decision.call.phase is Phase.OFFERED
    assert decision.call.epoch == answer.epoch < LEGS_MAX
    if answer.epoch in path.epochs:
        assert not path.attached
        assert not desk.token_used
        return
    assert desk.can_order
    assert answer.epoch == len(path.epochs)
    if path.epochs:
        assert callback.edge in (Edge.STREAM_ENDED, Edge.NEXT)
        assert callback.leg in (None, path.epochs[-1]) or callback.leg > path.epochs[-1]
        assert _of(Rejoined, decision) == [Rejoined(answer.epoch)]
        assert desk.outcome is None
    else:
        assert desk.is_open
        assert callback.channel is Channel.VOICE


def _check_dials(path: Path, callback: Callback, decision: Decision, desk: Desk) -> None:
    """Only contacts, each once, one after the other, and the same answer while one rings."""
    answer, before = decision.answer, path.call.dial
    served = _of(DialServed, decision)
    assert len(served) <= 1
    if served:
        assert isinstance(answer, DialPerson | JoinRoom)
        assert answer.attempt == served[0].attempt == len(path.rung) + 1 <= DIALS_MAX
        if path.call.phase is Phase.DIALLING:
            assert [event.is_last or event.connected for event in _of(DialEnded, decision)] == [False]
            assert isinstance(answer, DialPerson)
            assert answer.target.contact_id not in path.rung
    if isinstance(answer, DialPerson):
        assert desk.may_dial or not served
        assert answer.target in (FRONT, MANAGER, OFF_DUTY)
        assert answer.target.phone not in (desk.caller, desk.branch_phone)
    if isinstance(answer, DialPerson | JoinRoom):
        assert path.call.phase not in (Phase.CLOSING, Phase.ENDED)
        assert callback.edge is not Edge.COMPLETED or path.call.phase is Phase.NEW
        assert decision.call.phase is Phase.DIALLING
        if not served:  # the same Dial, to a surer request or to the one that it answered
            assert before is not None
            assert decision.call.dial is not None
            assert answer.attempt == before.attempt
            is_repetition = (callback.channel, callback.edge) == (before.channel, before.edge)
            assert decision.call.dial.certainty > before.certainty or is_repetition


def _check_end(path: Path, callback: Callback, decision: Decision) -> None:
    if path.call.phase is Phase.ENDED:
        assert decision == Decision(Silent(), path.call)
    if callback.edge is Edge.COMPLETED and path.call.phase is not Phase.NEW:
        assert decision.call.phase is Phase.ENDED
        assert decision.answer == Silent()
        assert len(_of(HungUp, decision)) == (path.call.phase is not Phase.ENDED)


def _check_call_backs(path: Path, handoff: Handoff | None, decision: Decision) -> None:
    """For a caller who is being rung back already nobody is dialled any more."""
    if (
        handoff is not None
        and handoff.state is HandoffState.CALLBACK
        and path.call.phase
        in (
            Phase.OFFERED,
            Phase.STREAMING,
        )
    ):
        assert not _of(DialServed, decision)


def _check_nobody_is_stranded(path: Path, callback: Callback, decision: Decision) -> None:
    """A document that the carrier fetched by our Redirect always moves a live call on."""
    phase, answer = path.call.phase, decision.answer
    is_of_old_leg = callback.leg is not None and callback.leg < path.call.epoch
    moves_on = isinstance(answer, OfferStream | DialPerson | JoinRoom | Close)
    if callback.channel is Channel.NEXT and callback.edge is Edge.NEXT and not is_of_old_leg:
        if phase in (Phase.NEW, Phase.OFFERED, Phase.STREAMING, Phase.CLOSING):
            assert moves_on
        if phase is Phase.DIALLING and path.call.dial is not None and path.call.dial.certainty < 4:
            assert isinstance(answer, DialPerson | JoinRoom)
    if callback.edge is Edge.AFTER_DIAL and phase in (Phase.NEW, Phase.OFFERED, Phase.STREAMING, Phase.CLOSING):
        assert isinstance(answer, Close)
    if callback.edge is Edge.AFTER_DIAL and phase is Phase.DIALLING and path.call.dial is not None:
        is_stale = callback.attempt is not None and callback.attempt < path.call.dial.attempt
        assert is_stale or isinstance(answer, Close | DialPerson)
    if phase is Phase.NEW and callback.edge is Edge.RINGING and callback.channel is Channel.VOICE:
        assert moves_on
    if isinstance(answer, Close) and answer.phrase is Phrase.CLOSED:
        assert phase in (Phase.NEW, Phase.CLOSING)
