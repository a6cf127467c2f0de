"""One Postgres role per service, and which tables each may write or read.

    create_roles(admin_url, passwords)     # once per server
    grant_tables(admin_url)                # once per database, after each migration

Each table has exactly one writing service. The bridge has no database login at all. Both functions can be repeated
at any time: what was granted before and is not in the map any more is taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

Role = Literal["agiza_webhook", "agiza_orders", "agiza_escalation", "agiza_reader"]
"""``agiza_reader`` may read everything and write nothing: reports and the search for what went wrong."""

ROLES: Final[tuple[Role, ...]] = get_args(Role)
CONNECTIONS_MAX: Final = 200
_LOCK: Final = 4_812_019_736
"""Any constant: two processes that start together take turns."""


@dataclass(frozen=True, slots=True)
class Access:
    """The one role that writes a table, and those that read it. ``agiza_reader`` reads all.

    ``adds_only``: the writer may add rows and change none.
    """

    writer: Role
    readers: tuple[Role, ...] = ()
    adds_only: bool = False


_WEBHOOK: Final[Role] = "agiza_webhook"
_ORDERS: Final[Role] = "agiza_orders"
_ESCALATION: Final[Role] = "agiza_escalation"

TABLES: Final[Mapping[str, Access]] = {
    "branches": Access(_ORDERS, (_WEBHOOK, _ESCALATION)),
    "menus": Access(_ORDERS, (_WEBHOOK, _ESCALATION), adds_only=True),
    "stock": Access(_ORDERS),
    "carts": Access(_ORDERS, (_WEBHOOK, _ESCALATION)),
    "cart_events": Access(_ORDERS),
    "tool_results": Access(_ORDERS),
    "orders": Access(_ORDERS, (_WEBHOOK, _ESCALATION)),
    "order_lines": Access(_ORDERS),
    "order_counters": Access(_ORDERS),
    "order_moves": Access(_ORDERS),
    "outbox": Access(_ORDERS),
    "feed_cursors": Access(_ORDERS),
    "webhook_endpoints": Access(_ORDERS),
    "webhook_deliveries": Access(_ORDERS),
    "webhook_attempts": Access(_ORDERS),
    "webhook_senders": Access(_ORDERS),
    "api_keys": Access(_ORDERS),
    "api_writes": Access(_ORDERS),
    "calls": Access(_WEBHOOK, (_ORDERS, _ESCALATION)),
    "contacts": Access(_ESCALATION, (_WEBHOOK, _ORDERS)),
    "handoffs": Access(_ESCALATION, (_WEBHOOK, _ORDERS)),
    "callbacks": Access(_ESCALATION, (_WEBHOOK, _ORDERS)),
    "outbound_calls": Access(_ESCALATION, (_WEBHOOK,)),
    "line_watches": Access(_ESCALATION),
}

_MIGRATION_TABLE: Final = "alembic_version"


class TableWithoutOwner(Exception):
    """The database has a table that no service owns, or lacks one of the map. Add it to :data:`TABLES`."""

    retryable = False


def create_roles(admin_url: str, passwords: Mapping[Role, str]) -> None:
    """Create these roles, or give them these passwords. Needs a superuser or CREATEROLE."""
    with psycopg.connect(admin_url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        for role, password in passwords.items():
            name = sql.Identifier(role)
            if not _exists(connection, role):
                connection.execute(sql.SQL("CREATE ROLE {}").format(name))
            connection.execute(
                sql.SQL(
                    "ALTER ROLE {} WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS "
                    "CONNECTION LIMIT {} PASSWORD {}"
                ).format(name, sql.Literal(CONNECTIONS_MAX), sql.Literal(password))
            )


def grant_tables(admin_url: str) -> None:
    """Give each role that exists exactly its rights in this database. Raises :class:`TableWithoutOwner`."""
    with psycopg.connect(admin_url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        _check_complete(connection)
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute(
            sql.SQL("REVOKE CREATE, TEMPORARY ON DATABASE {} FROM PUBLIC").format(
                sql.Identifier(connection.info.dbname)
            )
        )
        for role in ROLES:
            if _exists(connection, role):
                _grant(connection, role)


def role_url(url: str, role: Role, password: str) -> str:
    """The same server and database, as this role."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{place}"))


def _exists(connection: psycopg.Connection, role: Role) -> bool:
    return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None


def _check_complete(connection: psycopg.Connection) -> None:
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    found = {str(row[0]) for row in rows} - {_MIGRATION_TABLE}
    if ownerless := sorted(found - TABLES.keys()):
        raise TableWithoutOwner(f"no service owns: {', '.join(ownerless)}")
    if missing := sorted(TABLES.keys() - found):
        raise TableWithoutOwner(f"not in this database: {', '.join(missing)}")


def _grant(connection: psycopg.Connection, role: Role) -> None:
    name = sql.Identifier(role)
    connection.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(name))
    connection.execute(sql.SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {}").format(name))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
    written = [table for table, access in TABLES.items() if access.writer == role]
    read = [table for table, access in TABLES.items() if role in access.readers or role == "agiza_reader"]
    for table in written:
        rights = sql.SQL("SELECT, INSERT" if TABLES[table].adds_only else "SELECT, INSERT, UPDATE, DELETE")
        connection.execute(sql.SQL("GRANT {} ON {} TO {}").format(rights, sql.Identifier(table), name))
    for table in read:
        connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(table), name))
    for sequence in _sequences_of(connection, written):
        connection.execute(sql.SQL("GRANT USAGE ON SEQUENCE {} TO {}").format(sql.Identifier(sequence), name))


def _sequences_of(connection: psycopg.Connection, tables: list[str]) -> list[str]:
    """Sequences that number a column of these tables (bigserial, identity)."""
    rows = connection.execute(
        """
        SELECT sequence.relname
        FROM pg_depend AS link
        JOIN pg_class AS sequence ON sequence.oid = link.objid AND sequence.relkind = 'S'
        JOIN pg_class AS numbered ON numbered.oid = link.refobjid
        WHERE link.classid = 'pg_class'::regclass AND numbered.relname = ANY(%s)
        """,
        (tables,),
    ).fetchall()
    return [str(row[0]) for row in rows]
