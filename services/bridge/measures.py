"""What happens in calls, as metrics and log lines. Nothing in here is personal."""

from __future__ import annotations

from typing import assert_never

from agiza.contracts.tools import END_CALL, ESCALATE, ORDER_TOOLS, SWITCH_LANGUAGE
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from services.bridge.session import actions as a
from services.bridge.session.inputs import ToolResult
from services.bridge.session.tools import STATUSES

_TOOLS = ORDER_TOOLS | {ESCALATE, END_CALL, SWITCH_LANGUAGE}

_log = get_logger(__name__)


def note(action: a.Observe | a.Complain, metrics: Metrics) -> None:
    """A latency, or something unusual."""
    match action:
        case a.Observe(name="first_audio", ms=ms):
            metrics.observe("voice_first_audio_seconds", ms / 1000)
        case a.Observe(name="response", ms=ms):
            metrics.observe("voice_turn_response_seconds", ms / 1000)
        case a.Observe(name="handoff_leave", ms=ms):
            metrics.observe("handoff_leave_seconds", ms / 1000)
        case a.Observe(ms=ms, path=path):
            if path is not None:
                metrics.observe(
                    "tool_roundtrip_seconds", ms / 1000, tool=path.tool, outcome=path.outcome, path=path.via
                )
        case a.Complain(kind="stale_audio"):
            metrics.add("voice_frames_dropped_total", direction="stale")
        case a.Complain(kind=kind, detail=detail):
            metrics.add("voice_call_complaints_total", kind=kind)
            _log.warning(kind, detail=detail)
        case _ as never:
            assert_never(never)


def note_hop(hop: a.NoteHop, metrics: Metrics) -> None:
    """A call went on with another model session."""
    metrics.add("model_hops_total", reason=hop.reason, how=hop.how)
    metrics.observe("model_away_seconds", hop.away_ms / 1000, how=hop.how)
    _log.info("model_hopped", reason=hop.reason, how=hop.how, away_ms=hop.away_ms)


def note_flush(action: a.FlushPlayback, metrics: Metrics) -> None:
    """Unplayed audio was dropped."""
    if action.barge_in:
        metrics.add("voice_bargeins_total")
    if action.by_session:
        metrics.add("voice_local_discards_total")


def count_answers(results: tuple[ToolResult, ...], metrics: Metrics) -> None:
    """Answers to the model. Names and states that are not ours are not labels."""
    for result in results:
        given = result.response.get("status")
        tool = result.name if result.name in _TOOLS else "unknown"
        status = given if isinstance(given, str) and given in STATUSES else "other"
        metrics.add("tool_calls_total", tool=tool, status=status)
        _log.info("tool_answered", tool=tool, status=status, ms=result.ms)


def note_end(report: a.CallReport, metrics: Metrics) -> None:
    """A leg ended."""
    metrics.add("voice_calls_total", outcome=report.outcome)
    metrics.observe("voice_call_seconds", report.duration_ms / 1000, outcome=report.outcome)
    if report.outcome == "dropped":
        metrics.add("voice_call_drops_total", reason=report.reason)
    _log.info(
        "call_ended",
        outcome=report.outcome,
        reason=report.reason,
        duration_ms=report.duration_ms,
        turns=len(report.transcript),
        tools=len(report.tools),
        total_tokens=report.usage.total_tokens,
    )
