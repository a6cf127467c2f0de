"""Migrations on a database that has data and is in use: forward, back, broken off, blocked, and beside live calls."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory
from migration_rows import MANY_CALLS, ROWS
from servers import execute, with_database, worker_name
from sqlalchemy import event
from sqlalchemy.engine import Engine

from agiza.contracts.envelope import Stamp, decode, encode
from agiza.contracts.events import FunctionCall, ToolCalled
from agiza.runtime import backends, migrate, roles
from agiza.runtime.branch_files import load_branch_files
from agiza.runtime.clock import StoppedClock
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import open_pool
from agiza.runtime.traces import Trace
from services.orders.catalog import Catalog
from services.orders.handler import ToolHandler

pytestmark = pytest.mark.integration

BRANCHES = Path(__file__).parents[2] / "branches"
NOON = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
SERVED_FROM = "0006"
"""The oldest revision on which carts are served by the handler of this build (an order is placed on the newest only):
raise it with a revision that is needed for that."""
CHANGED = {"0002": {("calls", "state")}}
"""Columns that a revision fills anew by design; everything else must be as it was."""

Rows = dict[str, list[dict[str, Any]]]


def revisions() -> list[str]:
    """All of them, oldest first."""
    scripts = ScriptDirectory.from_config(migrate._config("postgresql://"))
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


REVISIONS = revisions()
PAIRS = list(itertools.pairwise(REVISIONS))


@pytest.fixture
def url(pg_servers: backends.Servers) -> Iterator[str]:
    """A database without any table."""
    name = f"agiza_data_{worker_name()}"
    execute(pg_servers.database_url, f'CREATE DATABASE "{name}"')
    yield with_database(pg_servers.database_url, name)
    execute(pg_servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def to(url: str, revision: str) -> None:
    """At this revision, with the rows that each one up to it brings."""
    for each in REVISIONS[: REVISIONS.index(revision) + 1]:
        migrate.upgrade(url, each)
        execute(url, *ROWS.get(each, ()))


def rows(url: str) -> Rows:
    """Everything in the database."""
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        )]  # fmt: skip
        return {
            name: sorted(
                (row for (row,) in connection.execute(f'SELECT to_jsonb(t) FROM "{name}" AS t')),  # type: ignore[call-overload]
                key=lambda row: json.dumps(row, sort_keys=True),
            )
            for name in names
        }


def schema(url: str) -> list[tuple[Any, ...]]:
    """Tables, columns, indexes, constraints and triggers."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT 'column', table_name, column_name, concat_ws('|', data_type, is_nullable, column_default)"
            " FROM information_schema.columns WHERE table_schema = 'public'"
            " UNION ALL SELECT 'index', i.tablename, i.indexname, concat_ws('|', i.indexdef, x.indisvalid)"
            " FROM pg_indexes i JOIN pg_index x ON x.indexrelid = i.indexname::regclass WHERE i.schemaname = 'public'"
            " UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
            " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
            " UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)"
            " FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2, 3, 4"
        ).fetchall()


def assert_kept(before: Rows, after: Rows, *, but: set[tuple[str, str]] = frozenset()) -> None:  # type: ignore[assignment]
    """Tables of both moments have the same rows in the columns of both moments."""
    for table in before.keys() & after.keys():
        columns = [set(moment[table][0]) if moment[table] else set() for moment in (before, after)]
        shared = (columns[0] & columns[1]) - {column for of, column in but if of == table}
        old, new = (
            sorted(json.dumps({name: row[name] for name in shared}, sort_keys=True) for row in moment[table])
            for moment in (before, after)
        )
        assert len(before[table]) == len(after[table]), table
        assert old == new, table


