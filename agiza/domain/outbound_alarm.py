"""Call control for a call to a person of the branch about an order that nobody has taken.

Who picks up hears of it and presses 1 to take it. Who hangs up, or presses nothing, has been told and has taken
nothing: the next one is rung. As for all calls of ours, what the carrier says twice counts once.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from agiza.domain.call_answers import AskKey, Decision, OutboundMoved, OutboundStep, Silent
from agiza.domain.call_state import CallState, Channel, Edge, Phase, Phrase
from agiza.domain.call_step import Case, Step, row

TAKE_KEY: Final = "1"


def _ask(case: Case) -> Decision:
    """Somebody picked up, or will: tell them, and wait for the key. Asked again, the same is said again."""
    if case.callback.channel is not Channel.VOICE:
        return case.silent()
    call, told = _pick_up(case)
    if (case.callback.digits or "").startswith(TAKE_KEY) and case.call.phase is Phase.OFFERED:
        return _take(replace(case, call=call), told)
    outbound = case.desk.outbound
    if outbound is None or not outbound.is_open:
        return replace(case, call=call).close(Phrase.ORDER_SETTLED, *told)
    return Decision(AskKey(Phrase.ORDER_WAITS), replace(call, phase=Phase.OFFERED), told)


def _take(case: Case, told: tuple[OutboundMoved, ...]) -> Decision:
    """The key was pressed. An order that was settled meanwhile is not theirs."""
    outbound = case.desk.outbound
    if outbound is None or not outbound.is_open:
        return case.close(Phrase.ORDER_SETTLED, *told, *_moved(case, "missed"))
    return case.close(Phrase.ORDER_TAKEN, *told, *_moved(case, "connected"))


def _pick_up(case: Case) -> tuple[CallState, tuple[OutboundMoved, ...]]:
    if case.call.picked_up or case.callback.edge is Edge.RINGING:
        return case.call, ()
    return replace(case.call, picked_up=True), _moved(case, "answered")


def _never(case: Case) -> Decision:
    return Decision(Silent(), replace(case.call, phase=Phase.ENDED), _moved(case, "unanswered"))


def _over(case: Case) -> Decision:
    """They hung up, or pressed nothing."""
    was_there = case.call.picked_up or bool(case.callback.duration_s)
    return Decision(
        Silent(), replace(case.call, phase=Phase.ENDED), _moved(case, "missed" if was_there else "unanswered")
    )


def _closed(case: Case) -> Decision:
    """The end of a call that was closed. Who took the order was told of before; so this says nothing new of them."""
    settled = case.call.farewell is Phrase.ORDER_SETTLED
    return Decision(Silent(), replace(case.call, phase=Phase.ENDED), _moved(case, "missed") if settled else ())


def _close_again(case: Case) -> Decision:
    return case.close(case.call.farewell)


def _ignore(case: Case) -> Decision:
    return case.silent()


def _moved(case: Case, step: OutboundStep) -> tuple[OutboundMoved, ...]:
    outbound = case.desk.outbound
    return (OutboundMoved(outbound.outbound_id, step, case.callback.carrier_state),) if outbound else ()


STAFF_ALARM_STEPS: Mapping[tuple[Phase, Edge], Step] = MappingProxyType(
    row(
        Phase.NEW,
        ringing=_ask, answered=_ask, other=_ask, completed=_never, stream_started=_ignore, stream_ended=_ignore,
        next=_ignore, dial_ended=_ignore, after_dial=_ignore,
    )
    | row(
        Phase.OFFERED,
        ringing=_ask, answered=_ask, other=_ask, completed=_over, stream_started=_ignore, stream_ended=_ignore,
        next=_ignore, dial_ended=_ignore, after_dial=_ignore,
    )
    | row(
        Phase.CLOSING,
        ringing=_close_again, answered=_close_again, other=_ignore, completed=_closed, stream_started=_ignore,
        stream_ended=_ignore, next=_ignore, dial_ended=_ignore, after_dial=_ignore,
    )
    | {(phase, edge): _ignore for phase in (Phase.STREAMING, Phase.DIALLING, Phase.ENDED) for edge in Edge}
)  # fmt: skip
"""OFFERED: the question was put; whether somebody heard it, the pick-up tells."""
