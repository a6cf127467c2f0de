"""Migration 0005 on a database with data, beside calls that are going on."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from servers import execute, with_database, worker_name

from agiza.runtime import backends, migrate

pytestmark = pytest.mark.integration

DATA = """
INSERT INTO branches (branch_id, phone, name, menu_version) VALUES ('westlands', '+254709000002', 'Westlands', 2);
INSERT INTO menus (branch_id, version, document, digest)
    VALUES ('westlands', 1, '{}', 'd1'), ('westlands', 2, '{}', 'd2');
INSERT INTO stock (branch_id, item_id, sold_out_until) VALUES ('westlands', 'samosa', '2026-03-06T18:30:00Z');
INSERT INTO carts (cart_id, call_id, branch_id, menu_version, pii_state)
    VALUES ('cart-0', 'call-0', 'westlands', 1, '{}');
"""


@pytest.fixture
def before(pg_servers: backends.Servers) -> Iterator[str]:
    """URL of a database as the release before left it, with data."""
    name = f"agiza_0004_{worker_name()}"
    execute(pg_servers.database_url, f'CREATE DATABASE "{name}"')
    url = with_database(pg_servers.database_url, name)
    migrate.upgrade(url, "0004")
    execute(url, DATA)
    yield url
    execute(pg_servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_data_goes_forward_and_back(before: str) -> None:
    migrate.upgrade(before, "0005")
    assert rows(before, "SELECT item_id, reason, set_by, set_at IS NOT NULL FROM stock") == [("samosa", "", "", True)]
    assert rows(before, "SELECT version, source FROM menus ORDER BY 1") == [(1, "files"), (2, "files")]
    with pytest.raises(psycopg.errors.RestrictViolation):
        execute(before, "UPDATE menus SET digest = 'x'")
    migrate.downgrade(before, "0004")
    execute(before, "UPDATE menus SET digest = 'x' WHERE version = 2")
    assert rows(before, "SELECT item_id, sold_out_until IS NOT NULL FROM stock") == [("samosa", True)]
    migrate.upgrade(before, "0005")
    assert rows(before, "SELECT version, digest FROM menus ORDER BY 1") == [(1, "d1"), (2, "x")]


def test_calls_go_on_while_it_runs(before: str) -> None:
    """Tool calls as the release before makes them, with its time limits, through up, down and up."""
    stop = threading.Event()
    made: list[int] = []
    failed: list[str] = []

    def call(number: int) -> None:
        limits = "-c lock_timeout=1000 -c statement_timeout=2000"
        with psycopg.connect(before, autocommit=True, options=limits) as connection:
            for turn in range(100_000):
                if stop.is_set():
                    break
                try:
                    with connection.transaction():
                        connection.execute(
                            "INSERT INTO carts (cart_id, call_id, branch_id, menu_version, pii_state)"
                            " VALUES (%s, %s, 'westlands', 2, '{}')",
                            (f"cart-{number}-{turn}", f"call-{number}-{turn}"),
                        )
                        connection.execute("SELECT item_id FROM stock WHERE branch_id = 'westlands'")
                    made.append(number)
                except psycopg.Error as error:
                    failed.append(type(error).__name__)

    callers = [threading.Thread(target=call, args=(number,)) for number in range(3)]
    for caller in callers:
        caller.start()
    for move, revision in ((migrate.upgrade, "0005"), (migrate.downgrade, "0004"), (migrate.upgrade, "0005")):
        seen = len(made)
        move(before, revision)
        while len(made) < seen + 20 and not failed:
            stop.wait(0.01)
    stop.set()
    for caller in callers:
        caller.join()
    assert failed == []
    assert len(made) >= 60


def test_it_gives_up_before_callers_would(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "TRIES_MAX", 2)
    monkeypatch.setattr(migrate, "PAUSE_S", (0.0, 0.0))
    with psycopg.connect(before) as busy:
        busy.execute("SELECT 1 FROM menus")  # a transaction that does not end
        with pytest.raises(migrate.MigrationBlocked, match="no lock in 2 tries"):
            migrate.upgrade(before, "0005")
    assert migrate.current(before) == "0004"
    migrate.upgrade(before, "0005")
