"""A Redis that keeps no promise: streams of tool calls that lose, double, delay and forget, and channels that drop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from zlib import crc32

from agiza.domain.entry import Entry
from benchmarks.simulation.agenda import Agenda
from benchmarks.simulation.chance import Chance, Faults

PARTITIONS: Final = 16
LEASE_MS: Final = 3_000
"""After so long the partitions of a dead replica are another one's."""
TAIL_MS: Final = 2_000
"""What a failover forgets."""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The model takes these function calls back."""

    call_id: str
    leg_epoch: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TakeOver:
    """A later leg speaks for the call from now on."""

    call_id: str
    leg_epoch: int


Message: TypeAlias = Entry | Cancellation | TakeOver
Reply = Callable[[object], None]
"""Takes the answer to a message, if it still can."""


@dataclass(slots=True, eq=False)
class Letter:
    """A message on its stream, or at the HTTP door. ``added`` is when it came there."""

    request_id: str
    message: Message
    reply: Reply
    added: int = 0
    acked_at: int | None = None


@dataclass(slots=True)
class Partition:
    """One stream and its only group. ``busy``: its reader has one in hand."""

    waiting: deque[Letter] = field(default_factory=deque)
    pending: list[Letter] = field(default_factory=list)
    recent: deque[Letter] = field(default_factory=deque)
    """Acknowledged lately: a failover may forget it."""
    holder: int = 0
    busy: Letter | None = None


class Redis:
    """Streams with one consumer group. ``serve`` is told when a partition has something."""

    def __init__(self, agenda: Agenda, chance: Chance, faults: Faults) -> None:
        self._agenda = agenda
        self._chance = chance
        self._faults = faults
        self.partitions = [Partition(holder=number % 2) for number in range(PARTITIONS)]
        self.serve: Callable[[int], None] = lambda number: None
        self.is_up = True
        self.nonces: dict[str, bool] = {}

    def add(self, letter: Letter) -> None:
        """XADD by a client that does not retry. Whether it worked nobody can be sure of."""
        if not self.is_up or self._chance.hits(self._faults.xadd_lost):
            return
        copies = 2 if self._chance.hits(self._faults.xadd_doubled) else 1
        for _ in range(copies):
            late = self._chance.ms(300, 12_000) if self._chance.hits(self._faults.xadd_late) else 0
            self._agenda.after(self._chance.ms(1, 4) + late, lambda: self._arrive(letter))

    def publish(self, reply: Reply, answer: object) -> None:
        """Pub/Sub: whoever listens may hear it, once, twice, late or not at all."""
        if not self.is_up or self._chance.hits(self._faults.reply_lost):
            return
        copies = 2 if self._chance.hits(self._faults.reply_doubled) else 1
        for _ in range(copies):
            late = self._chance.ms(100, 3_500) if self._chance.hits(self._faults.reply_late) else 0
            self._agenda.after(self._chance.ms(1, 3) + late, lambda: reply(answer))

    def acknowledge(self, number: int, letter: Letter) -> None:
        """XACK. One that is lost means that the entry comes once more."""
        partition = self.partitions[number]
        if self.is_up and not self._chance.hits(self._faults.ack_lost):
            if letter in partition.pending:
                partition.pending.remove(letter)
            letter.acked_at = self._agenda.now
            partition.recent.append(letter)
            while partition.recent and (partition.recent[0].acked_at or 0) < self._agenda.now - TAIL_MS:
                partition.recent.popleft()
        else:
            self._agenda.after(TAIL_MS, lambda: self.redeliver(number))

    def redeliver(self, number: int) -> None:
        """What is pending and in nobody's hand comes again, before anything new."""
        partition = self.partitions[number]
        again = [letter for letter in partition.pending if letter is not partition.busy]
        partition.pending = [letter for letter in partition.pending if letter is partition.busy]
        partition.waiting.extendleft(reversed(again))
        self.serve(number)

    def lose_tail(self) -> None:
        """A failover: what was added or acknowledged in the last two seconds has not happened."""
        since = self._agenda.now - TAIL_MS
        for number, partition in enumerate(self.partitions):
            partition.waiting = deque(letter for letter in partition.waiting if letter.added < since)
            partition.pending = [letter for letter in partition.pending if letter.added < since]
            forgotten = [letter for letter in partition.recent if letter.added < since]
            partition.recent.clear()
            partition.waiting.extendleft(reversed(forgotten))
            self.serve(number)

    def lose_everything(self) -> None:
        """Started again without its file."""
        for partition in self.partitions:
            partition.waiting.clear()
            partition.pending.clear()
            partition.recent.clear()
        self.nonces.clear()

    def come_back(self) -> None:
        """It answers again."""
        self.is_up = True
        for number in range(PARTITIONS):
            self.redeliver(number)

    @property
    def backlog(self) -> int:
        """What waits, or was begun and not acknowledged."""
        return sum(len(each.waiting) + len(each.pending) for each in self.partitions)

    def _arrive(self, letter: Letter) -> None:
        if not self.is_up:
            return
        letter.added = self._agenda.now
        number = crc32(letter.message.call_id.encode()) % PARTITIONS
        self.partitions[number].waiting.append(letter)
        self.serve(number)
