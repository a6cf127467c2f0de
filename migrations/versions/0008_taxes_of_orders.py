"""The taxes of an order one by one: name, rate, whether prices contained it, and how much of what was paid it is.

Null where they were not recorded: for orders whose event is gone already, and for those that code from before this
places meanwhile. An order's event has had them for longer than its row, so they are taken from there, along the
events' own key.
"""

from __future__ import annotations

from agiza.runtime.migration_steps import change, fill

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE orders ADD COLUMN IF NOT EXISTS taxes jsonb;
COMMENT ON COLUMN orders.taxes IS 'One entry for each tax, in minor units; they add up to tax_minor; null: not known';
"""


def upgrade() -> None:
    """Add the column, and fill it where the event is still there."""
    change(CHANGES)
    fill(
        "orders",
        "position",
        "taxes = outbox.pii_event->'data'->'taxes'",
        "outbox.type = 'agiza.order.placed' AND orders.order_id = outbox.pii_event->'data'->>'order_id'"
        " AND orders.taxes IS NULL AND jsonb_typeof(outbox.pii_event->'data'->'taxes') = 'array'"
        " AND outbox.pii_event->'data'->'taxes' <> '[]'",
        source="outbox",
    )


def downgrade() -> None:
    """Take it away again. The events keep them."""
    change("ALTER TABLE orders DROP COLUMN IF EXISTS taxes")
