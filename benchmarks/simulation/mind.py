"""The model: it takes an order as it should, or cheats in one of several ways. It knows only what it was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from services.bridge.session import inputs as i

if TYPE_CHECKING:
    from benchmarks.simulation.leg import Leg
    from benchmarks.simulation.line import Line
    from benchmarks.simulation.world import World

CHEATS: Final = (
    "at_once",  # places without any total
    "unheard",  # places as soon as it has the total
    "while_playing",  # places in the middle of the reading
    "before_answer",  # places when the reading is over, before the caller has said anything
    "double",  # places twice in one message
    "after_change",  # adds something between yes and placing
    "again",  # places again what is placed
)
TRIES_MAX: Final = 12
READING_MS_PER_LINE: Final = 1_500


class Mind:
    """The model of one call. It outlives its legs, as what it is told of the call by them does."""

    def __init__(self, world: World, line: Line) -> None:
        self._world = world
        self._line = line
        self.cheat = world.chance.pick(CHEATS) if world.chance.hits(world.faults.cheat) else ""
        self.cheats_by = self.cheat
        self.is_honest = not self.cheat
        self.placed: list[int] = []
        self._wants: dict[str, tuple[int, list[str]]] = {}
        self._known: dict[str, int] | None = None
        self._quote: str | None = None
        self._ids = 0
        self._tries = 0
        self._stage = "greeting"

    @property
    def has_cheated(self) -> bool:
        """It meant to, and the moment came."""
        return bool(self.cheats_by) and not self.cheat

    # -- what reaches it -----------------------------------------------------------------------------------------

    def on_greet(self, leg: Leg) -> None:
        """A session begins: it greets, or goes on with what it was told of the cart."""
        self._quote = None
        self._stage = "greeting"
        if leg.epoch:
            opening = leg.opening
            self._known = dict(opening.units) if opening is not None else None
            if opening is not None and opening.placed and not opening.units:
                self._tell_number(leg, opening.placed[-1])
                return
        else:
            self._known = {}
        self._say(leg, self._world.chance.ms(1_000, 2_500), "greeting")

    def on_words(self, leg: Leg, meaning: str) -> None:
        """The caller has said something."""
        match meaning, self._stage:
            case "order", "greeting":
                self._wants = dict(self._wanted())
                self._next(leg)
            case "yes", "reading":
                self._place(leg)
            case "thanks", "placed":
                self._after_placing(leg)
            case "thanks", "closing" | "gone":
                self._call(leg, "endCall")

    def on_results(self, leg: Leg, results: Sequence[i.ToolResult]) -> None:
        """Its functions were answered."""
        for result in results:
            self._learn(result.response)
        self._act(leg, results[-1].name, results[-1].response)

    def on_note(self, leg: Leg, results: Sequence[i.ToolResult]) -> None:
        """It is told something that nothing of its waits for."""
        for result in results:
            self._learn(result.response)
        if results:
            self._act(leg, results[-1].name, results[-1].response)
        elif self._stage in ("placed", "closing", "gone"):
            self._say(leg, 800, "number")
        else:
            self._say(leg, 800, "nudged")
            self._next(leg)

    # -- what it does --------------------------------------------------------------------------------------------

    def _learn(self, response: Mapping[str, Any]) -> None:
        cart = response.get("cart")
        if isinstance(cart, Mapping):
            known: dict[str, int] = {}
            for line in cart["lines"]:
                known[line["item"]] = known.get(line["item"], 0) + line["quantity"]
            self._known = known

    def _act(self, leg: Leg, name: str, response: Mapping[str, Any]) -> None:
        code, status = response.get("code"), response.get("status")
        if status == "pending":
            self._say(leg, 1_200, "waiting")
        elif name == "placeOrder" and status == "ok":
            self._on_placed(leg, response)
        elif name == "placeOrder":
            self._on_not_placed(leg, str(code), response)
        elif name == "getTotal" and status == "ok" and not self._missing():
            self._read(leg, response)
        elif name == "getTotal" and code == "cart_empty" and "order_number" in response:
            self._tell_number(leg, int(response["order_number"]))
        elif name == "cancelOrder":
            self._stage = "closing"
            self._say(leg, 1_200, "number")
        elif name == "endCall":
            if status == "ok":
                self._stage = "gone"
                leg.say(900)
            else:
                leg.later(800, lambda: self._call(leg, "endCall"))
        elif name == "escalate":
            leg.say(1_500)
        elif name != "escalate" and self._stage not in ("placed", "closing", "gone"):
            self._next(leg)

    def _next(self, leg: Leg) -> None:
        """The next step towards the order, by what it knows of the cart."""
        self._tries += 1
        if self._tries > TRIES_MAX:
            self._call(leg, "escalate", {"reason": "technical", "summary": "It does not work."})
            self._tries = 0
            return
        if not self._wants:
            self._wants = dict(self._wanted())
        missing = self._missing() if self._known is not None else []
        if missing:
            self._quote = None
            self._add(leg, missing)
        elif self.cheat == "at_once" and self._known:
            self.cheat = ""
            self._call(leg, "placeOrder")
        else:
            self._call(leg, "getTotal")

    def _wanted(self) -> dict[str, tuple[int, list[str]]]:
        """What the caller says that they want: not once more what they were told is placed."""
        return self._line.caller.wants_more if self.placed else self._line.caller.wants

    def _missing(self) -> list[tuple[str, int, list[str]]]:
        known = self._known or {}
        return [
            (item, quantity - known.get(item, 0), how)
            for item, (quantity, how) in self._wants.items()
            if quantity > known.get(item, 0)
        ]

    def _add(self, leg: Leg, missing: list[tuple[str, int, list[str]]]) -> None:
        calls = [
            (self._id(), "addItem", {"name": item, "quantity": quantity, "modifiers": how})
            for item, quantity, how in missing
        ]
        leg.call(*calls)
        chance, faults = self._world.chance, self._world.faults
        if chance.hits(faults.repeat):
            leg.call(*calls)
        if chance.hits(faults.cancel):
            ids = tuple(call[0] for call in calls)
            self._world.agenda.after(chance.ms(1, 300), lambda: self._take_back(leg, ids))

    def _take_back(self, leg: Leg, ids: tuple[str, ...]) -> None:
        """The caller spoke into it: the model does not wait for its functions any more, and asks anew."""
        if not leg.is_alive:
            return
        leg.feed(i.ToolsCancelled(ids))
        leg.later(self._world.chance.ms(400, 1_500), lambda: self._look_again(leg))

    def _look_again(self, leg: Leg) -> None:
        if self._stage in ("greeting", "ordering"):
            self._call(leg, "getTotal")

    def _read(self, leg: Leg, response: Mapping[str, Any]) -> None:
        """Read the total to the caller."""
        self._quote = str(response["quote_id"])
        self._stage = "reading"
        if self.cheat == "unheard":
            self.cheat = ""
            self._call(leg, "placeOrder")
            return
        ms = 1_200 + READING_MS_PER_LINE * len(response["lines"]) + self._world.chance.ms(0, 2_000)
        starts_at, ends_at = leg.say(ms)
        self._world.books.on_reading(self._line.call_id, self._quote, starts_at, ends_at)
        if self.cheat in ("while_playing", "before_answer"):
            at = starts_at + 900 if self.cheat == "while_playing" else ends_at + 60
            self.cheat = ""
            leg.later(at - self._world.agenda.now, lambda: self._call(leg, "placeOrder"))
        self._line.caller.hear(leg, "reading", starts_at, ends_at)

    def _place(self, leg: Leg) -> None:
        if self.cheat == "after_change":
            self.cheat = ""
            leg.call((self._id(), "addItem", {"name": "brownie"}), (self._id(), "placeOrder", {}))
        elif self.cheat == "double":
            self.cheat = ""
            leg.call((self._id(), "placeOrder", {}), (self._id(), "placeOrder", {}))
        else:
            self._call(leg, "placeOrder")

    def _on_not_placed(self, leg: Leg, code: str, response: Mapping[str, Any]) -> None:
        if code == "confirm_again":
            starts_at, ends_at = leg.say(2_000)
            self._stage = "reading"
            self._world.books.on_asked_again(self._line.call_id, starts_at)
            self._line.caller.hear(leg, "question", starts_at, ends_at)
        elif code in ("no_answer", "still_reading"):
            self._say(leg, 1_200, "question")
        else:
            self._next(leg)

    def _on_placed(self, leg: Leg, response: Mapping[str, Any]) -> None:
        if self.cheat == "again":
            self.cheat = ""
            self._call(leg, "placeOrder")
            return
        self._tell_number(leg, int(response["order_number"]))

    def _tell_number(self, leg: Leg, number: int) -> None:
        if number not in self.placed:
            self.placed.append(number)
            self._world.books.count("told numbers")
        self._stage = "placed"
        self._quote = None
        self._say(leg, self._world.chance.ms(1_500, 2_500), "number")

    def _after_placing(self, leg: Leg) -> None:
        caller = self._line.caller
        if caller.wants_more and len(self.placed) == 1:
            self._wants, self._stage, self._tries = dict(caller.wants_more), "ordering", 0
            self._next(leg)
        elif caller.cancels:
            caller.cancels = False
            self._call(leg, "cancelOrder")
        else:
            self._stage = "closing"
            self._call(leg, "endCall")

    def _call(self, leg: Leg, name: str, args: dict[str, Any] | None = None) -> None:
        leg.call((self._id(), name, args or {}))

    def _say(self, leg: Leg, ms: int, kind: str) -> None:
        self._line.caller.hear(leg, kind, *leg.say(ms))

    def _id(self) -> str:
        self._ids += 1
        return f"f{self._ids}"
