"""The tool ladder: stream, the same event over HTTP, an honest "not yet", a person.

One message of the model is one request to ``orders`` and one tool response. Every id that the model did not cancel
is answered exactly once; a result that comes after the honest answer is told as news, since its id is spent. So is one
whose model session is gone, and one of a call that the model took back too late.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from agiza.contracts.events import TOOL_CALLS_MAX
from agiza.contracts.tools import MUTATING_TOOLS
from services.bridge.session.actions import (
    Action,
    AnswerTools,
    AskToolsOverHttp,
    Complain,
    Observe,
    PublishTools,
    PublishToolsCancelled,
    ReadBackState,
    ToolPath,
    ToolTiming,
)
from services.bridge.session.facts import CallFacts, Limits
from services.bridge.session.inputs import JsonObject, ToolRequest, ToolResult

ID_CHARS_MAX: Final = 128
ARGS_CHARS_MAX: Final = 8_000
"""Nothing that a caller can say is longer; 32 calls of this size still fit an event."""
STATUSES: Final = frozenset({"ok", "ask", "refused", "error", "pending"})
UNKNOWN_FUNCTION: Final = "unknown_function"

WITHDRAWN_MAX: Final = 20
"""So many requests whose calls were all taken back are remembered, for what was carried out all the same."""

PENDING: Final[JsonObject] = {
    "status": "pending",
    "code": "pending",
    "message": "It is not confirmed yet. Tell the caller that you are waiting for the kitchen's system; do not "
    "say that it worked, and do not call the function again.",
}


STANDS: Final = "You took this call back, but it had been carried out and stands. Do not call it again."


def refusal(code: str, message: str) -> JsonObject:
    """The response of a call that goes nowhere."""
    return {"status": "error", "code": code, "message": message}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request: ``told`` went to the model in its tool response, ``news`` came too late for that.
    ``stands`` was carried out although the model had taken it back."""

    told: tuple[ToolResult, ...] = ()
    news: tuple[ToolResult, ...] = ()
    stands: tuple[ToolResult, ...] = ()


@dataclass(slots=True)
class _Batch:
    """One request. ``results`` holds what is already known; it is answered as a whole."""

    request_id: str
    calls: tuple[ToolRequest, ...]
    asked_at: int
    results: dict[str, JsonObject] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    asked_http: bool = False
    told_pending: bool = False

    def waits_for(self) -> list[str]:
        return [call.id for call in self.calls if call.id not in self.results and call.id not in self.cancelled]


