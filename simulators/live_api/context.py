"""What the model remembers of a session, what it costs per turn, and the handles that bring it back."""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass, field

from simulators.live_api.casing import JsonObject
from simulators.live_api.setup import Setup

AUDIO_TOKENS_PER_S = 25
_CHARACTERS_PER_TOKEN = 4
HANDLE_VALID_S = 7_200
_HANDLES_MAX = 20_000  # of one server; the oldest go first


@dataclass(frozen=True, slots=True)
class HistoryTurn:
    """`role` is "user" or "model". A model's turn keeps only what was sent before an interruption."""

    role: str
    text: str


@dataclass(slots=True)
class Context:
    """History and token counts. The whole window is billed again with every turn."""

    history: list[HistoryTurn] = field(default_factory=list)
    text_tokens: int = 0
    audio_s: float = 0.0

    def add(self, role: str, text: str) -> None:
        self.history.append(HistoryTurn(role, text))
        self.text_tokens += text_tokens(text)

    @property
    def tokens(self) -> int:
        return self.text_tokens + round(self.audio_s * AUDIO_TOKENS_PER_S)

    def compress(self, setup: Setup) -> None:
        """Apply the sliding window: above the trigger, the oldest audio and turns go until the target is met."""
        if not setup.sliding_window or self.tokens <= setup.trigger_tokens:
            return
        self.audio_s = min(self.audio_s, max(0.0, (setup.target_tokens - self.text_tokens) / AUDIO_TOKENS_PER_S))
        while self.tokens > setup.target_tokens and self.history:
            self.text_tokens -= text_tokens(self.history.pop(0).text)


def text_tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def setup_tokens(setup: Setup) -> int:
    return text_tokens(setup.instruction) + text_tokens(str(setup.declarations) if setup.functions else "")


def usage_metadata(
    setup: Setup, context: Context, *, response_audio_s: float, tool_tokens: int, details: bool
) -> JsonObject:
    """The bill of one turn: `context` is the window before the response was added to it."""
    text = setup_tokens(setup) + context.text_tokens
    audio = round(context.audio_s * AUDIO_TOKENS_PER_S)
    response = round(response_audio_s * AUDIO_TOKENS_PER_S)
    output = "candidates" if setup.endpoint.vertex else "response"
    usage: JsonObject = {"promptTokenCount": text + audio}
    if response:
        usage[f"{output}TokenCount"] = response
    if tool_tokens:
        usage["toolUsePromptTokenCount"] = tool_tokens
    usage["totalTokenCount"] = text + audio + response + tool_tokens
    if details:
        usage["promptTokensDetails"] = _details(("TEXT", text), ("AUDIO", audio))
        if response:
            usage[f"{output}TokensDetails"] = _details(("AUDIO", response))
    if setup.endpoint.vertex:
        usage["trafficType"] = "ON_DEMAND"
    return usage


def _details(*counts: tuple[str, int]) -> list[JsonObject]:
    return [{"modality": modality, "tokenCount": count} for modality, count in counts if count]


@dataclass(frozen=True, slots=True)
class Saved:
    """A session as it stood when a handle was issued."""

    session_id: str
    model_id: str
    context: Context
    memory: object
    text_caller: bool
    issued_s: float


class Handles:
    """Resumption handles of one server. Old handles stay good until they expire; each restores its own moment."""

    def __init__(self) -> None:
        self._saved: dict[str, Saved] = {}

    def issue(self, saved: Saved) -> str:
        """A new handle for this state, which is copied."""
        while len(self._saved) >= _HANDLES_MAX:
            del self._saved[next(iter(self._saved))]
        handle = secrets.token_urlsafe(24)
        self._saved[handle] = copy.deepcopy(saved)
        return handle

    def find(self, handle: str, now_s: float) -> Saved | None:
        """A copy that the new session may change, or None for an unknown or expired handle."""
        saved = self._saved.get(handle)
        return None if saved is None or _expired(saved, now_s) else copy.deepcopy(saved)


def _expired(saved: Saved, now_s: float) -> bool:
    return now_s - saved.issued_s > HANDLE_VALID_S
