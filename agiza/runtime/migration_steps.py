"""The steps of which a migration is made, so that no live call waits for it longer than a moment.

    change("ALTER TABLE calls ADD COLUMN IF NOT EXISTS kind text NOT NULL DEFAULT 'inbound'")      # expand
    fill("calls", "call_id", "state = ...", "NOT state ? 'kind'")                                  # backfill
    build_index("calls_live", "calls (started_at) WHERE ended_at IS NULL")
    change("ALTER TABLE calls ALTER COLUMN kind SET NOT NULL")                                     # enforce

Each step is one short transaction of its own, or many: a strong lock is never held while rows are written or
an index is built. A migration of several steps may therefore stop between two of them, when a lock is not to be had,
and is begun again from its first step: every step must do no harm when it was done before (IF NOT EXISTS, IF EXISTS).
"""

from __future__ import annotations

from typing import Final

from alembic import op

BATCH_ROWS: Final = 500
LOCK_TIMEOUT: Final = "1s"
"""How long a step waits for a lock, and everybody who comes after it with it."""
INDEX_TIMEOUT: Final = "30min"


def change(sql: str) -> None:
    """One or several statements in one transaction. Only what takes no time once it has its lock."""
    with op.get_context().autocommit_block():
        # One string of several statements is one transaction for the server.
        op.get_bind().exec_driver_sql(sql)


def fill(table: str, key: str, values: str, where: str, *, source: str | None = None) -> None:
    """``UPDATE table SET values [FROM source] WHERE where`` in batches, each a transaction.

    They go along ``key``, the primary key of the table, or of the source where the values come from another table.
    Rows that are written meanwhile are written by code that knows, or does not know, the new columns: ``where`` must
    leave alone those that are right already.
    """
    read, origin = (source, f" FROM {source}") if source is not None else (table, "")
    place = f"{read}.{key}"
    after = None
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        while True:
            last = connection.exec_driver_sql(
                f"SELECT max({key}) FROM (SELECT {key} FROM {read} WHERE %s::text IS NULL OR {key} > %s"  # noqa: S608
                f" ORDER BY {key} LIMIT {BATCH_ROWS}) AS batch",
                (after, after),
            ).scalar()
            if last is None:
                return
            connection.exec_driver_sql(
                f"UPDATE {table} SET {values}{origin}"  # noqa: S608
                f" WHERE (%s::text IS NULL OR {place} > %s) AND {place} <= %s AND ({where})",
                (after, after, last),
            )
            after = last


def build_index(name: str, definition: str) -> None:
    """An index on a table that is in use, built while everybody goes on reading and writing.

    What a build that broke off left behind is thrown away first: it would be there, and used by nobody.
    """
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        broken = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid"
        if connection.exec_driver_sql(broken, (name,)).scalar():
            _patiently(f"DROP INDEX CONCURRENTLY {name}")
        _patiently(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}")


def drop_index(name: str) -> None:
    """The same way back."""
    with op.get_context().autocommit_block():
        _patiently(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def _patiently(sql: str) -> None:
    """Building waits for older transactions to end, but nobody waits for it: no short limit."""
    connection = op.get_bind()
    connection.exec_driver_sql("SET lock_timeout = 0")
    connection.exec_driver_sql(f"SET statement_timeout = '{INDEX_TIMEOUT}'")
    connection.exec_driver_sql(sql)
    connection.exec_driver_sql("SET statement_timeout = 0")
    connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
