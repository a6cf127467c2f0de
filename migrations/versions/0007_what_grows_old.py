"""The ages of inbox rows and events, so that old ones are found without reading all of them.

The upkeep of orders deletes both in small batches. Built beside the traffic: every function call writes an inbox row.
"""

from __future__ import annotations

from agiza.runtime.migration_steps import build_index, drop_index

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INDEXES = {
    "tool_results_created": "tool_results (created_at)",
    "outbox_created": "outbox (created_at)",
}


def upgrade() -> None:
    """Build them."""
    for name, definition in INDEXES.items():
        build_index(name, definition)


def downgrade() -> None:
    """Take them away again."""
    for name in INDEXES:
        drop_index(name)
