"""The outbox relay, and two POS sinks that hear of orders at least once and in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from benchmarks.simulation.agenda import Agenda
from benchmarks.simulation.chance import Chance, Faults
from benchmarks.simulation.database import Database, FeedRow

RETRY_MS: Final = 700
SINKS: Final = 2


@dataclass(slots=True)
class Sink:
    """A subscriber. It keeps an event once, by its id; ``sequences`` is the order in which they first came."""

    seen: dict[str, int] = field(default_factory=dict)
    tickets: dict[str, int] = field(default_factory=dict)
    sequences: list[int] = field(default_factory=list)
    rows: list[FeedRow] = field(default_factory=list)

    def take(self, row: FeedRow, sequence: int) -> None:
        """An event arrives, for the first time or again."""
        if row.event_id in self.seen:
            return
        self.seen[row.event_id] = sequence
        self.sequences.append(sequence)
        self.rows.append(row)
        if row.kind == "placed":
            self.tickets[row.order_id] = self.tickets.get(row.order_id, 0) + 1


@dataclass(slots=True)
class _Lane:
    sink: Sink
    delivered: int = 0
    is_sending: bool = False


class Feed:
    """Numbers committed events without a hole and delivers them, to each sink one after the other."""

    def __init__(self, agenda: Agenda, chance: Chance, faults: Faults, database: Database) -> None:
        self._agenda = agenda
        self._chance = chance
        self._faults = faults
        self._outbox = database.outbox
        self._lanes = [_Lane(Sink()) for _ in range(SINKS)]

    @property
    def sinks(self) -> list[Sink]:
        """Who listens."""
        return [lane.sink for lane in self._lanes]

    @property
    def unpublished(self) -> int:
        """Events that some sink has not acknowledged."""
        return sum(len(self._outbox) - lane.delivered for lane in self._lanes)

    def wake(self) -> None:
        """Something was committed."""
        for lane in self._lanes:
            if not lane.is_sending and lane.delivered < len(self._outbox):
                lane.is_sending = True
                self._agenda.after(self._chance.ms(1, 20), self._sending(lane))

    def _sending(self, lane: _Lane) -> Callable[[], None]:
        def send() -> None:
            row = self._outbox[lane.delivered]
            if not self._chance.hits(self._faults.http_lost):
                lane.sink.take(row, lane.delivered + 1)
                if not self._chance.hits(self._faults.publish_crash) and not self._chance.hits(self._faults.http_lost):
                    lane.delivered += 1
                    lane.is_sending = False
                    self.wake()
                    return
            self._agenda.after(RETRY_MS, send)  # not acknowledged, or not noted: the same event once more

        return send
