"""Which Postgres and which Redis: the one place that decides, for the demo and for the tests.

Demo and ``agiza up``: DATABASE_URL / REDIS_URL when set, else embedded servers.

Tests: TEST_DATABASE_URL / TEST_REDIS_URL when set; else containers when an engine answers and the images are there;
else embedded servers from the wheels; else servers installed on the machine. Never DATABASE_URL: a test empties what
it is given. TEST_BACKEND=testcontainers or =embedded forces a choice, and fails when that is not to be had.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from agiza.runtime.embedded import (
    EmbeddedUnavailable,
    HeldServer,
    embedded_postgres,
    embedded_redis,
    find_postgres,
    find_redis,
)
from agiza.runtime.logs import get_logger

POSTGRES_IMAGE: Final = "postgres:18-alpine"
REDIS_IMAGE: Final = "valkey/valkey:9-alpine"
ENGINE_TIMEOUT_S: Final = 2

Origin = Literal["url", "testcontainers", "embedded"]

_log = get_logger(__name__)


class BackendUnavailable(Exception):
    """No server to be had in the way that was asked for. The text says what to do."""

    retryable = False


@dataclass(frozen=True, slots=True)
class Servers:
    """Administrator URLs of one Postgres and one Redis, and where each comes from.

    ``embedded`` holds those that are processes of ours, by the names ``postgres`` and ``redis``.
    """

    database_url: str
    redis_url: str
    database_origin: Origin
    redis_origin: Origin
    embedded: Mapping[str, HeldServer] = field(default_factory=dict)


@contextlib.contextmanager
def demo_servers(environment: Mapping[str, str], *, keep_in: Path | None = None) -> Iterator[Servers]:
    """Servers for the demo and for developers. ``keep_in`` is where embedded ones keep their data."""
    with contextlib.ExitStack() as stack:
        try:
            yield _open(
                stack,
                environment.get("DATABASE_URL"),
                environment.get("REDIS_URL"),
                containers=False,
                keep_in=keep_in,
                fast=False,
            )
        except EmbeddedUnavailable as error:
            raise BackendUnavailable(str(error)) from error


@contextlib.contextmanager
def servers_for_tests(environment: Mapping[str, str]) -> Iterator[Servers]:
    """Servers that tests may empty at will. Raises :class:`BackendUnavailable`."""
    forced = environment.get("TEST_BACKEND") or None
    if forced not in (None, "testcontainers", "embedded"):
        raise BackendUnavailable(f"TEST_BACKEND={forced}: must be testcontainers or embedded")
    database_url = environment.get("TEST_DATABASE_URL") or None
    redis_url = environment.get("TEST_REDIS_URL") or None
    wanting = not (database_url and redis_url)
    containers = False
    if forced == "testcontainers" and wanting:
        if (reason := _engine_problem(images_needed=False)) is not None:
            raise BackendUnavailable(f"TEST_BACKEND=testcontainers, but {reason}")
        containers = True
    elif forced is None and wanting:
        containers = _engine_problem(images_needed=True) is None
    with contextlib.ExitStack() as stack:
        try:
            servers = _open(stack, database_url, redis_url, containers=containers, keep_in=None, fast=True)
        except EmbeddedUnavailable as error:
            raise BackendUnavailable(str(error)) from error
        yield servers


def _open(
    stack: contextlib.ExitStack,
    database_url: str | None,
    redis_url: str | None,
    *,
    containers: bool,
    keep_in: Path | None,
    fast: bool,
) -> Servers:
    database_origin: Origin = "url" if database_url else ("testcontainers" if containers else "embedded")
    redis_origin: Origin = "url" if redis_url else ("testcontainers" if containers else "embedded")
    versions: dict[str, object] = {}
    embedded: dict[str, HeldServer] = {}
    if not database_url:
        if containers:
            database_url = stack.enter_context(_postgres_container())
        else:
            programs = find_postgres()
            versions["database_version"] = f"{programs.major} ({programs.source})"
            folder = keep_in / "postgres" if keep_in else None
            postgres = stack.enter_context(embedded_postgres(folder, fast=fast, programs=programs))
            database_url, embedded["postgres"] = postgres.url, postgres.process
    if not redis_url:
        if containers:
            redis_url = stack.enter_context(_redis_container())
        else:
            program = find_redis()
            versions["redis_version"] = f"{'.'.join(map(str, program.version))} ({program.source})"
            folder = keep_in / "redis" if keep_in else None
            redis = stack.enter_context(embedded_redis(folder, program=program))
            redis_url, embedded["redis"] = redis.url, redis.process
    _log.info("backends_chosen", database=database_origin, redis=redis_origin, **versions)
    return Servers(database_url, redis_url, database_origin, redis_origin, embedded)


def _engine_problem(*, images_needed: bool) -> str | None:
    """Why containers cannot be used; None when they can."""
    try:
        import docker  # type: ignore[import-untyped]
        from docker.errors import DockerException, ImageNotFound  # type: ignore[import-untyped]
    except ImportError:
        return "the package testcontainers is not installed"
    try:
        client = docker.from_env(timeout=ENGINE_TIMEOUT_S)
        with contextlib.closing(client):
            client.ping()
            if images_needed:
                for image in (POSTGRES_IMAGE, REDIS_IMAGE):
                    client.images.get(image)
    except ImageNotFound:
        return "its images are not there: docker pull " + " ".join((POSTGRES_IMAGE, REDIS_IMAGE))
    except (DockerException, OSError) as error:
        return f"no container engine answers ({type(error).__name__})"
    return None


@contextlib.contextmanager
def _postgres_container() -> Iterator[str]:
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(
        POSTGRES_IMAGE, username="agiza_admin", password=secrets.token_hex(16), dbname="postgres", driver=None
    )
    # The same settings as for the embedded server: throw-away data needs no flushing.
    container.with_command("postgres -c fsync=off -c synchronous_commit=off -c full_page_writes=off")
    with container:
        yield container.get_connection_url()


@contextlib.contextmanager
def _redis_container() -> Iterator[str]:
    from testcontainers.community.redis import RedisContainer

    with RedisContainer(REDIS_IMAGE) as container:
        host, port = container.get_container_host_ip(), container.get_exposed_port(6379)
        yield f"redis://{host}:{port}/0"
