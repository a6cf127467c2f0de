"""The one decision for every request of the carrier.

    decide(call, handoff, callback, desk, now) -> Decision(answer, call, events)

Promises, for any requests in any order, repeated as often as the carrier likes:

- one Stream per leg, a new leg only when the one before was lost, and no Stream after a Dial, a goodbye or the end;
- a caller whose stream ended hears the agent again or a person's phone ring, unless the agent had said goodbye;
- one person is rung per attempt, the next one only when the carrier said that the one before was not reached: a Dial
  is served again only to a request that proves that its first answer was not carried out, or that repeats the first;
- nothing is dialled after the end, and nothing but a contact of the branch is ever dialled for a caller;
- who cannot be put through is told so, and promised a call where the branch can make one.

The carrier does not say which of its requests' answers it carries out. What is known: it runs a document that it
fetched by a Redirect, probably runs what the voice URL answers (or a separate events URL, where the stream's edges
then go), perhaps runs what the status URL answers. Calls that we placed ourselves are in `agiza.domain.outbound`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from agiza.domain.call_answers import Close, Decision, HungUp, OfferStream, Rejoined, Silent, Started
from agiza.domain.call_dial import dial, dial_again, end_of_dial, judge_dial
from agiza.domain.call_state import (
    Callback,
    CallKind,
    CallState,
    Channel,
    Desk,
    Edge,
    Handoff,
    Phase,
    Phrase,
)
from agiza.domain.call_step import LEGS_MAX, REPEAT_SECONDS, STALE_SECONDS, Case, Step, row
from agiza.domain.handoff import PENDING, HandoffState
from agiza.domain.outbound import OUTBOUND_STEPS, ring_back_ended, ring_back_moved


def decide(call: CallState, handoff: Handoff | None, callback: Callback, desk: Desk, now: datetime) -> Decision:
    """The answer to this request, the call after it, and what is to be told to others.

    A decision that leaves `call` in phase NEW says that the request is about no call of ours: remember nothing.
    """
    case = Case(call, handoff, callback, desk, now)
    if call.kind in OUTBOUND_STEPS:
        return OUTBOUND_STEPS[call.kind][call.phase, callback.edge](case)
    decision = STEPS[call.phase, callback.edge](case)
    return ring_back_moved(case, decision) if call.kind is CallKind.RING_BACK else decision


def awaits_reason(call: CallState, handoff: Handoff | None, callback: Callback, desk: Desk) -> bool:
    """Whether the stream ended and it is not settled yet what follows.

    The bridge reports and the carrier asks at the same moment over different ways: a short wait for the report is
    better than ringing the staff after a goodbye.
    """
    if call.kind not in (CallKind.INBOUND, CallKind.RING_BACK) or STEPS[call.phase, callback.edge] is not _leave:
        return False
    if handoff is not None and handoff.state in PENDING:
        # While a phone rings first, the agent goes on, so the end may be a goodbye. Where the agent did not wait, that
        # phone is being stopped: two must not ring for one caller.
        return handoff.ringing is not None and desk.outcome in (None, "handoff")
    return desk.outcome is None


# --- steps ---------------------------------------------------------------------------------------------------------


def _ignore(case: Case) -> Decision:
    return case.silent()


def _greet(case: Case) -> Decision:
    if case.callback.channel is not Channel.VOICE:
        return case.silent()  # no other URL's answer can start a call
    if not case.desk.is_open:
        return case.close(Phrase.CLOSED)
    if not case.desk.is_welcome:
        return case.close(Phrase.TOO_MANY_CALLS)
    if not case.desk.can_order:
        return dial(case, Phrase.CONNECTING_INSTEAD)
    call = replace(case.call, phase=Phase.OFFERED, offered_at=case.now)
    return Decision(OfferStream(call.epoch), call, (Started(),))


def _greet_if_live(case: Case) -> Decision:
    """A first request that says Completed: the carrier was seen to announce live calls so.

    Any other one ends a call that we never saw; it is remembered, lest its late first request be answered.
    """
    if case.callback.is_active is True and not case.callback.duration_s and case.call.kind is CallKind.INBOUND:
        return _greet(case)
    if case.callback.channel is Channel.EVENTS:
        return case.silent()
    return Decision(Silent(), replace(case.call, phase=Phase.ENDED))


def _offer_again(case: Case) -> Decision:
    if case.callback.channel is Channel.VOICE and case.offer_is_good():
        return Decision(OfferStream(case.call.epoch), case.call)
    return case.silent()


def _attach(case: Case) -> Decision:
    if case.is_of_older_leg():
        return case.silent()
    return Decision(Silent(), replace(case.call, phase=Phase.STREAMING))


def _rescue(case: Case) -> Decision:
    """A live caller of whom nothing is known: lost state must not cost them the call."""
    if case.callback.channel is Channel.EVENTS:
        return case.silent()
    return dial(case, Phrase.CONNECTING_INSTEAD)


def _leave(case: Case) -> Decision:
    """The stream has ended and the caller is still there."""
    handoff, desk = case.handoff, case.desk
    if case.call.epoch and (again := _about_the_leg_before(case)) is not None:
        return again
    if _is_better_watched(case):
        return case.silent()
    if desk.outcome in ("placed", "no_order"):
        return case.close(None)  # a goodbye, also where somebody was still being rung
    if handoff is not None and handoff.state in PENDING:
        return dial(case, Phrase.CONNECTING, handoff)
    if desk.outcome == "handoff":
        if handoff is not None and handoff.state is HandoffState.CALLBACK:
            return case.close(Phrase.CALLBACK_PROMISED)  # too late for a Dial: they are being rung back already
        return dial(case, Phrase.CONNECTING)
    if desk.can_order and desk.can_rejoin and case.call.epoch + 1 < LEGS_MAX:
        return _rejoin(case)
    return dial(case, Phrase.CONNECTING_INSTEAD)


def _is_better_watched(case: Case) -> bool:
    """Whether to wait for a surer request than this, because somebody acts when none comes.

    Nobody knows whether the answer to a status or an event is carried out. A Dial that is not would leave the caller in
    silence, and we would believe them with a person. Where we can end the call and ring back, escalation does so for
    every leg that was left and not asked about within seconds.
    """
    return case.callback.channel in (Channel.STATUS, Channel.EVENTS) and case.desk.is_watched


def _rejoin(case: Case) -> Decision:
    """The bridge was lost and not the caller: they go on where they were, with another one."""
    call = replace(case.call, phase=Phase.OFFERED, epoch=case.call.epoch + 1, offered_at=case.now)
    return Decision(OfferStream(call.epoch), call, (Rejoined(call.epoch),))


def _about_the_leg_before(case: Case) -> Decision | None:
    """The answer to a request that speaks once more of the leg whose loss was answered with the present one.

    Its first answer may not have been carried out, so the same offer is made until a bridge has taken it. Without
    a signed leg number the time tells: nothing of ours breaks that soon twice.
    """
    offered_at = case.call.offered_at
    age = case.now - offered_at if offered_at else timedelta.max
    if case.callback.leg is not None:
        is_old = case.is_of_older_leg()
    elif case.call.phase is Phase.OFFERED:
        is_old = age < timedelta(seconds=REPEAT_SECONDS) and not case.desk.token_used
    else:
        is_old = age < timedelta(seconds=STALE_SECONDS)
    if not is_old:
        return None
    if case.call.phase is Phase.OFFERED and case.offer_is_good():
        return Decision(OfferStream(case.call.epoch), case.call)
    return case.silent()


def _leave_if_asked(case: Case) -> Decision:
    """A request that says nothing of the stream may still take the caller to the person who was asked for."""
    may_be_run = case.callback.channel not in (Channel.STATUS, Channel.EVENTS)
    if may_be_run and case.handoff is not None and case.handoff.state in PENDING and not case.is_of_older_leg():
        return dial(case, Phrase.CONNECTING, case.handoff)
    return case.silent()


def _close_again(case: Case) -> Decision:
    return Decision(Close(case.call.farewell), case.call)


def _end(case: Case) -> Decision:
    call = replace(case.call, phase=Phase.ENDED)
    return Decision(Silent(), call, (*end_of_dial(case), *ring_back_ended(case), HungUp(case.callback.duration_s)))


# --- the table -----------------------------------------------------------------------------------------------------

STEPS: Mapping[tuple[Phase, Edge], Step] = MappingProxyType(
    row(
        Phase.NEW,
        ringing=_greet, answered=_greet, other=_greet, completed=_greet_if_live, stream_started=_ignore,
        stream_ended=_rescue, next=_rescue, dial_ended=_ignore, after_dial=judge_dial,
    )
    | row(
        Phase.OFFERED,
        ringing=_offer_again, answered=_leave_if_asked, other=_leave_if_asked, completed=_end, stream_started=_attach,
        stream_ended=_leave, next=_leave, dial_ended=_ignore, after_dial=judge_dial,
    )
    | row(
        Phase.STREAMING,
        ringing=_ignore, answered=_leave_if_asked, other=_leave_if_asked, completed=_end, stream_started=_ignore,
        stream_ended=_leave, next=_leave, dial_ended=_ignore, after_dial=judge_dial,
    )
    | row(
        Phase.DIALLING,
        ringing=dial_again, answered=_ignore, other=_ignore, completed=_end, stream_started=_ignore,
        stream_ended=dial_again, next=dial_again, dial_ended=judge_dial, after_dial=judge_dial,
    )
    | row(
        Phase.CLOSING,
        ringing=_close_again, answered=_ignore, other=_ignore, completed=_end, stream_started=_ignore,
        stream_ended=_close_again, next=_close_again, dial_ended=_close_again, after_dial=_close_again,
    )
    | {(Phase.ENDED, edge): _ignore for edge in Edge}
)  # fmt: skip
"""Every phase with every edge, for calls that carry a Stream; a missing pair would be a bug."""
