"""Why something is sold out and who said so; and menu versions that nobody can change.

``menus`` gets where a version came from. A trigger refuses to change or delete a version, whoever asks: the rights of
the services (agiza.runtime.roles) are the first guard, this is the second.

The menus are locked before the stock, in the order in which a call that is going on needs them. The new columns have
constant defaults, so no row is rewritten. Code from before this goes on reading and writing both tables.
"""

from __future__ import annotations

from agiza.runtime.migration_steps import change

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE menus
    ADD COLUMN IF NOT EXISTS source text NOT NULL DEFAULT 'files',
    ADD COLUMN IF NOT EXISTS published_by text NOT NULL DEFAULT '';
COMMENT ON COLUMN menus.source IS 'files: a service published it at its start; hand: somebody did';

ALTER TABLE stock
    ADD COLUMN IF NOT EXISTS reason text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS set_by text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS set_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN stock.item_id IS 'An item''s id, or GROUP/OPTION for one option of a group';

CREATE OR REPLACE FUNCTION menus_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a menu version never changes: publish a new one' USING ERRCODE = 'restrict_violation';
END $$;
CREATE OR REPLACE TRIGGER menus_stay BEFORE UPDATE OR DELETE ON menus FOR EACH ROW EXECUTE FUNCTION menus_stay();
CREATE OR REPLACE TRIGGER menus_stay_all BEFORE TRUNCATE ON menus FOR EACH STATEMENT EXECUTE FUNCTION menus_stay();
"""

UNDONE = """
DROP TRIGGER IF EXISTS menus_stay_all ON menus;
DROP TRIGGER IF EXISTS menus_stay ON menus;
DROP FUNCTION IF EXISTS menus_stay();
ALTER TABLE menus DROP COLUMN IF EXISTS published_by, DROP COLUMN IF EXISTS source;
ALTER TABLE stock
    DROP COLUMN IF EXISTS set_at, DROP COLUMN IF EXISTS set_by, DROP COLUMN IF EXISTS reason;
"""


def upgrade() -> None:
    """Add them. What is sold out at this moment stays so, without a reason."""
    change(CHANGES)


def downgrade() -> None:
    """Take them away again."""
    change(UNDONE)
