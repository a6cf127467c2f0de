"""Make a database and a Redis ready for the services: schema, one role each, their rights.

    prepare(database_url, redis_url, passwords)      # safe to repeat at each start and each deployment
    python -m agiza.runtime.prepare                  # the same, from the environment (the one-shot container)

Both URLs are an administrator's. Redis keeps its users in memory; where it has an access list file they are saved
to it, else this has to run again after a restart of Redis.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import redis
from pydantic import SecretStr

from agiza.runtime.migrate import current, upgrade
from agiza.runtime.redis_users import USERS, User, create_users
from agiza.runtime.redis_users import user_url as redis_user_url
from agiza.runtime.roles import Role, create_roles, grant_tables, role_url
from agiza.runtime.settings import DatabaseUrl, RedisUrl, Secret, ServiceSettings, SettingsError, read_settings

_ROLES: Mapping[User, Role] = {
    "webhook": "agiza_webhook",
    "orders": "agiza_orders",
    "escalation": "agiza_escalation",
}


@dataclass(frozen=True, slots=True)
class ServiceUrls:
    """What one service logs in with. The bridge has no database."""

    database_url: str | None
    redis_url: str


def prepare(database_url: str, redis_url: str, passwords: Mapping[User, str]) -> dict[User, ServiceUrls]:
    """Migrate, make roles and users, and return each service's own URLs."""
    upgrade(database_url)
    create_roles(database_url, {role: passwords[user] for user, role in _ROLES.items()})
    grant_tables(database_url)
    create_users(redis_url, passwords)
    _save_users(redis_url)
    return {
        user: ServiceUrls(
            database_url=role_url(database_url, _ROLES[user], passwords[user]) if user in _ROLES else None,
            redis_url=redis_user_url(redis_url, user, passwords[user]),
        )
        for user in USERS
    }


def _save_users(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=5)
    # without an access list file Redis refuses, and then there is nothing to save to
    with contextlib.closing(client), contextlib.suppress(redis.ResponseError):
        client.acl_save()


class _Settings(ServiceSettings):
    database_url: DatabaseUrl
    redis_url: RedisUrl
    agiza_webhook_password: Secret
    agiza_bridge_password: Secret
    agiza_orders_password: Secret
    agiza_escalation_password: Secret


def main() -> int:
    """Read the environment, prepare both stores, say the schema's revision."""
    try:
        settings = read_settings(_Settings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    passwords: dict[User, SecretStr] = {
        "webhook": settings.agiza_webhook_password,
        "bridge": settings.agiza_bridge_password,
        "orders": settings.agiza_orders_password,
        "escalation": settings.agiza_escalation_password,
    }
    url = settings.database_url.get_secret_value()
    prepare(
        url,
        settings.redis_url.get_secret_value(),
        {user: password.get_secret_value() for user, password in passwords.items()},
    )
    print(f"ready at revision {current(url)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
