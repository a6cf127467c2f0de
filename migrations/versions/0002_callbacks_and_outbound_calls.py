"""Chains of contacts, calls back, and the calls that we place ourselves.

``callbacks`` are promises to a caller, ``outbound_calls`` the attempts to keep them (and the staff calls of hand-offs
that ring first). Both belong to the escalation service; the webhook reads them to answer the carrier.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE calls
    ADD COLUMN kind text NOT NULL DEFAULT 'inbound',
    ADD COLUMN resumes_call_id text,
    ADD COLUMN outbound_id text,
    ADD COLUMN pii_legs jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN dials integer NOT NULL DEFAULT 0,
    ADD COLUMN last_dialled_at timestamptz;
COMMENT ON COLUMN calls.resumes_call_id IS 'The call whose cart this one goes on with, when we rang the customer back';
UPDATE calls SET state = jsonb_set(state, '{call}',
    state->'call' || '{"kind": "inbound", "tried": [], "picked_up": false, "dial": null}') WHERE state ? 'call';
COMMENT ON COLUMN calls.pii_legs IS 'Reports by leg; transcript, tool calls, latencies, usage are joined of them';
CREATE INDEX calls_dialled ON calls (branch_id, last_dialled_at) WHERE last_dialled_at IS NOT NULL;
CREATE INDEX calls_of_caller ON calls (pii_caller, branch_id, started_at) WHERE pii_caller IS NOT NULL;

ALTER TABLE handoffs
    ADD COLUMN strategy text NOT NULL DEFAULT 'stream_stop_dial',
    ADD COLUMN tried text[] NOT NULL DEFAULT '{}',
    ADD COLUMN room text,
    ADD COLUMN ringing text,
    ADD COLUMN left_at timestamptz,
    ADD COLUMN language text NOT NULL DEFAULT 'en',
    ADD COLUMN taken_by text,
    ADD COLUMN taken_at timestamptz;
COMMENT ON COLUMN handoffs.room IS 'Set while a person has picked up and waits there for the caller';
COMMENT ON COLUMN handoffs.ringing IS 'Contact whose phone we ring by a call of our own at this moment';
COMMENT ON COLUMN handoffs.left_at IS 'When the bridge left the stream for this hand-off';

CREATE TABLE callbacks (
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
CREATE INDEX callbacks_due ON callbacks (next_attempt_at) WHERE state IN ('waiting', 'calling');

CREATE TABLE outbound_calls (
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
CREATE INDEX outbound_of_callback ON outbound_calls (callback_id);
CREATE INDEX outbound_open ON outbound_calls (updated_at) WHERE state IN ('asked', 'placed', 'answered');
"""

UNDONE = """
DROP TABLE outbound_calls;
DROP TABLE callbacks;
ALTER TABLE handoffs
    DROP COLUMN strategy, DROP COLUMN tried, DROP COLUMN room, DROP COLUMN ringing, DROP COLUMN left_at,
    DROP COLUMN language, DROP COLUMN taken_by, DROP COLUMN taken_at;
DROP INDEX calls_of_caller;
DROP INDEX calls_dialled;
ALTER TABLE calls
    DROP COLUMN kind, DROP COLUMN resumes_call_id, DROP COLUMN outbound_id, DROP COLUMN pii_legs, DROP COLUMN dials,
    DROP COLUMN last_dialled_at;
"""


def upgrade() -> None:
    """Add what escalation needs. Calls that are live at this moment keep their stage and forget their Dial."""
    op.execute(CHANGES)


def downgrade() -> None:
    """Take it away again."""
    op.execute(UNDONE)
