"""The function calls of one session: sent, answered, withdrawn, and the ways in which they can go wrong."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from simulators.live_api import replies
from simulators.live_api.casing import JsonObject
from simulators.live_api.protocol import OUTPUT_RATE, FunctionAnswer
from simulators.live_api.record import CallRecord
from simulators.live_api.stage import Stage
from simulators.live_api.turn import ModelTurn


@dataclass(frozen=True, slots=True)
class ToolRequest:
    name: str
    args: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the client answered to one call."""

    name: str
    response: JsonObject
    id: str = ""


@dataclass(slots=True)
class OpenCall:
    record: CallRecord
    blocking: bool
    sent_s: float
    answered: asyncio.Future[ToolResult]


class ToolCalls:
    """Every call by its id until it is answered or withdrawn. Answers to anything else are noted and ignored."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._numbers = itertools.count(1)
        self._open: dict[str, OpenCall] = {}

    @property
    def any_open(self) -> bool:
        return bool(self._open)

    def send(self, requests: Sequence[ToolRequest], turn: ModelTurn) -> list[OpenCall]:
        """One toolCall message with all of the calls. An undeclared function is called as BLOCKING."""
        stage = self._stage
        calls: list[OpenCall] = []
        for request in requests:
            call_id = f"function-call-{secrets.token_hex(6)}-{next(self._numbers)}"
            record = CallRecord(call_id, request.name, request.args)
            declared = stage.setup.function(request.name)
            blocking = declared is None or declared.behavior == "BLOCKING"
            future: asyncio.Future[ToolResult] = asyncio.get_running_loop().create_future()
            call = OpenCall(record, blocking, stage.clock.now(), future)
            stage.record.tool_calls.append(record)
            self._open[record.id] = call
            calls.append(call)
            turn.note_tool(f"{request.name}{request.args}")
        wire = [replies.function_call(call.record.id, call.record.name, call.record.args) for call in calls]
        if stage.faults.function_call_in_model_turn:
            turn.send(replies.model_turn([{"functionCall": call} for call in wire]))
        turn.send(replies.tool_call(wire))
        if stage.faults.duplicate_tool_call:
            turn.send(replies.tool_call(wire))
        if stage.faults.trailing_audio_ms:
            silence = bytes(OUTPUT_RATE * stage.faults.trailing_audio_ms // 1000 * 2)
            turn.send(replies.model_turn([replies.audio_part(silence)]))
        return calls

    def answer(self, answer: FunctionAnswer) -> OpenCall | None:
        """Match one response to its open call; None when there is none."""
        call_id = answer.id or self._by_name(answer.name)
        call = self._open.get(call_id)
        if call is None:
            self._stage.record.ignored_responses.append(answer.id)
            return None
        call.record.response = answer.response
        if answer.will_continue and not call.blocking:
            return call
        del self._open[call_id]
        call.record.ms = round((self._stage.clock.now() - call.sent_s) * 1000, 1)
        self._stage.context.text_tokens += len(str(answer.response)) // 4
        if not call.answered.done():
            call.answered.set_result(ToolResult(call.record.name, answer.response, call.record.id))
        return call

    def withdraw_blocking(self) -> tuple[str, ...]:
        """Close every open BLOCKING call as cancelled; the ids go into toolCallCancellation."""
        ids = tuple(call_id for call_id, call in self._open.items() if call.blocking)
        for call_id in ids:
            self._open.pop(call_id).record.cancelled = True
        return ids

    def withdraw(self, calls: Sequence[OpenCall]) -> tuple[str, ...]:
        """Close those of `calls` that are still open as cancelled."""
        ids = tuple(call.record.id for call in calls if call.record.id in self._open)
        for call_id in ids:
            self._open.pop(call_id).record.cancelled = True
        return ids

    def _by_name(self, name: str) -> str:
        """Vertex clients may leave the id out: a NON_BLOCKING call is then found by name, a BLOCKING one is not."""
        if not self._stage.setup.endpoint.vertex:
            return ""
        return next(
            (call_id for call_id, call in self._open.items() if call.record.name == name and not call.blocking), ""
        )
