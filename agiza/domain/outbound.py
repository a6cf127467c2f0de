"""Call control for calls that we placed: to a person of the branch, or to a customer who was lost.

The carrier asks the URL that was given with the call when somebody picks up. Every such call is about one matter
(`Outbound`), whose owner is told how far it came; the same promises hold as for callers: nothing is dialled twice,
and nothing after the end. A request that says Ringing may already be the one whose answer is carried out, so it gets
the document, and whether somebody picked up is judged at the end.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from agiza.domain.call_answers import Decision, OutboundMoved, OutboundStep, Silent
from agiza.domain.call_dial import answer_of, dial_again, serve, was_connected
from agiza.domain.call_state import CallKind, CallState, Channel, Edge, Phase, Phrase
from agiza.domain.call_step import STAFF_TALK_SECONDS_MIN, Case, Step, row
from agiza.domain.handoff import may_dial
from agiza.domain.outbound_alarm import STAFF_ALARM_STEPS


def moved(case: Case, step: OutboundStep) -> tuple[OutboundMoved, ...]:
    """The event that tells the matter's owner."""
    outbound = case.desk.outbound
    return (OutboundMoved(outbound.outbound_id, step, case.callback.carrier_state),) if outbound else ()


# --- the customer who is rung back goes on with the agent ------------------------------------------------------------


def ring_back_moved(case: Case, decision: Decision) -> Decision:
    """The same decision as for a caller, told to the matter's owner as well."""
    if decision.call.phase not in (Phase.NEW, Phase.ENDED):
        call, told = _pick_up(case, decision.call)
        return replace(decision, call=call, events=(*decision.events, *told))
    if case.call.phase is Phase.NEW and decision.call.phase is Phase.ENDED:
        return replace(decision, events=(*decision.events, *moved(case, "unanswered")))
    return decision


def ring_back_ended(case: Case) -> tuple[OutboundMoved, ...]:
    """What the end of a ring-back says: reached, if the stream began."""
    if case.call.kind is not CallKind.RING_BACK:
        return ()
    was_reached = case.call.phase is not Phase.OFFERED or case.desk.token_used or case.call.epoch > 0
    return moved(case, "ended" if was_reached else "unanswered")


# --- people ----------------------------------------------------------------------------------------------------------


def _ignore(case: Case) -> Decision:
    return case.silent()


def _connect(case: Case) -> Decision:
    """Somebody picked up: connect them."""
    desk, outbound = case.desk, case.desk.outbound
    if case.callback.channel is not Channel.VOICE:
        return case.silent()
    call, told = _pick_up(case, case.call)
    case = replace(case, call=call)
    if outbound is None or not outbound.is_open:
        is_staff = case.call.kind is not CallKind.CUSTOMER_JOIN
        return case.close(Phrase.STAFF_SETTLED if is_staff else None, *told)
    customer = outbound.customer
    if outbound.room is not None:
        phrase = Phrase.CONNECTING if case.call.kind is CallKind.CUSTOMER_JOIN else Phrase.STAFF_CONNECTING
        served = serve(case, None, phrase, outbound.room)
    elif customer and desk.may_dial and may_dial(customer.phone, caller=None, branch_phone=desk.branch_phone):
        served = serve(case, customer, Phrase.STAFF_CONNECTING)
    else:
        return case.close(Phrase.STAFF_MISSED, *told, *moved(case, "missed"))
    return Decision(answer_of(served), replace(call, phase=Phase.DIALLING, dial=served), told)


def _connect_again(case: Case) -> Decision:
    """The document once more; a later request may be the first to say that somebody picked up."""
    decision = dial_again(case)
    call, told = _pick_up(case, decision.call)
    answer = answer_of(call.dial) if told and call.dial else decision.answer
    return Decision(answer, call, told)


def _pick_up(case: Case, call: CallState) -> tuple[CallState, tuple[OutboundMoved, ...]]:
    """The call with the first word that somebody picked up, if this request is that."""
    if call.picked_up or case.callback.edge is Edge.RINGING:
        return call, ()
    return replace(call, picked_up=True), moved(case, "answered")


def _after(case: Case) -> Decision:
    """The customer was rung, or the room was left."""
    connected = was_connected(case)
    return case.close(None if connected else Phrase.STAFF_MISSED, *moved(case, "connected" if connected else "missed"))


def _never(case: Case) -> Decision:
    return Decision(Silent(), replace(case.call, phase=Phase.ENDED), moved(case, "unanswered"))


def _over(case: Case) -> Decision:
    call, served = replace(case.call, phase=Phase.ENDED), case.call.dial
    if case.call.phase is not Phase.DIALLING or served is None:
        return Decision(Silent(), call)
    if not case.call.picked_up and not case.callback.duration_s:
        return Decision(Silent(), call, moved(case, "unanswered"))
    if served.room is not None:
        return Decision(Silent(), call, moved(case, "ended"))
    connected = case.callback.dial_connected
    if connected is None:
        # The Dial ends the document when it was answered, and comes back by its Redirect when it was not. Who hung up
        # while they were still told what it is about has connected nobody: the customer is owed another call.
        told_s = case.callback.duration_s
        lasted_s = (case.now - served.served_at).total_seconds() if told_s is None else told_s
        connected = lasted_s >= STAFF_TALK_SECONDS_MIN
    return Decision(Silent(), call, moved(case, "connected" if connected else "missed"))


def _close_again(case: Case) -> Decision:
    return case.close(case.call.farewell)


_STEPS: Mapping[tuple[Phase, Edge], Step] = MappingProxyType(
    row(
        Phase.NEW,
        ringing=_connect, answered=_connect, other=_connect, completed=_never, stream_started=_ignore,
        stream_ended=_ignore, next=_ignore, dial_ended=_ignore, after_dial=_ignore,
    )
    | row(
        Phase.DIALLING,
        ringing=_connect_again, answered=_connect_again, other=_ignore, completed=_over, stream_started=_ignore,
        stream_ended=_ignore, next=_ignore, dial_ended=_after, after_dial=_after,
    )
    | row(
        Phase.CLOSING,
        ringing=_close_again, answered=_ignore, other=_ignore, completed=_over, stream_started=_ignore,
        stream_ended=_ignore, next=_close_again, dial_ended=_close_again, after_dial=_close_again,
    )
    | {(phase, edge): _ignore for phase in (Phase.OFFERED, Phase.STREAMING, Phase.ENDED) for edge in Edge}
)  # fmt: skip

OUTBOUND_STEPS: Mapping[CallKind, Mapping[tuple[Phase, Edge], Step]] = MappingProxyType(
    dict.fromkeys((CallKind.STAFF_BRIDGE, CallKind.STAFF_JOIN, CallKind.CUSTOMER_JOIN), _STEPS)
    | {CallKind.STAFF_ALARM: STAFF_ALARM_STEPS}
)
"""Tables of the kinds of call that carry no Stream."""
