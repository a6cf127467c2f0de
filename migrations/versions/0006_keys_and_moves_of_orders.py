"""API keys, what writes were answered, and the way of each order.

The columns of ``orders`` are null for what was placed before, and code from before this leaves them alone. The index is
made without a lock on the table, since orders are placed meanwhile; and first, so that a try that broke off can be
repeated.
"""

from __future__ import annotations

from alembic import op

from agiza.runtime.migration_steps import build_index, drop_index

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CHANGES = """
CREATE TABLE api_keys (
    key_id        text PRIMARY KEY,
    name          text NOT NULL,
    digest        text NOT NULL,
    branches      text[] NOT NULL CHECK (cardinality(branches) > 0),
    rights        text[] NOT NULL CHECK (cardinality(rights) > 0),
    made_at       timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz,
    revoked_at    timestamptz,
    last_used_at  timestamptz
);
COMMENT ON COLUMN api_keys.digest IS 'SHA-256 of the secret, which is 256 bits of chance and stands nowhere';
COMMENT ON COLUMN api_keys.branches IS 'Branch ids; {*} is every branch';

CREATE TABLE api_writes (
    key_id          text NOT NULL,
    idempotency_key text NOT NULL,
    digest          text NOT NULL,
    status          integer,
    pii_answer      jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key_id, idempotency_key)
);
CREATE INDEX api_writes_created ON api_writes (created_at);
COMMENT ON TABLE api_writes IS 'What a write with an Idempotency-Key was answered, for its repetition; kept for a week';

CREATE TABLE order_moves (
    order_id      text NOT NULL REFERENCES orders ON DELETE CASCADE,
    position      integer NOT NULL,
    state         text NOT NULL,
    at            timestamptz NOT NULL,
    said_by       text NOT NULL,
    eta_minutes   integer,
    reason        text,
    note          text,
    PRIMARY KEY (order_id, position)
);
COMMENT ON COLUMN order_moves.said_by IS 'An API key''s id, or caller';

ALTER TABLE orders
    ADD COLUMN eta_at timestamptz,
    ADD COLUMN reason text,
    ADD COLUMN note text;
COMMENT ON COLUMN orders.eta_at IS 'When the order is to be there, as it was told last';
"""

UNDONE = """
ALTER TABLE orders DROP COLUMN note, DROP COLUMN reason, DROP COLUMN eta_at;
DROP TABLE order_moves;
DROP TABLE api_writes;
DROP TABLE api_keys;
"""


def upgrade() -> None:
    """Add them. Orders before this have no history of moves."""
    build_index("orders_of_branch", "orders (branch_id, placed_at, order_number, order_id)")
    op.execute(CHANGES)


def downgrade() -> None:
    """Take them away again, with all keys."""
    drop_index("orders_of_branch")
    op.execute(UNDONE)
