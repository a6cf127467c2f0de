"""What a call cost: the legs' part as the bridge reported it, and the carrier's minutes.

``cost`` is null where no price was known. ``tolls`` are the legs that the carrier charges for, each with its seconds,
and with its amount where a price was known. Code from before this leaves both alone.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE calls
    ADD COLUMN cost jsonb,
    ADD COLUMN tolls jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN calls.cost IS 'Model and media streams, by currency, in millionths of a minor unit; null: not known';
COMMENT ON COLUMN calls.tolls IS 'The call itself and its Dials: seconds, and the amount where a price was known';
CREATE INDEX outbound_of_call ON outbound_calls (call_id);
"""

UNDONE = """
DROP INDEX outbound_of_call;
ALTER TABLE calls DROP COLUMN tolls, DROP COLUMN cost;
"""


def upgrade() -> None:
    """Add the columns; calls before this have no cost."""
    op.execute(CHANGES)


def downgrade() -> None:
    """Take them away again."""
    op.execute(UNDONE)
