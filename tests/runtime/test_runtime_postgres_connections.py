"""Connections that idle in the pool, and transactions that wait for nothing: quicker, and no less sure."""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool
from servers import Database

from agiza.runtime.postgres import Connection, Pool, is_away, open_pool, pipelined_transaction, transaction

pytestmark = pytest.mark.integration

INSERT = "INSERT INTO order_counters VALUES ('westlands', '2026-03-06', %s)"


class Line:
    """Between a pool and its server; everything on it can be cut at once, as a server does that is killed."""

    def __init__(self, host: str, port: int) -> None:
        self._server_address = host, port
        self._ends: list[asyncio.StreamWriter] = []
        self.made = 0

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        there_reader, there_writer = await asyncio.open_connection(*self._server_address)
        self._ends += [writer, there_writer]
        await asyncio.gather(_pass_on(reader, there_writer), _pass_on(there_reader, writer))

    def cut(self) -> None:
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


@contextlib.asynccontextmanager
async def line_to(url: str) -> AsyncIterator[tuple[Line, str]]:
    """A line to this server, and the URL through it."""
    parts = urlsplit(url)
    line = Line(parts.hostname or "127.0.0.1", parts.port or 5432)
    server = await asyncio.start_server(line.connect, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield line, urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}"))
        line.cut()
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    async with open_pool(database.urls["agiza_orders"], service="orders") as pool:
        yield pool


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """The connections whose server was asked whether it is there."""
    asked: list[Connection] = []
    ask = AsyncConnectionPool.check_connection

    async def note(connection: Connection) -> None:
        asked.append(connection)
        await ask(connection)

    monkeypatch.setattr(AsyncConnectionPool, "check_connection", note)
    return asked


async def test_what_one_connection_can_do_is_done_by_one(database: Database) -> None:
    """And by more of them at once when one is not enough."""
    async with open_pool(database.urls["agiza_orders"], service="orders", size_min=3, size_max=3) as pool:
        used = []
        for _ in range(6):
            async with pipelined_transaction(pool) as connection:
                used.append(connection.info.backend_pid)
        assert len(set(used)) == 1
        async with transaction(pool) as first, transaction(pool) as second, transaction(pool) as third:
            assert len({each.info.backend_pid for each in (first, second, third)}) == 3


async def test_a_connection_that_stands_is_used_without_asking(pool: Pool, asked: list[Connection]) -> None:
    for _ in range(3):
        async with transaction(pool) as connection:
            await connection.execute("SELECT 1")
    assert not asked


@pytest.mark.parametrize("way", [transaction, pipelined_transaction])
async def test_after_a_restart_the_first_transaction_gets_a_new_connection(
    database: Database, asked: list[Connection], way: object
) -> None:
    """The server told its clients that it stops, and closed."""
    async with open_pool(database.urls["agiza_orders"], service="orders", size_min=2, size_max=2) as pool:
        with psycopg.connect(database.url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'agiza-orders'"
            )
        for number in range(3):
            async with way(pool) as connection:  # type: ignore[operator]
                cursor = await connection.execute("SELECT %s::int", (number,))
                assert await cursor.fetchone() == (number,)
    assert len(asked) == 2, "both that were told of it, and none that was made since"


async def test_a_line_that_was_cut_without_a_word_is_found_before_it_is_used(database: Database) -> None:
    async with (
        line_to(database.urls["agiza_orders"]) as (line, url),
        open_pool(url, service="orders", size_min=2, size_max=2) as pool,
    ):
        for round_number in range(2):
            for _ in range(3):
                async with pipelined_transaction(pool) as connection:
                    cursor = await connection.execute("SELECT 1")
                    assert await cursor.fetchone() == (1,)
            if round_number == 0:
                line.cut()
                await asyncio.sleep(0.05)  # until the kernel has it
    assert line.made >= 3


