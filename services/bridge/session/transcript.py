"""Turns out of transcription fragments. Fragments of both sides come in any order relative to everything else."""

from __future__ import annotations

from services.bridge.session.actions import Speaker, Turn
from services.bridge.session.facts import Limits


class Transcript:
    """Collects fragments; a turn is complete when the other side begins, or nothing was added for a while."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[Speaker, Turn] = {}
        self._touched: dict[Speaker, int] = {}
        self._turns: list[Turn] = []

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
            turn = Turn(who, "", at_ms)
        self._open[who] = Turn(who, (turn.pii_text + text)[: self._limits.turn_chars_max], turn.at_ms)
        self._touched[who] = now

    def complete(self, who: Speaker) -> list[Turn]:
        """Close the open turn of this side."""
        turn = self._open.pop(who, None)
        if turn is None:
            return []
        turn = Turn(who, " ".join(turn.pii_text.split()), turn.at_ms)
        if len(self._turns) < self._limits.transcript_turns_max:
            self._turns.append(turn)
        return [turn]

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
