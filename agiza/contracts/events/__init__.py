"""Every event that crosses a process border, declared once.

Each class has a literal ``type`` and an integer ``version``. A new optional field keeps the version; anything
else is a new version with an upgrade step in :mod:`agiza.contracts.envelope` and a new golden file under
``tests/contracts/golden``. Field names that start with ``pii_`` hold a caller's words, name or number and may
go nowhere but to the people who serve that caller.

The modules of this package divide them by subject; everybody else imports them from here.
"""

from __future__ import annotations

from agiza.contracts.events.calls import (
    CallbackPromised,
    CallDialEnded,
    CallDialServed,
    CallHungUp,
    CallRejoined,
    CallStarted,
    OutboundKind,
    OutboundMoved,
    OutboundStep,
)
from agiza.contracts.events.event import CallIdField, Event, Part, SlugField
from agiza.contracts.events.handoffs import (
    SUMMARY_CHARS_MAX,
    CallbackOffer,
    EscalationReason,
    HandoffAnswered,
    HandoffRequested,
    LeaveRequested,
)
from agiza.contracts.events.legs import CallTakenOver, LegSuperseded, Resumed, TakeOverAnswered, TakeOverStatus
from agiza.contracts.events.orders import (
    CallerOrderMoved,
    CartChanged,
    OrderAccepted,
    OrderCancelled,
    OrderCancelRequested,
    OrderCompleted,
    OrderOwned,
    OrderPlaced,
    OrderPreparing,
    OrderReady,
    OrderReceived,
    OrderRejected,
    OrderUnacknowledged,
    TicketLine,
    TicketOption,
    TicketPart,
    TicketTax,
)
from agiza.contracts.events.report import (
    CallEnded,
    CallOutcome,
    CostPart,
    LegCost,
    ModelUsage,
    ToolTiming,
    TranscriptTurn,
)
from agiza.contracts.events.tools import (
    TOOL_CALLS_MAX,
    FunctionCall,
    FunctionResult,
    ReadBackEvidence,
    ReadBackOutcome,
    ToolAnswered,
    ToolCalled,
    ToolCallId,
    ToolCancelled,
    ToolName,
)

EVENTS: tuple[type[Event], ...] = (
    ToolCalled, ToolCancelled, ToolAnswered,
    CallTakenOver, TakeOverAnswered, LegSuperseded,
    CallStarted, CallRejoined, CallDialServed, CallDialEnded, CallbackPromised, CallHungUp, CallEnded, OutboundMoved,
    HandoffRequested, HandoffAnswered, LeaveRequested,
    CartChanged, OrderPlaced, OrderReceived, OrderAccepted, OrderRejected, OrderPreparing, OrderReady, OrderCompleted,
    OrderCancelRequested, OrderCancelled, OrderUnacknowledged, OrderOwned,
    CallerOrderMoved,
)  # fmt: skip
"""All events at their current version."""

__all__ = [
    "EVENTS",
    "SUMMARY_CHARS_MAX",
    "TOOL_CALLS_MAX",
    "CallDialEnded",
    "CallDialServed",
    "CallEnded",
    "CallHungUp",
    "CallIdField",
    "CallOutcome",
    "CallRejoined",
    "CallStarted",
    "CallTakenOver",
    "CallbackOffer",
    "CallbackPromised",
    "CallerOrderMoved",
    "CartChanged",
    "CostPart",
    "EscalationReason",
    "Event",
    "FunctionCall",
    "FunctionResult",
    "HandoffAnswered",
    "HandoffRequested",
    "LeaveRequested",
    "LegCost",
    "LegSuperseded",
    "ModelUsage",
    "OrderAccepted",
    "OrderCancelRequested",
    "OrderCancelled",
    "OrderCompleted",
    "OrderOwned",
    "OrderPlaced",
    "OrderPreparing",
    "OrderReady",
    "OrderReceived",
    "OrderRejected",
    "OrderUnacknowledged",
    "OutboundKind",
    "OutboundMoved",
    "OutboundStep",
    "Part",
    "ReadBackEvidence",
    "ReadBackOutcome",
    "Resumed",
    "SlugField",
    "TakeOverAnswered",
    "TakeOverStatus",
    "TicketLine",
    "TicketOption",
    "TicketPart",
    "TicketTax",
    "ToolAnswered",
    "ToolCallId",
    "ToolCalled",
    "ToolCancelled",
    "ToolName",
    "ToolTiming",
    "TranscriptTurn",
]
