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

# NOT VALID at first: rows of before are not looked at while the strong lock is held, but in a step of their own.
KINDS = """
ALTER TABLE callbacks DROP CONSTRAINT IF EXISTS callbacks_kind_check, ADD CONSTRAINT callbacks_kind_check
    CHECK (kind IN ({callbacks})) NOT VALID;
ALTER TABLE outbound_calls DROP CONSTRAINT IF EXISTS outbound_calls_kind_check, ADD CONSTRAINT outbound_calls_kind_check
    CHECK (kind IN ({calls})) NOT VALID
"""
VALIDATED = """
ALTER TABLE callbacks VALIDATE CONSTRAINT callbacks_kind_check;
ALTER TABLE outbound_calls VALIDATE CONSTRAINT outbound_calls_kind_check
"""
CALLBACKS = "'person', 'agent'"
CALLS = "'ring_back', 'staff_bridge', 'staff_join', 'customer_join'"
COMMENT_BEFORE = (
    "COMMENT ON COLUMN callbacks.kind IS 'person: staff ring back; agent: the lost customer goes on with the agent'"
)
COMMENT = f"{COMMENT_BEFORE[:-1]}; kitchen: staff are rung about an order that nobody has taken'"
FORGOTTEN = "DELETE FROM outbound_calls WHERE kind = 'staff_alarm'; DELETE FROM callbacks WHERE kind = 'kitchen'"


def upgrade() -> None:
    """Add the columns, the indexes that the watches look at, and the calls to staff about such an order."""
    change(CHANGES)
    change(KINDS.format(callbacks=f"{CALLBACKS}, 'kitchen'", calls=f"{CALLS}, 'staff_alarm'"))
    change(VALIDATED)
    change(COMMENT)
    build_index("orders_unowned", "orders (branch_id) WHERE alarm IS NOT NULL AND owned_at IS NULL")
    build_index("callbacks_kitchen", "callbacks (updated_at) WHERE kind = 'kitchen'")
    build_index("orders_waiting", "orders (branch_id, placed_at) WHERE state IN ('placed', 'received')")


def downgrade() -> None:
    """Take them away."""
    drop_index("orders_waiting")
    drop_index("orders_unowned")
    drop_index("callbacks_kitchen")
    change(FORGOTTEN)
    change(KINDS.format(callbacks=CALLBACKS, calls=CALLS))
    change(VALIDATED)
    change(COMMENT_BEFORE)
    change(
        "ALTER TABLE orders DROP COLUMN IF EXISTS alarm, DROP COLUMN IF EXISTS alarm_at,"
        " DROP COLUMN IF EXISTS owned_by, DROP COLUMN IF EXISTS owned_at"
    )
