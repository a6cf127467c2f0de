"""The pool: every wait has a limit, and a lost connection is nobody's problem but its own."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from psycopg_pool import PoolTimeout, TooManyRequests
from servers import Database

from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import answers, is_away, open_pool, record_pool, transaction

pytestmark = pytest.mark.integration


async def test_limits_reach_the_server(database: Database) -> None:
    async with open_pool(database.urls["agiza_orders"], service="orders") as pool, pool.connection() as connection:
        shown = {}
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "timezone"):
            cursor = await connection.execute(f"SHOW {name}")
            shown[name] = (await cursor.fetchone())[0]
        cursor = await connection.execute("SHOW application_name")
        assert await cursor.fetchone() == ("agiza-orders",)
    assert shown == {
        "statement_timeout": "2s",
        "lock_timeout": "1s",
        "idle_in_transaction_session_timeout": "5s",
        "timezone": "UTC",
    }


async def test_transaction_commits_or_leaves_no_trace(database: Database) -> None:
    insert = "INSERT INTO order_counters VALUES ('westlands', '2026-03-06', %s)"
    async with open_pool(database.urls["agiza_orders"], service="orders") as pool:
        with pytest.raises(ZeroDivisionError):
            await _insert_and_fail(pool, insert)
        async with transaction(pool) as connection:
            await connection.execute(insert, (2,))
        async with pool.connection() as connection:
            cursor = await connection.execute("SELECT last_number FROM order_counters")
            assert await cursor.fetchall() == [(2,)]


async def _insert_and_fail(pool: object, insert: str) -> None:
    async with transaction(pool) as connection:  # type: ignore[arg-type]
        await connection.execute(insert, (1,))
        _ = 1 / 0


async def test_slow_statement_is_cut_off_and_is_no_absence(database: Database) -> None:
    async with (
        open_pool(database.urls["agiza_orders"], service="orders", statement_timeout_ms=50) as pool,
        pool.connection() as connection,
    ):
        with pytest.raises(psycopg.errors.QueryCanceled) as failure:
            await connection.execute("SELECT pg_sleep(30)")
        assert not is_away(failure.value)


async def test_full_pool_refuses_in_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agiza.runtime.postgres.WAIT_FOR_CONNECTION_S", 0.1)
    monkeypatch.setattr("agiza.runtime.postgres.WAITING_MAX_PER_CONNECTION", 2)
    metrics = Metrics()
    async with open_pool(database.urls["agiza_orders"], service="orders", size_max=1) as pool:

        async def one() -> str:
            try:
                async with pool.connection():
                    await asyncio.sleep(0.5)
            except (PoolTimeout, TooManyRequests) as error:
                return f"{type(error).__name__} {is_away(error)}"
            return "served"

        outcomes = [asyncio.create_task(one()) for _ in range(5)]
        await asyncio.sleep(0.05)
        record_pool(pool, metrics)
        assert metrics.value("database_pool_waiting") == 2
        assert metrics.value("database_pool_used") == 1
        assert sorted(await asyncio.gather(*outcomes)) == [
            "PoolTimeout True", "PoolTimeout True", "TooManyRequests True", "TooManyRequests True", "served",
        ]  # fmt: skip


async def test_a_session_that_idles_in_a_transaction_is_ended(database: Database) -> None:
    async with open_pool(database.urls["agiza_orders"], service="orders") as pool, pool.connection() as connection:
        await connection.execute("SET idle_in_transaction_session_timeout = '50ms'")
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout) as failure:
            await _idle(connection)
        assert not is_away(failure.value), "the server is there; whoever dawdled is at fault"


async def _idle(connection: psycopg.AsyncConnection) -> None:
    async with connection.transaction():
        await connection.execute("SELECT 1")
        await asyncio.sleep(0.5)
        await connection.execute("SELECT 1")


async def test_absent_server_is_told_apart_from_a_refused_statement() -> None:
    url = "postgresql://u:p@127.0.0.1:1/x"
    async with open_pool(url, service="webhook", wait_until_open=False) as pool:
        assert not await answers(pool)
    with pytest.raises(PoolTimeout):
        await _open(url)
    assert is_away(psycopg.OperationalError("connection refused"))
    assert is_away(psycopg.errors.AdminShutdown())
    assert not is_away(psycopg.errors.DeadlockDetected())
    assert not is_away(psycopg.errors.LockNotAvailable())
    assert not is_away(psycopg.errors.UniqueViolation())
    assert not is_away(ValueError())


async def _open(url: str) -> None:
    async with open_pool(url, service="orders"):
        pass


async def test_answering_server(database: Database) -> None:
    async with open_pool(database.urls["agiza_reader"], service="cli") as pool:
        assert await answers(pool)
