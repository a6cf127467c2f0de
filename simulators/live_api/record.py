"""What a session did, for tests and for the control API."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

from simulators.live_api.casing import JsonObject

Who = Literal["caller", "agent"]


@dataclass(slots=True)
class SpokenText:
    who: Who
    text: str
    interrupted: bool = False


@dataclass(slots=True)
class CallRecord:
    """One function call. `ms` is from sending it to its response; None while it is open or after a cancellation."""

    id: str
    name: str
    args: JsonObject
    response: JsonObject | None = None
    cancelled: bool = False
    ms: float | None = None


@dataclass(slots=True)
class SessionRecord:
    """`problem` says why a brain gave up; `close` is code and reason once the websocket is closed."""

    id: str
    setup: JsonObject = field(default_factory=dict)
    resumed_from: str | None = None
    transcript: list[SpokenText] = field(default_factory=list)
    tool_calls: list[CallRecord] = field(default_factory=list)
    ignored_responses: list[str] = field(default_factory=list)
    handles: list[str] = field(default_factory=list)
    usage: list[JsonObject] = field(default_factory=list)
    audio_in_s: float = 0.0
    audio_out_s: float = 0.0
    messages_in: int = 0
    messages_out: int = 0
    interruptions: int = 0
    text_caller: bool = False
    problem: str | None = None
    close: tuple[int, str] | None = None

    def said(self, who: Who) -> list[str]:
        return [line.text for line in self.transcript if line.who == who]

    def as_json(self) -> JsonObject:
        return asdict(self)
