"""Ringing people for a caller: whom, when once more, whom next, and what when nobody answers."""

from dataclasses import replace
from datetime import timedelta

from agiza.domain.call_answers import (
    Answer,
    CallbackPromised,
    CallEvent,
    Decision,
    DialEnded,
    DialPerson,
    DialServed,
    JoinRoom,
)
from agiza.domain.call_state import Callback, Channel, DialTarget, Edge, Handoff, Phase, Phrase, ServedDial
from agiza.domain.call_step import DIALS_MAX, ECHO_SECONDS, RING_SECONDS, TALK_SECONDS_MIN, Case
from agiza.domain.handoff import may_dial

_RINGING_IS_OVER = timedelta(seconds=RING_SECONDS + 10)


def dial(case: Case, phrase: Phrase, handoff: Handoff | None = None, *before: CallEvent) -> Decision:
    """Bring the caller to a person: into the room of one who waits, or by ringing the next one who may be rung.

    `before` are events that come first. When there is nobody, the caller is told so.
    """
    handoff_id = handoff.handoff_id if handoff else None
    room = handoff.room if handoff and not _served(case) else None
    target = handoff.target if handoff and room else _next_target(case, handoff)
    if target is None and room is None:
        return give_up(case, Phrase.UNAVAILABLE, handoff_id, *before)
    served = serve(case, target, phrase, room, handoff_id)
    tried = tuple(dict.fromkeys((*case.call.tried, *_present(case))))
    call = replace(case.call, phase=Phase.DIALLING, dial=served, tried=tried)
    told = DialServed(target.contact_id if target else None, handoff_id, served.attempt)
    return Decision(answer_of(served), call, (*before, told))


def give_up(case: Case, phrase: Phrase, handoff_id: str | None, *before: CallEvent) -> Decision:
    """Nobody can be rung any more: promise a call where one can be made, else apologise."""
    if case.desk.can_call_back:
        return case.close(Phrase.CALLBACK_PROMISED, *before, CallbackPromised(handoff_id))
    return case.close(phrase, *before)


def dial_again(case: Case) -> Decision:
    """Serve the same Dial to a request that repeats the one it answered, or that is surer to be carried out."""
    served = case.call.dial
    if served is None:
        return case.silent()
    now_surer = certainty(case.callback)
    served = replace(served, again=True)
    if now_surer > served.certainty:
        served = replace(served, channel=case.callback.channel, edge=case.callback.edge, certainty=now_surer)
    elif not case.is_repeated():
        return case.silent()
    return Decision(answer_of(served), replace(case.call, dial=served))


def judge_dial(case: Case) -> Decision:
    """A Dial is over: hang up after a conversation, else ring the next person."""
    served, callback = case.call.dial, case.callback
    if served is not None and case.call.phase is Phase.DIALLING and _is_about_the_dial_before(case, served):
        return dial_again(case)
    connected = was_connected(case)
    handoff_id = served.handoff_id if served else None
    if connected:
        return case.close(None, DialEnded(handoff_id, True, callback.carrier_state))
    missed = DialEnded(handoff_id, False, callback.carrier_state)
    if served is None or case.call.phase is not Phase.DIALLING:
        return give_up(case, Phrase.NOBODY_ANSWERED, handoff_id, missed)
    if _next_target(case, case.handoff) is None:
        return give_up(case, Phrase.NOBODY_ANSWERED, handoff_id, missed)
    return _dial_next(case, replace(missed, is_last=False), served)


def was_connected(case: Case) -> bool:
    """Whether the people of this Dial talked, as far as the request tells."""
    served = case.call.dial
    if case.callback.dial_connected is not None:
        return case.callback.dial_connected
    # Nothing said: nobody rings longer than the Dial allows, so a later return means that they talked.
    return served is not None and (served.room is not None or case.now >= served.served_at + _RINGING_IS_OVER)


def end_of_dial(case: Case) -> tuple[CallEvent, ...]:
    """What the end of the call says about the Dial that it was in."""
    served = case.call.dial
    if case.call.phase is not Phase.DIALLING or served is None:
        return ()
    connected = case.callback.dial_connected
    if connected is None:
        # A Dial that fails comes back to us by its Redirect; one that was answered ends the document. So the
        # plain end of the call means that they talked, unless the caller gave up at once.
        connected = case.now >= served.served_at + timedelta(seconds=TALK_SECONDS_MIN)
    return (DialEnded(served.handoff_id, connected, case.callback.carrier_state),)


def serve(
    case: Case, target: DialTarget | None, phrase: Phrase, room: str | None = None, handoff_id: str | None = None
) -> ServedDial:
    """The Dial, or the way into a room, that answers this request."""
    return ServedDial(
        target=target,
        phrase=phrase,
        attempt=case.call.dial.attempt + 1 if case.call.dial else 1,
        handoff_id=handoff_id,
        served_at=case.now,
        channel=case.callback.channel,
        edge=case.callback.edge,
        certainty=certainty(case.callback),
        room=room,
    )


def answer_of(served: ServedDial) -> Answer:
    """The answer that carries this Dial out."""
    if served.room is not None:
        return JoinRoom(served.room, served.phrase, served.attempt)
    assert served.target is not None, "a Dial without a room rings somebody"
    return DialPerson(served.target, served.phrase, served.attempt)


def certainty(callback: Callback) -> int:
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


def _dial_next(case: Case, missed: DialEnded, served: ServedDial) -> Decision:
    handoff = case.handoff if case.handoff and case.handoff.handoff_id == served.handoff_id else None
    decision = dial(case, Phrase.TRYING_NEXT, handoff, missed)
    if handoff is None and served.handoff_id is not None and decision.call.dial is not None:
        return replace(
            decision, call=replace(decision.call, dial=replace(decision.call.dial, handoff_id=served.handoff_id))
        )
    return decision


def _is_about_the_dial_before(case: Case, served: ServedDial) -> bool:
    if case.callback.attempt is not None:
        return case.callback.attempt < served.attempt
    # It names no Dial. Once, so soon, it is the word about the one before again; a second time this one has ended, too.
    is_echo = case.now < served.served_at + timedelta(seconds=ECHO_SECONDS)
    return served.attempt > 1 and is_echo and not served.again and case.callback.dial_connected is not True


def _served(case: Case) -> bool:
    return case.call.dial is not None


def _present(case: Case) -> tuple[str, ...]:
    served = case.call.dial
    return (served.target.contact_id,) if served and served.target else ()


def _next_target(case: Case, handoff: Handoff | None) -> DialTarget | None:
    """The hand-off's person, then those on duty; for a caller who was not yet promised anybody, whoever there is."""
    desk = case.desk
    attempts = case.call.dial.attempt if case.call.dial else 0
    if not desk.may_dial or attempts >= DIALS_MAX:
        return None
    tried = {*case.call.tried, *_present(case)}
    chosen: tuple[DialTarget, ...] = (handoff.target,) if handoff and handoff.target else ()
    left = [
        target
        for target in (*chosen, *desk.contacts)
        if target.contact_id not in tried and may_dial(target.phone, caller=desk.caller, branch_phone=desk.branch_phone)
    ]
    busy = handoff.ringing if handoff else None
    on_duty = [target for target in left if target.on_duty]
    for target in on_duty:
        if target.contact_id != busy:
            return target
    if on_duty:
        return on_duty[0]
    return left[0] if left and not tried else None
