"""The dead letters: entries that could not be handled, kept with where they came from and why.

    letters = DeadLetters(client)
    for letter in await letters.newest("agiza:tools:3", limit=50): ...
    await letters.replay(letter)          # back onto its stream, the same event with the same id
    await letters.drop(letter)

A letter is put here by :meth:`agiza.runtime.stream_group.StreamGroup.bury`; each stream keeps a limited number. A
replayed event is handled as any repeat is: what was done before is not done again, and a change whose deadline has
passed is refused, since the deadline stands in the event. Needs an administrator's connection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agiza.contracts import streams
from agiza.contracts.envelope import ContractError, Received, decode
from agiza.runtime.publisher import EVENT_FIELD
from agiza.runtime.redis_clients import Client

CONSUMED: Final = (
    *(streams.tools_stream_of(number) for number in range(streams.TOOL_PARTITIONS)),
    streams.CALLS,
    streams.HANDOFFS,
)
"""Every stream that a service of ours reads."""
REPLAYS_FIELD: Final = "replays"
_NOTES: Final = "dead_"
_ID: Final = re.compile(r"\d{1,19}-\d{1,19}")


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. ``stream`` and ``fields`` are those of the entry before it died; ``id`` is the letter's own."""

    stream: str
    id: str
    fields: Mapping[str, str]
    group: str
    reason: str
    deliveries: int

    @property
    def died_at(self) -> datetime:
        """When it was given up, by Redis' clock."""
        return datetime.fromtimestamp(int(self.id.partition("-")[0]) / 1000, UTC)

    @property
    def replays(self) -> int:
        """How often it was sent again before."""
        text = self.fields.get(REPLAYS_FIELD, "0")
        return int(text) if text.isdigit() else 0

    @property
    def body(self) -> str:
        """The event as it was sent; may hold a caller's words."""
        return self.fields.get(EVENT_FIELD, "")

    @property
    def received(self) -> Received | None:
        """The event, if it can be read."""
        try:
            return decode(self.body)
        except ContractError:
            return None


def is_letter_id(text: str) -> bool:
    """Whether this looks like a letter's id (``1772787600000-0``)."""
    return _ID.fullmatch(text) is not None


class DeadLetters:
    """Looks at dead letters, sends them again, throws them away. Raises redis-py's errors."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def count(self, stream: str) -> int:
        """How many lie there of this stream."""
        return int(await self._client.xlen(streams.dead_stream(stream)))

    async def newest(self, stream: str, *, limit: int) -> list[Letter]:
        """The newest ones of this stream, newest first."""
        found = await self._client.xrevrange(streams.dead_stream(stream), count=limit)
        return [_letter(stream, id, fields) for id, fields in found]

    async def oldest(self, stream: str, *, limit: int) -> list[Letter]:
        """The oldest ones, oldest first: the order in which they are to be sent again."""
        found = await self._client.xrange(streams.dead_stream(stream), count=limit)
        return [_letter(stream, id, fields) for id, fields in found]

    async def find(self, stream: str, id: str) -> Letter | None:
        """The letter with this id."""
        found = await self._client.xrange(streams.dead_stream(stream), id, id)
        return _letter(stream, *found[0]) if found else None

    async def replay(self, letter: Letter) -> str:
        """Put the entry onto its stream again and take the letter away, both or neither; returns the entry's id.

        Done by two people at once it is sent twice, which its receivers know.
        """
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.xadd(letter.stream, {**dict(letter.fields), REPLAYS_FIELD: str(letter.replays + 1)})  # type: ignore[dict-item]
            pipe.xdel(streams.dead_stream(letter.stream), letter.id)
            added, _ = await pipe.execute()
        return str(added)

    async def drop(self, letter: Letter) -> bool:
        """Throw the letter away for good; False if somebody was quicker."""
        return bool(await self._client.xdel(streams.dead_stream(letter.stream), letter.id))


def _letter(stream: str, id: str, fields: Mapping[str, str]) -> Letter:
    deliveries = fields.get(f"{_NOTES}deliveries", "")
    return Letter(
        stream=fields.get(f"{_NOTES}stream", stream),
        id=id,
        fields={name: value for name, value in fields.items() if not name.startswith(_NOTES)},
        group=fields.get(f"{_NOTES}group", ""),
        reason=fields.get(f"{_NOTES}reason", ""),
        deliveries=int(deliveries) if deliveries.isdigit() else 0,
    )
