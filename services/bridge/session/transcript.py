"""Turns out of transcription fragments. Fragments of both sides come in any order relative to everything else."""

from __future__ import annotations

from dataclasses import replace

from services.bridge.session.actions import Speaker, Turn
from services.bridge.session.facts import Limits
from services.bridge.session.said import Cut


class Transcript:
    """Collects fragments; a turn is complete when the other side begins, or nothing was added for a while."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[Speaker, Turn] = {}
        self._touched: dict[Speaker, int] = {}
        self._turns: list[Turn] = []
        self._cut: Cut | None = None

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Complete turns, oldest first, at most ``transcript_turns_max``."""
        return tuple(self._turns)

    def add(self, who: Speaker, text: str, at_ms: int, now: int) -> None:
        """A fragment. Its spaces are the model's own; text beyond the limit of a turn is dropped."""
        turn = self._open.get(who)
        if turn is None:
            if not text.strip():
                return
            turn = _cut(Turn(who, "", at_ms), self._cut if who == "agent" else None)
        self._open[who] = replace(turn, pii_text=(turn.pii_text + text)[: self._limits.turn_chars_max])
        self._touched[who] = now

    def complete(self, who: Speaker) -> list[Turn]:
        """Close the open turn of this side."""
        turn = self._open.pop(who, None)
        if turn is None:
            return []
        turn = replace(turn, pii_text=" ".join(turn.pii_text.split()))
        if len(self._turns) < self._limits.transcript_turns_max:
            self._turns.append(turn)
        return [turn]

    def mark_cut(self, cut: Cut, turn_open: bool) -> Turn | None:
        """The agent was cut off; words that still come of an open turn are marked too. A turn that was complete
        already, only not played to its end, is given back as it is now."""
        if turn_open:
            self._cut = cut
            if "agent" in self._open:
                self._open["agent"] = _cut(self._open["agent"], cut)
            return None
        for index in range(len(self._turns) - 1, -1, -1):
            if self._turns[index].who == "agent":
                self._turns[index] = _cut(self._turns[index], cut)
                return self._turns[index]
        return None

    def on_agent_turn_over(self) -> None:
        """The next words of the agent belong to another turn."""
        self._cut = None

    def complete_all(self) -> list[Turn]:
        """Close both, in the order in which they began."""
        sides = sorted(self._open, key=lambda who: self._open[who].at_ms)
        return [turn for who in sides for turn in self.complete(who)]

    def complete_quiet(self, now: int, agent_speaking: bool) -> list[Turn]:
        """Close what nothing was added to for a while. While the agent's turn is open, only the caller's."""
        closed: list[Turn] = []
        for who in sorted(self._open, key=lambda who: self._open[who].at_ms):
            if not (who == "agent" and agent_speaking) and now >= self._touched[who] + self._limits.turn_quiet_ms:
                closed += self.complete(who)
        return closed

    def next_quiet(self, agent_speaking: bool) -> int | None:
        """When :meth:`complete_quiet` will have something."""
        waiting = [self._touched[who] for who in self._open if not (who == "agent" and agent_speaking)]
        return min(waiting) + self._limits.turn_quiet_ms if waiting else None


def _cut(turn: Turn, cut: Cut | None) -> Turn:
    return turn if cut is None else replace(turn, heard_ms=cut.heard_ms, length_ms=cut.length_ms)