@pytest.mark.parametrize(("older", "newer"), PAIRS, ids=[newer for _, newer in PAIRS])
def test_revision_keeps_all_data_forward_and_back(url: str, older: str, newer: str) -> None:
    to(url, older)
    before, schema_before = rows(url), schema(url)
    assert before["calls"], "a test on an empty database shows nothing"
    changed = CHANGED.get(newer, set())
    migrate.upgrade(url, newer)
    after, schema_after = rows(url), schema(url)
    assert_kept(before, after, but=changed)
    execute(url, *ROWS.get(newer, ()))
    full = rows(url)
    migrate.downgrade(url, older)
    assert schema(url) == schema_before
    back = rows(url)
    assert_kept(full, back, but=changed)
    assert back.keys() == before.keys()
    migrate.upgrade(url, newer)
    assert schema(url) == schema_after
    assert_kept(back, rows(url), but=changed)


def test_all_the_way_back_and_forward_again(url: str) -> None:
    to(url, REVISIONS[-1])
    newest = schema(url)
    migrate.downgrade(url, "base")
    assert rows(url) == {}
    to(url, REVISIONS[-1])
    assert schema(url) == newest


def test_states_of_calls_are_filled_in_batches_and_only_where_they_lack(url: str) -> None:
    to(url, "0001")
    done = '{"call": {"kind": "ring_back", "tried": ["a"], "picked_up": true, "dial": null}}'
    execute(url, f"UPDATE calls SET state = '{done}' WHERE call_id = 'HD_7'")
    migrate.upgrade(url, "0002")
    states = {row["call_id"]: row["state"] for row in rows(url)["calls"]}
    assert states["HD_bare"] == {}
    assert states["HD_7"] == json.loads(done), "written by newer code already: left alone"
    lifted = [state["call"] for call_id, state in states.items() if call_id not in ("HD_bare", "HD_7")]
    assert len(lifted) == 1199
    assert all(call["kind"] == "inbound" and call["tried"] == [] and call["stage"] == "live" for call in lifted)


def test_handoff_that_waits_gets_its_time_to_leave(url: str) -> None:
    to(url, "0003")
    leave_by = {row["handoff_id"]: row["leave_by"] for row in rows(url)["handoffs"]}
    assert leave_by["h-open"].startswith("2026-03-06T00:00:06")
    assert leave_by["h-done"] is None


def test_taxes_of_an_order_are_taken_from_its_event_where_that_is_still_there(url: str) -> None:
    to(url, "0007")
    known = '[{"id": "vat", "amount_minor": 7}]'
    execute(
        url,  # as a try that broke off has left it, with an order that today's code has placed since
        "ALTER TABLE orders ADD COLUMN taxes jsonb",
        f"UPDATE orders SET taxes = '{known}' WHERE order_id = 'ord-taxed-7'",
    )
    migrate.upgrade(url, "0008")
    taxes = {row["order_id"]: row["taxes"] for row in rows(url)["orders"]}
    filled = {order_id for order_id, lines in taxes.items() if lines is not None}
    assert filled == {f"ord-taxed-{n}" for n in range(1, 601)}
    assert taxes["ord-taxed-600"] == [{"id": "vat", "amount_minor": 700}], "across the borders of batches"
    assert taxes["ord-taxed-7"] == json.loads(known)


# --- locks


