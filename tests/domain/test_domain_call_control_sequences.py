"""Every sequence of requests, to the depth where nothing new can happen, against the promises of call control."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product

from agiza.domain.call_answers import Close, DialEnded, DialPerson, DialServed, HungUp, OfferStream, Silent, Started
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
from agiza.domain.call_step import OFFER_SECONDS
from agiza.domain.handoff import HandoffState

EPOCH = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
FRONT = DialTarget("front", "+254700000001")
MANAGER = DialTarget("manager", "+254700000002")
DESK = Desk("+254709000002", "+254711000001", is_open=True, can_order=True, contacts=(FRONT, MANAGER))
SEQUENCE_LENGTH = 8

CALLBACKS = (
    *(Callback(edge, Channel.VOICE) for edge in Edge if edge not in (Edge.NEXT, Edge.AFTER_DIAL)),
    *(Callback(edge, Channel.NEXT) for edge in (Edge.NEXT, Edge.STREAM_ENDED, Edge.COMPLETED, Edge.DIAL_ENDED)),
    *(Callback(edge, Channel.AFTER_DIAL) for edge in (Edge.AFTER_DIAL, Edge.COMPLETED)),
    *(Callback(edge, Channel.STATUS) for edge in (Edge.STREAM_STARTED, Edge.STREAM_ENDED, Edge.OTHER)),
    *(Callback(edge, Channel.EVENTS) for edge in (Edge.RINGING, Edge.ANSWERED, Edge.STREAM_ENDED, Edge.COMPLETED)),
    Callback(Edge.COMPLETED, Channel.VOICE, is_active=True),
    Callback(Edge.DIAL_ENDED, Channel.VOICE, dial_connected=True),
    Callback(Edge.AFTER_DIAL, Channel.AFTER_DIAL, dial_connected=False, attempt=1),
)
REPORTS: tuple[tuple[Handoff | None, CallOutcome | None], ...] = (
    (None, None),
    (None, "placed"),
    (None, "handoff"),
    (Handoff("h1", HandoffState.REQUESTED, MANAGER), None),
    (Handoff("h1", HandoffState.LEAVING, DialTarget("rogue", "+254711000001")), "handoff"),  # the caller's own number
    (Handoff("h1", HandoffState.FAILED, None), None),
)
AGE_MAX = timedelta(seconds=OFFER_SECONDS + 1)
WAITS = (timedelta(0), AGE_MAX)  # at once, or later than every limit
DESKS = (DESK, replace(DESK, can_order=False), replace(DESK, is_open=False), replace(DESK, contacts=()))


@dataclass(frozen=True)
class Path:
    """A call after some requests, with what a watcher counted on the way."""

    call: CallState
    now: datetime
    offers: int = 0
    offer_over: bool = False
    dial: DialPerson | None = None
    hung_up: bool = False

    def essence(self) -> object:
        """Two paths with the same essence have the same futures: ages matter only up to the longest limit."""
        call = self.call
        served = call.dial and replace(call.dial, served_at=EPOCH)
        return (
            replace(call, offered_at=None, dial=served),
            call.offered_at and min(self.now - call.offered_at, AGE_MAX),
            call.dial and min(self.now - call.dial.served_at, AGE_MAX),
            self.offers > 0,
            self.offer_over,
            self.dial,
            self.hung_up,
        )


def test_table_knows_every_phase_with_every_edge() -> None:
    assert set(STEPS) == set(product(Phase, Edge))


def test_promises_hold_after_any_sequence_of_requests() -> None:
    for desk in DESKS:
        seen: set[object] = set()
        front = deque([Path(CallState(), EPOCH)])
        for _ in range(SEQUENCE_LENGTH):
            following: deque[Path] = deque()
            for path in front:
                for after in _futures(path, desk):
                    essence = after.essence()
                    if essence not in seen:
                        seen.add(essence)
                        following.append(after)
            front = following
        assert len(seen) > 10
        # Nothing new is left to reach: longer sequences pass through the same situations.
        assert not front


def _futures(path: Path, desk: Desk) -> list[Path]:
    situations = [(handoff, replace(desk, outcome=outcome)) for handoff, outcome in REPORTS]
    return [
        _watch(path, callback, handoff, around, path.now + wait)
        for callback, (handoff, around), wait in product(CALLBACKS, situations, WAITS)
    ]


def _watch(path: Path, callback: Callback, handoff: Handoff | None, desk: Desk, now: datetime) -> Path:
    decision = decide(path.call, handoff, callback, desk, now)
    answer, call = decision.answer, decision.call

    def where() -> str:
        return f"{path} + {callback} with {handoff} gave {decision}"

    assert call_from_json(call_to_json(call)) == call, where()

    # Told to others: each thing once.
    assert sum(isinstance(event, Started) for event in decision.events) <= (path.offers == 0), where()
    served = [event for event in decision.events if isinstance(event, DialServed)]
    assert len(served) <= (path.dial is None), where()
    assert not (path.hung_up and decision.events), where()
    ended = [event for event in decision.events if isinstance(event, DialEnded)]
    assert len(ended) <= 1, where()

    # Streams: the same offer again, before anything else happened, or none.
    if isinstance(answer, OfferStream):
        assert not path.offer_over, where()
        assert desk.is_open, where()
        assert desk.can_order, where()
        assert call.phase is Phase.OFFERED, where()
        assert callback.channel is Channel.VOICE, where()

    # Dials: only a contact, never the caller, never after the end, and always the same one.
    if isinstance(answer, DialPerson):
        assert answer.target in (FRONT, MANAGER), where()
        assert answer.target.phone not in (desk.caller, desk.branch_phone), where()
        assert path.call.phase not in (Phase.CLOSING, Phase.ENDED), where()
        assert callback.edge is not Edge.COMPLETED or path.call.phase is Phase.NEW, where()
        assert call.phase is Phase.DIALLING, where()
        assert path.dial in (None, answer), where()
        if path.call.dial is not None and call.dial is not None:
            before = path.call.dial
            is_repetition = (callback.channel, callback.edge) == (before.channel, before.edge)
            assert call.dial.certainty > before.certainty or is_repetition, where()

    # The end.
    if path.call.phase is Phase.ENDED:
        assert answer == Silent(), where()
        assert call == path.call, where()
        assert not decision.events, where()
    if callback.edge is Edge.COMPLETED and path.call.phase is not Phase.NEW:
        assert call.phase is Phase.ENDED, where()
        assert answer == Silent(), where()

    _nobody_is_stranded(path, callback, answer)
    return Path(
        call,
        now,
        path.offers + isinstance(answer, OfferStream),
        path.offer_over
        or isinstance(answer, DialPerson | Close)
        or call.phase is Phase.ENDED
        or (path.call.phase is Phase.OFFERED and callback.edge is Edge.STREAM_STARTED),
        answer if isinstance(answer, DialPerson) else path.dial,
        path.hung_up or any(isinstance(event, HungUp) for event in decision.events),
    )


def _nobody_is_stranded(path: Path, callback: Callback, answer: object) -> None:
    """A document that the carrier fetched by our Redirect always moves a live call on."""
    phase = path.call.phase
    if callback.channel is Channel.NEXT and callback.edge is Edge.NEXT:
        if phase in (Phase.NEW, Phase.OFFERED, Phase.STREAMING, Phase.CLOSING):
            assert isinstance(answer, DialPerson | Close), f"{path} + {callback} gave {answer}"
        if phase is Phase.DIALLING and path.call.dial is not None and path.call.dial.certainty < 4:
            assert isinstance(answer, DialPerson), f"{path} + {callback} gave {answer}"
    if callback.edge is Edge.AFTER_DIAL and phase is not Phase.ENDED:
        assert isinstance(answer, Close), f"{path} + {callback} gave {answer}"
    if phase is Phase.NEW and callback.edge is Edge.RINGING and callback.channel is Channel.VOICE:
        assert not isinstance(answer, Silent), f"{path} + {callback} gave {answer}"
    if isinstance(answer, Close) and answer.phrase is Phrase.CLOSED:
        assert phase in (Phase.NEW, Phase.CLOSING), f"{path} + {callback} gave {answer}"
