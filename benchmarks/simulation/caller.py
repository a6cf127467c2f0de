"""Who calls: what they want, and how they speak. They are impatient, they cough, and they say yes too soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.bridge.session import inputs as i

if TYPE_CHECKING:
    from benchmarks.simulation.leg import Leg
    from benchmarks.simulation.line import Line
    from benchmarks.simulation.world import World

DISHES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("chicken-burger", ("no-onions",)), ("fries", ("large",)), ("soda", ()), ("tea", ()), ("beef-burger", ()),
    ("samosa", ()), ("water", ()), ("mandazi", ()), ("coffee", ()), ("wings-6", ("hot",)),
)  # fmt: skip
CHUNK_MS: Final = 200
INTERRUPTS_AFTER_MS: Final = 300
PATIENCE_MS: Final = 25_000
"""A caller who hears nothing for so long hangs up."""


class Caller:
    """One person on the line."""

    def __init__(self, world: World, line: Line) -> None:
        self._world = world
        self._line = line
        chance = world.chance
        count = chance.pick((1, 1, 2, 2, 3))
        self.wants = {dish: (chance.pick((1, 1, 2, 3)), list(how)) for dish, how in chance.some(DISHES, count)}
        self.wants_more = {"ice-cream": (1, list[str]())} if chance.hits(0.05) else {}
        self.cancels = chance.hits(0.03)
        self._heard_at = 0
        if chance.hits(world.faults.hang_up):
            world.agenda.after(chance.ms(1_000, 40_000), line.hang_up)

    def hear(self, leg: Leg, kind: str, starts_at: int, ends_at: int) -> None:
        """The agent says something of this kind; what the caller answers, and when."""
        self._heard_at = ends_at
        self._world.agenda.at(ends_at + PATIENCE_MS, self._lose_patience)
        chance = self._world.chance
        match kind:
            case "reading":
                self._answer_reading(leg, starts_at, ends_at)
            case "question":
                self.speak(leg, ends_at + chance.ms(200, 1_200), chance.ms(260, 600), "yes")
            case "greeting":
                self.speak(leg, ends_at + chance.ms(200, 1_500), chance.ms(800, 2_500), "order")
            case "number":
                self.speak(leg, ends_at + chance.ms(200, 1_000), chance.ms(300, 800), "thanks")

    def _answer_reading(self, leg: Leg, starts_at: int, ends_at: int) -> None:
        """Most wait for its end; some say yes into its last words, and a few much sooner."""
        chance = self._world.chance
        spoken_ms = chance.ms(260, 700)
        if self._world.is_eager:
            self.speak(leg, self._eager_from(starts_at, ends_at), spoken_ms, "yes")
            return
        kind = chance.pick(("after",) * 15 + ("last words",) * 3 + ("early", "cough"))
        if kind == "cough":
            self.speak(leg, chance.ms(starts_at, ends_at), 120, "")
        if kind in ("after", "cough"):
            self.speak(leg, ends_at + chance.ms(150, 1_500), spoken_ms, "yes")
        elif kind == "last words":
            self.speak(leg, max(starts_at + 300, ends_at - chance.ms(100, 1_200)), spoken_ms, "yes")
        else:
            self.speak(leg, chance.ms(starts_at + 200, ends_at), spoken_ms, "yes")

    def _eager_from(self, starts_at: int, ends_at: int) -> int:
        """When somebody begins to say yes who does not wait: as a rule in the last words, some as soon as they have
        heard their dish, and very few in the first second, before anything was said."""
        chance = self._world.chance
        if chance.hits(0.004):
            return chance.ms(starts_at + 200, starts_at + 900)
        if chance.hits(0.15):
            return chance.ms(min(starts_at + 1_300, ends_at), ends_at)
        if chance.hits(0.7):
            return max(starts_at + 1_300, ends_at - chance.ms(50, 1_500))
        return ends_at + chance.ms(150, 1_200)

    def speak(self, leg: Leg, at: int, ms: int, meaning: str) -> None:
        """Say something from then on. The local voice detector hears it in pieces, the model when it is over."""
        agenda = self._world.agenda

        def voice(piece_ms: int, is_last: bool) -> None:
            if self._may_be_heard(leg):
                self._world.books.on_spoken(self._line.call_id, piece_ms, agenda.now)
                leg.feed(i.CallerSpoke(piece_ms, piece_ms, piece_ms), is_last=is_last)

        said_ms = 0
        while said_ms < ms:
            piece = min(CHUNK_MS if meaning == "yes" else ms, ms - said_ms)
            said_ms += piece
            agenda.at(at + said_ms, lambda piece=piece, is_last=said_ms == ms: voice(piece, is_last))  # type: ignore[misc]
        agenda.at(at + min(ms, INTERRUPTS_AFTER_MS), lambda: self._interrupt(leg))
        if meaning:
            agenda.at(at + ms + self._world.chance.ms(250, 500), lambda: self._understood(leg, meaning))

    def _interrupt(self, leg: Leg) -> None:
        """The model stops when it hears the caller over it; not always."""
        if self._may_be_heard(leg) and leg.is_playing and self._world.chance.hits(0.7):
            leg.feed(i.ModelInterrupted())

    def _understood(self, leg: Leg, meaning: str) -> None:
        if self._may_be_heard(leg):
            self._line.mind.on_words(leg, meaning)

    def _may_be_heard(self, leg: Leg) -> bool:
        return leg.is_alive and leg.hears_caller and self._line.leg is leg

    def _lose_patience(self) -> None:
        if self._world.agenda.now >= self._heard_at + PATIENCE_MS and self._line.leg is not None:
            self._world.books.count("lost patience")
            self._line.hang_up()
