"""What goes into the offline agent and what comes out of it. Words only: no audio, no socket, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AgentSetup:
    """All that the agent ever learns about the restaurant: the session's instruction and function declarations."""

    instruction: str = ""
    declarations: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The session is set up and nobody has spoken yet."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The caller said something. `agreed` is False when the recognisers disagree; then `alternatives` says how."""

    text: str
    alternatives: tuple[str, ...] = ()
    agreed: bool = True


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer to one function call: `functionResponse.response` of the session."""

    name: str
    response: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ToolResults:
    """The answers to one `CallTools`, in its order."""

    results: tuple[ToolResult, ...]


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The caller spoke over the agent; `spoken` is what was played until then."""

    spoken: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody has spoken for that long since the agent finished."""

    seconds: float


AgentInput = CallStarted | Heard | ToolResults | Interrupted | Silence


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """One function call that the agent wants."""

    name: str
    args: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence for the caller. When it is interrupted, the steps after it are not carried out."""

    text: str


@dataclass(frozen=True, slots=True)
class CallTools:
    """Function calls of one tool message; the agent goes on when it gets their `ToolResults`."""

    requests: tuple[ToolRequest, ...]


AgentStep = Say | CallTools
