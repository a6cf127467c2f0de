"""Alembic environment: runs the migrations over psycopg with the URL that agiza.runtime.migrate hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool

from agiza.runtime.migrate import LOCK, MigrationBusy
from agiza.runtime.migration_steps import LOCK_TIMEOUT


def run() -> None:
    """Run all steps, one transaction per migration or per step, with a lock limit so that live calls never wait for us.

    One process at a time. Asked for, not waited for: building an index waits for whoever waits in a transaction.
    """
    url = context.config.get_main_option("sqlalchemy.url")
    if not url:
        raise SystemExit("migrations need a database: start them with agiza.runtime.migrate")
    engine = create_engine(url, poolclass=pool.NullPool)
    try:
        with engine.connect() as connection:
            if not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({LOCK})").scalar():
                raise MigrationBusy("another process is migrating this database")
            connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            connection.commit()
            context.configure(connection=connection, target_metadata=None, transaction_per_migration=True)
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


run()
