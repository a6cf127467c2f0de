"""Run the database migrations, from a checkout or from an installed image.

    upgrade(url)                 # to the newest
    downgrade(url, "base")       # back to nothing
    python -m agiza.runtime.migrate upgrade head

Safe while calls are going on: no step waits for a lock longer than a second, a run that met one pauses and begins again
where it was, and only one process migrates at a time. See docs/migrations.md.

No alembic.ini: the folder is the project's ``migrations``, or AGIZA_MIGRATIONS_DIR.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool
from sqlalchemy.exc import DBAPIError

from agiza.runtime.logs import get_logger
from agiza.runtime.settings import DatabaseUrl, ServiceSettings, SettingsError, read_settings

FOLDER_VARIABLE: Final = "AGIZA_MIGRATIONS_DIR"
LOCK: Final = 4_812_019_738
"""Held by the one process that migrates, for its connection's life."""
TRIES_MAX: Final = 30
PAUSE_S: Final = (0.5, 5.0)
"""Between two tries: whoever had to wait behind us gets on with his work first."""
_RIVALS: Final = ("55P03", "40P01")
"""SQLSTATEs of a lock that was not to be had in time, and of a deadlock: nothing is wrong with the step itself."""
_CHECKOUT: Final = Path(__file__).parents[2] / "migrations"

_log = get_logger(__name__)


class MigrationsMissing(Exception):
    """The folder with the migrations is not where it should be."""

    retryable = False


class MigrationBusy(Exception):
    """Another process is migrating this database."""

    retryable = True


class MigrationBlocked(Exception):
    """A step could not get its lock in :data:`TRIES_MAX` tries. The steps before it are done; run it again later."""

    retryable = True


class _Settings(ServiceSettings):
    database_url: DatabaseUrl


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database forward to this revision. Safe to repeat; runs as the database's owner.

    Raises :class:`MigrationBlocked`, or the driver's error of a step that is wrong.
    """
    _with_patience(lambda: command.upgrade(_config(url), revision))


def downgrade(url: str, revision: str) -> None:
    """Take the database back to this revision, or "base". Raises as :func:`upgrade`."""
    _with_patience(lambda: command.downgrade(_config(url), revision))


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


def _with_patience(run: Callable[[], None]) -> None:
    """Run until it gets its locks. Migrations that were finished are not run again; the others begin anew."""
    for tries in range(1, TRIES_MAX + 1):
        try:
            return run()
        except MigrationBusy as error:
            why: Exception = error
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _RIVALS:
                raise
            why = error
        if tries < TRIES_MAX:
            first, longest = PAUSE_S
            _log.warning("migration_waits", tries=tries, reason=type(getattr(why, "orig", why)).__name__)
            _pause(min(longest, first * 2 ** (tries - 1)) * random.uniform(0.8, 1.2))
    raise MigrationBlocked(f"no lock in {TRIES_MAX} tries: look for long transactions (docs/migrations.md)") from why


def _pause(seconds: float) -> None:
    time.sleep(seconds)


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
    try:
        if chosen.direction == "upgrade":
            upgrade(url, chosen.revision or "head")
        elif chosen.direction == "downgrade":
            downgrade(url, chosen.revision)
    except MigrationBlocked as error:
        print(error, file=sys.stderr)
        return 1
    print(current(url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
