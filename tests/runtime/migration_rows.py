"""Rows for a database at each revision, as the code of that time wrote them: for tests of the migrations."""

from __future__ import annotations

from typing import Final

ROWS: Final[dict[str, tuple[str, ...]]] = {
    "0001": (
        "INSERT INTO branches VALUES ('westlands', '+254709000001', 'Westlands', 1, '2026-03-01Z')",
        "INSERT INTO menus (branch_id, version, document, digest) VALUES ('westlands', 1, '{\"items\": []}', 'd1')",
        "INSERT INTO stock (branch_id, item_id, sold_out_until) VALUES ('westlands', 'soda', NULL)",
        "INSERT INTO calls (call_id, branch_id, menu_version, pii_caller, stage, state, traceparent, started_at)"
        " SELECT 'HD_' || n, 'westlands', 1, '+25471100' || n, 'ended',"
        "  jsonb_build_object('call', jsonb_build_object('stage', 'live', 'leg_epoch', n)), 'tp',"
        "  timestamptz '2026-03-06Z' + n * interval '1 second' FROM generate_series(1, 1200) AS n",
        "INSERT INTO calls (call_id, branch_id, menu_version, stage, traceparent, started_at)"
        " VALUES ('HD_bare', 'westlands', 1, 'ringing', 'tp', '2026-03-06Z')",
        "INSERT INTO carts (cart_id, call_id, branch_id, menu_version, version, pii_state)"
        " VALUES ('cart-HD_1', 'HD_1', 'westlands', 1, 2, '{\"lines\": [1]}')",
        "INSERT INTO cart_events VALUES ('cart-HD_1', 1, '{\"type\": \"item_added\"}', 'f1', '2026-03-06Z')",
        "INSERT INTO tool_results VALUES ('HD_1', 'f1', 'addItem', 'digest', 'ok', '{\"a\": 1}', 1, '2026-03-06Z')",
        "INSERT INTO order_counters VALUES ('westlands', '2026-03-06', 1)",
        "INSERT INTO orders (order_id, branch_id, call_id, cart_id, cart_version, order_number, day, state, fulfilment,"
        " currency, items_minor, tax_minor, total_minor, placed_at) VALUES ('ord-1', 'westlands', 'HD_1', 'cart-HD_1',"
        " 2, 1, '2026-03-06', 'placed', 'pickup', 'KES', 85000, 13600, 85000, '2026-03-06Z')",
        "INSERT INTO order_lines VALUES ('ord-1', 1, '{\"item\": \"fries\"}')",
        "INSERT INTO outbox (event_id, branch_id, type, version, pii_event, sequence, published_at)"
        " VALUES ('e1', 'westlands', 'agiza.order.placed', 1, '{\"id\": \"e1\"}', 1, '2026-03-06Z'),"
        " ('e2', 'westlands', 'agiza.order.placed', 1, '{\"id\": \"e2\"}', NULL, NULL)",
        "INSERT INTO contacts VALUES ('westlands', 'wanjiru', 'Wanjiru', '+254722000001', 1, '{}', '{en,sw}', true)",
        "INSERT INTO handoffs (handoff_id, call_id, leg_epoch, branch_id, reason, state, traceparent, requested_at,"
        " updated_at) VALUES ('h-open', 'HD_1', 1, 'westlands', 'asked', 'requested', 'tp', '2026-03-06Z', now()),"
        " ('h-done', 'HD_2', 1, 'westlands', 'asked', 'connected', 'tp', '2026-03-06Z', now())",
    ),
    "0002": (
        "UPDATE calls SET kind = 'outbound', dials = 2, last_dialled_at = '2026-03-06Z' WHERE call_id = 'HD_2'",
        "INSERT INTO callbacks (callback_id, call_id, handoff_id, branch_id, kind, pii_phone, reason, state,"
        " promised_for, traceparent, created_at, updated_at) VALUES ('cb1', 'HD_1', 'h-done', 'westlands', 'person',"
        " '+254711001', 'asked', 'waiting', '2026-03-06Z', 'tp', now(), now())",
        "INSERT INTO outbound_calls (outbound_id, call_id, callback_id, branch_id, kind, pii_to, state, created_at,"
        " updated_at) VALUES ('out1', 'HD_1', 'cb1', 'westlands', 'staff_bridge', '+254722000001', 'ended', now(),"
        " now())",
    ),
    "0003": (
        "INSERT INTO line_watches VALUES ('HD_1', 1, 'left', 'goodbye', '2026-03-06Z', false)",
        "UPDATE callbacks SET rounds = 1",
    ),
    "0004": ("UPDATE calls SET cost = '{\"KES\": 12000000}', tolls = '[{\"seconds\": 60}]' WHERE call_id = 'HD_1'",),
    "0005": (
        "UPDATE stock SET reason = 'delivery late', set_by = 'wanjiru'",
        "INSERT INTO menus (branch_id, version, document, digest, source) VALUES ('westlands', 2, '{}', 'd2', 'hand')",
    ),
    "0006": (
        "INSERT INTO api_keys (key_id, name, digest, branches, rights) VALUES ('k1', 'till', 'd', '{*}', '{orders}')",
        "INSERT INTO api_writes (key_id, idempotency_key, digest) VALUES ('k1', 'i1', 'd')",
        "INSERT INTO order_moves (order_id, position, state, at, said_by)"
        " VALUES ('ord-1', 1, 'placed', now(), 'caller')",
        "UPDATE orders SET eta_at = '2026-03-06Z', reason = 'busy'",
    ),
    "0007": (
        "INSERT INTO orders (order_id, branch_id, call_id, cart_id, cart_version, order_number, day, state, fulfilment,"
        " currency, items_minor, tax_minor, total_minor, placed_at) SELECT 'ord-taxed-' || n, 'westlands', 'HD_1',"
        " 'cart-HD_1', 100 + n, 100 + n, '2026-03-06', 'placed', 'pickup', 'KES', 1160, 160, 1160, '2026-03-06Z'"
        " FROM generate_series(1, 700) AS n",
        "INSERT INTO outbox (event_id, branch_id, type, version, pii_event) SELECT 'placed-' || n, 'westlands',"
        " 'agiza.order.placed', 1, jsonb_build_object('data', jsonb_build_object('order_id', 'ord-taxed-' || n,"
        "  'taxes', jsonb_build_array(jsonb_build_object('id', 'vat', 'amount_minor', 100 + n))))"
        " FROM generate_series(1, 600) AS n",
        "INSERT INTO outbox (event_id, branch_id, type, version, pii_event) VALUES"
        " ('old', 'westlands', 'agiza.order.placed', 1,"
        "  jsonb_build_object('data', jsonb_build_object('order_id', 'ord-taxed-700', 'taxes', '[]'::jsonb))),"
        " ('ready', 'westlands', 'agiza.order.ready', 1,"
        "  jsonb_build_object('data', jsonb_build_object('order_id', 'ord-taxed-699', 'taxes', '[1]'::jsonb)))",
    ),
    "0009": (
        "INSERT INTO feed_cursors (branch_id, name, acknowledged, made_by) VALUES ('westlands', 'till', 17, 'k1')",
    ),
    "0010": (
        "INSERT INTO webhook_endpoints (endpoint_id, branches, url, secret, made_by)"
        " VALUES ('ep1', '{westlands}', 'https://pos.example.com/agiza', 'whsec_x', 'k1')",
        "INSERT INTO webhook_deliveries (endpoint_id, event_id, branch_id, sequence, order_id, type, class, due_at,"
        " began_at) VALUES ('ep1', 'e1', 'westlands', 1, 'ord-1', 'agiza.order.placed', 'ticket', now(), now())",
        "INSERT INTO webhook_attempts (endpoint_id, event_id, attempt, at, status, duration_ms)"
        " VALUES ('ep1', 'e1', 1, now(), 500, 12)",
    ),
    "0011": (
        "UPDATE orders SET alarm = 'not_received', alarm_at = now(), owned_by = 'Amina' WHERE order_id = 'ord-1'",
    ),
}
"""What is added after each revision. A later revision may have none: the rows of the earlier ones go through it."""

MANY_CALLS: Final = (
    "INSERT INTO calls (call_id, branch_id, menu_version, pii_caller, stage, state, traceparent, started_at)"
    " SELECT 'HD_many_' || n, 'westlands', 1, '+25472200' || n, 'ended', '{\"call\": {\"stage\": \"ended\"}}', 'tp',"
    "  timestamptz '2026-03-05Z' + n * interval '1 second' FROM generate_series(1, 20000) AS n"
)