def test_lock_is_waited_for_a_second_and_asked_for_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long transaction is in the way of a middle step; when it is over the migration goes on by itself."""
    to(url, "0001")
    with psycopg.connect(url) as report:
        report.execute("SELECT count(*) FROM handoffs")  # holds its lock until its transaction ends
        at_pause: list[tuple[str | None, bool]] = []

        def pause(seconds: float) -> None:
            at_pause.append((migrate.current(url), any("kind" in row for row in schema(url))))
            report.rollback()

        monkeypatch.setattr(migrate, "_pause", pause)
        migrate.upgrade(url, "0002")
    assert at_pause == [("0001", True)], "the first step is done, the revision not yet"
    assert migrate.current(url) == "0002"


def test_migration_that_gets_no_lock_gives_up_and_is_whole_the_next_time(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    to(url, "0001")
    monkeypatch.setattr(migrate, "TRIES_MAX", 1)
    monkeypatch.setenv("DATABASE_URL", url)
    with psycopg.connect(url) as report:
        report.execute("SELECT count(*) FROM handoffs")
        assert migrate.main(["upgrade", "0002"]) == 1
    assert "look for long transactions" in capsys.readouterr().err
    assert migrate.main(["upgrade", "0002"]) == 0
    broken_off = schema(url)
    migrate.downgrade(url, "0001")
    migrate.upgrade(url, "0002")
    assert schema(url) == broken_off


def test_index_of_a_build_that_broke_off_is_built_anew(url: str) -> None:
    to(url, "0003")
    execute(
        url,
        "CREATE INDEX outbound_of_call ON outbound_calls (call_id)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'outbound_of_call'::regclass",
    )
    migrate.upgrade(url, "0004")
    assert any(name == "outbound_of_call" and definition.endswith("|t") for _, _, name, definition in schema(url))


def test_two_do_not_migrate_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (migrate.LOCK,))
        waited: list[float] = []

        def pause(seconds: float) -> None:
            waited.append(seconds)
            other.execute("SELECT pg_advisory_unlock(%s)", (migrate.LOCK,))

        monkeypatch.setattr(migrate, "_pause", pause)
        migrate.upgrade(url, "0001")
    assert len(waited) == 1
    assert migrate.current(url) == "0001"


class Transactions:
    """What the migrations send, one string for each transaction of theirs."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._open = False

    def __enter__(self) -> Transactions:
        event.listen(Engine, "before_cursor_execute", self._note)
        event.listen(Engine, "commit", self._on_commit)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(Engine, "before_cursor_execute", self._note)
        event.remove(Engine, "commit", self._on_commit)

    def _on_commit(self, _connection: object) -> None:
        self._open = False

    def _note(self, connection: Any, cursor: Any, statement: str, *_: object) -> None:
        alone = connection.connection.dbapi_connection.autocommit
        if alone or not self._open:
            self.all.append(statement)
        else:
            self.all[-1] += ";\n" + statement
        self._open = not alone


@pytest.mark.parametrize(("older", "newer"), PAIRS, ids=[newer for _, newer in PAIRS])
def test_no_strong_lock_is_held_while_rows_are_written_or_indexes_built(url: str, older: str, newer: str) -> None:
    """The rule, read from what is sent: a new table may have anything, a table in use only one thing at a time."""
    migrate.upgrade(url, older)
    with Transactions() as sent:
        migrate.upgrade(url, newer)
        migrate.downgrade(url, older)
    assert sum("alembic_version" in text for text in sent.all) >= 2, "forward and back were both seen"
    for text in sent.all:
        new = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", text))
        for index, table in re.findall(
            r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)(?:IF NOT EXISTS )?(\w+) ON (\w+)", text
        ):
            assert table in new, f"{index} is built while {table} is locked: use build_index"
        locked = set(re.findall(r"(?:ALTER|DROP) TABLE (?:IF EXISTS )?(\w+)", text)) - new
        written = (
            set(re.findall(r"(?:^|;)\s*(?:UPDATE|DELETE FROM|INSERT INTO) (\w+)", text)) - new - {"alembic_version"}
        )
        assert not (locked and written), f"{written} is written while {locked} is locked: use change and fill"


# --- beside live calls


