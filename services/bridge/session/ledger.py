"""What a leg will be remembered for: its latencies, whether an order was placed, and so its outcome."""

from __future__ import annotations

from collections.abc import Iterable

from agiza.contracts.tools import PLACE_ORDER
from services.bridge.session.actions import Observe, Outcome
from services.bridge.session.inputs import ToolResult

LATENCIES_MAX = 400


class Ledger:
    """Facts for the report. ``placed_told`` turns true when the agent spoke after the order was placed."""

    def __init__(self) -> None:
        self._latencies: dict[str, list[int]] = {}
        self.placed = False
        self.placed_told = False

    def keep(self, latency: Observe) -> None:
        """A latency that was measured."""
        kept = self._latencies.setdefault(latency.name, [])
        if len(kept) < LATENCIES_MAX:
            kept.append(latency.ms)

    def latencies_ms(self) -> dict[str, tuple[int, ...]]:
        """All that were measured, by name."""
        return {name: tuple(values) for name, values in self._latencies.items()}

    def on_results(self, results: Iterable[ToolResult]) -> None:
        """Results of ``orders``, told or not: a cancelled call may have been carried out all the same."""
        if any(result.name == PLACE_ORDER and result.response.get("status") == "ok" for result in results):
            self.placed = True

    def on_agent_turn_over(self) -> None:
        """The agent finished a turn that had audio."""
        self.placed_told = self.placed

    def outcome(self, *, handing_over: bool, said_goodbye: bool, caller_left: bool) -> Outcome:
        """``dropped`` means that the caller, if still on the line, has a right to a person."""
        if handing_over:
            return "handoff"
        if said_goodbye:
            return "placed" if self.placed else "no_order"
        if self.placed and (caller_left or self.placed_told):
            return "placed"
        return "dropped"
