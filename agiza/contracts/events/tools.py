"""Function calls of the model, on their way to ``orders`` and back."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints

from agiza.contracts import streams
from agiza.contracts.arguments import cleaned
from agiza.contracts.events.event import CallIdField, Event, Part

ToolName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
ToolCallId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
TOOL_CALLS_MAX = 32
"""More function calls than this in one model message is a runaway model, not an order."""
ReadBackOutcome = Literal["none", "playing", "completed", "cut"]


class FunctionCall(Part):
    """One function call of the model, as the model wrote it. Nothing in it can be trusted."""

    id: ToolCallId
    name: ToolName
    args: Annotated[dict[str, Any], AfterValidator(cleaned)] = Field(default_factory=dict)


class ReadBackEvidence(Part):
    """What the bridge knows about the playing of a priced read-back.

    ``caller_speech_ms`` is caller speech by the local voice detector since the read-back began, or, with
    ``asked_again``, since the caller was asked once more. None: from a bridge that does not say.
    """

    quote_id: str
    outcome: ReadBackOutcome
    played_ms: int = Field(ge=0)
    caller_speech_ms: int = Field(ge=0)
    asked_again: bool | None = None


class ToolCalled(Event):
    """The model called functions; ``orders`` carries them out in this order and answers with ToolAnswered."""

    type: ClassVar = "agiza.tool.called"
    version: ClassVar = 1

    call_id: CallIdField
    menu_version: int = Field(ge=1)
    leg_epoch: int = Field(ge=0)
    calls: tuple[FunctionCall, ...] = Field(min_length=1, max_length=TOOL_CALLS_MAX)
    cart_version_told: int | None = Field(default=None, ge=0)
    deadline_ms: int = Field(description="Unix time in ms after which a mutation must not be applied any more")
    reply_to: str = Field(description="Pub/Sub channel for the answer", max_length=128)
    language: str = Field(default="en", max_length=16)
    read_back: ReadBackEvidence | None = None

    def stream(self) -> str:
        return streams.tools_stream(self.call_id)


class ToolCancelled(Event):
    """The model cancelled function calls. One that is not yet applied never will be."""

    type: ClassVar = "agiza.tool.cancelled"
    version: ClassVar = 1

    call_id: CallIdField
    leg_epoch: int = Field(ge=0)
    ids: tuple[ToolCallId, ...] = Field(min_length=1, max_length=TOOL_CALLS_MAX)
    reply_to: str = Field(max_length=128)

    def stream(self) -> str:
        return streams.tools_stream(self.call_id)


class FunctionResult(Part):
    """The answer to one function call, as the model will see it."""

    id: ToolCallId
    name: ToolName
    response: dict[str, Any]


class ToolAnswered(Event):
    """Results of one ToolCalled. Sent on the asking bridge's channel; a lost one is asked for again."""

    type: ClassVar = "agiza.tool.answered"
    version: ClassVar = 1

    call_id: CallIdField
    request_id: str = Field(description="Envelope id of the ToolCalled that this answers")
    leg_epoch: int = Field(ge=0)
    results: tuple[FunctionResult, ...]
    cart_version: int = Field(ge=0)
    reply_to: str = Field(max_length=128)

    def stream(self) -> str:
        return self.reply_to
