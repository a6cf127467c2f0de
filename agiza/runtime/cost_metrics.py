"""Money in metrics, counted alike by every service that knows a part of it."""

from __future__ import annotations

from typing import Literal

from agiza.domain.cost import MICRO
from agiza.runtime.metrics import Metrics

Part = Literal["model", "telephony"]


def count_cost(metrics: Metrics, part: Part, currency: str, micro_minor: int, upper_micro_minor: int) -> None:
    """Add an amount, in millionths of the currency's minor unit, and its upper bound."""
    metrics.add("call_cost_minor_total", micro_minor / MICRO, part=part, currency=currency)
    metrics.add("call_cost_upper_minor_total", upper_micro_minor / MICRO, part=part, currency=currency)