async def test_news_of_the_server_are_no_reason_to_throw_a_connection_away(
    database: Database, pool: Pool, asked: list[Connection]
) -> None:
    """A server may have something to say to who idles: that it has read its settings anew, or that it was notified."""
    async with pool.connection() as connection:
        backend, socket = connection.info.backend_pid, connection.fileno()
        await connection.execute("LISTEN news")
    async with await psycopg.AsyncConnection.connect(database.url, autocommit=True) as other:
        await other.execute("NOTIFY news")
    for _ in range(500):
        if select.select([socket], [], [], 0)[0]:
            break
        await asyncio.sleep(0.01)
    for _ in range(2):
        async with pipelined_transaction(pool) as connection:
            assert connection.info.backend_pid == backend
    assert len(asked) == 1, "and what it said was heard"


async def test_a_line_that_is_cut_in_the_middle_leaves_nothing(database: Database) -> None:
    async with line_to(database.urls["agiza_orders"]) as (line, url), open_pool(url, service="orders") as pool:
        with pytest.raises(psycopg.OperationalError) as failure:
            await _insert_and(pool, lambda _: line.cut())
        assert is_away(failure.value)
        assert await _numbers(pool) == []


async def test_what_is_sent_without_waiting_is_committed_together(pool: Pool) -> None:
    async with pipelined_transaction(pool) as connection:
        await connection.execute(INSERT, (7,))
        cursor = await connection.execute("SELECT last_number FROM order_counters")
        assert await cursor.fetchone() == (7,)
        await connection.execute("UPDATE order_counters SET last_number = 8")
    assert await _numbers(pool) == [8]


async def test_a_block_that_raises_leaves_no_trace_and_a_usable_connection(database: Database) -> None:
    async with open_pool(database.urls["agiza_orders"], service="orders", size_max=1) as pool:
        with pytest.raises(ZeroDivisionError):
            await _insert_and(pool, lambda _: 1 / 0)
        assert await _numbers(pool) == []
        await _insert_and(pool, lambda _: None)
        assert await _numbers(pool) == [1]


async def test_a_statement_that_fails_is_heard_of_at_the_end(database: Database) -> None:
    async with open_pool(database.urls["agiza_orders"], service="orders", size_max=1) as pool:
        with pytest.raises(psycopg.errors.UniqueViolation):
            await _insert_and(pool, lambda connection: connection.execute(INSERT, (2,)))
        assert await _numbers(pool) == []


async def test_nothing_is_committed_behind_a_failure_that_was_swallowed(database: Database) -> None:
    async with open_pool(database.urls["agiza_orders"], service="orders", size_max=1) as pool:
        with pytest.raises(psycopg.Error):
            await _swallow(pool)
        assert await _numbers(pool) == []


async def test_a_block_that_is_cancelled_leaves_no_trace(database: Database) -> None:
    async with open_pool(database.urls["agiza_orders"], service="orders", size_max=1) as pool:
        begun = asyncio.Event()

        async def wait_for_ever() -> None:
            async with pipelined_transaction(pool) as connection:
                cursor = await connection.execute(INSERT + " RETURNING 1", (1,))
                await cursor.fetchone()
                begun.set()
                await asyncio.Event().wait()

        waiting = asyncio.create_task(wait_for_ever())
        await begun.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await _numbers(pool) == []


async def _insert_and(pool: Pool, what: object) -> None:
    async with pipelined_transaction(pool) as connection:
        cursor = await connection.execute(INSERT + " RETURNING 1", (1,))
        await cursor.fetchone()
        if asyncio.iscoroutine(done := what(connection)):  # type: ignore[operator]
            await done


async def _swallow(pool: Pool) -> None:
    async with pipelined_transaction(pool) as connection:
        await connection.execute(INSERT, (1,))
        with contextlib.suppress(psycopg.errors.DivisionByZero):
            cursor = await connection.execute("SELECT 1 / 0")
            await cursor.fetchone()


async def _numbers(pool: Pool) -> list[int]:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT last_number FROM order_counters")
        return [row[0] for row in await cursor.fetchall()]
