"""The table ``callbacks``: promises to ring a customer, and how far each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, Literal

from agiza.domain.callback import CallbackState, Standing
from agiza.runtime.postgres import Connection

CallbackKind = Literal["person", "agent", "kitchen"]


@dataclass(frozen=True, slots=True)
class CallbackRow:
    """One promise. Kind ``person``: staff ring back; ``agent``: a lost customer goes on with the agent; ``kitchen``,
    which was promised to nobody: staff are rung about the call's order that nobody has taken.

    ``attempts`` counts the calls that were placed for it, ``rounds`` how often everybody was rung.
    """

    callback_id: str
    call_id: str
    handoff_id: str | None
    branch_id: str
    kind: CallbackKind
    pii_phone: str
    reason: str
    language: str
    state: CallbackState
    attempts: int
    promised_for: datetime
    next_attempt_at: datetime | None
    traceparent: str
    created_at: datetime
    updated_at: datetime
    rounds: int = 0
    tried: tuple[str, ...] = ()

    @property
    def standing(self) -> Standing:
        """What the rules judge."""
        return Standing(self.state, self.rounds, self.tried, self.next_attempt_at)

    def at(self, standing: Standing, now: datetime) -> CallbackRow:
        """The same promise, further on."""
        return replace(
            self,
            state=standing.state,
            rounds=standing.rounds,
            tried=standing.tried,
            next_attempt_at=standing.next_attempt_at,
            updated_at=now,
        )


_NAMES: Final = tuple(each.name for each in fields(CallbackRow))
_COLUMNS: Final = ", ".join(_NAMES)


def _row(found: Sequence[Any]) -> CallbackRow:
    row = CallbackRow(*found)
    return replace(row, state=CallbackState(row.state), tried=tuple(row.tried))


async def insert_callback(conn: Connection, row: CallbackRow) -> bool:
    """Store a new promise. False when this call has one of its kind already."""
    values = {name: getattr(row, name) for name in _NAMES} | {"state": row.state.value, "tried": list(row.tried)}
    cursor = await conn.execute(
        f"INSERT INTO callbacks ({_COLUMNS}) VALUES ({', '.join(f'%({name})s' for name in _NAMES)})"  # noqa: S608
        " ON CONFLICT (call_id, kind) DO NOTHING",
        values,
    )
    return cursor.rowcount == 1


async def lock_callback(conn: Connection, callback_id: str) -> CallbackRow | None:
    """The promise under a row lock."""
    cursor = await conn.execute(
        f"SELECT {_COLUMNS} FROM callbacks WHERE callback_id = %s FOR NO KEY UPDATE",  # noqa: S608 - constants
        (callback_id,),
    )
    found = await cursor.fetchone()
    return _row(found) if found else None


async def lock_callback_of_call(conn: Connection, call_id: str, kind: CallbackKind) -> CallbackRow | None:
    """The call's promise of this kind, under a row lock."""
    cursor = await conn.execute(
        f"SELECT {_COLUMNS} FROM callbacks WHERE call_id = %s AND kind = %s FOR NO KEY UPDATE",  # noqa: S608 - constants
        (call_id, kind),
    )
    found = await cursor.fetchone()
    return _row(found) if found else None


async def call_of(conn: Connection, callback_id: str) -> str | None:
    """The call of a promise, without locking anything."""
    cursor = await conn.execute("SELECT call_id FROM callbacks WHERE callback_id = %s", (callback_id,))
    row = await cursor.fetchone()
    return str(row[0]) if row else None


async def settle_of_call(conn: Connection, call_id: str, now: datetime) -> None:
    """The caller has talked with a person, so nobody owes them a call any more."""
    await conn.execute(
        "UPDATE callbacks SET state = 'connected', next_attempt_at = NULL, updated_at = %s"
        " WHERE call_id = %s AND kind = 'person' AND state IN ('waiting', 'calling', 'failed') AND closed_by IS NULL",
        (now, call_id),
    )


async def revive_callback(conn: Connection, row: CallbackRow) -> None:
    """The word was given once more: the promise begins anew, whoever had closed it."""
    await conn.execute("UPDATE callbacks SET closed_by = NULL WHERE callback_id = %s", (row.callback_id,))
    await update_callback(conn, row)


async def forgotten(conn: Connection, now: datetime) -> list[str]:
    """Ids of promises that are said to be being kept, and no call of ours is about them any more."""
    cursor = await conn.execute(
        "SELECT callback_id FROM callbacks b WHERE state = 'calling' AND updated_at < %s - interval '1 minute'"
        " AND NOT EXISTS (SELECT 1 FROM outbound_calls o WHERE o.callback_id = b.callback_id"
        " AND o.state IN ('asked', 'placed', 'answered')) LIMIT 100",
        (now,),
    )
    return [row[0] for row in await cursor.fetchall()]


async def update_callback(conn: Connection, row: CallbackRow) -> None:
    """Store how far it is. One that a person closed meanwhile stays closed."""
    await conn.execute(
        "UPDATE callbacks SET handoff_id = %s, pii_phone = %s, reason = %s, state = %s, attempts = %s,"
        " promised_for = %s, next_attempt_at = %s, rounds = %s, tried = %s, updated_at = %s"
        " WHERE callback_id = %s AND closed_by IS NULL",
        (
            row.handoff_id, row.pii_phone, row.reason, row.state.value, row.attempts, row.promised_for,
            row.next_attempt_at, row.rounds, list(row.tried), row.updated_at, row.callback_id,
        ),
    )  # fmt: skip


async def due(conn: Connection, now: datetime) -> list[tuple[str, CallbackKind]]:
    """Ids and kinds of promises whose next attempt is due, those that were promised earliest first."""
    cursor = await conn.execute(
        "SELECT callback_id, kind FROM callbacks WHERE state = 'waiting' AND next_attempt_at <= %s"
        " ORDER BY promised_for LIMIT 100",
        (now,),
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def kind_of(conn: Connection, callback_id: str) -> CallbackKind | None:
    """The kind of a promise, without locking anything."""
    cursor = await conn.execute("SELECT kind FROM callbacks WHERE callback_id = %s", (callback_id,))
    row = await cursor.fetchone()
    return row[0] if row else None


async def count_open(conn: Connection, now: datetime) -> tuple[int, int]:
    """Promises that are not kept yet, and those of them whose time has passed."""
    cursor = await conn.execute(
        "SELECT count(*), count(*) FILTER (WHERE promised_for < %s) FROM callbacks"
        " WHERE state IN ('waiting', 'calling', 'failed') AND kind <> 'kitchen'",
        (now,),
    )
    row = await cursor.fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
