"""The one decision for every request of the carrier.

    decide(call, handoff, callback, desk, now) -> Decision(answer, call, events)

Promises, for any requests in any order, repeated as often as the carrier likes:

- one Stream per call, and no Stream after a Dial, a goodbye or the end;
- a caller whose stream ended hears a person's phone ring, unless the agent had said goodbye;
- one person is rung per attempt: the Dial is served again only to a request that proves that its first answer was
  not carried out, or that repeats the first request;
- nothing is dialled after the end, and nothing but a contact of the branch is ever dialled.

The carrier does not say which of its requests' answers it carries out. What is known: it runs a document that it
fetched by a Redirect, probably runs what the voice URL answers (or a separate events URL, where the stream's edges
then go), perhaps runs what the status URL answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from agiza.domain.call_state import (
    Callback,
    CallEvent,
    CallState,
    Channel,
    Close,
    Decision,
    Desk,
    DialEnded,
    DialPerson,
    DialServed,
    DialTarget,
    Edge,
    Handoff,
    HungUp,
    OfferStream,
    Phase,
    Phrase,
    ServedDial,
    Silent,
    Started,
)
from agiza.domain.handoff import PENDING, may_dial

OFFER_SECONDS = 60
"""As long as the media token in the Stream's URL is good."""
RING_SECONDS = 25
"""How long a contact's phone rings; it stands in the Dial."""
REPEAT_SECONDS = 10
"""A request that comes again within this time is a repetition and gets its answer again."""
TALK_SECONDS_MIN = 3
"""A call that the carrier reports as over sooner than this after the Dial was given up, not answered."""
_RINGING_IS_OVER = timedelta(seconds=RING_SECONDS + 10)


@dataclass(frozen=True, slots=True)
class _Case:
    call: CallState
    handoff: Handoff | None
    callback: Callback
    desk: Desk
    now: datetime

    def silent(self) -> Decision:
        return Decision(Silent(), self.call)


def decide(call: CallState, handoff: Handoff | None, callback: Callback, desk: Desk, now: datetime) -> Decision:
    """The answer to this request, the call after it, and what is to be told to others.

    A decision that leaves `call` in phase NEW says that the request is about no call of ours: remember nothing.
    """
    return STEPS[call.phase, callback.edge](_Case(call, handoff, callback, desk, now))


def awaits_reason(call: CallState, handoff: Handoff | None, callback: Callback, desk: Desk) -> bool:
    """Whether the stream ended and nobody has said why yet.

    The bridge reports and the carrier asks at the same moment over different ways: a short wait for the report is
    better than ringing the staff after a goodbye.
    """
    return (
        STEPS[call.phase, callback.edge] is _leave
        and desk.outcome is None
        and not (handoff is not None and handoff.state in PENDING)
    )


# --- steps ---------------------------------------------------------------------------------------------------------


def _ignore(case: _Case) -> Decision:
    return case.silent()


def _greet(case: _Case) -> Decision:
    if case.callback.channel is not Channel.VOICE:
        return case.silent()  # no other URL's answer can start a call
    if not case.desk.is_open:
        return _close(case, Phrase.CLOSED)
    if not case.desk.can_order:
        return _dial(case, Phrase.CONNECTING_INSTEAD)
    call = replace(case.call, phase=Phase.OFFERED, offered_at=case.now)
    return Decision(OfferStream(call.epoch), call, (Started(),))


def _greet_if_live(case: _Case) -> Decision:
    """A first request that says Completed: the carrier was seen to announce live calls so.

    Any other one ends a call that we never saw; it is remembered, lest its late first request be answered.
    """
    if case.callback.is_active is True and not case.callback.duration_s:
        return _greet(case)
    if case.callback.channel is Channel.EVENTS:
        return case.silent()
    return Decision(Silent(), replace(case.call, phase=Phase.ENDED))


