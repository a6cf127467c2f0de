"""Real Postgres and Valkey servers without containers and without an installation, for demo, tests and developers."""

from agiza.runtime.embedded.binaries import EmbeddedUnavailable, find_postgres, find_redis
from agiza.runtime.embedded.held import HeldServer
from agiza.runtime.embedded.postgres import PostgresServer, embedded_postgres
from agiza.runtime.embedded.redis import RedisServer, embedded_redis

__all__ = [
    "EmbeddedUnavailable",
    "HeldServer",
    "PostgresServer",
    "RedisServer",
    "embedded_postgres",
    "embedded_redis",
    "find_postgres",
    "find_redis",
]
