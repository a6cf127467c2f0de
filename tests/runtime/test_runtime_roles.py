"""Each service may touch what it owns and nothing else: asked of a real Postgres and a real Redis."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
import pytest
import redis
from psycopg import sql
from servers import Database

from agiza.contracts import streams
from agiza.runtime import migrate, redis_users, roles
from agiza.runtime.roles import ROLES, TABLES

pytestmark = pytest.mark.integration


def allowed(url: str, statement: sql.Composed) -> bool:
    """Whether the role may run this statement; its effect is rolled back."""
    with psycopg.connect(url) as connection:
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return False
        finally:
            connection.rollback()
    return True


def statements(table: str) -> dict[str, sql.Composed]:
    name = sql.Identifier(table)
    return {
        "read": sql.SQL("SELECT * FROM {} LIMIT 0").format(name),
        "insert": sql.SQL("INSERT INTO {} SELECT * FROM {} LIMIT 0").format(name, name),
        "delete": sql.SQL("DELETE FROM {} WHERE false").format(name),
        "lock": sql.SQL("SELECT * FROM {} LIMIT 0 FOR UPDATE").format(name),  # asks for the right to change rows
        "truncate": sql.SQL("TRUNCATE {} CASCADE").format(name),
    }


def test_every_table_has_exactly_the_rights_of_the_map(database: Database) -> None:
    for role in ROLES:
        for table, access in TABLES.items():
            writes = access.writer == role
            reads = writes or role in access.readers or role == "agiza_reader"
            found = {name: allowed(database.urls[role], query) for name, query in statements(table).items()}
            insert_allowed = writes  # reading rows back needs the right to read as well, which every writer has
            assert found == {
                "read": reads,
                "insert": insert_allowed,
                "delete": writes and not access.adds_only,
                "lock": writes and not access.adds_only,
                "truncate": False,
            }, (role, table)


def test_writers_can_use_the_numbers_of_their_tables(database: Database) -> None:
    insert = sql.SQL(
        "INSERT INTO outbox (event_id, branch_id, type, version, pii_event) VALUES ('e', 'b', 't', 1, '{{}}')"
    ).format()
    assert allowed(database.urls["agiza_orders"], insert)
    assert not allowed(database.urls["agiza_webhook"], insert)


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE mine (x int)", "CREATE TEMPORARY TABLE mine (x int)", "CREATE ROLE friend", "DROP TABLE calls"],
)
@pytest.mark.parametrize("role", ROLES)
def test_no_service_changes_the_schema(database: Database, role: str, statement: str) -> None:
    assert not allowed(database.urls[role], sql.SQL(statement).format())  # type: ignore[arg-type]


def test_migrations_are_nobodys(database: Database) -> None:
    for role in ROLES:
        assert not allowed(database.urls[role], sql.SQL("SELECT * FROM alembic_version").format())


def test_a_table_without_owner_stops_the_grants(database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute("CREATE TABLE forgotten (x int)")
    with pytest.raises(roles.TableWithoutOwner, match="forgotten"):
        roles.grant_tables(database.url)


def test_a_missing_table_stops_the_grants(database: Database) -> None:
    migrate.downgrade(database.url, "base")
    with pytest.raises(roles.TableWithoutOwner, match="outbox"):
        roles.grant_tables(database.url)


def test_grants_take_back_what_is_not_in_the_map(database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute("GRANT ALL ON orders TO agiza_webhook")
    roles.grant_tables(database.url)
    assert not allowed(database.urls["agiza_webhook"], sql.SQL("DELETE FROM orders").format())
    assert allowed(database.urls["agiza_webhook"], sql.SQL("SELECT * FROM orders").format())


def test_password_can_be_changed_and_needs_no_escaping(
    database: Database, role_passwords: Mapping[roles.Role, str]
) -> None:
    odd = "it's/a:strange@word%20"
    try:
        roles.create_roles(database.url, {"agiza_reader": odd})
        with psycopg.connect(roles.role_url(database.url, "agiza_reader", odd)) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("agiza_reader",)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(database.urls["agiza_reader"])
    finally:
        roles.create_roles(database.url, {"agiza_reader": role_passwords["agiza_reader"]})


# --- Redis

OWNED = {
    "webhook": [streams.CALLS],
    "bridge": [streams.session_key("HD_1"), streams.bridge_key("b1"), streams.nonce_key("n1")],
    "orders": [streams.tools_stream("HD_1"), streams.orders_stream("westlands")],
    "escalation": [streams.HANDOFFS, streams.CALLS],
}
WRITE_ONLY = {"bridge": [streams.tools_stream("HD_1"), streams.CALLS, streams.HANDOFFS]}
EVERY_KEY = sorted({key for keys in (*OWNED.values(), *WRITE_ONLY.values()) for key in keys} | {"other"})


def permitted(url: str, *command: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            client.execute_command(*command)
        except redis.exceptions.NoPermissionError:
            return False
        except redis.exceptions.ResponseError as error:
            if "no permissions" in str(error).lower() or "NOPERM" in str(error):
                return False
            raise
    return True


@pytest.mark.parametrize("user", redis_users.USERS)
def test_users_write_only_their_own_keys(redis_urls: Mapping[str, str], redis_url: str, user: str) -> None:
    allowed_keys = {*OWNED[user], *WRITE_ONLY.get(user, [])}
    for key in EVERY_KEY:
        with redis.Redis.from_url(redis_url) as admin:
            admin.flushdb()
        writes = (("XADD", key, "*", "f", "v"), ("SET", key, "v"))
        may_write = any(permitted(redis_urls[user], *command) for command in writes)
        assert may_write is (key in allowed_keys), (user, key)


def test_the_bridge_only_adds_to_the_streams_of_others(redis_urls: Mapping[str, str]) -> None:
    for key in WRITE_ONLY["bridge"]:
        for command in (("GET", key), ("DEL", key), ("EXPIRE", key, "1"), ("SET", key, "x"), ("XRANGE", key, "-", "+")):
            assert not permitted(redis_urls["bridge"], *command), command


def test_the_webhook_reads_the_bridges_and_cannot_pretend_to_be_one(redis_urls: Mapping[str, str]) -> None:
    assert permitted(redis_urls["webhook"], "GET", streams.bridge_key("b1"))
    assert not permitted(redis_urls["webhook"], "SET", streams.bridge_key("b1"), "x")


@pytest.mark.parametrize("user", redis_users.USERS)
@pytest.mark.parametrize(
    "command",
    [
        ("KEYS", "*"), ("FLUSHALL",), ("FLUSHDB",), ("CONFIG", "GET", "*"), ("EVAL", "return 1", "0"),
        ("ACL", "LIST"), ("SHUTDOWN",), ("CLIENT", "KILL", "ID", "1"), ("MONITOR",),
        ("REPLICAOF", "NO", "ONE"), ("SCRIPT", "FLUSH"), ("FUNCTION", "LIST"), ("MODULE", "LIST"), ("SWAPDB", "0", "1"),
    ],
)  # fmt: skip
def test_no_user_has_the_servers_own_commands(
    redis_urls: Mapping[str, str], user: str, command: tuple[str, ...]
) -> None:
    assert not permitted(redis_urls[user], *command)


def test_channels(redis_urls: Mapping[str, str]) -> None:
    replies, carts = streams.replies_channel("b1"), streams.carts_channel("westlands")
    assert permitted(redis_urls["orders"], "PUBLISH", replies, "x")
    assert permitted(redis_urls["orders"], "PUBLISH", carts, "x")
    assert permitted(redis_urls["escalation"], "PUBLISH", replies, "x")
    assert not permitted(redis_urls["escalation"], "PUBLISH", carts, "x")
    assert not permitted(redis_urls["webhook"], "PUBLISH", replies, "x")
    assert not permitted(redis_urls["bridge"], "PUBLISH", replies, "x")
    with redis.Redis.from_url(redis_urls["bridge"]) as client, client.pubsub() as subscriber:
        subscriber.subscribe(replies)
        assert subscriber.get_message(timeout=5)["type"] == "subscribe"
    assert not permitted(redis_urls["webhook"], "SUBSCRIBE", replies)
    assert not permitted(redis_urls["bridge"], "SUBSCRIBE", carts)


def test_dead_letters_and_leases_go_with_the_stream(redis_urls: Mapping[str, str]) -> None:
    tools = streams.tools_stream("HD_1")
    assert permitted(redis_urls["orders"], "XADD", streams.dead_stream(tools), "*", "f", "v")
    assert permitted(redis_urls["orders"], "SET", f"{streams.LEASES_PREFIX}{tools}", "me")
    assert not permitted(redis_urls["orders"], "XADD", streams.dead_stream(streams.HANDOFFS), "*", "f", "v")
    assert not permitted(redis_urls["bridge"], "XADD", streams.dead_stream(tools), "*", "f", "v")


def test_a_wrong_password_is_refused(redis_urls: Mapping[str, str], redis_url: str) -> None:
    with (
        redis.Redis.from_url(redis_users.user_url(redis_url, "orders", "guess")) as client,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        client.ping()