class Traffic:
    """What goes on meanwhile: short transactions, each with the time limits of a live service."""

    def __init__(self) -> None:
        self.done = 0
        self.failed: list[BaseException] = []
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def add(self, url: str, *statements: str) -> None:
        """One more of yesterday's services: these statements in one transaction, again and again."""

        def work() -> None:
            options = "-c statement_timeout=2000 -c lock_timeout=1000"
            with psycopg.connect(url, autocommit=True, options=options) as connection:
                for number in itertools.count():
                    if self._over.is_set():
                        return
                    try:
                        with connection.transaction():
                            for statement in statements:
                                connection.execute(statement.replace("$n", str(number)))  # type: ignore[call-overload]
                        self.done += 1
                    except psycopg.Error as error:
                        self.failed.append(error)

        self._threads.append(threading.Thread(target=work))

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def test_yesterdays_services_go_on_while_the_whole_history_is_migrated(url: str) -> None:
    """The statements of the first release on 20,000 calls, from the first revision to the newest."""
    to(url, "0001")
    execute(url, MANY_CALLS)
    traffic = Traffic()
    traffic.add(
        url,
        "SELECT stage, state FROM calls WHERE call_id = 'HD_3' FOR UPDATE",
        "UPDATE calls SET stage = 'live', updated_at = now() WHERE call_id = 'HD_3'",
        "INSERT INTO handoffs (handoff_id, call_id, leg_epoch, branch_id, reason, state, traceparent, requested_at,"
        " updated_at) VALUES ('live-$n', 'HD_3', 100 + $n, 'westlands', 'asked', 'requested', 'tp', now(), now())",
    )
    traffic.add(
        url,
        "SELECT version FROM carts WHERE call_id = 'HD_1' FOR UPDATE",
        "INSERT INTO tool_results (call_id, tool_call_id, tool, args_digest, status, pii_response, cart_version)"
        " VALUES ('HD_1', 'live-$n', 'addItem', 'd', 'ok', '{}', 3)",
        "INSERT INTO outbox (event_id, branch_id, type, version, pii_event)"
        " VALUES ('live-$n', 'westlands', 'agiza.order.placed', 1, '{}')",
    )
    with traffic:
        migrate.upgrade(url)
        during = traffic.done
    assert traffic.failed == []
    assert during > 0
    assert migrate.current(url) == migrate.head()
    states = [row["state"].get("call", {}) for row in rows(url)["calls"] if row["call_id"].startswith("HD_many")]
    assert len(states) == 20_000
    assert all(state["kind"] == "inbound" for state in states)


async def test_tool_calls_are_answered_while_the_database_is_migrated_and_taken_back(
    url: str, role_passwords: dict[roles.Role, str]
) -> None:
    """The real handler, eight calls at once, while the schema goes forward, back and forward again."""
    migrate.upgrade(url)
    roles.grant_tables(url)
    migrate.downgrade(url, SERVED_FROM)
    metrics, clock = Metrics(), StoppedClock(NOON)
    orders_url = roles.role_url(url, "agiza_orders", role_passwords["agiza_orders"])
    async with open_pool(orders_url, service="orders") as pool:
        catalog = Catalog(pool)
        await catalog.publish([loaded.document for loaded in load_branch_files(BRANCHES)])
        handler = ToolHandler(pool, catalog, clock, metrics)
        over = asyncio.Event()
        answered: dict[str, int] = {}
        calls = [f"HD_live{number}" for number in range(8)]

        async def caller(call_id: str) -> None:
            for number in itertools.count():
                if over.is_set():
                    return
                name, args = ("addItem", {"name": "fries"}) if number % 8 == 0 else ("getTotal", {})
                asked = ToolCalled(
                    branch_id="westlands", call_id=call_id, menu_version=1, leg_epoch=1,
                    calls=(FunctionCall(id=f"f{number}", name=name, args=args),),
                    deadline_ms=int(NOON.timestamp() * 1000) + 8000, reply_to="agiza:replies:test",
                )  # fmt: skip
                stamp = Stamp(f"{call_id}-{number}", "/test", NOON, str(Trace.new()))
                answer = await handler.answer(decode(encode(asked, stamp)), "stream")
                assert len(answer.event.results) == 1
                answered[call_id] = number + 1

        async with asyncio.TaskGroup() as callers:
            for call_id in calls:
                callers.create_task(caller(call_id))
            for work in (migrate.upgrade, lambda where: migrate.downgrade(where, SERVED_FROM), migrate.upgrade):
                began = dict(answered)
                await asyncio.to_thread(work, url)
                async with asyncio.timeout(60):
                    while any(answered.get(call_id, 0) <= began.get(call_id, 0) for call_id in calls):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            over.set()
    with psycopg.connect(url) as connection:
        stored = dict(connection.execute("SELECT call_id, count(*) FROM tool_results GROUP BY call_id").fetchall())
    assert stored == answered, "each answer is in the inbox, once"
    assert len(answered) == 8
