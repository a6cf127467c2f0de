"""Token counts of a call's model sessions. Every report is added: each turn is billed with its whole context again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from services.bridge.session.inputs import UsageReported

UNKNOWN: Final = "unknown"
"""Modality of tokens that a report counts but does not describe; they are priced as text."""
_DIRECTIONS: Final = ("prompt", "response")


class UsageMeter:
    """Sums usage reports. Using only the last one would be several times too low.

    A report is mended before it is added. Details that come to less than their sum are completed by ``unknown``
    tokens; where they come to more, the details are believed. The total is reckoned anew, since the server's leaves
    things out; one that comes without anything else is taken as a prompt. Counts below zero are taken as zero.
    """

    def __init__(self) -> None:
        self._prompt = self._response = self._total = 0
        self._by_modality: Counter[str] = Counter()
        self.prompt_tokens_max = 0
        """The largest prompt of one turn: how far the context grew."""

    def add(self, report: UsageReported) -> None:
        """One more report, of whichever model session of the call."""
        by_modality = {name: count for name, count in report.by_modality.items() if count > 0}
        counted = {"prompt": max(report.prompt_tokens, 0), "response": max(report.response_tokens, 0)}
        if not by_modality and not any(counted.values()):
            counted["prompt"] = max(report.total_tokens, 0)
        for direction in _DIRECTIONS:
            rest = counted[direction] - _of(direction, by_modality)
            if rest > 0:
                name = f"{direction}_{UNKNOWN}"
                by_modality[name] = by_modality.get(name, 0) + rest
        prompt = _of("prompt", by_modality)
        self._prompt += prompt
        self._response += _of("response", by_modality)
        self._total += sum(by_modality.values())
        self._by_modality.update(by_modality)
        self.prompt_tokens_max = max(self.prompt_tokens_max, prompt)

    def sum(self) -> UsageReported:
        """All of them. The details of each direction add up to its count, and everything to the total."""
        return UsageReported(self._prompt, self._response, self._total, dict(self._by_modality))


def _of(direction: str, by_modality: Mapping[str, int]) -> int:
    of_it: Iterable[int] = (count for name, count in by_modality.items() if name.startswith(f"{direction}_"))
    return sum(of_it)
