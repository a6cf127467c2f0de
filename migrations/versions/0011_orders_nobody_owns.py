"""Orders that a kitchen has not taken in time: which word is missing, since when, and the person who looks after it."""

from __future__ import annotations

from agiza.runtime.migration_steps import build_index, change, drop_index

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE orders ADD COLUMN IF NOT EXISTS alarm text;
ALTER TABLE orders ADD COLUMN IF NOT EXISTS alarm_at timestamptz;
ALTER TABLE orders ADD COLUMN IF NOT EXISTS owned_by text;
ALTER TABLE orders ADD COLUMN IF NOT EXISTS owned_at timestamptz;
COMMENT ON COLUMN orders.alarm IS 'not_received, not_accepted: the word that was missing when its time was over';
COMMENT ON COLUMN orders.owned_by IS 'The person who looks after an order with an alarm; null: nobody yet';
"""


def upgrade() -> None:
    """Add the columns, and the index that the watch over fresh orders looks at."""
    change(CHANGES)
    build_index("orders_unowned", "orders (branch_id) WHERE alarm IS NOT NULL AND owned_at IS NULL")
    build_index("orders_waiting", "orders (branch_id, placed_at) WHERE state IN ('placed', 'received')")


def downgrade() -> None:
    """Take them away."""
    drop_index("orders_waiting")
    drop_index("orders_unowned")
    change(
        "ALTER TABLE orders DROP COLUMN IF EXISTS alarm, DROP COLUMN IF EXISTS alarm_at,"
        " DROP COLUMN IF EXISTS owned_by, DROP COLUMN IF EXISTS owned_at"
    )
