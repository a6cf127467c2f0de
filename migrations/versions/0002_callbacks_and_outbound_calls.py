"""Chains of contacts, calls back, and the calls that we place ourselves.

``callbacks`` are promises to a caller, ``outbound_calls`` the attempts to keep them (and the staff calls of hand-offs
that ring first). Both belong to the escalation service; the webhook reads them to answer the carrier.

In steps: columns and tables, then the states of calls in batches, then the indexes beside the traffic. It once was one
transaction, which kept every call waiting while all calls were rewritten; what comes of it is the same.
"""

from __future__ import annotations

from agiza.runtime.migration_steps import build_index, change, drop_index, fill

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CALLS = """
ALTER TABLE calls
    ADD COLUMN IF NOT EXISTS kind text NOT NULL DEFAULT 'inbound',
    ADD COLUMN IF NOT EXISTS resumes_call_id text,
    ADD COLUMN IF NOT EXISTS outbound_id text,
    ADD COLUMN IF NOT EXISTS pii_legs jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS dials integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS last_dialled_at timestamptz;
COMMENT ON COLUMN calls.resumes_call_id IS 'The call whose cart this one goes on with, when we rang the customer back';
COMMENT ON COLUMN calls.pii_legs IS 'Reports by leg; transcript, tool calls, latencies, usage are joined of them';
"""

HANDOFFS = """
ALTER TABLE handoffs
    ADD COLUMN IF NOT EXISTS strategy text NOT NULL DEFAULT 'stream_stop_dial',
    ADD COLUMN IF NOT EXISTS tried text[] NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS room text,
    ADD COLUMN IF NOT EXISTS ringing text,
    ADD COLUMN IF NOT EXISTS left_at timestamptz,
    ADD COLUMN IF NOT EXISTS language text NOT NULL DEFAULT 'en',
    ADD COLUMN IF NOT EXISTS taken_by text,
    ADD COLUMN IF NOT EXISTS taken_at timestamptz;
COMMENT ON COLUMN handoffs.room IS 'Set while a person has picked up and waits there for the caller';
COMMENT ON COLUMN handoffs.ringing IS 'Contact whose phone we ring by a call of our own at this moment';
COMMENT ON COLUMN handoffs.left_at IS 'When the bridge left the stream for this hand-off';

CREATE TABLE IF NOT EXISTS callbacks (
    callback_id     text PRIMARY KEY,
    call_id         text NOT NULL,
    handoff_id      text REFERENCES handoffs,
    branch_id       text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('person', 'agent')),
    pii_phone       text NOT NULL,
    reason          text NOT NULL,
    language        text NOT NULL DEFAULT 'en',
    state           text NOT NULL CHECK (state IN ('waiting', 'calling', 'connected', 'failed', 'closed')),
    attempts        integer NOT NULL DEFAULT 0,
    promised_for    timestamptz NOT NULL,
    next_attempt_at timestamptz,
    closed_by       text,
    traceparent     text NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    UNIQUE (call_id, kind)
);
COMMENT ON COLUMN callbacks.kind IS 'person: staff ring back; agent: the lost customer goes on with the agent';
CREATE INDEX IF NOT EXISTS callbacks_due ON callbacks (next_attempt_at) WHERE state IN ('waiting', 'calling');

CREATE TABLE IF NOT EXISTS outbound_calls (
    outbound_id     text PRIMARY KEY,
    call_id         text NOT NULL,
    callback_id     text REFERENCES callbacks,
    handoff_id      text REFERENCES handoffs,
    branch_id       text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('ring_back', 'staff_bridge', 'staff_join', 'customer_join')),
    pii_to          text NOT NULL,
    pii_customer    text,
    contact_id      text,
    room            text,
    language        text NOT NULL DEFAULT 'en',
    state           text NOT NULL CHECK (state IN ('asked', 'placed', 'answered', 'connected', 'ended', 'failed')),
    carrier_call_id text,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
COMMENT ON COLUMN outbound_calls.call_id IS 'The caller''s call that this one is about';
CREATE INDEX IF NOT EXISTS outbound_of_callback ON outbound_calls (callback_id);
CREATE INDEX IF NOT EXISTS outbound_open ON outbound_calls (updated_at) WHERE state IN ('asked', 'placed', 'answered');
"""

NEW_FIELDS = """
state = jsonb_set(state, '{call}',
    state->'call' || '{"kind": "inbound", "tried": [], "picked_up": false, "dial": null}')
"""

TABLES_UNDONE = "DROP TABLE IF EXISTS outbound_calls, callbacks"
HANDOFFS_UNDONE = """
ALTER TABLE handoffs
    DROP COLUMN IF EXISTS strategy, DROP COLUMN IF EXISTS tried, DROP COLUMN IF EXISTS room,
    DROP COLUMN IF EXISTS ringing, DROP COLUMN IF EXISTS left_at, DROP COLUMN IF EXISTS language,
    DROP COLUMN IF EXISTS taken_by, DROP COLUMN IF EXISTS taken_at
"""
CALLS_UNDONE = """
ALTER TABLE calls
    DROP COLUMN IF EXISTS kind, DROP COLUMN IF EXISTS resumes_call_id, DROP COLUMN IF EXISTS outbound_id,
    DROP COLUMN IF EXISTS pii_legs, DROP COLUMN IF EXISTS dials, DROP COLUMN IF EXISTS last_dialled_at
"""


def upgrade() -> None:
    """Add what escalation needs. Calls that are live at this moment keep their stage and forget their Dial."""
    change(CALLS)
    change(HANDOFFS)
    fill("calls", "call_id", NEW_FIELDS, "state ? 'call' AND NOT state->'call' ? 'kind'")
    build_index("calls_dialled", "calls (branch_id, last_dialled_at) WHERE last_dialled_at IS NOT NULL")
    build_index("calls_of_caller", "calls (pii_caller, branch_id, started_at) WHERE pii_caller IS NOT NULL")


def downgrade() -> None:
    """Take it away again. The states of calls keep their new fields, which older code does not look at."""
    drop_index("calls_of_caller")
    drop_index("calls_dialled")
    change(TABLES_UNDONE)
    change(HANDOFFS_UNDONE)
    change(CALLS_UNDONE)
