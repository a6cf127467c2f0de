"""Migrations run forward and back, from anywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from servers import with_database

from agiza.runtime import backends, migrate

pytestmark = pytest.mark.integration


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in rows}


def test_forward_back_and_forward_again(pg_servers: backends.Servers, empty_database_name: str) -> None:
    url = with_database(pg_servers.database_url, empty_database_name)
    assert migrate.current(url) is None
    migrate.upgrade(url)
    assert migrate.current(url) == migrate.head()
    first = tables(url)
    assert "outbox" in first
    migrate.upgrade(url)  # again: nothing to do
    migrate.downgrade(url, "base")
    assert tables(url) == {"alembic_version"}
    migrate.upgrade(url)
    assert tables(url) == first
    migrate.downgrade(url, "base")


def test_command_line_from_another_folder(
    pg_servers: backends.Servers, empty_database_name: str, tmp_path: Path
) -> None:
    url = with_database(pg_servers.database_url, empty_database_name)

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "agiza.runtime.migrate", *arguments]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("upgrade", DATABASE_URL=url)
    assert (done.returncode, done.stdout.strip()) == (0, migrate.head()), done.stderr
    assert run("downgrade", "base", DATABASE_URL=url).stdout.strip() == "None"
    missing = run("upgrade")
    assert (missing.returncode, missing.stderr.strip()) == (2, "DATABASE_URL is not set")
    assert run("downgrade", DATABASE_URL=url).returncode == 2


def test_folder_of_an_image_is_named_by_a_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert (migrate.migrations_folder() / "versions").is_dir()
    (tmp_path / "env.py").touch()
    monkeypatch.setenv("AGIZA_MIGRATIONS_DIR", str(tmp_path))
    assert migrate.migrations_folder() == tmp_path
    monkeypatch.setenv("AGIZA_MIGRATIONS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(migrate.MigrationsMissing, match="AGIZA_MIGRATIONS_DIR"):
        migrate.migrations_folder()


def test_password_with_odd_characters_reaches_the_driver() -> None:
    config = migrate._config("postgresql://u:a%40b%25c@h/d")
    assert config.get_main_option("sqlalchemy.url") == "postgresql+psycopg://u:a%40b%25c@h/d"
    with pytest.raises(ValueError, match="mysql"):
        migrate.upgrade("mysql://u:p@h/d")
