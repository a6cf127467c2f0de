"""Alembic environment: runs the migrations over psycopg with the URL that agiza.runtime.migrate hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool


def run() -> None:
    """Run all steps in one transaction per migration, with a lock limit so that live calls never wait for us."""
    url = context.config.get_main_option("sqlalchemy.url")
    if not url:
        raise SystemExit("migrations need a database: start them with agiza.runtime.migrate")
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("SET lock_timeout = '2s'")
        connection.commit()
        context.configure(connection=connection, target_metadata=None, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
