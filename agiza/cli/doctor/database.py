"""Postgres: whether it answers, is new enough, has all migrations, and knows the services' roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psycopg

from agiza.cli.doctor.findings import Finding, failure, ok, warning
from agiza.runtime.migrate import head
from agiza.runtime.roles import ROLES

SUBJECT: Final = "Postgres"
CONNECT_S: Final = 4
VERSION_MIN: Final = 15
_PREPARE: Final = "run: python -m agiza.runtime.prepare (as the database's owner)"


@dataclass(frozen=True, slots=True)
class Seen:
    """``revision``: None when there is none, "hidden" when this login may not look. ``version`` as 170006."""

    version: int
    revision: str | None
    roles: frozenset[str]


async def look(url: str | None) -> list[Finding]:
    """Three findings when it answers."""
    if url is None:
        return [failure(SUBJECT, "DATABASE_URL is not set", "set it to one of the services' logins, or the owner's")]
    try:
        seen = await _ask(url)
    except psycopg.OperationalError as error:
        return [failure(SUBJECT, f"does not let us in ({_why(error)})", "look at DATABASE_URL and at the server")]
    return judge(seen, head())


async def _ask(url: str) -> Seen:
    options = "-c statement_timeout=3000"
    async with await psycopg.AsyncConnection.connect(
        url, autocommit=True, connect_timeout=CONNECT_S, options=options, application_name="agiza-doctor"
    ) as connection:
        cursor = await connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", (list(ROLES),))
        roles = frozenset(row[0] for row in await cursor.fetchall())
        revision: str | None = None
        try:
            cursor = await connection.execute("SELECT version_num FROM alembic_version")
            row = await cursor.fetchone()
            revision = row[0] if row else None
        except psycopg.errors.UndefinedTable:
            pass
        except psycopg.errors.InsufficientPrivilege:
            revision = "hidden"
        return Seen(connection.info.server_version, revision, roles)


def _why(error: psycopg.OperationalError) -> str:
    """A machine word: the server's own text may hold names, and addresses that hold passwords."""
    text = str(error).lower()
    for part, word in (("password", "wrong password"), ("does not exist", "no such role or database")):
        if part in text:
            return word
    return "timeout" if "timeout" in text or isinstance(error, psycopg.errors.ConnectionTimeout) else "not connected"


def judge(seen: Seen, newest: str) -> list[Finding]:
    """``newest``: the revision that this build wants."""
    major = seen.version // 10_000
    version = f"{major}.{seen.version % 10_000}"
    return [
        ok(SUBJECT, version)
        if major >= VERSION_MIN
        else failure(SUBJECT, version, f"move to version {VERSION_MIN} or later"),
        _judge_revision(seen.revision, newest),
        _judge_roles(seen.roles),
    ]


def _judge_revision(revision: str | None, newest: str) -> Finding:
    if revision == newest:
        return ok("migrations", f"at {revision}, the newest")
    if revision == "hidden":
        return warning("migrations", "not visible to this login", "run this once with the owner's DATABASE_URL")
    if revision is None:
        return failure("migrations", "none has run", _PREPARE)
    return failure("migrations", f"at {revision}, but this build wants {newest}", _PREPARE)


def _judge_roles(roles: frozenset[str]) -> Finding:
    needed = [role for role in ROLES if role != "agiza_reader"]
    if missing := sorted(set(needed) - roles):
        return failure("database roles", f"missing: {', '.join(missing)}", _PREPARE)
    return ok("database roles", f"{len(needed)}, one for each service that has a database")
