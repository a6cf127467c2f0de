"""What escalation keeps beside a hand-off: when the stream must be left, who was told, and lines that fell silent.

``line_watches`` are legs whose media socket was closed, and calls that are over: a moment later somebody looks whether
the carrier asked again, or whether the customer has to be rung back.
"""

from __future__ import annotations

from agiza.runtime.migration_steps import build_index, change, drop_index

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE handoffs
    ADD COLUMN IF NOT EXISTS leave_by timestamptz,
    ADD COLUMN IF NOT EXISTS told_at timestamptz,
    ADD COLUMN IF NOT EXISTS tellings integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS request_ids text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN handoffs.leave_by IS 'When the bridge must have left the stream; NULL while a phone rings first';
COMMENT ON COLUMN handoffs.told_at IS 'When the branch''s own system was told of it';
COMMENT ON COLUMN handoffs.request_ids IS 'Requests that were answered, so that a repeated one plans nothing anew';

ALTER TABLE callbacks
    ADD COLUMN IF NOT EXISTS rounds integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS tried text[] NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS taken_by text,
    ADD COLUMN IF NOT EXISTS taken_at timestamptz;

CREATE TABLE IF NOT EXISTS line_watches (
    call_id   text NOT NULL,
    leg_epoch integer NOT NULL,
    what      text NOT NULL CHECK (what IN ('left', 'over')),
    reason    text NOT NULL DEFAULT '',
    since     timestamptz NOT NULL,
    settled   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (call_id, leg_epoch, what)
);
COMMENT ON COLUMN line_watches.what IS 'left: the bridge reported the end of a leg; over: the carrier that of the call';
CREATE INDEX IF NOT EXISTS line_watches_due ON line_watches (since) WHERE NOT settled;
"""

WAITING = """
UPDATE handoffs SET leave_by = requested_at + interval '6 seconds'
    WHERE state IN ('requested', 'leaving') AND leave_by IS NULL
"""

INDEXES = {
    "handoffs_untold": "handoffs (requested_at) WHERE told_at IS NULL",
    "callbacks_unkept": "callbacks (promised_for) WHERE state IN ('waiting', 'calling', 'failed')",
    "outbound_of_handoff": "outbound_calls (handoff_id)",
    "outbound_created": "outbound_calls (created_at)",
    "calls_live": "calls (started_at) WHERE ended_at IS NULL",
    "calls_outbound": "calls (outbound_id) WHERE outbound_id IS NOT NULL",
}

UNDONE = """
DROP TABLE IF EXISTS line_watches;
ALTER TABLE callbacks DROP COLUMN IF EXISTS rounds, DROP COLUMN IF EXISTS tried, DROP COLUMN IF EXISTS taken_by,
    DROP COLUMN IF EXISTS taken_at;
ALTER TABLE handoffs DROP COLUMN IF EXISTS leave_by, DROP COLUMN IF EXISTS told_at, DROP COLUMN IF EXISTS tellings,
    DROP COLUMN IF EXISTS request_ids;
"""


def upgrade() -> None:
    """Add them. A hand-off that waits at this moment is left for as before."""
    change(CHANGES)
    change(WAITING)  # only the few that are open
    for name, definition in INDEXES.items():
        build_index(name, definition)


def downgrade() -> None:
    """Take them away again."""
    for name in INDEXES:
        drop_index(name)
    change(UNDONE)
