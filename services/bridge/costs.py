"""What a leg cost, from its report and the operator's prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agiza.contracts.events import CostPart, LegCost
from agiza.domain.cost import CarrierPrices, Cost, ModelPrices
from agiza.runtime.cost_metrics import Part, count_cost
from agiza.runtime.metrics import Metrics
from services.bridge.session.actions import CallReport

_MODALITIES: Final = frozenset({"text", "audio", "image", "video", "document"})


@dataclass(frozen=True, slots=True)
class Prices:
    """None: not known, and then the cost is not known either."""

    model: ModelPrices | None = None
    carrier: CarrierPrices | None = None


UNKNOWN: Final = Prices()


def cost_of(report: CallReport, prices: Prices) -> LegCost | None:
    """The leg's cost, or None where no price is known. The leg lasted as long as the stream and the listening.

    The model session begins a little later than the stream, so its upper bound is one.
    """
    model = carrier = None
    if prices.model is not None:
        chars = sum(len(turn.pii_text) for turn in report.transcript)
        model = prices.model.cost(report.usage.by_modality, listened_ms=report.duration_ms, transcript_chars=chars)
    if prices.carrier is not None:
        carrier = prices.carrier.cost("stream", report.duration_ms)
    if model is None and carrier is None:
        return None
    return LegCost(model=_part(model), telephony=_part(carrier))


def note_cost(report: CallReport, cost: LegCost | None, metrics: Metrics) -> None:
    """Tokens and money of a leg, for the metrics."""
    for name, count in report.usage.by_modality.items():
        direction, modality = _labels(name)
        metrics.add("model_tokens_total", count, direction=direction, modality=modality)
    if report.prompt_tokens_max:
        metrics.observe("model_prompt_tokens", report.prompt_tokens_max)
    if cost is None:
        return
    parts: tuple[tuple[Part, CostPart | None], ...] = (("model", cost.model), ("telephony", cost.telephony))
    for part, amount in parts:
        if amount is not None:
            count_cost(metrics, part, amount.currency, amount.micro_minor, amount.upper_micro_minor)


def _part(cost: Cost | None) -> CostPart | None:
    if cost is None:
        return None
    return CostPart(currency=cost.currency, micro_minor=cost.micro_minor, upper_micro_minor=cost.upper_micro_minor)


def _labels(name: str) -> tuple[str, str]:
    """Direction and modality of a key such as ``prompt_audio``. Names that are not ours are not labels."""
    for direction in ("prompt", "response", "tool_use", "thoughts"):
        if name == direction:
            return direction, "text"
        if name.startswith(f"{direction}_"):
            modality = name.removeprefix(f"{direction}_")
            return direction, modality if modality in _MODALITIES else "other"
    return "other", "other"