def _offer_again(case: _Case) -> Decision:
    offered_at = case.call.offered_at
    is_good = offered_at is not None and case.now < offered_at + timedelta(seconds=OFFER_SECONDS)
    if case.callback.channel is Channel.VOICE and is_good and not case.desk.token_used:
        return Decision(OfferStream(case.call.epoch), case.call)
    return case.silent()


def _attach(case: _Case) -> Decision:
    return Decision(Silent(), replace(case.call, phase=Phase.STREAMING))


def _rescue(case: _Case) -> Decision:
    """A live caller of whom nothing is known: lost state must not cost them the call."""
    if case.callback.channel is Channel.EVENTS:
        return case.silent()
    return _dial(case, Phrase.CONNECTING_INSTEAD)


def _leave(case: _Case) -> Decision:
    """The stream has ended and the caller is still there."""
    handoff, desk = case.handoff, case.desk
    if handoff is not None and handoff.state in PENDING:
        return _dial(case, Phrase.CONNECTING, handoff)
    if desk.outcome in ("placed", "no_order"):
        return _close(case, None)
    return _dial(case, Phrase.CONNECTING if desk.outcome == "handoff" else Phrase.CONNECTING_INSTEAD)


def _leave_if_asked(case: _Case) -> Decision:
    """A request that says nothing of the stream may still take the caller to the person who was asked for."""
    may_be_run = case.callback.channel not in (Channel.STATUS, Channel.EVENTS)
    if may_be_run and case.handoff is not None and case.handoff.state in PENDING:
        return _leave(case)
    return case.silent()


def _dial_again(case: _Case) -> Decision:
    dial, callback = case.call.dial, case.callback
    if dial is None:
        return case.silent()
    is_surer = _certainty(callback) > dial.certainty
    is_repeated = (callback.channel, callback.edge) == (
        dial.channel,
        dial.edge,
    ) and case.now < dial.served_at + timedelta(seconds=REPEAT_SECONDS)
    if not (is_surer or is_repeated):
        return case.silent()
    if is_surer:
        dial = replace(dial, channel=callback.channel, edge=callback.edge, certainty=_certainty(callback))
    return Decision(DialPerson(dial.target, dial.phrase, dial.attempt), replace(case.call, dial=dial))


def _judge_dial(case: _Case) -> Decision:
    dial, callback = case.call.dial, case.callback
    if dial is not None and callback.attempt is not None and callback.attempt < dial.attempt:
        return case.silent()  # about a Dial before the present one
    connected = callback.dial_connected
    if connected is None:
        # Nothing said: nobody rings longer than the Dial allows, so a later return means that they talked.
        connected = dial is not None and case.now >= dial.served_at + _RINGING_IS_OVER
    ended = DialEnded(dial.handoff_id if dial else None, connected, callback.carrier_state)
    return _close(case, None if connected else Phrase.NOBODY_ANSWERED, (ended,))


def _close_again(case: _Case) -> Decision:
    return Decision(Close(case.call.farewell), case.call)


def _end(case: _Case) -> Decision:
    events: tuple[CallEvent, ...] = (HungUp(case.callback.duration_s),)
    dial = case.call.dial
    if case.call.phase is Phase.DIALLING and dial is not None:
        connected = case.callback.dial_connected
        if connected is None:
            # A Dial that fails comes back to us by its Redirect; one that was answered ends the document. So the
            # plain end of the call means that they talked, unless the caller gave up at once.
            connected = case.now >= dial.served_at + timedelta(seconds=TALK_SECONDS_MIN)
        events = (DialEnded(dial.handoff_id, connected, case.callback.carrier_state), *events)
    return Decision(Silent(), replace(case.call, phase=Phase.ENDED), events)


# --- the table -----------------------------------------------------------------------------------------------------

_Step = Callable[[_Case], Decision]


def _row(phase: Phase, **steps: _Step) -> dict[tuple[Phase, Edge], _Step]:
    return {(phase, Edge(name)): step for name, step in steps.items()}


