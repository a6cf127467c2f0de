"""Fixtures around real Postgres and Redis servers. One of each per test process; a fresh database per test.

The servers are chosen by agiza.runtime.backends (TEST_DATABASE_URL, TEST_REDIS_URL, TEST_BACKEND). The migrations run
once, into a template; each test gets a copy of it (some 20 ms) and an emptied Redis.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
import redis.asyncio

from agiza.runtime import backends, migrate, redis_users, roles

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """One migrated, empty database. `url` is the administrator's; `urls` has one per role, with its rights only."""

    name: str
    url: str
    urls: Mapping[str, str]


def worker_name() -> str:
    """Unique among the processes that may share a server."""
    return f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def pg_servers() -> Iterator[backends.Servers]:
    """A Postgres and a Redis that tests may empty at will."""
    try:
        with backends.servers_for_tests(os.environ) as servers:
            yield servers
    except backends.BackendUnavailable as error:
        if os.environ.get("CI") or os.environ.get("TEST_BACKEND"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def role_passwords(pg_servers: backends.Servers) -> Mapping[roles.Role, str]:
    """Roles belong to the whole server; with a shared one, two test processes must agree on their passwords."""
    passwords = {role: f"password-of-{role}" for role in roles.ROLES}
    roles.create_roles(pg_servers.database_url, passwords)
    return passwords


@pytest.fixture(scope="session")
def empty_database_name(pg_servers: backends.Servers) -> Iterator[str]:
    """A database without any table, for tests of the migrations themselves."""
    name = f"agiza_empty_{worker_name()}"
    execute(pg_servers.database_url, f'CREATE DATABASE "{name}"')
    yield name
    execute(pg_servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def template_database(pg_servers: backends.Servers, role_passwords: Mapping[roles.Role, str]) -> Iterator[str]:
    """Name of the migrated database that every test's database is a copy of."""
    name = f"agiza_template_{worker_name()}"
    execute(pg_servers.database_url, f'CREATE DATABASE "{name}"')
    url = with_database(pg_servers.database_url, name)
    migrate.upgrade(url)
    roles.grant_tables(url)
    yield name
    execute(pg_servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database(
    pg_servers: backends.Servers, template_database: str, role_passwords: Mapping[roles.Role, str]
) -> Iterator[Database]:
    """A fresh, migrated database for one test."""
    name = f"agiza_test_{worker_name()}_{next(_numbers)}"
    execute(
        pg_servers.database_url,
        f'CREATE DATABASE "{name}" TEMPLATE "{template_database}" STRATEGY file_copy',
        f'REVOKE CREATE, TEMPORARY ON DATABASE "{name}" FROM PUBLIC',  # the one right that a copy does not bring along
    )
    url = with_database(pg_servers.database_url, name)
    yield Database(name, url, {role: roles.role_url(url, role, password) for role, password in role_passwords.items()})
    execute(pg_servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def redis_server_url(pg_servers: backends.Servers) -> str:
    """Administrator's URL of this process's own server, or of its own numbered database on a shared one."""
    if pg_servers.redis_origin != "url":
        return pg_servers.redis_url
    number = re.search(r"\d+", os.environ.get("PYTEST_XDIST_WORKER", "gw0"))
    return with_database(pg_servers.redis_url, number[0] if number else "0")


@pytest.fixture(scope="session")
def redis_passwords(redis_server_url: str) -> Mapping[redis_users.User, str]:
    """The users of the services, with their rights only."""
    passwords = {user: f"password-of-{user}" for user in redis_users.USERS}
    redis_users.create_users(redis_server_url, passwords)
    return passwords


@pytest.fixture
def redis_url(redis_server_url: str) -> str:
    """Administrator's URL of an empty Redis."""
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushdb()
    return redis_server_url


@pytest.fixture
def redis_urls(redis_url: str, redis_passwords: Mapping[redis_users.User, str]) -> Mapping[str, str]:
    """URLs of the services' users on an empty Redis."""
    return {user: redis_users.user_url(redis_url, user, password) for user, password in redis_passwords.items()}


def execute(url: str, *statements: str) -> None:
    """Statements of the administrator, outside any transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
async def admin(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """Redis as the administrator sees it."""
    async with redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client
