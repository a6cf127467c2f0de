"""Our connections to Redis keep what redis-py's promise: a dead one is found, a late one is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
import uvloop
from redis.asyncio import Redis
from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import ConnectionError, TimeoutError

from agiza.runtime.redis_clients import RedisClients, open_redis

pytestmark = pytest.mark.integration


async def test_an_idle_connection_that_the_server_has_closed_is_made_anew(orders: RedisClients, redis_url: str) -> None:
    await orders.commands.ping()
    async with Redis.from_url(redis_url, decode_responses=True) as admin:
        before = {client["id"] for client in await admin.client_list() if client["name"] == "agiza-orders-commands"}
        assert len(before) == 1
        assert await admin.client_kill_filter(_id=before.pop()) == 1
        await asyncio.sleep(0.05)  # until the event loop has heard of it
        assert await orders.commands.ping()


def test_a_transport_that_closed_a_moment_ago_is_a_connection_that_failed(redis_urls: Mapping[str, str]) -> None:
    """On the services' loop: a write to such a transport is a RuntimeError there, and ended a service that met it."""

    async def meet() -> None:
        async with open_redis(redis_urls["orders"], service="orders") as clients:
            connection = await clients.commands.connection_pool.get_connection()
            connection._writer.transport.abort()
            with pytest.raises(ConnectionError):
                await connection.send_command("PING")
            await clients.commands.connection_pool.release(connection)
            idle = await clients.commands.connection_pool.get_connection()
            idle._writer.transport.abort()
            await clients.commands.connection_pool.release(idle)
            assert await clients.commands.ping(), "an idle one is made anew"

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(meet())


async def test_an_answer_that_nobody_read_never_answers_another_command(orders: RedisClients) -> None:
    pool = orders.commands.connection_pool
    connection = await pool.get_connection()
    await connection.send_command("ECHO", "of somebody else")
    await asyncio.sleep(0.05)
    await pool.release(connection)
    assert await orders.commands.xlen("agiza:tools:0") == 0


async def test_a_server_that_reads_nothing_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agiza.runtime.redis_clients.COMMAND_TIMEOUT_S", 0.2)
    done = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():  # answers the greeting, then reads no more
            if line.strip() in (b"SETNAME", b"SETINFO"):
                writer.write(b"+OK\r\n")
            if line.strip() == b"PUBLISH":
                await done.wait()
                break
        writer.close()

    async with await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1024) as server:
        port = server.sockets[0].getsockname()[1]
        async with open_redis(f"redis://127.0.0.1:{port}/0", service="orders") as clients:
            with pytest.raises(TimeoutError, match="writing"):
                await clients.commands.publish("agiza:replies:b1", b"x" * 32_000_000)
            with pytest.raises(TimeoutError, match="reading"):
                await clients.commands.publish("agiza:replies:b1", b"x")
        done.set()


async def test_a_server_that_closes_in_the_middle_is_no_answer() -> None:
    async def curt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line.strip() in (b"SETNAME", b"SETINFO"):
                writer.write(b"+OK\r\n")
            if line.strip() == b"PUBLISH":
                break
        writer.close()

    async with await asyncio.start_server(curt, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with open_redis(f"redis://127.0.0.1:{port}/0", service="orders") as clients:
            for _ in range(2):
                with pytest.raises(ConnectionError):
                    await clients.commands.publish("agiza:replies:b1", b"x")


@pytest.mark.parametrize(
    ("url", "kind"),
    [("redis://127.0.0.1:1/0", Connection), ("rediss://127.0.0.1:1/0", SSLConnection)],
)
async def test_every_kind_of_address_has_its_connection(url: str, kind: type) -> None:
    async with open_redis(url, service="orders") as clients:
        made = clients.commands.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        assert isinstance(made, kind)
        assert type(made).__module__ == "agiza.runtime.redis_connection"
