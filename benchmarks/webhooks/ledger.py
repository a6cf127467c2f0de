"""Whether the receivers hold what the feed says: every event, and each order's events in their order. Pure.

verdict = compare(feed, entries)
verdict.is_whole
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.webhooks.receivers import Entry


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a ledger; ``again``: requests that came a second time, which is allowed."""

    events: int
    missing: int
    unknown: int
    out_of_order: int
    unsigned: int
    again: int

    @property
    def is_whole(self) -> bool:
        """Whether the receiver holds exactly what the feed says."""
        return self.events > 0 and not (self.missing or self.unknown or self.out_of_order or self.unsigned)


def compare(feed: Iterable[tuple[str, str, int]], entries: Sequence[Entry]) -> Verdict:
    """One receiver's ledger with the feed: (event id, branch, sequence) of every numbered event."""
    expected = {event_id: (branch, sequence) for event_id, branch, sequence in feed}
    times = Counter(entry.event_id for entry in entries)
    first = {}
    newest: dict[str, int] = {}
    out_of_order = 0
    for entry in entries:
        if entry.event_id in first:
            continue
        first[entry.event_id] = (entry.branch_id, entry.sequence)
        out_of_order += entry.sequence < newest.get(entry.order_id, 0)
        newest[entry.order_id] = max(entry.sequence, newest.get(entry.order_id, 0))
    return Verdict(
        events=len(expected),
        missing=sum(event_id not in first for event_id in expected),
        unknown=sum(expected.get(event_id) != place for event_id, place in first.items()),
        out_of_order=out_of_order,
        unsigned=sum(not entry.is_signed for entry in entries),
        again=sum(times.values()) - len(times),
    )
