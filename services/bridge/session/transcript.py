"""Turns out of transcription fragments. Fragments of both sides come in any order relative to everything else."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.bridge.session.actions import Speaker, Turn
from services.bridge.session.facts import Limits

CHARS_PER_SECOND: Final = 15
"""Of an agent's voice at a normal pace."""


def heard_text(turn: Turn) -> str:
    """The words of a turn that the caller can have heard: of one that was cut off, about as many as fit into what was
    played, with a dash at the end."""
    if turn.heard_ms is None:
        return turn.pii_text
    heard: list[str] = []
    left = turn.heard_ms * CHARS_PER_SECOND / 1000
    for word in turn.pii_text.split():
        left -= len(word) + 1
        if left < 0:
            break
        heard.append(word)
    return " ".join(heard) + "-" if heard else ""


class Transcript:
    """Collects fragments; a turn is complete when the other side begins, or nothing was added for a while."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[Speaker, Turn] = {}
        self._touched: dict[Speaker, int] = {}
        self._turns: list[Turn] = []
        self._cut_heard_ms: int | None = None

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
            turn = Turn(who, "", at_ms, self._cut_heard_ms if who == "agent" else None)
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

    def mark_cut(self, heard_ms: int, turn_open: bool) -> Turn | None:
        """The agent was cut off after so much of its turn; words that still come of an open turn are marked too.
        A turn that was complete already, only not played to its end, is given back as it is now."""
        if turn_open:
            self._cut_heard_ms = heard_ms
            if "agent" in self._open:
                self._open["agent"] = replace(self._open["agent"], heard_ms=heard_ms)
            return None
        for index in range(len(self._turns) - 1, -1, -1):
            if self._turns[index].who == "agent":
                self._turns[index] = replace(self._turns[index], heard_ms=heard_ms)
                return self._turns[index]
        return None

    def on_agent_turn_over(self) -> None:
        """The next words of the agent belong to another turn."""
        self._cut_heard_ms = None

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
