"""``agiza dead``: look at what could not be handled, send it again, or throw it away."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from agiza.cli.errors import CliError
from agiza.cli.redis_admin import redis_administrator
from agiza.runtime.dead_letters import CONSUMED, DeadLetters, Letter, is_letter_id

TIMEOUT_S: Final = 5.0
AT_ONCE_MAX: Final = 1000
"""``--all`` takes so many of the oldest and says that there are more."""
HIDDEN: Final = "(hidden: --pii shows it)"
_PERSONAL: Final = ("args", "response")


async def show_list(redis_url: str | None, console: Console, *, stream: str | None, limit: int, as_json: bool) -> int:
    """One line for each letter, newest first within a stream. No words of a caller. Ends with 0 also when none lies."""
    async with _letters(redis_url) as letters:
        found: list[Letter] = []
        total = 0
        for name in [full_name(stream)] if stream else CONSUMED:
            total += await letters.count(name)
            found += await letters.newest(name, limit=limit)
    if as_json:
        print(json.dumps({"count": total, "letters": [_summary(letter) for letter in found]}))
        return 0
    if not found:
        console.print("no dead letters")
        return 0
    table = Table("stream", "id", "died at", "event", "call", "reason", "deliveries", "replays", box=None)
    for letter in found:
        row = _summary(letter)
        table.add_row(*(str(row[name] if row[name] is not None else "-") for name in row if name != "event_id"))
    console.print(table)
    console.print(f"{total} dead letters, {len(found)} shown", highlight=False)
    return 0


async def show_one(redis_url: str | None, console: Console, stream: str, id: str, *, with_pii: bool) -> int:
    """Everything about one letter; what a caller said only ``with_pii``. Raises :class:`CliError` if there is none."""
    async with _letters(redis_url) as letters:
        letter = await _find(letters, full_name(stream), id)
    received = letter.received
    if received is not None:
        event: Any = received.envelope.model_dump(mode="json", exclude_none=True)
        event = event if with_pii else _masked(event)
    else:
        event = letter.body if with_pii else f"{len(letter.body)} characters that are no event of ours {HIDDEN}"
    console.print_json(json.dumps({**_summary(letter), "group": letter.group, "event": event}))
    return 0


async def replay(redis_url: str | None, console: Console, stream: str, ids: Sequence[str], *, everything: bool) -> int:
    """Send letters again, oldest first, with the id that their event always had."""
    async with _letters(redis_url) as letters:
        for letter in await _chosen(letters, full_name(stream), ids, everything):
            entry = await letters.replay(letter)
            console.print(f"{letter.id} is on {short_name(letter.stream)} again as {entry}", highlight=False)
        return await _say_rest(letters, console, stream)


async def drop(redis_url: str | None, console: Console, stream: str, ids: Sequence[str], *, everything: bool) -> int:
    """Throw letters away for good."""
    async with _letters(redis_url) as letters:
        for letter in await _chosen(letters, full_name(stream), ids, everything):
            gone = await letters.drop(letter)
            console.print(f"{letter.id} {'dropped' if gone else 'was gone already'}", highlight=False)
        return await _say_rest(letters, console, stream)


def full_name(stream: str) -> str:
    """``tools:3`` as well as ``agiza:tools:3``. Raises :class:`CliError` for a stream that nobody reads."""
    name = stream if stream.startswith("agiza:") else f"agiza:{stream}"
    if name not in CONSUMED:
        known = ", ".join(short_name(known) for known in CONSUMED[-2:])
        raise CliError(f"no service reads a stream {stream!r}: there are tools:0 to tools:15, {known}")
    return name


def short_name(stream: str) -> str:
    """How a stream is written on the screen."""
    return stream.removeprefix("agiza:")


@contextlib.asynccontextmanager
async def _letters(redis_url: str | None) -> AsyncIterator[DeadLetters]:
    async with redis_administrator(redis_url, to="do that", timeout_s=TIMEOUT_S) as client:
        yield DeadLetters(client)


async def _find(letters: DeadLetters, stream: str, id: str) -> Letter:
    if not is_letter_id(id):
        raise CliError(f"{id!r} is not the id of a letter: `agiza dead list` shows them")
    letter = await letters.find(stream, id)
    if letter is None:
        raise CliError(f"no dead letter {id} of {short_name(stream)}: it was replayed, dropped or is too old")
    return letter


async def _chosen(letters: DeadLetters, stream: str, ids: Sequence[str], everything: bool) -> list[Letter]:
    if everything and ids:
        raise CliError("either name letters or say --all")
    if everything:
        return await letters.oldest(stream, limit=AT_ONCE_MAX)
    if not ids:
        raise CliError("name the letters by their ids, or say --all; `agiza dead list` shows them")
    return [await _find(letters, stream, id) for id in ids]


async def _say_rest(letters: DeadLetters, console: Console, stream: str) -> int:
    left = await letters.count(full_name(stream))
    console.print(f"{left} left of {short_name(full_name(stream))}", highlight=False)
    return 0


def _summary(letter: Letter) -> dict[str, Any]:
    envelope = letter.received.envelope if letter.received else None
    return {
        "stream": short_name(letter.stream),
        "id": letter.id,
        "died_at": letter.died_at.isoformat(timespec="seconds"),
        "type": envelope.type if envelope else None,
        "call_id": envelope.callid if envelope else None,
        "reason": letter.reason,
        "deliveries": letter.deliveries,
        "replays": letter.replays,
        "event_id": envelope.id if envelope else None,
    }


def _masked(value: Any) -> Any:
    """The same without what a caller said: fields named pii_..., arguments of function calls, answers to them."""
    if isinstance(value, dict):
        return {
            name: HIDDEN if name.startswith("pii_") or name in _PERSONAL else _masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return value
