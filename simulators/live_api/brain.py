"""What decides what the model says. A brain sees one conversation and nothing else: no socket, no menu file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from simulators.live_api.tool_calls import ToolResult

if TYPE_CHECKING:
    from simulators.live_api.conversation import Conversation


class Brain(Protocol):
    """One brain serves all sessions of a server: whatever belongs to one conversation lives inside `run`."""

    async def run(self, talk: Conversation) -> None:
        """Hold the conversation. Returning leaves the session open and the model silent; it is cancelled at the end."""
        ...


class BrainError(Exception):
    """The brain cannot go on; the session closes with 1011 and the message is in the session's record."""


@dataclass(frozen=True, slots=True)
class UserSpeechStarted:
    offset_ms: int


@dataclass(frozen=True, slots=True)
class UserSpeechEnded:
    """`speech_ms` does not count the silence that closed it."""

    offset_ms: int
    speech_ms: int


@dataclass(frozen=True, slots=True)
class UserWords:
    """The exact words of a caller who speaks marked PCM."""

    text: str


@dataclass(frozen=True, slots=True)
class UserUtterance:
    """What the brain's own ear understood; `alternatives` when its recognisers disagree. "" is speech without words."""

    text: str
    alternatives: tuple[str, ...] = ()
    agreed: bool = True


@dataclass(frozen=True, slots=True)
class UserText:
    """`realtimeInput.text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Prompted:
    """`clientContent` with `turnComplete`: the client wants the model to speak. `text` is the last user turn's."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolsAnswered:
    """A late answer to a NON_BLOCKING call. `silent`: learn it, but do not speak about it."""

    result: ToolResult
    silent: bool = False


@dataclass(frozen=True, slots=True)
class InstructionChanged:
    """`contextUpdate`: `Conversation.instruction` and `.declarations` have changed."""


Event = (
    UserSpeechStarted
    | UserSpeechEnded
    | UserWords
    | UserUtterance
    | UserText
    | Prompted
    | ToolsAnswered
    | InstructionChanged
)
