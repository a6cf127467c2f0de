"""What is counted of an entry, and of what a kitchen says, once it is committed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final, Literal

from agiza.domain.entry import Held, How, Settled
from agiza.domain.orders import OrderState
from agiza.runtime.logs import get_logger
from agiza.runtime.metric_names import CounterName, HistogramName
from agiza.runtime.metrics import Metrics
from services.orders.moves import Moved

log = get_logger(__name__)

Path = Literal["stream", "http"]

_REFUSED: Final[dict[How, CounterName]] = {
    "older_leg": "stale_epoch_rejected_total",
    "call_over": "call_over_rejected_total",
    "expired": "expired_rejected_total",
    "stale_cart": "stale_cart_rejected_total",
    "id_reused": "integrity_violation_total",
}


def count_answers(metrics: Metrics, settled: Settled, path: Path, call_id: str) -> None:
    """Repetitions and refusals by what gave the answer; an id that was used twice is an alarm."""
    counted = Counter(answer.how for answer in settled.answers)
    if counted["repeated"]:
        metrics.add("inbox_replay_total", counted["repeated"], path=path)
    for how, name in _REFUSED.items():
        if counted[how]:
            metrics.add(name, counted[how])
    for answer in settled.answers:
        if answer.how == "id_reused":
            log.error("tool_call_id_reused", call_id=call_id, tool=answer.name)


def count_orders(metrics: Metrics, settled: Settled, held: Held) -> None:
    """Orders that were placed, and those that their callers took back."""
    for order in settled.placed:
        metrics.add("orders_placed_total", branch=held.branch.id, fulfilment=order.fulfilment)
    if settled.cancels:
        metrics.add("orders_cancelled_total", len(settled.cancels), branch=held.branch.id, cancelled_by="caller")


_WAITED: Final[dict[OrderState, HistogramName]] = {
    OrderState.RECEIVED: "ticket_confirm_seconds",
    OrderState.ACCEPTED: "order_accept_seconds",
}


def count_moves(metrics: Metrics, moved: Moved, now: datetime) -> None:
    """Steps by their state, how long the kitchen took for its first words, and orders that it dropped."""
    order = moved.order
    for state in moved.steps:
        metrics.add("order_moves_total", state=state)
        if state in _WAITED and order.state is not state:  # else it is another time for the same state
            metrics.observe(_WAITED[state], max(0.0, (now - order.placed_at).total_seconds()))
    if OrderState.CANCELLED in moved.steps and order.state is not OrderState.CANCEL_REQUESTED:  # else it was counted
        metrics.add("orders_cancelled_total", branch=order.branch_id, cancelled_by="kitchen")
