"""Named cursors: how far a reader of a branch's feed has acknowledged what it pulled."""

from __future__ import annotations

from agiza.runtime.migration_steps import change

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CHANGES = """
CREATE TABLE IF NOT EXISTS feed_cursors (
    branch_id     text NOT NULL REFERENCES branches DEFERRABLE INITIALLY DEFERRED,
    name          text NOT NULL,
    acknowledged  bigint NOT NULL DEFAULT 0 CHECK (acknowledged >= 0),
    made_by       text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (branch_id, name)
);
"""


def upgrade() -> None:
    """Add the table."""
    change(CHANGES)


def downgrade() -> None:
    """Drop it: readers begin where they say."""
    change("DROP TABLE IF EXISTS feed_cursors")
