"""All that the POS must not forget, in one SQLite file. What is committed here survives `kill -9` and a power cut.

    with ledger.transaction():
        ledger.keep(message)
        ledger.put_order(order)
        ledger.owe_slip(order_id, "ticket", text)

A message, what it changed, and what is still owed for it (a slip, a word) are written in one transaction. So there is
no moment at which a message was taken and its ticket is not, and none at which the same ticket is owed twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .errors import LedgerInUse
from .kitchen import KnownOrder
from .messages import Message

_TABLES = """
CREATE TABLE IF NOT EXISTS ledger (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY, branch TEXT NOT NULL, sequence INTEGER, type TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS numbers (
    branch TEXT NOT NULL, sequence INTEGER NOT NULL, message_id TEXT, PRIMARY KEY (branch, sequence));
CREATE TABLE IF NOT EXISTS forgotten (branch TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    order_id TEXT PRIMARY KEY, branch TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL,
    applied INTEGER NOT NULL, ticket TEXT, said TEXT);
CREATE TABLE IF NOT EXISTS slips (
    slip INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'owed');
CREATE TABLE IF NOT EXISTS words (
    word INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL, body TEXT NOT NULL, outcome TEXT);
CREATE INDEX IF NOT EXISTS words_owed ON words (word) WHERE outcome IS NULL;
CREATE INDEX IF NOT EXISTS slips_owed ON slips (slip) WHERE state <> 'printed';
"""


@dataclass(frozen=True, slots=True)
class OwedSlip:
    """A slip to print. ``key`` is its own for ever; ``begun``: the printer may have it already."""

    slip: int
    key: str
    order_id: str
    kind: str
    text: str
    begun: bool


@dataclass(frozen=True, slots=True)
class OwedWord:
    """A word to say. ``key`` is the same however often it is said."""

    word: int
    order_id: str
    body: Mapping[str, Any]
    key: str


class Ledger:
    """Opens, or makes, the file. One process at a time: raises :class:`LedgerInUse`."""

    def __init__(self, path: Path) -> None:
        self._lock: IO[bytes] = path.with_name(f"{path.name}.lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise LedgerInUse(f"{path} is in use by another process") from None
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")  # the commit is on the disk before we answer
        self._db.executescript(_TABLES)
        self._db.execute("INSERT OR IGNORE INTO ledger VALUES ('id', ?)", (secrets.token_hex(6),))
        self._id: str = self._one("SELECT value FROM ledger WHERE name = 'id'")[0]

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
        self._lock.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk ends it by itself
                self._db.execute("ROLLBACK")
            raise

    # -- messages ---------------------------------------------------------------------------------------------

    def has(self, message_id: str) -> bool:
        """Whether this message was taken before."""
        return bool(self._rows("SELECT 1 FROM messages WHERE id = ?", message_id))

    def keep(self, message: Message) -> None:
        """Keep the bytes as they came. A number that is held already stays with the message that had it first."""
        self._do(
            "INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?, ?)",
            message.id, message.branch, message.sequence, message.type, message.body,
        )  # fmt: skip
        if message.sequence is not None:
            self._do("INSERT OR IGNORE INTO numbers VALUES (?, ?, ?)", message.branch, message.sequence, message.id)

    def ranges(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """The numbers of every branch as ranges, with those that nobody can fetch any more."""
        islands = (
            "SELECT branch, min(sequence), max(sequence) FROM (SELECT branch, sequence,"
            " sequence - row_number() OVER (PARTITION BY branch ORDER BY sequence) AS island FROM numbers)"
            " GROUP BY branch, island UNION ALL SELECT branch, first, last FROM forgotten"
        )
        for branch, first, last in self._rows(islands):
            yield branch, (first, last)

    def forget(self, branch: str, first: int, last: int) -> None:
        """The sender does not have these any more. They stay known as lost."""
        self._do("INSERT INTO forgotten VALUES (?, ?, ?)", branch, first, last)

    def lost(self) -> list[tuple[str, int, int]]:
        """Numbers that can never be had: for a person to look at."""
        return self._rows("SELECT branch, first, last FROM forgotten ORDER BY branch, first")

    def bodies(self, branch: str, first: int, last: int) -> Iterator[bytes]:
        """The bytes of these numbers, in order."""
        found = self._db.execute(
            "SELECT body FROM numbers JOIN messages ON id = message_id"
            " WHERE numbers.branch = ? AND numbers.sequence BETWEEN ? AND ? ORDER BY numbers.sequence",
            (branch, first, last),
        )
        for row in found:
            yield row[0]

    def first_of(self, branch: str) -> int:
        """The lowest number that is really held; 1 when there is none."""
        return int(self._rows("SELECT coalesce(min(sequence), 1) FROM numbers WHERE branch = ?", branch)[0][0])

    def counts(self) -> dict[str, int]:
        """Messages by type."""
        return dict(self._rows("SELECT type, count(*) FROM messages GROUP BY type ORDER BY type"))

    # -- orders -----------------------------------------------------------------------------------------------

    def order(self, order_id: str) -> KnownOrder | None:
        """What is known of an order."""
        rows = self._rows(_ORDERS + " WHERE order_id = ?", order_id)
        return _known(rows[0]) if rows else None

    def orders(self, limit: int) -> list[KnownOrder]:
        """The newest orders."""
        return [_known(row) for row in self._rows(_ORDERS + " ORDER BY rowid DESC LIMIT ?", limit)]

    def put_order(self, order: KnownOrder) -> None:
        """The order as it is now. What was said of it stays."""
        ticket = None if order.ticket is None else json.dumps(order.ticket, ensure_ascii=False)
        self._do(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET"
            " state = excluded.state, applied = excluded.applied, ticket = excluded.ticket",
            order.order_id, order.branch, order.number, order.state, order.applied, ticket, order.said,
        )  # fmt: skip

    # -- what is owed -----------------------------------------------------------------------------------------

    def owe_slip(self, order_id: str, kind: str, text: str) -> None:
        """A slip must be printed."""
        self._do("INSERT INTO slips (order_id, kind, text) VALUES (?, ?, ?)", order_id, kind, text)

    def slips_owed(self) -> list[OwedSlip]:
        """Slips that are not known to be printed, oldest first."""
        rows = self._rows("SELECT slip, order_id, kind, text, state FROM slips WHERE state <> 'printed' ORDER BY slip")
        return [OwedSlip(row[0], f"{self._id}-{row[0]}", row[1], row[2], row[3], row[4] == "begun") for row in rows]

    def slip_is(self, slip: int, state: str) -> None:
        """How far the printing of a slip is: `begun`, `printed`."""
        self._do("UPDATE slips SET state = ? WHERE slip = ?", state, slip)

    def owe_word(self, order_id: str, body: Mapping[str, Any]) -> None:
        """The kitchen has said something of this order, which the sender must be told."""
        self._do("INSERT INTO words (order_id, body) VALUES (?, ?)", order_id, json.dumps(body))
        self._do("UPDATE orders SET said = ? WHERE order_id = ?", body["state"], order_id)

    def words_owed(self, limit: int) -> list[OwedWord]:
        """The next word of each order that has one, oldest first: words of one order are said one after the other."""
        rows = self._rows(
            "SELECT min(word), order_id, body FROM words WHERE outcome IS NULL GROUP BY order_id ORDER BY 1 LIMIT ?",
            limit,
        )
        return [OwedWord(row[0], row[1], json.loads(row[2]), f"pos-{self._id}-{row[0]}") for row in rows]

    def word_is(self, word: int, outcome: str) -> None:
        """How a word was answered, for good."""
        self._do("UPDATE words SET outcome = ? WHERE word = ?", outcome, word)

    def outcomes(self) -> dict[str, int]:
        """Words by how they were answered."""
        rows = self._rows("SELECT coalesce(outcome, 'owed'), count(*) FROM words GROUP BY 1 ORDER BY 1")
        return dict(rows)

    def _do(self, statement: str, *values: object) -> None:
        self._db.execute(statement, values)

    def _rows(self, statement: str, *values: object) -> list[Any]:
        return self._db.execute(statement, values).fetchall()

    def _one(self, statement: str) -> Any:
        return self._db.execute(statement).fetchone()


_ORDERS = "SELECT order_id, branch, number, state, applied, ticket, said FROM orders"


def _known(row: Any) -> KnownOrder:
    ticket = None if row[5] is None else json.loads(row[5])
    return KnownOrder(row[0], row[1], row[2], row[3], row[4], ticket, row[6])
