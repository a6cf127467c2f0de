"""What a check is: something to send, and how to judge what was seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agiza.cli.pos.course import Course
from agiza.cli.pos.evidence import Evidence, Verdict

Drive = Callable[[Course], Awaitable[None]]
Judge = Callable[[Evidence], Verdict]


@dataclass(frozen=True, slots=True)
class Check:
    """``sent`` says what the kit does, ``mend`` what to do about a failure. Driven first, judged at the very end."""

    id: str
    title: str
    sent: str
    mend: str
    drive: Drive
    judge: Judge

    @property
    def docs(self) -> str:
        """Where it is explained."""
        return f"docs/certification.md#{self.id.replace('.', '')}"


async def nothing(course: Course) -> None:
    """For a check that judges what others sent."""
