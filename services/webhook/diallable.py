"""The last word on every number before it stands in a Dial, wherever it came from: file, database or hand-off.

Branch files with a wrong number are refused when they are read. But what is dialled comes from the database, where an
older build, or a hand, may have written it; and toll fraud needs only one number.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Final

from agiza.carrier.numbers import refusal
from agiza.domain.call_answers import Answer, Close, DialPerson
from agiza.domain.call_state import DialTarget, Handoff, Phrase
from agiza.domain.menu import Branch
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics

VERDICTS_KEPT: Final = 8_192
"""A verdict never changes, and costs some 0.1 ms to find."""
ALARM_EVERY_S: Final = 60.0
ALARMS_KEPT: Final = 1_000

log = get_logger(__name__)

_verdict = functools.lru_cache(maxsize=VERDICTS_KEPT)(refusal)


class Diallable:
    """Judges numbers. Each one that is refused, and would have been rung, is an alarm, once a minute."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._alarmed: dict[tuple[str, str], float] = {}

    def is_ordinary(self, number: str, branch: Branch) -> bool:
        """Whether a machine may ring it for this branch. Of a caller's number, where no is no alarm."""
        return _verdict(number, branch.phone) is None

    def target(self, target: DialTarget, branch: Branch) -> DialTarget | None:
        """The same target, or None with an alarm."""
        reason = _verdict(target.phone, branch.phone)
        if reason is None:
            return target
        self._alarm(branch, target.contact_id, reason)
        return None

    def handoff(self, handoff: Handoff | None, branch: Branch) -> Handoff | None:
        """The same hand-off; without its person, whom others on duty replace, when that number is refused.

        A person who waits in a room has picked up already and is rung no more.
        """
        if handoff is None or handoff.target is None or handoff.room is not None:
            return handoff
        return replace(handoff, target=self.target(handoff.target, branch))

    def answer(self, answer: Answer, branch: Branch) -> Answer:
        """The same answer, unless it would ring a number that this build would not have chosen."""
        if not isinstance(answer, DialPerson) or self.target(answer.target, branch) is not None:
            return answer
        return Close(Phrase.UNAVAILABLE)

    def _alarm(self, branch: Branch, contact_id: str, reason: str) -> None:
        now = self._clock.monotonic()
        key = (branch.id, contact_id)
        if now - self._alarmed.get(key, -ALARM_EVERY_S) < ALARM_EVERY_S:
            return
        if len(self._alarmed) >= ALARMS_KEPT:
            self._alarmed.clear()
        self._alarmed[key] = now
        self._metrics.add("dial_refused_total", reason="number")
        log.error("dial_refused", branch_id=branch.id, contact_id=contact_id, reason="number", refusal=reason)
