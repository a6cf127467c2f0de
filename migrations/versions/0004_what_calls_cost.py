"""What a call cost: the legs' part as the bridge reported it, and the carrier's minutes.

``cost`` is null where no price was known. ``tolls`` are the legs that the carrier charges for, each with its seconds,
and with its amount where a price was known. Code from before this leaves both alone.
"""

from __future__ import annotations

from agiza.runtime.migration_steps import build_index, change, drop_index

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE calls
    ADD COLUMN IF NOT EXISTS cost jsonb,
    ADD COLUMN IF NOT EXISTS tolls jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN calls.cost IS 'Model and media streams, by currency, in millionths of a minor unit; null: not known';
COMMENT ON COLUMN calls.tolls IS 'The call itself and its Dials: seconds, and the amount where a price was known';
"""

UNDONE = "ALTER TABLE calls DROP COLUMN IF EXISTS tolls, DROP COLUMN IF EXISTS cost"


def upgrade() -> None:
    """Add the columns; calls before this have no cost."""
    change(CHANGES)
    build_index("outbound_of_call", "outbound_calls (call_id)")


def downgrade() -> None:
    """Take them away again."""
    drop_index("outbound_of_call")
    change(UNDONE)
