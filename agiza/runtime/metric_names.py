"""Every metric: name, labels, meaning, and for histograms the buckets. A test keeps types and tables in step.

Base units as in Prometheus' conventions: seconds, bytes, ``_total`` for counters. Values of a label come from a
closed set (an enum, a branch id, a service), never from a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

CounterName = Literal[
    "voice_calls_total",
    "voice_call_drops_total",
    "voice_call_complaints_total",
    "voice_bargeins_total",
    "voice_cues_total",
    "voice_ducks_total",
    "voice_local_discards_total",
    "voice_frames_dropped_total",
    "voice_media_refused_total",
    "model_hops_total",
    "model_messages_total",
    "model_tokens_total",
    "call_cost_minor_total",
    "call_cost_upper_minor_total",
    "webhook_requests_total",
    "webhook_answers_total",
    "admission_total",
    "tool_calls_total",
    "inbox_replay_total",
    "stale_epoch_rejected_total",
    "stale_cart_rejected_total",
    "expired_rejected_total",
    "call_over_rejected_total",
    "carts_resumed_total",
    "calls_taken_over_total",
    "calls_resumed_total",
    "orders_placed_total",
    "orders_cancelled_total",
    "order_moves_total",
    "order_words_unknown_total",
    "order_alarms_total",
    "escalation_total",
    "session_escalations_total",
    "handoff_callback_total",
    "outbound_calls_total",
    "lines_rescued_total",
    "dial_refused_total",
    "stream_published_total",
    "stream_publish_failed_total",
    "stream_handled_total",
    "stream_reclaimed_total",
    "stream_dead_total",
    "stream_lost_total",
    "stream_group_created_total",
    "stream_partitions_moved_total",
    "stream_trimmed_unread_total",
    "outbox_rebuilt_total",
    "rows_forgotten_total",
    "outbox_numbered_total",
    "outbox_published_total",
    "feed_events_sent_total",
    "feed_streams_cut_total",
    "jobs_total",
    "delivery_total",
    "kitchen_screens_cut_off_total",
    "webhook_endpoints_total",
    "webhook_tickets_late_total",
    "http_requests_total",
    "integrity_violation_total",
    "unexpected_error_total",
]

GaugeName = Literal[
    "voice_call_active",
    "voice_call_slots",
    "service_ready",
    "stream_group_lag",
    "stream_group_pending",
    "stream_oldest_pending_seconds",
    "stream_partitions_held",
    "stream_dead_entries",
    "outbox_unpublished",
    "outbox_oldest_unpublished_seconds",
    "feed_streams_open",
    "feed_cursor_lag_events",
    "orders_unowned",
    "escalation_open",
    "callbacks_open",
    "callbacks_overdue",
    "outbound_possible",
    "kitchen_screens",
    "database_pool_waiting",
    "database_pool_used",
    "model_breaker_open",
    "webhook_lanes_held",
    "webhook_tickets_waiting",
    "webhook_records_waiting",
]

HistogramName = Literal[
    "voice_first_audio_seconds",
    "voice_turn_response_seconds",
    "voice_bargein_stop_seconds",
    "model_away_seconds",
    "voice_uplink_seconds",
    "voice_downlink_seconds",
    "voice_call_seconds",
    "voice_playback_ahead_seconds",
    "model_prompt_tokens",
    "webhook_answer_seconds",
    "webhook_attempt_seconds",
    "webhook_delivery_seconds",
    "tool_roundtrip_seconds",
    "tool_apply_seconds",
    "stream_handle_seconds",
    "outbox_publish_seconds",
    "ticket_confirm_seconds",
    "order_accept_seconds",
    "handoff_connect_seconds",
    "handoff_leave_seconds",
    "http_request_seconds",
    "event_loop_lag_seconds",
]


@dataclass(frozen=True, slots=True)
class Metric:
    """What a counter or gauge counts, and by which labels."""

    meaning: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a histogram measures, by which labels, and its upper bucket limits."""

    meaning: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...]


