"""The offline agent: takes orders without a model, from nothing but a session's setup message."""

from simulators.live_api.offline.agent import OfflineAgent
from simulators.live_api.offline.turns import (
    AgentInput,
    AgentSetup,
    AgentStep,
    CallStarted,
    CallTools,
    Heard,
    Interrupted,
    Say,
    Silence,
    ToolRequest,
    ToolResult,
    ToolResults,
)
from simulators.live_api.offline.vocabulary import vocabulary_of

__all__ = [
    "AgentInput",
    "AgentSetup",
    "AgentStep",
    "CallStarted",
    "CallTools",
    "Heard",
    "Interrupted",
    "OfflineAgent",
    "Say",
    "Silence",
    "ToolRequest",
    "ToolResult",
    "ToolResults",
    "vocabulary_of",
]
