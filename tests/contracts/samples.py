"""One complete sample of every event, for the golden files and the round-trip tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agiza.contracts import events
from agiza.contracts.envelope import Stamp

STAMP = Stamp(
    id="evt-0001",
    source="/agiza/tests",
    time=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    sequence=7,
)

_CALL = {"branch_id": "westlands", "call_id": "HD_7c21e04ab9f3"}
_REPLY = {"reply_to": "agiza:replies:b1"}
_MOVED: dict[str, Any] = {"order_id": "ord-1", "order_number": 17, "at": "2026-11-22T09:01:00+00:00"}

SAMPLES: tuple[events.Event, ...] = (
    events.ToolCalled(
        **_CALL,
        **_REPLY,
        menu_version=3,
        leg_epoch=1,
        calls=(events.FunctionCall(id="fc-1", name="addItem", args={"name": "fries", "modifiers": ["large"]}),),
        cart_version_told=2,
        deadline_ms=1795338008000,
        read_back=events.ReadBackEvidence(quote_id="q-2", outcome="cut", played_ms=1200, caller_speech_ms=340),
    ),
    events.ToolCancelled(**_CALL, **_REPLY, leg_epoch=1, ids=("fc-1",)),
    events.ToolAnswered(
        **_CALL,
        **_REPLY,
        request_id="evt-0000",
        leg_epoch=1,
        results=(events.FunctionResult(id="fc-1", name="addItem", response={"status": "ok"}),),
        cart_version=3,
    ),
    events.CallTakenOver(**_CALL, **_REPLY, menu_version=3, leg_epoch=1),
    events.TakeOverAnswered(
        **_CALL,
        **_REPLY,
        request_id="evt-0000",
        leg_epoch=1,
        status="ok",
        resumed="leg",
        cart_version=3,
        lines="two chicken burgers",
        total="one thousand shillings",
        placed=(7,),
    ),
    events.LegSuperseded(**_CALL, leg_epoch=1),
    events.CallStarted(**_CALL, menu_version=3),
    events.CallRejoined(**_CALL, leg_epoch=1),
    events.CallDialServed(**_CALL, handoff_id="ho-1", contact_id="front", attempt=1),
    events.CallDialEnded(**_CALL, handoff_id="ho-1", connected=True, carrier_state="DialCompleted"),
    events.CallbackPromised(**_CALL, handoff_id="ho-1"),
    events.CallHungUp(**_CALL, duration_s=87),
    events.CallEnded(
        **_CALL,
        leg_epoch=1,
        outcome="placed",
        reason="agent_goodbye",
        duration_ms=61250,
        transcript=(events.TranscriptTurn(who="caller", pii_text="a large fries", at_ms=5200),),
        pii_tool_calls=(events.ToolTiming(id="fc-1", name="addItem", args={"name": "fries"}, status="ok", ms=6),),
        latencies_ms={"first_audio": (412,)},
        usage=events.ModelUsage(
            prompt_tokens=10, response_tokens=5, total_tokens=15, by_modality={"prompt_audio": 10, "response_audio": 5}
        ),
        cost=events.LegCost(
            model=events.CostPart(currency="USD", micro_minor=9_000, upper_micro_minor=471_000),
            telephony=events.CostPart(currency="KES", micro_minor=51_666_667, upper_micro_minor=100_000_000),
        ),
        language="sw",
    ),
    events.OutboundMoved(**_CALL, outbound_id="out-1", step="answered", carrier_state="Answered"),
    events.HandoffRequested(**_CALL, **_REPLY, leg_epoch=1, reason="caller_asked", pii_summary="Wants a person."),
    events.HandoffAnswered(
        **_CALL, **_REPLY, request_id="evt-0000", handoff_id="ho-1", contact_id="front", message="One moment, please."
    ),
    events.LeaveRequested(**_CALL, **_REPLY, handoff_id="ho-1"),
    events.CartChanged(**_CALL, cart_id="cart-1", cart_version=3, cart={"lines": []}),
    events.OrderPlaced(
        **_CALL,
        order_id="ord-1",
        order_number=17,
        menu_version=3,
        placed_at="2026-11-22T09:00:00+00:00",
        fulfilment="pickup",
        lines=(
            events.TicketLine(
                item="fries",
                name="fries",
                kitchen="FRIES",
                quantity=1,
                options=(
                    events.TicketOption(id="large", name="large", group="size-fries", quantity=1, price_minor=8000),
                ),
                unit_minor=33000,
                total_minor=33000,
            ),
        ),
        currency="KES",
        items_minor=33000,
        tax_minor=4552,
        total_minor=33000,
        pii_customer_phone="+254711000001",
    ),
    events.OrderReceived(**_CALL, **_MOVED),
    events.OrderAccepted(**_CALL, **_MOVED, eta_minutes=20, eta_at="2026-11-22T09:21:00+00:00"),
    events.OrderRejected(**_CALL, **_MOVED, reason="busy", note="The fryer is out."),
    events.OrderPreparing(**_CALL, **_MOVED, eta_minutes=15, eta_at="2026-11-22T09:16:00+00:00"),
    events.OrderReady(**_CALL, **_MOVED),
    events.OrderCompleted(**_CALL, **_MOVED),
    events.OrderCancelRequested(**_CALL, order_id="ord-1", order_number=17),
    events.OrderCancelled(**_CALL, **_MOVED, reason="caller", note="Stopped in time."),
    events.OrderUnacknowledged(**_CALL, **_MOVED, missing="received"),
    events.OrderOwned(**_CALL, **_MOVED, by="kitchen"),
    events.CallerOrderMoved(**_CALL, order_id="ord-1", order_number=17, word="accepted", eta_minutes=20),
)
