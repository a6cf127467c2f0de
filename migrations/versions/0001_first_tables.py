"""The first tables: menus, calls, carts, orders, outbox, hand-offs.

Each table has one writing service (docs/architecture.md); the grants are made from that map by
agiza.runtime.roles, not here, so that a table without an owner is found by a test.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE branches (
    branch_id      text PRIMARY KEY,
    phone          text NOT NULL UNIQUE,
    name           text NOT NULL,
    menu_version   integer NOT NULL,
    updated_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE menus (
    branch_id      text NOT NULL REFERENCES branches DEFERRABLE INITIALLY DEFERRED,
    version        integer NOT NULL CHECK (version >= 1),
    document       jsonb NOT NULL,
    digest         text NOT NULL,
    published_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (branch_id, version)
);
COMMENT ON TABLE menus IS 'Immutable: a change of a menu is a new version';

CREATE TABLE stock (
    branch_id      text NOT NULL,
    item_id        text NOT NULL,
    sold_out_until timestamptz,
    PRIMARY KEY (branch_id, item_id)
);
COMMENT ON COLUMN stock.sold_out_until IS 'A row means sold out, until then or (null) until it is taken back';

CREATE TABLE calls (
    call_id          text PRIMARY KEY,
    branch_id        text NOT NULL,
    menu_version     integer NOT NULL,
    pii_caller       text,
    language         text NOT NULL DEFAULT 'en',
    stage            text NOT NULL,
    state            jsonb NOT NULL DEFAULT '{}',
    media_token      text,
    token_expires_at timestamptz,
    leg_epoch        integer NOT NULL DEFAULT 0,
    traceparent      text NOT NULL,
    started_at       timestamptz NOT NULL,
    ended_at         timestamptz,
    outcome          text,
    end_reason       text,
    duration_ms      integer,
    pii_transcript   jsonb NOT NULL DEFAULT '[]',
    pii_tool_calls   jsonb NOT NULL DEFAULT '[]',
    latencies_ms     jsonb NOT NULL DEFAULT '{}',
    usage            jsonb NOT NULL DEFAULT '{}',
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX calls_started ON calls (branch_id, started_at);

CREATE TABLE carts (
    cart_id       text PRIMARY KEY,
    call_id       text NOT NULL UNIQUE,
    branch_id     text NOT NULL,
    menu_version  integer NOT NULL,
    version       integer NOT NULL DEFAULT 0,
    leg_epoch     integer NOT NULL DEFAULT 0,
    pii_state     jsonb NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (branch_id, menu_version) REFERENCES menus
);

CREATE TABLE cart_events (
    cart_id       text NOT NULL REFERENCES carts ON DELETE CASCADE,
    position      integer NOT NULL,
    pii_event     jsonb NOT NULL,
    tool_call_id  text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cart_id, position)
);

CREATE TABLE tool_results (
    call_id       text NOT NULL,
    tool_call_id  text NOT NULL,
    tool          text NOT NULL,
    args_digest   text NOT NULL,
    status        text NOT NULL,
    pii_response  jsonb NOT NULL,
    cart_version  integer NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (call_id, tool_call_id)
);
COMMENT ON TABLE tool_results IS 'Inbox: one row per function call, with the answer that a repeat gets again';

CREATE TABLE order_counters (
    branch_id     text NOT NULL,
    day           date NOT NULL,
    last_number   integer NOT NULL,
    PRIMARY KEY (branch_id, day)
);

CREATE TABLE orders (
    order_id       text PRIMARY KEY,
    branch_id      text NOT NULL,
    call_id        text NOT NULL,
    cart_id        text NOT NULL REFERENCES carts,
    cart_version   integer NOT NULL,
    order_number   integer NOT NULL,
    day            date NOT NULL,
    state          text NOT NULL,
    fulfilment     text NOT NULL,
    currency       text NOT NULL,
    items_minor    bigint NOT NULL,
    delivery_fee_minor bigint NOT NULL DEFAULT 0,
    tax_minor      bigint NOT NULL,
    total_minor    bigint NOT NULL,
    eta_minutes    integer,
    supplement_of  text,
    pii_customer   jsonb NOT NULL DEFAULT '{}',
    placed_at      timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (branch_id, day, order_number),
    UNIQUE (cart_id, cart_version)
);
CREATE INDEX orders_of_call ON orders (call_id);

CREATE TABLE order_lines (
    order_id      text NOT NULL REFERENCES orders ON DELETE CASCADE,
    position      integer NOT NULL,
    line          jsonb NOT NULL,
    PRIMARY KEY (order_id, position)
);

CREATE TABLE outbox (
    position      bigserial PRIMARY KEY,
    event_id      text NOT NULL UNIQUE,
    branch_id     text NOT NULL,
    type          text NOT NULL,
    version       integer NOT NULL,
    pii_event     jsonb NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    sequence      bigint,
    published_at  timestamptz,
    UNIQUE (branch_id, sequence)
);
CREATE INDEX outbox_unpublished ON outbox (position) WHERE published_at IS NULL;

CREATE TABLE contacts (
    branch_id     text NOT NULL,
    contact_id    text NOT NULL,
    name          text NOT NULL,
    phone         text NOT NULL,
    position      integer NOT NULL,
    hours         jsonb NOT NULL,
    languages     text[] NOT NULL,
    active        boolean NOT NULL DEFAULT true,
    PRIMARY KEY (branch_id, contact_id)
);

CREATE TABLE handoffs (
    handoff_id    text PRIMARY KEY,
    call_id       text NOT NULL,
    leg_epoch     integer NOT NULL,
    branch_id     text NOT NULL,
    contact_id    text,
    contact_phone text,
    reason        text NOT NULL,
    pii_summary   text NOT NULL DEFAULT '',
    state         text NOT NULL,
    attempts      integer NOT NULL DEFAULT 0,
    reply_to      text,
    traceparent   text NOT NULL,
    requested_at  timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    UNIQUE (call_id, leg_epoch)
);
CREATE INDEX handoffs_open ON handoffs (requested_at) WHERE state IN ('requested', 'leaving', 'dial_served');
"""

NAMES = (
    "handoffs", "contacts", "outbox", "order_lines", "orders", "order_counters", "tool_results", "cart_events",
    "carts", "calls", "stock", "menus", "branches",
)  # fmt: skip


def upgrade() -> None:
    """Make all tables."""
    op.execute(TABLES)


def downgrade() -> None:
    """Drop all tables, dependants first."""
    for name in NAMES:
        op.execute(f"DROP TABLE {name} CASCADE")
