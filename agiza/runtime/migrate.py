"""Run the database migrations, from a checkout or from an installed image.

    upgrade(url)                 # to the newest
    downgrade(url, "base")       # back to nothing
    python -m agiza.runtime.migrate upgrade head

No alembic.ini: the folder is the project's ``migrations``, or AGIZA_MIGRATIONS_DIR.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool

from agiza.runtime.settings import DatabaseUrl, ServiceSettings, SettingsError, read_settings

FOLDER_VARIABLE: Final = "AGIZA_MIGRATIONS_DIR"
_CHECKOUT: Final = Path(__file__).parents[2] / "migrations"


class MigrationsMissing(Exception):
    """The folder with the migrations is not where it should be."""

    retryable = False


class _Settings(ServiceSettings):
    database_url: DatabaseUrl


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database forward to this revision. Safe to repeat; runs as the database's owner."""
    command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database back to this revision, or "base"."""
    command.downgrade(_config(url), revision)


def current(url: str) -> str | None:
    """The revision of the database; None when it has none."""
    engine = create_engine(_driver_url(url), poolclass=pool.NullPool)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def head() -> str:
    """The newest revision of this build."""
    newest = ScriptDirectory.from_config(_config("postgresql://")).get_current_head()
    assert newest is not None, "there is at least one migration"
    return newest


def migrations_folder() -> Path:
    """Where the migrations are. Raises :class:`MigrationsMissing`."""
    folder = Path(os.environ.get(FOLDER_VARIABLE) or _CHECKOUT)
    if not (folder / "env.py").is_file():
        raise MigrationsMissing(f"no migrations in {folder}: set {FOLDER_VARIABLE} to the project's migrations folder")
    return folder


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    # A per cent sign of the password would be read as interpolation.
    config.set_main_option("sqlalchemy.url", _driver_url(url).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _driver_url(url: str) -> str:
    """SQLAlchemy's spelling of psycopg 3."""
    scheme, separator, rest = url.partition("://")
    if scheme not in ("postgresql", "postgres"):
        raise ValueError(f"not a Postgres URL: it begins with {scheme!r}")
    return f"postgresql+psycopg{separator}{rest}"


def main(arguments: list[str] | None = None) -> int:
    """Command line; the URL comes from DATABASE_URL."""
    parser = argparse.ArgumentParser(prog="python -m agiza.runtime.migrate", description="Run the database migrations.")
    parser.add_argument("direction", choices=["upgrade", "downgrade", "current"])
    parser.add_argument("revision", nargs="?", help="target revision; 'head' for upgrade if left out")
    chosen = parser.parse_args(arguments)
    if chosen.direction == "downgrade" and chosen.revision is None:
        parser.error("downgrade needs a revision, or 'base'")
    try:
        url = read_settings(_Settings).database_url.get_secret_value()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.direction == "upgrade":
        upgrade(url, chosen.revision or "head")
    elif chosen.direction == "downgrade":
        downgrade(url, chosen.revision)
    print(current(url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