_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Our own work on the audio, tool and callback paths; limits at the promised 10, 20, 25 and 50 ms."""
_SPOKEN: Final = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0)
"""What a caller waits for."""
_LONG: Final = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0)
"""Calls, and people who act."""
_TOKENS: Final = (1_000.0, 2_000.0, 4_000.0, 6_000.0, 8_000.0, 12_000.0, 16_000.0, 32_000.0, 64_000.0)
"""Context of a model session; beyond 8,000 compression should have set in."""

COUNTERS: Final[Mapping[CounterName, Metric]] = {
    "voice_calls_total": Metric("Call legs that ended", ("outcome",)),
    "voice_call_drops_total": Metric("Legs that ended without goodbye", ("reason",)),
    "voice_call_complaints_total": Metric("Unusual things within legs: late tools, a silent model", ("kind",)),
    "voice_bargeins_total": Metric("Times a caller interrupted the agent"),
    "voice_cues_total": Metric("Sentences that a caller heard without the model", ("cue",)),
    "voice_ducks_total": Metric("Times the agent's voice was lowered because the caller spoke over it"),
    "voice_local_discards_total": Metric("Interruptions that the bridge carried out before the model yielded"),
    "voice_frames_dropped_total": Metric("Audio frames dropped at a full queue, oldest first", ("direction",)),
    "voice_media_refused_total": Metric("Media connections refused before a model session existed", ("reason",)),
    "model_hops_total": Metric(
        "Calls that went on with another model session: why the one before ended, and by handle (resumed) or by "
        "being told everything (reseeded)",
        ("reason", "how"),
    ),
    "model_messages_total": Metric("Messages received from the model", ("kind",)),
    "model_tokens_total": Metric("Tokens that the model reported, by legs that ended", ("direction", "modality")),
    "call_cost_minor_total": Metric(
        "What calls cost, as metered, in minor units of the currency; absent without prices", ("part", "currency")
    ),
    "call_cost_upper_minor_total": Metric("What the same calls cost at most", ("part", "currency")),
    "webhook_requests_total": Metric("Carrier callbacks received", ("callback", "verdict")),
    "webhook_answers_total": Metric("Answers given to the carrier, by their first verb", ("answer",)),
    "admission_total": Metric("Calls, and further legs, for which the agent was asked, and why not", ("verdict",)),
    "tool_calls_total": Metric("Function calls of the model that were answered", ("tool", "status")),
    "inbox_replay_total": Metric("Function calls that came again and got their stored answer", ("path",)),
    "stale_epoch_rejected_total": Metric("Events of a leg that had been taken over"),
    "stale_cart_rejected_total": Metric("Changes refused because the model knew an older cart"),
    "expired_rejected_total": Metric("Changes refused because they came after their deadline"),
    "call_over_rejected_total": Metric("Changes refused because they were asked for after the end of their call"),
    "carts_resumed_total": Metric("Legs that went on with a cart that was open", ("how",)),
    "calls_taken_over_total": Metric("Legs that took their call over from an older one", ("outcome",)),
    "calls_resumed_total": Metric("Later legs by how their model session began", ("model",)),
    "orders_placed_total": Metric("Orders placed", ("branch", "fulfilment")),
    "orders_cancelled_total": Metric("Orders cancelled", ("branch", "cancelled_by")),
    "order_moves_total": Metric("Steps of orders that a kitchen has told", ("state",)),
    "order_words_unknown_total": Metric("Words of a POS about an order that are none of the API's: look in the log"),
    "order_alarms_total": Metric("Orders whose kitchen said too little in time", ("branch", "missing")),
    "escalation_total": Metric("Hand-offs to a person", ("reason", "outcome")),
    "session_escalations_total": Metric("Hand-offs that a call's session asked for, not the model", ("reason",)),
    "dial_refused_total": Metric(
        "Dials that were not served: switched off, too many, or a number that must not be rung", ("reason",)
    ),
    "handoff_callback_total": Metric("Call-backs: promised, and what became of them", ("outcome",)),
    "outbound_calls_total": Metric("Calls that we placed, and how far they came", ("kind", "outcome")),
    "lines_rescued_total": Metric("Callers whose line fell silent, and what was done", ("what", "how")),
    "stream_published_total": Metric("Events published", ("type",)),
    "stream_publish_failed_total": Metric("Events that could not be published", ("type", "reason")),
    "stream_handled_total": Metric("Stream entries handled", ("stream", "outcome")),
    "stream_reclaimed_total": Metric("Stream entries taken over from a reader that did not finish them", ("stream",)),
    "stream_dead_total": Metric("Stream entries moved to the dead letters", ("stream", "reason")),
    "stream_lost_total": Metric("Stream entries whose body was trimmed before they were handled", ("stream",)),
    "stream_group_created_total": Metric("Consumer groups created, first or again after data loss", ("stream",)),
    "stream_partitions_moved_total": Metric(
        "Streams that this process began to read (taken), handed over (given) or lost by a pause (lost)",
        ("group", "how"),
    ),
    "stream_trimmed_unread_total": Metric(
        "Stream entries thrown away unhandled because there were too many; every one is worth waking up for",
        ("stream",),
    ),
    "outbox_rebuilt_total": Metric("Branch streams written anew because Redis had lost something", ("branch",)),
    "rows_forgotten_total": Metric("Rows deleted because of their age", ("table",)),
    "outbox_numbered_total": Metric("Order events numbered for a branch's feed", ("branch",)),
    "outbox_published_total": Metric("Order events written to a branch's stream", ("branch",)),
    "feed_events_sent_total": Metric("Order events given to readers of a branch's feed", ("branch", "form")),
    "feed_streams_cut_total": Metric("SSE streams that we ended, by why", ("branch", "reason")),
    "jobs_total": Metric("Background jobs that ended", ("job", "outcome")),
    "delivery_total": Metric("Deliveries to subscribers", ("class", "outcome")),
    "kitchen_screens_cut_off_total": Metric("Kitchen screens that did not take what they were sent", ("branch",)),
    "webhook_tickets_late_total": Metric("Tickets that an endpoint has not taken within a minute", ("branch",)),
    "webhook_endpoints_total": Metric(
        "Endpoints of subscribers that stopped answering (opened), answer again (closed), have a ticket waiting for a "
        "minute (ticket_late), have failed for a part of five days (warned_50 to warned_90), were disabled",
        ("what",),
    ),
    "http_requests_total": Metric("HTTP requests answered", ("route", "status")),
    "integrity_violation_total": Metric("A promise about orders was found broken; every one is worth waking up for"),
    "unexpected_error_total": Metric("Errors that no code expected", ("where",)),
}

GAUGES: Final[Mapping[GaugeName, Metric]] = {
    "voice_call_active": Metric("Calls on this bridge now"),
    "voice_call_slots": Metric("Calls that this bridge takes at most"),
    "service_ready": Metric("1 while this service takes work"),
    "stream_group_lag": Metric(
        "Entries not yet delivered to the group; absent while Redis cannot tell", ("stream", "group")
    ),
    "stream_group_pending": Metric("Entries delivered and not yet acknowledged", ("stream", "group")),
    "stream_oldest_pending_seconds": Metric("Age of the oldest unacknowledged entry", ("stream", "group")),
    "stream_partitions_held": Metric("Streams of the group that this process reads now", ("group",)),
    "stream_dead_entries": Metric("Dead letters of this stream that nobody has looked after", ("stream",)),
    "outbox_unpublished": Metric("Order events not yet in a branch's stream"),
    "outbox_oldest_unpublished_seconds": Metric("Age of the oldest of them"),
    "feed_streams_open": Metric("SSE streams of a branch's feed that are open on this replica", ("branch",)),
    "feed_cursor_lag_events": Metric("Events that a branch's slowest cursor has not acknowledged", ("branch",)),
    "orders_unowned": Metric("Orders with an alarm that no person has taken; every one is worth a look", ("branch",)),
    "escalation_open": Metric("Hand-offs that are not finished"),
    "callbacks_open": Metric("Promised call-backs that have not been made"),
    "callbacks_overdue": Metric("Those of them whose time has passed; every one is worth a look"),
    "outbound_possible": Metric("1 while calls of our own can be placed"),
    "kitchen_screens": Metric("Kitchen screens that follow this branch here now", ("branch",)),
    "database_pool_waiting": Metric("Requests that wait for a database connection"),
    "database_pool_used": Metric("Database connections in use"),
    "model_breaker_open": Metric("1 while the model is considered down and no call is given to it"),
    "webhook_lanes_held": Metric("Endpoints of subscribers that this process sends to now"),
    "webhook_tickets_waiting": Metric("Tickets that have not been delivered to an endpoint, or given up"),
    "webhook_records_waiting": Metric("Other events that have not been delivered to an endpoint, or given up"),
}

HISTOGRAMS: Final[Mapping[HistogramName, Distribution]] = {
    "voice_first_audio_seconds": Distribution("Media connection open to the first agent audio", (), _SPOKEN),
    "voice_turn_response_seconds": Distribution("End of caller speech to the agent's first audio", (), _SPOKEN),
    "voice_bargein_stop_seconds": Distribution("Model says interrupted to our last stale byte", (), _QUICK),
    "model_away_seconds": Distribution("Model session left or lost to the next one ready", ("how",), _SPOKEN),
    "voice_uplink_seconds": Distribution("Caller frame received to sent to the model", (), _QUICK),
    "voice_downlink_seconds": Distribution("Model audio received to the first frame sent", (), _QUICK),
    "voice_call_seconds": Distribution("Length of a leg", ("outcome",), _LONG),
    "voice_playback_ahead_seconds": Distribution("Audio at the carrier not yet played", (), _QUICK),
    "model_prompt_tokens": Distribution("Largest prompt that a leg was billed for in one turn", (), _TOKENS),
    "webhook_answer_seconds": Distribution("Carrier callback received to answered", ("callback",), _QUICK),
    "webhook_attempt_seconds": Distribution("One attempt at a subscriber's endpoint", ("outcome",), _SPOKEN),
    "webhook_delivery_seconds": Distribution(
        "Order event numbered to answered with 2xx by an endpoint", ("class",), (*_QUICK, 5.0, 15.0, 60.0, 300.0, 900.0)
    ),
    "tool_roundtrip_seconds": Distribution("Model's function call to our answer", ("tool", "outcome", "path"), _QUICK),
    "tool_apply_seconds": Distribution("Function call's transaction", ("tool",), _QUICK),
    "stream_handle_seconds": Distribution("One stream entry in its handler", ("stream",), _QUICK),
    "outbox_publish_seconds": Distribution("Order event committed to written into the stream", (), _QUICK),
    "ticket_confirm_seconds": Distribution("Order placed to acknowledged by kitchen or POS", (), _LONG),
    "order_accept_seconds": Distribution("Order placed to accepted by the kitchen", (), _LONG),
    "handoff_connect_seconds": Distribution("Hand-off requested to a person on the line", (), _LONG),
    "handoff_leave_seconds": Distribution("Last word about the hand-off played to the stream left", (), _QUICK),
    "http_request_seconds": Distribution("HTTP request received to answered", ("route",), _QUICK),
    "event_loop_lag_seconds": Distribution("How late a timer of the event loop fires", (), _QUICK),
}