STEPS: Mapping[tuple[Phase, Edge], _Step] = MappingProxyType(
    _row(
        Phase.NEW,
        ringing=_greet, answered=_greet, other=_greet, completed=_greet_if_live, stream_started=_ignore,
        stream_ended=_rescue, next=_rescue, dial_ended=_ignore, after_dial=_judge_dial,
    )
    | _row(
        Phase.OFFERED,
        ringing=_offer_again, answered=_leave_if_asked, other=_leave_if_asked, completed=_end, stream_started=_attach,
        stream_ended=_leave, next=_leave, dial_ended=_ignore, after_dial=_judge_dial,
    )
    | _row(
        Phase.STREAMING,
        ringing=_ignore, answered=_leave_if_asked, other=_leave_if_asked, completed=_end, stream_started=_ignore,
        stream_ended=_leave, next=_leave, dial_ended=_ignore, after_dial=_judge_dial,
    )
    | _row(
        Phase.DIALLING,
        ringing=_dial_again, answered=_ignore, other=_ignore, completed=_end, stream_started=_ignore,
        stream_ended=_dial_again, next=_dial_again, dial_ended=_judge_dial, after_dial=_judge_dial,
    )
    | _row(
        Phase.CLOSING,
        ringing=_close_again, answered=_ignore, other=_ignore, completed=_end, stream_started=_ignore,
        stream_ended=_close_again, next=_close_again, dial_ended=_close_again, after_dial=_close_again,
    )
    | {(Phase.ENDED, edge): _ignore for edge in Edge}
)  # fmt: skip
"""Every phase with every edge; a missing pair would be a bug."""


# --- parts of steps ------------------------------------------------------------------------------------------------


def _dial(case: _Case, phrase: Phrase, handoff: Handoff | None = None) -> Decision:
    """Ring the hand-off's person, else the branch's first; apologise when there is nobody who may be rung."""
    chosen = (handoff.target,) if handoff and handoff.target else ()
    target = _first_dialable((*chosen, *case.desk.contacts), case.desk)
    if target is None:
        return _close(case, Phrase.UNAVAILABLE)
    dial = ServedDial(
        target=target,
        phrase=phrase,
        attempt=case.call.dial.attempt + 1 if case.call.dial else 1,
        handoff_id=handoff.handoff_id if handoff else None,
        served_at=case.now,
        channel=case.callback.channel,
        edge=case.callback.edge,
        certainty=_certainty(case.callback),
    )
    call = replace(case.call, phase=Phase.DIALLING, dial=dial)
    served = DialServed(target.contact_id, dial.handoff_id, dial.attempt)
    return Decision(DialPerson(target, phrase, dial.attempt), call, (served,))


def _close(case: _Case, phrase: Phrase | None, events: tuple[CallEvent, ...] = ()) -> Decision:
    return Decision(Close(phrase), replace(case.call, phase=Phase.CLOSING, farewell=phrase), events)


def _first_dialable(targets: tuple[DialTarget, ...], desk: Desk) -> DialTarget | None:
    return next(
        (target for target in targets if may_dial(target.phone, caller=desk.caller, branch_phone=desk.branch_phone)),
        None,
    )


def _certainty(callback: Callback) -> int:
    """How surely the answer to this request is carried out: 4 is certain, 1 is a guess."""
    asks_for_verbs = (Edge.NEXT, Edge.AFTER_DIAL)
    tells_an_edge = (Edge.RINGING, Edge.STREAM_ENDED)
    match callback.channel:
        case Channel.NEXT | Channel.AFTER_DIAL if callback.edge in asks_for_verbs:
            return 4
        case Channel.VOICE | Channel.NEXT | Channel.AFTER_DIAL if callback.edge in tells_an_edge:
            return 3
        case Channel.EVENTS if callback.edge in tells_an_edge:
            return 2  # a separate events URL takes the edges away from the voice URL
        case _:
            return 1
