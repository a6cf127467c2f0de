"""What escalation keeps beside a hand-off: when the stream must be left, who was told, and lines that fell silent.

``line_watches`` are legs whose media socket was closed, and calls that are over: a moment later somebody looks whether
the carrier asked again, or whether the customer has to be rung back.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE handoffs
    ADD COLUMN leave_by timestamptz,
    ADD COLUMN told_at timestamptz,
    ADD COLUMN tellings integer NOT NULL DEFAULT 0,
    ADD COLUMN request_ids text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN handoffs.leave_by IS 'When the bridge must have left the stream; NULL while a phone rings first';
COMMENT ON COLUMN handoffs.told_at IS 'When the branch''s own system was told of it';
COMMENT ON COLUMN handoffs.request_ids IS 'Requests that were answered, so that a repeated one plans nothing anew';
UPDATE handoffs SET leave_by = requested_at + interval '6 seconds' WHERE state IN ('requested', 'leaving');

ALTER TABLE callbacks
    ADD COLUMN rounds integer NOT NULL DEFAULT 0,
    ADD COLUMN tried text[] NOT NULL DEFAULT '{}',
    ADD COLUMN taken_by text,
    ADD COLUMN taken_at timestamptz;
CREATE INDEX handoffs_untold ON handoffs (requested_at) WHERE told_at IS NULL;
CREATE INDEX callbacks_unkept ON callbacks (promised_for) WHERE state IN ('waiting', 'calling', 'failed');
CREATE INDEX outbound_of_handoff ON outbound_calls (handoff_id);
CREATE INDEX outbound_created ON outbound_calls (created_at);
CREATE INDEX calls_live ON calls (started_at) WHERE ended_at IS NULL;
CREATE INDEX calls_outbound ON calls (outbound_id) WHERE outbound_id IS NOT NULL;

CREATE TABLE line_watches (
    call_id   text NOT NULL,
    leg_epoch integer NOT NULL,
    what      text NOT NULL CHECK (what IN ('left', 'over')),
    reason    text NOT NULL DEFAULT '',
    since     timestamptz NOT NULL,
    settled   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (call_id, leg_epoch, what)
);
COMMENT ON COLUMN line_watches.what IS 'left: the bridge reported the end of a leg; over: the carrier that of the call';
CREATE INDEX line_watches_due ON line_watches (since) WHERE NOT settled;
"""

UNDONE = """
DROP TABLE line_watches;
DROP INDEX handoffs_untold, callbacks_unkept, outbound_of_handoff, outbound_created, calls_live, calls_outbound;
ALTER TABLE callbacks DROP COLUMN rounds, DROP COLUMN tried, DROP COLUMN taken_by, DROP COLUMN taken_at;
ALTER TABLE handoffs DROP COLUMN leave_by, DROP COLUMN told_at, DROP COLUMN tellings, DROP COLUMN request_ids;
"""


def upgrade() -> None:
    """Add them. A hand-off that waits at this moment is left for as before."""
    op.execute(CHANGES)


def downgrade() -> None:
    """Take them away again."""
    op.execute(UNDONE)
