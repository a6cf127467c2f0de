"""The session's words as events of the contract, and answers as inputs of the session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, cast

from agiza.contracts.events import (
    CallEnded,
    CallerOrderMoved,
    EscalationReason,
    FunctionCall,
    HandoffAnswered,
    HandoffRequested,
    LeaveRequested,
    LegCost,
    ModelUsage,
    ReadBackEvidence,
    ToolAnswered,
    ToolCalled,
    ToolCancelled,
    ToolTiming,
    TranscriptTurn,
)
from agiza.contracts.events import Event as ContractEvent
from services.bridge.session import CallFacts
from services.bridge.session import actions as a
from services.bridge.session import inputs as i

SOURCE: Final = "/agiza/bridge"
BRIEF_TURNS: Final = 40
BRIEF_TOOLS: Final = 100


@dataclass(frozen=True, slots=True)
class CallEvents:
    """Makes the events of one call. ``reply_to`` is the channel of this bridge."""

    facts: CallFacts
    reply_to: str

    def tools_called(self, action: a.PublishTools, now_ms: int) -> ToolCalled:
        """``now_ms``: Unix time, for the deadline."""
        return ToolCalled(
            branch_id=self.facts.branch_id,
            call_id=self.facts.call_id,
            menu_version=self.facts.menu_version,
            leg_epoch=self.facts.leg_epoch,
            calls=tuple(FunctionCall(id=call.id, name=call.name, args=dict(call.args)) for call in action.calls),
            cart_version_told=action.cart_version_told,
            deadline_ms=now_ms + action.deadline_in_ms,
            reply_to=self.reply_to,
            language=self.facts.language,
            read_back=_evidence(action.read_back),
        )

    def tools_cancelled(self, action: a.PublishToolsCancelled) -> ToolCancelled:
        """Tombstones for ``orders``."""
        return ToolCancelled(
            branch_id=self.facts.branch_id,
            call_id=self.facts.call_id,
            leg_epoch=self.facts.leg_epoch,
            ids=action.ids,
            reply_to=self.reply_to,
        )

    def handoff_requested(self, action: a.RequestHandoff) -> HandoffRequested:
        """A person is needed."""
        return HandoffRequested(
            branch_id=self.facts.branch_id,
            call_id=self.facts.call_id,
            leg_epoch=self.facts.leg_epoch,
            reason=cast(EscalationReason, action.reason),  # the session lets only known reasons through
            pii_summary=action.pii_summary,
            language=self.facts.language,
            reply_to=self.reply_to,
        )

    def call_ended(self, report: a.CallReport, cost: LegCost | None = None) -> CallEnded:
        """The report of the leg."""
        usage = report.usage
        return CallEnded(
            branch_id=self.facts.branch_id,
            call_id=self.facts.call_id,
            leg_epoch=self.facts.leg_epoch,
            outcome=report.outcome,
            reason=report.reason,
            duration_ms=report.duration_ms,
            transcript=tuple(
                TranscriptTurn(who=turn.who, pii_text=turn.pii_text, at_ms=turn.at_ms, heard_ms=turn.heard_ms)
                for turn in report.transcript
            ),
            pii_tool_calls=tuple(
                ToolTiming(id=tool.id, name=tool.name, args=dict(tool.args), status=tool.status, ms=tool.ms)
                for tool in report.tools
            ),
            latencies_ms=dict(report.latencies_ms),
            usage=ModelUsage(
                prompt_tokens=usage.prompt_tokens,
                response_tokens=usage.response_tokens,
                total_tokens=usage.total_tokens,
                by_modality=dict(usage.by_modality),
            ),
            cost=cost,
            language=report.language,
        )


def in_brief(report: a.CallReport) -> a.CallReport:
    """A report that fits an event whatever happened in the call: the last turns, and tools without arguments."""
    return replace(
        report,
        transcript=report.transcript[-BRIEF_TURNS:],
        tools=tuple(replace(tool, args={}) for tool in report.tools[-BRIEF_TOOLS:]),
    )


def input_of(event: ContractEvent) -> i.Input | None:
    """What an answer or command from another service is to the session; None for events that are not for a bridge."""
    match event:
        case ToolAnswered():
            results = tuple(i.ToolResult(each.id, each.name, each.response) for each in event.results)
            return i.ToolsAnswered(event.request_id, results, event.cart_version)
        case HandoffAnswered():
            return i.HandoffAnswered(
                event.request_id, event.contact_id, event.message, callback=event.callback, stay=event.stay
            )
        case LeaveRequested():
            return i.LeaveRequested()
        case CallerOrderMoved():
            return i.OrderMoved(event.order_id, event.order_number, event.word, event.eta_minutes, event.reason)
        case _:
            return None


def _evidence(state: a.ReadBackState | None) -> ReadBackEvidence | None:
    if state is None:
        return None
    return ReadBackEvidence(
        quote_id=state.quote_id,
        outcome=state.outcome,
        played_ms=state.played_ms,
        caller_speech_ms=state.caller_speech_ms,
        asked_again=state.asked_again,
    )
