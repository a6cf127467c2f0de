"""One Redis user per service: which keys, channels and commands each may use.

    create_users(admin_url, passwords)     # at each start: the list lives in Redis' memory

Nobody but the job queue's owner may run scripts; nobody may configure, list or empty the server. Key patterns come
from :mod:`agiza.contracts.streams`, the names from nowhere else. Written for Redis 7.0 (read and write patterns).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import quote, urlsplit, urlunsplit

import redis

from agiza.contracts import streams

User = Literal["webhook", "bridge", "orders", "escalation"]
USERS: Final[tuple[User, ...]] = get_args(User)

_CONNECTION: Final = (
    "ping",
    "hello",
    "auth",
    "select",
    "client|setname",
    "client|setinfo",
    "client|id",
    "reset",
    "quit",
)
_PUBLISH: Final = ("xadd", "publish")
_SUBSCRIBE: Final = ("subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe")
_CONSUME: Final = (
    "xgroup|create", "xgroup|delconsumer", "xreadgroup", "xack", "xautoclaim", "xclaim", "xpending", "xadd",
    "xinfo|groups", "xinfo|consumers", "xinfo|stream", "xrange", "xrevrange", "xlen", "xtrim",
    "set", "get", "mget", "pexpire", "watch", "unwatch", "del",  # the lease of a partition
    "zadd", "zrem", "zrange", "zremrangebyscore",  # who shares the partitions
    "multi", "exec", "discard", "time",
)  # fmt: skip
_KEEP: Final = (
    "get", "set", "mget", "del", "exists", "expire", "pexpire", "persist", "ttl", "pttl", "getdel", "incr",
    "hget", "hset", "hsetnx", "hmget", "hgetall", "hdel", "hincrby",
    "lpush", "rpush", "lrange", "ltrim", "llen",
    "zadd", "zrem", "zrange", "zcard", "zscore",
    "multi", "exec", "discard", "watch", "unwatch",
)  # fmt: skip
_COUNT: Final = ("zadd", "zrem", "zcard", "zrange", "zremrangebyscore", "expire")
_JOBS: Final = (
    "zadd", "zrem", "zcard", "zscore", "zrange", "zrangebyscore", "zremrangebyscore", "zincrby",
    "psetex", "setex", "incrby", "expire", "exists", "mget", "info", "dbsize",
)  # fmt: skip
"""What arq uses: sorted sets as queue, and INFO and DBSIZE for a line in its log. No script."""

JOBS_PREFIX: Final = "arq:"


@dataclass(frozen=True, slots=True)
class Rights:
    """Key patterns that a user may read and write, or only read; streams it may only add to; channels; commands."""

    keys: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    added_to: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


def _consumed(*names: str) -> tuple[str, ...]:
    """A consumer needs its stream, the stream's dead letters and its leases."""
    dead = tuple(streams.dead_stream(name) for name in names)
    return (*names, *dead, *(streams.lease_key(name) for name in names))


RIGHTS: Final[Mapping[User, Rights]] = {
    "webhook": Rights(
        keys=(*_consumed(streams.CALLS), f"{streams.ADMISSION_PREFIX}*"),
        read=(
            f"{streams.BRIDGES_PREFIX}*",
            f"{streams.NONCE_PREFIX}*",
            f"{streams.SWITCHES_PREFIX}*",
            streams.OUTBOUND_STATE,
        ),
        commands=(*_PUBLISH, *_CONSUME, *_COUNT, "mget", "exists"),
    ),
    "bridge": Rights(
        keys=(f"{streams.SESSION_PREFIX}*", f"{streams.BRIDGES_PREFIX}*", f"{streams.NONCE_PREFIX}*"),
        added_to=(f"{streams.TOOLS_PREFIX}*", streams.CALLS, streams.HANDOFFS),
        channels=(f"{streams.REPLIES_PREFIX}*",),
        commands=(*_SUBSCRIBE, *_KEEP, "zremrangebyscore"),
    ),
    "orders": Rights(
        keys=(*_consumed(f"{streams.TOOLS_PREFIX}*"), f"{streams.ORDERS_PREFIX}*", streams.members_key("orders")),
        channels=(f"{streams.REPLIES_PREFIX}*", f"{streams.CARTS_PREFIX}*", streams.FEED_HINTS),
        commands=(*_PUBLISH, *_CONSUME, *_SUBSCRIBE, "exists"),
    ),
    "escalation": Rights(
        keys=(
            *_consumed(streams.HANDOFFS),
            *_consumed(streams.CALLS),
            f"{JOBS_PREFIX}*",
            streams.OUTBOUND_STATE,
        ),
        read=(f"{streams.SESSION_PREFIX}*", f"{streams.BRIDGES_PREFIX}*", f"{streams.SWITCHES_PREFIX}*"),
        channels=(f"{streams.REPLIES_PREFIX}*",),
        commands=(*_PUBLISH, *_CONSUME, *_JOBS, "hget", "hmget", "lrange"),
    ),
}


def create_users(admin_url: str, passwords: Mapping[User, str]) -> None:
    """Create or replace these users with exactly the rights of :data:`RIGHTS`. Needs an administrator's URL."""
    with redis.Redis.from_url(admin_url, socket_timeout=5, socket_connect_timeout=2) as client:
        for user, password in passwords.items():
            client.execute_command("ACL", "SETUSER", user, *rules(user, password))


def rules(user: User, password: str) -> list[str]:
    """The words of ACL SETUSER for this user, beginning from nothing."""
    rights = RIGHTS[user]
    # A selector of its own: the commands for the user's own keys, such as DEL, do not reach these streams.
    adding = " ".join(("-@all", "+xadd", *(f"%W~{pattern}" for pattern in rights.added_to)))
    return [
        "reset",
        "on",
        f">{password}",
        *(f"~{pattern}" for pattern in rights.keys),
        *(f"%R~{pattern}" for pattern in rights.read),
        *(f"&{pattern}" for pattern in rights.channels),
        "-@all",
        *(f"+{command}" for command in dict.fromkeys((*_CONNECTION, *rights.commands))),
        *([f"({adding})"] if rights.added_to else []),
    ]


def user_url(url: str, user: User, password: str) -> str:
    """The same server and database, as this user."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}"))
