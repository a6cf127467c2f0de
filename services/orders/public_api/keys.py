"""API keys: made, listed, revoked, and found again by what a request carries.

    made = new_key("Till 1", branches=("westlands",), rights=("orders:read", "orders:write"))
    made.token          # agz_k3f..._9x..., shown once; the table keeps a digest only

The secret is 256 bits of chance, so one SHA-256 is enough: there is nothing to guess that a slow hash would slow down.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from agiza.runtime.postgres import Connection

Right = Literal[
    "menus:read",
    "stock:read",
    "stock:write",
    "carts:read",
    "orders:read",
    "orders:write",
    "feed:acknowledge",
    "webhooks:read",
    "webhooks:write",
]
RIGHTS: Final[tuple[Right, ...]] = get_args(Right)

EVERY_BRANCH: Final = "*"
NAME_CHARS_MAX: Final = 60
KEYS_MAX: Final = 1000
USE_NOTED_EVERY_S: Final = 60

_PREFIX: Final = "agz"
_ID_BYTES: Final = 10
_SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(r"agz_([a-z2-7]{16})_([a-z2-7]{52})")

RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. ``token`` is what a request carries; it is shown once and stored nowhere."""

    key_id: str
    token: str
    digest: str
    name: str
    branches: tuple[str, ...]
    rights: tuple[Right, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whoever asks. ``branches`` None is every branch."""

    key_id: str
    branches: tuple[str, ...] | None
    rights: frozenset[Right]

    def sees(self, branch_id: str) -> bool:
        """Whether this branch exists for the holder."""
        return self.branches is None or branch_id in self.branches


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as it is listed."""

    key_id: str
    name: str
    branches: tuple[str, ...]
    rights: tuple[str, ...]
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class KeyRefused(ValueError):
    """A key cannot be made like this; the text says what to do."""


def new_key(
    name: str,
    *,
    branches: Sequence[str],
    rights: Sequence[str],
    expires_at: datetime | None = None,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> NewKey:
    """Make a key. Raises :class:`KeyRefused`."""
    if not 1 <= len(name.strip()) <= NAME_CHARS_MAX or not name.isprintable():
        raise KeyRefused(f"give the key a name of 1 to {NAME_CHARS_MAX} characters that says who uses it")
    if not branches:
        raise KeyRefused("name at least one branch")
    if EVERY_BRANCH in branches and len(set(branches)) > 1:
        raise KeyRefused("every branch, or some: not both")
    known = tuple(right for right in RIGHTS if right in rights)
    if not known or set(rights) - set(known):
        raise KeyRefused(f"rights are {', '.join(RIGHTS)}: name at least one")
    key_id, secret = _words(random_bytes(_ID_BYTES)), _words(random_bytes(_SECRET_BYTES))
    return NewKey(
        key_id=key_id,
        token=f"{_PREFIX}_{key_id}_{secret}",
        digest=_digest(secret),
        name=name.strip(),
        branches=tuple(sorted(set(branches))),
        rights=known,
        expires_at=expires_at,
    )


async def add_key(conn: Connection, key: NewKey) -> None:
    """Store the key without its secret. Raises :class:`KeyRefused` for an unknown branch, or one key too many."""
    cursor = await conn.execute("SELECT branch_id FROM branches ORDER BY branch_id")
    there = [row[0] for row in await cursor.fetchall()]
    missing = [branch for branch in key.branches if branch != EVERY_BRANCH and branch not in there]
    if missing:
        raise KeyRefused(f"there is no branch {', '.join(missing)}; there are: {', '.join(there) or 'none yet'}")
    cursor = await conn.execute("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL")
    row = await cursor.fetchone()
    if row is not None and row[0] >= KEYS_MAX:
        raise KeyRefused(f"there are {KEYS_MAX} keys already: revoke some first")
    await conn.execute(
        "INSERT INTO api_keys (key_id, name, digest, branches, rights, expires_at) VALUES (%s, %s, %s, %s, %s, %s)",
        (key.key_id, key.name, key.digest, list(key.branches), list(key.rights), key.expires_at),
    )


async def list_keys(conn: Connection) -> list[KeyRow]:
    """All keys, newest first, also the revoked ones."""
    cursor = await conn.execute(
        "SELECT key_id, name, branches, rights, made_at, expires_at, revoked_at, last_used_at FROM api_keys"
        " ORDER BY made_at DESC, key_id LIMIT %s",
        (2 * KEYS_MAX,),
    )
    return [KeyRow(row[0], row[1], tuple(row[2]), tuple(row[3]), *row[4:]) for row in await cursor.fetchall()]


async def revoke_key(conn: Connection, key_id: str) -> str | None:
    """End a key from its next request on, and give its name; None when there is none. Safe to repeat."""
    cursor = await conn.execute(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE key_id = %s RETURNING name", (key_id,)
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def holder_of(conn: Connection, token: str) -> KeyHolder | None:
    """Whose token this is; None when it is nobody's, expired or revoked. Notes now and then that it was used."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    key_id, secret = found.groups()
    cursor = await conn.execute(
        "SELECT digest, branches, rights, last_used_at IS NULL OR last_used_at < now() - make_interval(secs => %s)"
        " FROM api_keys WHERE key_id = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
        (USE_NOTED_EVERY_S, key_id),
    )
    row: tuple[Any, ...] | None = await cursor.fetchone()
    if row is None or not hmac.compare_digest(row[0], _digest(secret)):
        return None
    if row[3]:
        await conn.execute("UPDATE api_keys SET last_used_at = now() WHERE key_id = %s", (key_id,))
    branches = None if EVERY_BRANCH in row[1] else tuple(row[1])
    return KeyHolder(key_id, branches, frozenset(right for right in RIGHTS if right in row[2]))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _words(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
