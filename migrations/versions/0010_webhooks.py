"""Webhooks: endpoints of subscribers, one delivery per endpoint and event, and every attempt of it."""

from __future__ import annotations

from agiza.runtime.migration_steps import change

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CHANGES = """
CREATE TABLE IF NOT EXISTS webhook_endpoints (
    endpoint_id      text PRIMARY KEY,
    branches         text[] NOT NULL,
    url              text NOT NULL,
    description      text NOT NULL DEFAULT '',
    types            text[] NOT NULL DEFAULT '{}',
    state            text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'disabled')),
    state_reason     text,
    secret           text NOT NULL,
    former_secret    text,
    former_until     timestamptz,
    failing_since    timestamptz,
    failures         integer NOT NULL DEFAULT 0,
    open_until       timestamptz,
    lane_holder      text,
    lane_until       timestamptz,
    made_by          text NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    deleted_at       timestamptz,
    failing_warned   smallint NOT NULL DEFAULT 0,
    alarm_since      timestamptz
);
COMMENT ON COLUMN webhook_endpoints.types IS 'Event types that are sent; none: all';
COMMENT ON COLUMN webhook_endpoints.deleted_at IS 'Nobody''s since then; goes after its deliveries and attempts';
COMMENT ON COLUMN webhook_endpoints.failing_warned IS 'The last warning of being disabled: per cent of the time';
COMMENT ON COLUMN webhook_endpoints.alarm_since IS 'Since then a ticket has been waiting for too long';
COMMENT ON COLUMN webhook_endpoints.lane_holder IS 'The process that sends to it now, until lane_until';

CREATE TABLE IF NOT EXISTS webhook_deliveries (
    endpoint_id      text NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
    event_id         text NOT NULL,
    branch_id        text NOT NULL,
    sequence         bigint NOT NULL,
    order_id         text,
    type             text NOT NULL,
    class            text NOT NULL CHECK (class IN ('ticket', 'record', 'ping')),
    state            text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'expired')),
    attempts         integer NOT NULL DEFAULT 0,
    due_at           timestamptz NOT NULL,
    began_at         timestamptz NOT NULL,
    settled_at       timestamptz,
    is_late          boolean NOT NULL DEFAULT false,
    PRIMARY KEY (endpoint_id, event_id)
);
COMMENT ON COLUMN webhook_deliveries.is_late IS 'A ticket that somebody has been told of because it waits';
CREATE INDEX IF NOT EXISTS webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at, sequence)
    WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS webhook_deliveries_orders ON webhook_deliveries (endpoint_id, order_id, sequence)
    WHERE state = 'pending';
-- The second condition is always true. It keeps the planner, which believes that nearly nothing is pending, from using
-- this index for claims as well: each would read everything that is.
CREATE INDEX IF NOT EXISTS webhook_deliveries_age ON webhook_deliveries (class, began_at)
    WHERE state = 'pending' AND attempts >= 0;
CREATE INDEX IF NOT EXISTS webhook_deliveries_settled ON webhook_deliveries (settled_at) WHERE state <> 'pending';

CREATE TABLE IF NOT EXISTS webhook_attempts (
    attempt_id       bigserial PRIMARY KEY,
    endpoint_id      text NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
    event_id         text NOT NULL,
    attempt          integer NOT NULL,
    at               timestamptz NOT NULL,
    status           integer,
    error            text,
    duration_ms      integer NOT NULL
);
CREATE INDEX IF NOT EXISTS webhook_attempts_of ON webhook_attempts (endpoint_id, at);
CREATE INDEX IF NOT EXISTS webhook_attempts_at ON webhook_attempts (at);

CREATE TABLE IF NOT EXISTS webhook_senders (
    sender           text PRIMARY KEY,
    until            timestamptz NOT NULL
);
COMMENT ON TABLE webhook_senders IS 'The processes that send now, each until its time: they share the endpoints';
"""


def upgrade() -> None:
    """Add the tables."""
    change(CHANGES)


def downgrade() -> None:
    """Drop them: subscribers have to be made again."""
    change("DROP TABLE IF EXISTS webhook_senders, webhook_attempts, webhook_deliveries, webhook_endpoints")
