"""Call control by example: given a call, when the carrier asks, then this answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agiza.domain.call_answers import (
    Answer,
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
from agiza.domain.call_control import awaits_reason, decide
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
from agiza.domain.call_step import OFFER_SECONDS, REPEAT_SECONDS, RING_SECONDS
from agiza.domain.handoff import HandoffState

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
FRONT = DialTarget("front", "+254700000001")
MANAGER = DialTarget("manager", "+254700000002")
DESK = Desk("+254709000002", "+254711000001", is_open=True, can_order=True, contacts=(FRONT, MANAGER))
ASKED = Handoff("h1", HandoffState.REQUESTED, MANAGER)

RING = Callback(Edge.RINGING, Channel.VOICE)
STARTED = Callback(Edge.STREAM_STARTED, Channel.VOICE)
STOPPED = Callback(Edge.STREAM_ENDED, Channel.VOICE, "StreamStopped")
STATUS_STOPPED = Callback(Edge.STREAM_ENDED, Channel.STATUS, "stream-stopped")
NEXT = Callback(Edge.NEXT, Channel.NEXT)
BACK = Callback(Edge.AFTER_DIAL, Channel.AFTER_DIAL, attempt=1)
BACK_2 = replace(BACK, attempt=2)
OVER = Callback(Edge.COMPLETED, Channel.VOICE, "Completed", is_active=False, duration_s=87)


class Line:
    """One call, played request by request."""

    def __init__(self, desk: Desk = DESK) -> None:
        self.desk, self.handoff, self.now = desk, None, NOW
        self.call = CallState()
        self.last = Decision(Silent(), self.call)

    handoff: Handoff | None

    def hears(self, *callbacks: Callback, after_s: float = 0) -> Line:
        self.now += timedelta(seconds=after_s)
        for callback in callbacks:
            self.last = decide(self.call, self.handoff, callback, self.desk, self.now)
            self.call = self.last.call
        return self

    def reported(self, outcome: CallOutcome) -> Line:
        self.desk = replace(self.desk, outcome=outcome)
        return self

    def asked(self, handoff: Handoff = ASKED) -> Line:
        self.handoff = handoff
        return self

    @property
    def answer(self) -> Answer:
        return self.last.answer


def test_first_ring_is_offered_a_stream() -> None:
    line = Line().hears(RING)
    assert line.answer == OfferStream(0)
    assert line.last.events == (Started(),)


def test_repeated_ring_gets_the_same_offer_while_its_token_is_good() -> None:
    line = Line().hears(RING, RING)
    assert line.answer == OfferStream(0)
    assert line.last.events == ()
    assert line.hears(RING, after_s=OFFER_SECONDS).answer == Silent()


def test_ring_after_the_socket_was_opened_does_not_fork_again() -> None:
    assert Line().hears(RING, STARTED, RING).answer == Silent()
    line = Line().hears(RING)
    line.desk = replace(DESK, token_used=True)
    assert line.hears(RING).answer == Silent()


@pytest.mark.parametrize("edge", [Edge.ANSWERED, Edge.OTHER])
def test_call_whose_first_request_is_not_called_ringing_is_taken_all_the_same(edge: Edge) -> None:
    assert Line().hears(Callback(edge, Channel.VOICE)).answer == OfferStream(0)


def test_closed_branch_says_so_and_hangs_up() -> None:
    line = Line(replace(DESK, is_open=False)).hears(RING)
    assert line.answer == Close(Phrase.CLOSED)
    assert line.hears(RING).answer == Close(Phrase.CLOSED)
    assert line.hears(OVER).last.events == (HungUp(87),)


def test_branch_that_cannot_order_is_rung_instead() -> None:
    line = Line(replace(DESK, can_order=False)).hears(RING)
    assert line.answer == DialPerson(FRONT, Phrase.CONNECTING_INSTEAD, 1)
    assert line.last.events == (DialServed("front", None, 1),)


@pytest.mark.parametrize("end", [STOPPED, NEXT, STATUS_STOPPED])
def test_stream_end_after_escalation_rings_the_chosen_person(end: Callback) -> None:
    line = Line().hears(RING, STARTED).asked().hears(end)
    assert line.answer == DialPerson(MANAGER, Phrase.CONNECTING, 1)
    assert line.last.events == (DialServed("manager", "h1", 1),)


def test_stream_end_without_a_word_rings_the_first_contact() -> None:
    line = Line().hears(RING, STARTED, STOPPED)
    assert line.answer == DialPerson(FRONT, Phrase.CONNECTING_INSTEAD, 1)


@pytest.mark.parametrize("outcome", ["placed", "no_order"])
def test_stream_end_after_goodbye_hangs_up(outcome: CallOutcome) -> None:
    assert Line().hears(RING, STARTED).reported(outcome).hears(NEXT).answer == Close(None)


@pytest.mark.parametrize("outcome", ["dropped", "handoff"])
def test_stream_end_without_goodbye_rings_somebody(outcome: CallOutcome) -> None:
    answer = Line().hears(RING, STARTED).reported(outcome).hears(NEXT).answer
    assert isinstance(answer, DialPerson)
    assert answer.target == FRONT


def test_escalation_wins_over_the_report_that_the_leg_was_lost() -> None:
    line = Line().hears(RING, STARTED).asked().reported("dropped").hears(STOPPED)
    assert line.answer == DialPerson(MANAGER, Phrase.CONNECTING, 1)


def test_nobody_on_duty_still_rings_somebody_when_the_leg_breaks() -> None:
    line = Line().hears(RING, STARTED).asked(Handoff("h1", HandoffState.FAILED, None)).hears(STOPPED)
    assert line.answer == DialPerson(FRONT, Phrase.CONNECTING_INSTEAD, 1)


def test_status_answer_that_was_not_run_does_not_strand_the_caller() -> None:
    line = Line().hears(RING, STARTED).asked().hears(STATUS_STOPPED, STATUS_STOPPED, NEXT)
    assert line.answer == DialPerson(MANAGER, Phrase.CONNECTING, 1)
    assert line.last.events == ()


def test_events_url_that_has_taken_the_edges_is_answered_after_the_status_url() -> None:
    told = Callback(Edge.STREAM_ENDED, Channel.EVENTS, "StreamStopped")
    line = Line().hears(RING, STARTED).asked().hears(STATUS_STOPPED, told)
    assert line.answer == DialPerson(MANAGER, Phrase.CONNECTING, 1)
    assert line.hears(STATUS_STOPPED).answer == Silent()


EVENT_STOPPED = Callback(Edge.STREAM_ENDED, Channel.EVENTS, "StreamStopped")


@pytest.mark.parametrize("told", [STATUS_STOPPED, EVENT_STOPPED])
def test_where_calls_can_be_placed_a_dial_waits_for_a_request_that_is_carried_out(told: Callback) -> None:
    line = Line(replace(DESK, is_watched=True)).hears(RING, STARTED).asked().hears(told)
    # A silent carrier says no more than this: nothing may look as if a person were on the line.
    assert (line.answer, line.call.phase, line.last.events) == (Silent(), Phase.STREAMING, ())
    assert line.hears(NEXT).answer == DialPerson(MANAGER, Phrase.CONNECTING, 1)


@pytest.mark.parametrize("outcome", ["placed", "no_order"])
def test_where_calls_can_be_ended_a_goodbye_waits_for_such_a_request_too(outcome: CallOutcome) -> None:
    line = Line(replace(DESK, is_watched=True)).hears(RING, STARTED).reported(outcome).hears(STATUS_STOPPED)
    assert (line.answer, line.call.phase) == (Silent(), Phase.STREAMING)
    assert line.hears(STOPPED).answer == Close(None)


@pytest.mark.parametrize("outcome", [None, "handoff", "dropped"])
def test_every_leg_is_watched_where_calls_can_be_placed(outcome: CallOutcome | None) -> None:
    line = Line(replace(DESK, is_watched=True, outcome=outcome)).hears(RING, STARTED).hears(STATUS_STOPPED)
    assert (line.answer, line.call.phase) == (Silent(), Phase.STREAMING)
    alone = Line(replace(DESK, outcome=outcome)).hears(RING, STARTED).hears(STATUS_STOPPED)
    assert alone.answer != Silent(), "where nobody watches, even a guess is better"


def test_goodbye_while_somebody_is_still_being_rung_is_a_goodbye() -> None:
    line = Line().hears(RING, STARTED).asked(replace(ASKED, ringing="manager"))
    assert awaits_reason(line.call, line.handoff, STOPPED, line.desk), "it may be one: the bridge's word is waited for"
    assert line.reported("no_order").hears(STOPPED).answer == Close(None)
    left = Line().hears(RING, STARTED).asked(replace(ASKED, ringing="manager")).reported("handoff").hears(STOPPED)
    assert isinstance(left.answer, DialPerson)
    assert not awaits_reason(left.call, ASKED, STOPPED, Line().desk)


def test_phone_that_rings_first_is_stopped_before_another_one_rings() -> None:
    ringing = replace(ASKED, ringing="manager")
    line = Line().hears(RING, STARTED).asked(ringing).reported("handoff")
    assert awaits_reason(line.call, ringing, STOPPED, line.desk)
    assert not awaits_reason(line.call, ASKED, STOPPED, line.desk)
    assert not awaits_reason(line.call, ringing, STOPPED, replace(line.desk, outcome="dropped"))


def test_status_after_the_voice_url_does_not_ring_twice() -> None:
    assert Line().hears(RING, STARTED).asked().hears(STOPPED, STATUS_STOPPED).answer == Silent()


def test_repeated_request_gets_the_same_dial_only_for_a_while() -> None:
    line = Line().hears(RING, STARTED).asked().hears(NEXT, NEXT)
    assert line.answer == DialPerson(MANAGER, Phrase.CONNECTING, 1)
    assert line.hears(NEXT, after_s=REPEAT_SECONDS).answer == Silent()


def test_unknown_word_of_the_carrier_moves_a_waiting_caller_on() -> None:
    odd = Callback(Edge.OTHER, Channel.VOICE, "ForkGone")
    assert Line().hears(RING, STARTED, odd).answer == Silent()
    line = Line().hears(RING, STARTED).asked().hears(odd)
    assert isinstance(line.answer, DialPerson)
    assert isinstance(line.hears(NEXT).answer, DialPerson)


def test_caller_is_never_rung_on_their_own_number() -> None:
    own = DialTarget("front", "+254711000001")
    line = Line(replace(DESK, contacts=(own, MANAGER))).hears(RING, STARTED, STOPPED)
    assert line.answer == DialPerson(MANAGER, Phrase.CONNECTING_INSTEAD, 1)


@pytest.mark.parametrize("phone", ["+254711000001", "+254709000002", "+447700900001", "+254900123456", "0700000001"])
def test_number_that_may_not_be_rung_ends_in_an_apology(phone: str) -> None:
    line = Line(replace(DESK, contacts=(DialTarget("front", phone),))).hears(RING, STARTED, STOPPED)
    assert line.answer == Close(Phrase.UNAVAILABLE)


def test_next_person_is_rung_after_one_who_did_not_answer_then_the_caller_is_told() -> None:
    line = Line().hears(RING, STARTED).asked().hears(STOPPED).hears(BACK, after_s=RING_SECONDS)
    assert line.answer == DialPerson(FRONT, Phrase.TRYING_NEXT, 2)
    assert line.last.events == (DialEnded("h1", False, "", is_last=False), DialServed("front", "h1", 2))
    line.hears(BACK_2, after_s=RING_SECONDS)
    assert line.answer == Close(Phrase.NOBODY_ANSWERED)
    assert line.last.events == (DialEnded("h1", False, ""),)
    assert line.hears(BACK_2).answer == Close(Phrase.NOBODY_ANSWERED)


def test_call_back_is_promised_where_it_can_be_kept() -> None:
    line = Line(replace(DESK, contacts=(FRONT,), can_call_back=True)).hears(RING, STARTED, STOPPED)
    line.hears(BACK, after_s=RING_SECONDS)
    assert line.answer == Close(Phrase.CALLBACK_PROMISED)
    assert line.last.events == (DialEnded(None, False, ""), CallbackPromised(None))
    assert line.hears(OVER).last.events == (HungUp(87),)


def test_nobody_off_duty_is_rung_after_somebody_on_duty() -> None:
    line = Line(replace(DESK, contacts=(FRONT, replace(MANAGER, on_duty=False)))).hears(RING, STARTED, STOPPED)
    assert line.hears(BACK, after_s=RING_SECONDS).answer == Close(Phrase.NOBODY_ANSWERED)
    line = Line(replace(DESK, contacts=(replace(MANAGER, on_duty=False),))).hears(RING, STARTED, STOPPED)
    assert line.answer == DialPerson(replace(MANAGER, on_duty=False), Phrase.CONNECTING_INSTEAD, 1)


def test_dialling_switched_off_rings_nobody() -> None:
    line = Line(replace(DESK, may_dial=False)).hears(RING, STARTED).asked().hears(NEXT)
    assert line.answer == Close(Phrase.UNAVAILABLE)


def test_number_that_calls_without_end_is_told_so() -> None:
    assert Line(replace(DESK, is_welcome=False)).hears(RING).answer == Close(Phrase.TOO_MANY_CALLS)


@pytest.mark.parametrize("end", [STOPPED, NEXT])
def test_lost_bridge_is_replaced_by_another_leg_twice_then_by_a_person(end: Callback) -> None:
    line = Line(replace(DESK, can_rejoin=True)).hears(RING, STARTED).hears(end, after_s=20)
    assert line.answer == OfferStream(1)
    assert line.last.events == (Rejoined(1),)
    line.hears(STARTED).hears(replace(end, leg=1 if end is NEXT else None), after_s=20)
    assert line.answer == OfferStream(2)
    line.hears(STARTED).hears(replace(end, leg=2 if end is NEXT else None), after_s=20)
    assert line.answer == DialPerson(FRONT, Phrase.CONNECTING_INSTEAD, 1)


def test_second_word_about_a_lost_leg_gets_the_same_offer_until_a_bridge_has_taken_it() -> None:
    line = Line(replace(DESK, can_rejoin=True)).hears(RING, STARTED, STATUS_STOPPED)
    assert line.answer == OfferStream(1)
    for again in (replace(STATUS_STOPPED, leg=0), replace(NEXT, leg=0), STOPPED):
        assert line.hears(again).last == Decision(OfferStream(1), line.call)
    line.desk = replace(line.desk, token_used=True)
    assert line.hears(replace(NEXT, leg=0)).answer == Silent()
    assert line.hears(STARTED, STOPPED).answer == Silent()  # so soon it is still about the first leg
    assert line.hears(STOPPED, after_s=30).answer == OfferStream(2)


def test_late_start_of_an_older_leg_does_not_count_for_the_new_one() -> None:
    line = Line(replace(DESK, can_rejoin=True)).hears(RING, STARTED, STOPPED, replace(STARTED, leg=0))
    assert line.call.phase is Phase.OFFERED


def test_person_who_waits_in_a_room_is_joined_there() -> None:
    waiting = replace(ASKED, state=HandoffState.LEAVING, room="room-h1")
    line = Line().hears(RING, STARTED).asked(waiting).hears(NEXT)
    assert line.answer == JoinRoom("room-h1", Phrase.CONNECTING, 1)
    assert line.last.events == (DialServed("manager", "h1", 1),)
    assert line.hears(BACK, after_s=5).last.events == (DialEnded("h1", True, ""),)


def test_phone_that_rings_already_is_not_dialled_while_another_can_be() -> None:
    line = Line().hears(RING, STARTED).asked(replace(ASKED, ringing="manager")).hears(NEXT)
    assert line.answer == DialPerson(FRONT, Phrase.CONNECTING, 1)
    alone = Line(replace(DESK, contacts=(MANAGER,))).hears(RING, STARTED)
    assert alone.asked(replace(ASKED, ringing="manager")).hears(NEXT).answer == DialPerson(
        MANAGER, Phrase.CONNECTING, 1
    )


def test_return_after_a_long_talk_hangs_up_without_apology() -> None:
    line = Line().hears(RING, STARTED).asked().hears(STOPPED).hears(BACK, after_s=RING_SECONDS + 60)
    assert line.answer == Close(None)
    assert line.last.events == (DialEnded("h1", True, ""),)


@pytest.mark.parametrize("connected", [True, False])
def test_carriers_word_about_the_dial_is_taken(connected: bool) -> None:
    back = Callback(Edge.DIAL_ENDED, Channel.VOICE, "DialCompleted", dial_connected=connected)
    line = Line().hears(RING, STARTED).asked().hears(STOPPED, back)
    assert line.answer == (Close(None) if connected else DialPerson(FRONT, Phrase.TRYING_NEXT, 2))
    assert line.last.events[0] == DialEnded("h1", connected, "DialCompleted", is_last=connected)
    assert line.hears(BACK).last.events == ()  # the Redirect behind the same Dial
    assert line.answer == (Close(None) if connected else DialPerson(FRONT, Phrase.TRYING_NEXT, 2))


def test_late_word_about_an_earlier_dial_does_not_end_the_present_one() -> None:
    line = Line().hears(RING, STARTED).asked().hears(STOPPED).hears(BACK, after_s=RING_SECONDS)
    served = line.answer
    missed = Callback(Edge.DIAL_ENDED, Channel.VOICE, "no-answer", dial_connected=False)
    assert line.hears(missed).answer == Silent()
    assert line.hears(BACK).answer == served
    assert line.hears(BACK, after_s=REPEAT_SECONDS).answer == Silent()
    assert line.call.phase is Phase.DIALLING


def test_end_of_the_call_is_told_once_and_nothing_is_dialled_after() -> None:
    line = Line().hears(RING, STARTED).asked().hears(OVER)
    assert line.answer == Silent()
    assert line.last.events == (HungUp(87),)
    for late in (OVER, NEXT, STOPPED, RING, BACK):
        assert line.hears(late).last == Decision(Silent(), line.call)


@pytest.mark.parametrize(("after_s", "talked"), [(1, False), (20, True)])
def test_call_that_ends_after_a_dial_counts_as_talk_unless_given_up_at_once(after_s: int, talked: bool) -> None:
    line = Line().hears(RING, STARTED).asked().hears(STOPPED).hears(OVER, after_s=after_s)
    assert line.last.events == (DialEnded("h1", talked, "Completed"), HungUp(87))


@pytest.mark.parametrize(
    ("is_active", "duration_s", "taken"),
    [(True, None, True), (True, 0, True), (True, 5, False), (False, None, False), (None, None, False)],
)
def test_completed_of_an_unknown_call(is_active: bool | None, duration_s: int | None, taken: bool) -> None:
    line = Line().hears(Callback(Edge.COMPLETED, Channel.VOICE, is_active=is_active, duration_s=duration_s))
    assert line.answer == (OfferStream(0) if taken else Silent())
    assert line.call.phase is (Phase.OFFERED if taken else Phase.ENDED)
    assert line.last.events == ((Started(),) if taken else ())


@pytest.mark.parametrize("callback", [NEXT, STOPPED])
def test_live_caller_of_whom_nothing_is_known_reaches_a_person(callback: Callback) -> None:
    assert Line().hears(callback).answer == DialPerson(FRONT, Phrase.CONNECTING_INSTEAD, 1)


def test_events_url_cannot_start_a_call() -> None:
    for edge in Edge:
        line = Line().hears(Callback(edge, Channel.EVENTS, is_active=True))
        assert not isinstance(line.answer, OfferStream | DialPerson), edge


def test_stream_end_waits_for_its_reason() -> None:
    line = Line().hears(RING, STARTED)
    assert awaits_reason(line.call, None, STOPPED, line.desk)
    assert not awaits_reason(line.call, ASKED, STOPPED, line.desk)
    assert not awaits_reason(line.call, None, STOPPED, replace(line.desk, outcome="dropped"))
    assert not awaits_reason(line.call, None, OVER, line.desk)
    assert not awaits_reason(line.hears(STOPPED).call, None, STOPPED, line.desk)
