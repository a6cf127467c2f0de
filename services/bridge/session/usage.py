"""Token counts of a model session. Every report is added: each turn is billed with its whole context again."""

from __future__ import annotations

from collections import Counter

from services.bridge.session.inputs import UsageReported


class UsageMeter:
    """Sums usage reports. Using only the last one would be several times too low."""

    def __init__(self) -> None:
        self._prompt = self._response = self._total = 0
        self._by_modality: Counter[str] = Counter()

    def add(self, report: UsageReported) -> None:
        """One more report."""
        self._prompt += report.prompt_tokens
        self._response += report.response_tokens
        self._total += report.total_tokens
        self._by_modality.update(report.by_modality)

    def sum(self) -> UsageReported:
        """All of them."""
        return UsageReported(self._prompt, self._response, self._total, dict(self._by_modality))
