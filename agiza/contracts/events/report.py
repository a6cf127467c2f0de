"""The report of one leg, which the bridge makes at its end."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from agiza.contracts import streams
from agiza.contracts.arguments import cleaned
from agiza.contracts.events.event import CallIdField, Event, Part

CallOutcome = Literal["placed", "no_order", "handoff", "dropped"]


def _is_nothing(value: object) -> bool:
    """Turns that were heard to the end look as they always did."""
    return value is None


class TranscriptTurn(Part):
    """One turn of the conversation as transcribed. ``at_ms`` counts from the start of the leg.

    ``heard_ms``: of an agent's turn that was cut off, how much of its sound was played; its text may run further.
    """

    who: Literal["caller", "agent"]
    pii_text: Annotated[str, BeforeValidator(cleaned)] = Field(max_length=4000)
    at_ms: int = Field(ge=0)
    heard_ms: int | None = Field(default=None, ge=0, exclude_if=_is_nothing)


class ToolTiming(Part):
    """One function call of the model with what came of it. ``ms`` is from the model's call to our answer."""

    id: Annotated[str, BeforeValidator(cleaned)]
    name: Annotated[str, BeforeValidator(cleaned)]
    args: Annotated[dict[str, Any], AfterValidator(cleaned)]
    status: Annotated[str, BeforeValidator(cleaned)]
    ms: int = Field(ge=0)


class ModelUsage(Part):
    """Tokens by direction and modality, summed over all usage reports of all model sessions of the leg."""

    prompt_tokens: int = 0
    response_tokens: int = 0
    total_tokens: int = 0
    by_modality: dict[str, int] = Field(default_factory=dict)


class CostPart(Part):
    """An amount in millionths of a minor unit of ``currency``, as metered and at most."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    micro_minor: int = Field(ge=0)
    upper_micro_minor: int = Field(ge=0)


class LegCost(Part):
    """What one leg cost the operator. Null where a price is not known. ``telephony`` is the media stream's part."""

    model: CostPart | None = None
    telephony: CostPart | None = None


class CallEnded(Event):
    """The bridge's report of one leg: outcome, transcript, timings, usage. The last event of a leg."""

    type: ClassVar = "agiza.call.ended"
    version: ClassVar = 1

    call_id: CallIdField
    leg_epoch: int = Field(ge=0)
    outcome: CallOutcome
    reason: str = Field(max_length=64)
    duration_ms: int = Field(ge=0)
    transcript: tuple[TranscriptTurn, ...] = ()
    pii_tool_calls: tuple[ToolTiming, ...] = ()
    latencies_ms: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    usage: ModelUsage = ModelUsage()
    cost: LegCost | None = None
    language: str | None = Field(default=None, max_length=16, description="The language that was spoken at the end")

    def stream(self) -> str:
        return streams.CALLS