class ToolDesk:
    """All function calls of one leg. Methods return what to do; the session adds its own conclusions."""

    def __init__(self, facts: CallFacts, limits: Limits) -> None:
        self._facts = facts
        self._limits = limits
        self._seen: set[str] = set()
        self._batches: dict[str, _Batch] = {}
        self._withdrawn: dict[str, _Batch] = {}
        self._requests = 0
        self.timings: list[ToolTiming] = []
        self.cart_version_told: int | None = None

    def admit(self, calls: Collection[ToolRequest]) -> tuple[list[ToolRequest], list[Action]]:
        """The calls that were not seen before. The same call may come in two shapes or twice."""
        fresh: list[ToolRequest] = []
        complaints: list[Action] = []
        for call in calls:
            if call.id in self._seen:
                complaints.append(Complain("tool_id_repeated"))
                continue
            self._seen.add(call.id)
            fresh.append(call)
        return fresh, complaints

    def request(
        self, calls: tuple[ToolRequest, ...], known: Collection[str], read_back: ReadBackState | None, now: int
    ) -> list[Action]:
        """Send calls to ``orders``. Names outside ``known`` and runaways are answered in the same response."""
        self._requests += 1
        batch = _Batch(f"{self._facts.call_id}:{self._facts.leg_epoch}:{self._requests}", calls, now)
        actions: list[Action] = []
        sent: list[ToolRequest] = []
        for call in calls:
            if call.name not in known or len(call.id) > ID_CHARS_MAX:
                actions.append(Complain("tool_unknown"))
                batch.results[call.id] = refusal(UNKNOWN_FUNCTION, "There is no such function.")
            elif len(repr(call.args)) > ARGS_CHARS_MAX:
                batch.results[call.id] = refusal("too_long", "That is too long. Use fewer words.")
            elif len(sent) == TOOL_CALLS_MAX or len(self._seen) > self._limits.tool_calls_max:
                batch.results[call.id] = refusal("too_many_calls", "Too many calls. Ask the caller how to go on.")
            else:
                sent.append(call)
        self._batches[batch.request_id] = batch
        if not sent:
            return actions + self._answer(self._close(batch, now), batch, now)
        deadline = self._limits.tool_deadline_ms
        return [
            *actions,
            PublishTools(batch.request_id, tuple(sent), self.cart_version_told, read_back, deadline),
        ]

    def answer_here(self, call: ToolRequest, response: JsonObject, asked_at: int, now: int) -> list[Action]:
        """Answer a call that the bridge carries out itself."""
        return [AnswerTools((self._result(call, response, asked_at, now),))]

    def on_answered(
        self, request_id: str, results: tuple[ToolResult, ...], cart_version: int, now: int
    ) -> tuple[Outcome, list[Action]]:
        """Results came. Repeats and results of requests that are settled change nothing."""
        by_id = {result.id: result for result in results}
        batch = self._batches.get(request_id)
        if batch is None:
            withdrawn = self._withdrawn.pop(request_id, None)
            return Outcome(stands=_stands(withdrawn, by_id) if withdrawn is not None else ()), []
        if batch.told_pending:
            del self._batches[request_id]
            news = tuple(by_id[call.id] for call in batch.calls if call.id in by_id and call.id not in batch.cancelled)
            return Outcome(news=news, stands=_stands(batch, by_id)), []
        complaints: list[Action] = []
        for call_id in batch.waits_for():
            if call_id in by_id:
                batch.results[call_id] = by_id[call_id].response
            else:
                complaints.append(Complain("tool_result_missing"))
                batch.results[call_id] = refusal("no_result", "That did not work. Please try it once more.")
        self.told(cart_version)
        told = self._close(batch, now)
        return Outcome(told=told, stands=_stands(batch, by_id)), complaints + self._answer(told, batch, now)

    def on_cancelled(self, ids: Collection[str], now: int) -> list[Action]:
        """The model does not wait for these any more: they are never answered."""
        published: list[str] = []
        actions: list[Action] = []
        for batch in list(self._batches.values()):
            if batch.told_pending:
                continue
            published += [call_id for call_id in batch.waits_for() if call_id in ids]
            batch.cancelled.update(call.id for call in batch.calls if call.id in ids)
            if not batch.waits_for():
                self._withdrawn[batch.request_id] = batch
                while len(self._withdrawn) > WITHDRAWN_MAX:
                    del self._withdrawn[next(iter(self._withdrawn))]
                # Refusals of the same message were waiting for the others; they are still owed.
                actions += self._answer(self._close(batch, now), batch, now)
        return ([PublishToolsCancelled(tuple(published))] if published else []) + actions

    def on_model_lost(self) -> None:
        """The session that asked is gone: nothing is answered, what comes is news, and the ladder goes on."""
        for batch in self._batches.values():
            batch.told_pending = True

    def told(self, cart_version: int | None) -> None:
        """The model knows this cart. Requests may be answered out of order; the newest counts from then on."""
        if cart_version is not None:
            self.cart_version_told = max(cart_version, self.cart_version_told or 0)

    def has_open(self) -> bool:
        """True while any result is to come, whether or not the model still waits for it."""
        return bool(self._batches)

    def due(self, now: int) -> tuple[bool, list[Action]]:
        """Climb the ladder. The flag says that a request is overdue and the caller needs a person."""
        overdue = False
        actions: list[Action] = []
        for batch in list(self._batches.values()):
            age = now - batch.asked_at
            if age >= self._limits.tool_http_ms and not batch.asked_http:
                batch.asked_http = True
                actions += [Complain("tool_slow"), AskToolsOverHttp(batch.request_id)]
            if age >= self._limits.tool_pending_ms and not batch.told_pending:
                batch.told_pending = True
                responses = {**dict.fromkeys(batch.waits_for(), PENDING), **batch.results}
                actions += self._answer(self._results(batch, responses, now), batch, now)
            if age >= self._limits.tool_given_up_ms:
                del self._batches[batch.request_id]
                overdue = True
                actions.append(Complain("tool_overdue"))
        return overdue, actions

    def next_due(self) -> int | None:
        """When :meth:`due` will have something."""
        steps = [self._next_step(batch) for batch in self._batches.values()]
        return min(steps) if steps else None

    def is_waiting(self) -> bool:
        """True while the model waits for an answer of ``orders``."""
        return any(not batch.told_pending for batch in self._batches.values())

    def waits_since(self) -> int | None:
        """When the model began to wait, or None while it does not."""
        return min((batch.asked_at for batch in self._batches.values() if not batch.told_pending), default=None)

    def _next_step(self, batch: _Batch) -> int:
        if not batch.asked_http:
            return batch.asked_at + self._limits.tool_http_ms
        if not batch.told_pending:
            return batch.asked_at + self._limits.tool_pending_ms
        return batch.asked_at + self._limits.tool_given_up_ms

    def _close(self, batch: _Batch, now: int) -> tuple[ToolResult, ...]:
        """Everything of this request that is to be answered, and no more of it after this."""
        del self._batches[batch.request_id]
        return self._results(batch, batch.results, now)

    def _results(self, batch: _Batch, responses: Mapping[str, JsonObject], now: int) -> tuple[ToolResult, ...]:
        return tuple(
            self._result(call, responses[call.id], batch.asked_at, now)
            for call in batch.calls
            if call.id in responses and call.id not in batch.cancelled
        )

    def _answer(self, results: tuple[ToolResult, ...], batch: _Batch, now: int) -> list[Action]:
        if not results:
            return []
        return [AnswerTools(results), Observe("tool", now - batch.asked_at, _path(batch, results))]

    def _result(self, call: ToolRequest, response: JsonObject, asked_at: int, now: int) -> ToolResult:
        if len(self.timings) < self._limits.tool_calls_max:
            status = str(response.get("status", "ok"))
            self.timings.append(ToolTiming(call.id, call.name, call.args, status, now - asked_at))
        return ToolResult(call.id, call.name, response, now - asked_at)


def _stands(batch: _Batch, by_id: Mapping[str, ToolResult]) -> tuple[ToolResult, ...]:
    """What of the cancelled calls has changed something: `orders` had carried it out already."""
    return tuple(
        ToolResult(call.id, call.name, {**by_id[call.id].response, "note": STANDS})
        for call in batch.calls
        if call.id in batch.cancelled
        and call.name in MUTATING_TOOLS
        and call.id in by_id
        and by_id[call.id].response.get("status") == "ok"
    )


def _path(batch: _Batch, results: tuple[ToolResult, ...]) -> ToolPath:
    status = results[0].response.get("status")
    code = results[0].response.get("code")
    tool = "several" if len(results) > 1 else results[0].name if code != UNKNOWN_FUNCTION else "unknown"
    via: Literal["stream", "http", "none"] = "none" if status == "pending" else "http" if batch.asked_http else "stream"
    return ToolPath(tool, status if isinstance(status, str) and status in STATUSES else "other", via)
