"""One telephone call: the carrier, the webhook's decisions, the tokens, and which leg has the caller."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from agiza.domain.call_answers import Close, DialPerson, OfferStream, Silent
from agiza.domain.call_control import decide
from agiza.domain.call_state import Callback, CallState, Channel, Desk, DialTarget, Edge, Handoff, Phase
from agiza.domain.handoff import HandoffState
from agiza.domain.rescue import Leg as SeenLeg
from agiza.domain.rescue import Line as SeenLine
from agiza.domain.rescue import Rescue, judge_leg
from benchmarks.simulation.caller import Caller
from benchmarks.simulation.leg import Leg
from benchmarks.simulation.mind import Mind
from benchmarks.simulation.times import moment
from services.bridge.session import inputs as i

if TYPE_CHECKING:
    from benchmarks.simulation.world import World

CALL_MS_MAX: Final = 16 * 60_000
"""The longest call and a minute more."""
SWEEP_MS: Final = 2_000
GONE_S_MAX: Final = 8.0
INVENTIONS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("addItem", {"name": "tea"}),
    ("placeOrder", {}),
    ("removeItem", {"item": "fries"}),
)
CallOutcome = Literal["placed", "no_order", "handoff", "dropped"]


class Line:
    """A caller's line from ringing to its end."""

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        self.call_id = f"HD_{world.name}_{number}"
        self.began_at = world.agenda.now
        self.is_over = False
        self.is_tainted = False
        """Two legs of this call were alive at once, and one of them made things up."""
        self.leg: Leg | None = None
        self.end = "open"
        self._state = CallState()
        self._handoff: Handoff | None = None
        self._outcome: CallOutcome | None = None
        self._end_reason: str | None = None
        self._left_at: int | None = None
        self._sockets: dict[int, int] = {}
        self._dials = 0
        self._is_dialling = False
        chance = world.chance
        self._reading = chance.pick(("R3", "R4")) if chance.hits(world.faults.silent_carrier) else "R1"
        self.caller = Caller(world, self)
        self.mind = Mind(world, self)
        if chance.hits(world.faults.split):
            world.agenda.after(chance.ms(4_000, 20_000), self._split)

    # -- the carrier ---------------------------------------------------------------------------------------------

    def ring(self) -> None:
        """The carrier asks what to do with a new call, perhaps twice."""
        self._ask(Callback(Edge.RINGING, Channel.VOICE))
        if self._world.chance.hits(self._world.faults.callback_doubled):
            self._ask(Callback(Edge.RINGING, Channel.VOICE), is_carried_out=False)
        self._world.agenda.after(CALL_MS_MAX, self._judge_length)

    def hang_up(self) -> None:
        """The caller has had enough."""
        if self.is_over:
            return
        self.end = "hung up"
        leg, self.leg = self.leg, None
        if leg is not None and leg.is_alive and self._world.chance.hits(self._world.faults.close_unseen):
            self._world.books.count("hung up unseen")
            self._goes_on_alone(leg)
        elif leg is not None:
            leg.feed(i.CarrierClosed())
        self._completed()

    def on_socket_closed(self, leg: Leg) -> None:
        """The media socket is gone, whoever closed it. What follows depends on the carrier."""
        self._world.books.note(self._world.agenda.now, "closed", self.call_id, leg.epoch)
        if self.leg is not leg or self.is_over:
            return
        self.leg = None
        self._left_at = self._world.agenda.now
        after, chance = self._world.agenda.after, self._world.chance
        if self._reading == "R1":
            callback = Callback(Edge.NEXT, Channel.NEXT, leg=leg.epoch)
            after(chance.ms(120, 700), lambda: self._ask(callback))
            if chance.hits(self._world.faults.callback_doubled):
                after(chance.ms(200, 1_500), lambda: self._ask(callback, is_carried_out=False))
        elif self._reading == "R4":
            after(chance.ms(100, 600), self._completed)
        after(SWEEP_MS, self._sweep)

    def _ask(self, callback: Callback, *, is_carried_out: bool = True) -> None:
        """One request of the carrier. The answer to a doubled one is read by nobody."""
        if self.is_over:
            return
        decision = decide(self._state, self._handoff, callback, self._desk(), moment(self._world.agenda.now))
        self._state = decision.call
        self._world.books.note(self._world.agenda.now, "answer", self.call_id, type(decision.answer).__name__)
        if not is_carried_out:
            return
        match decision.answer:
            case OfferStream(epoch):
                self._world.agenda.after(self._world.chance.ms(150, 600), lambda: self._connect(epoch))
            case DialPerson(target):
                self._dial(target)
            case Close():
                self.end = "closed" if self.end == "open" else self.end
                self._world.agenda.after(200, self._completed)
            case Silent():
                pass

    def _connect(self, epoch: int) -> None:
        """The carrier opens the media socket with the token of this leg; somebody may try it once more."""
        if self.is_over:
            return
        self._open_socket(epoch)
        if self._world.chance.hits(self._world.faults.token_replayed):
            self._world.agenda.after(self._world.chance.ms(1, 5_000), lambda: self._open_socket(epoch, is_forged=True))

    def _open_socket(self, epoch: int, *, is_forged: bool = False) -> None:
        nonce = f"{self.call_id}:{epoch}"
        redis, books, now = self._world.redis, self._world.books, self._world.agenda.now
        if not redis.is_up or redis.nonces.get(nonce):
            if not is_forged:  # the bridge refuses what it cannot check: as if the socket had been lost at once
                self._left_at = now
                self._world.agenda.after(300, lambda: self._ask(Callback(Edge.NEXT, Channel.NEXT, leg=epoch)))
                self._world.agenda.after(SWEEP_MS, self._sweep)
            return
        redis.nonces[nonce] = True
        if is_forged:
            return  # Redis has forgotten that the token was used; the forger hears a leg of an old epoch, see I5
        self._sockets[epoch] = self._sockets.get(epoch, 0) + 1
        if self._sockets[epoch] > 1:
            books.accuse("I10", self.call_id, now, f"the token of leg {epoch} opened a second socket")
        if self.leg is not None and self.leg.is_alive and self.leg.hears_caller:
            books.accuse("I7", self.call_id, now, "two live media sockets")
        self.leg = Leg(self._world, self, epoch, self._world.free_bridge())
        self._world.legs.append(self.leg)
        self._ask(Callback(Edge.STREAM_STARTED, Channel.STATUS, leg=epoch))
        self.leg.open()

    def _dial(self, target: DialTarget) -> None:
        books, now = self._world.books, self._world.agenda.now
        books.count("dials")
        if target.phone not in {contact.phone for contact in self._world.contacts}:
            books.accuse("I7", self.call_id, now, "a number that is not on the list was dialled")
        if self._is_dialling or (self.leg is not None and self.leg.is_alive and self.leg.hears_caller):
            books.accuse("I7", self.call_id, now, "two live connections of one caller")
        self._is_dialling = True
        self.end = "person"
        self._world.agenda.after(self._world.chance.ms(20_000, 60_000), self._completed)

    def _completed(self) -> None:
        """The carrier says that the call is over."""
        if self.is_over:
            return
        self._ask(Callback(Edge.COMPLETED, Channel.STATUS, is_active=False))
        self._world.database.ends[self.call_id] = self._world.agenda.now
        self._world.books.on_ended(self.call_id, self._world.agenda.now)
        self.is_over = True
        self._world.books.count(f"ended: {self.end}")
        self._world.books.note(self._world.agenda.now, "over", self.call_id, self.end)

    # -- our side ------------------------------------------------------------------------------------------------

    def on_report(self, leg: Leg, outcome: CallOutcome, reason: str) -> None:
        """The bridge says how its leg ended."""

        def arrive() -> None:
            self._outcome, self._end_reason = outcome, reason

        if self.leg is leg or self.leg is None:
            self._world.agenda.after(self._world.chance.ms(5, 90), arrive)

    def on_handoff_requested(self, leg: Leg, request_id: str) -> None:
        """The escalation service records it, chooses a contact, and says so."""
        target = self._world.contacts[0]
        chance = self._world.chance

        def record() -> None:
            if self._handoff is None:
                self._handoff = Handoff(f"h-{self.call_id}", HandoffState.REQUESTED, target)
            if not chance.hits(self._world.faults.reply_lost):
                leg.feed(i.HandoffAnswered(request_id, target.contact_id, "I am putting you through."))

        self._world.books.count("handoffs")
        self._world.agenda.after(chance.ms(20, 150), record)

    def bridge_died(self, leg: Leg) -> None:
        """kill -9: the carrier sees the socket break."""
        leg.die()
        self._outcome = self._end_reason = None
        self._world.agenda.after(self._world.chance.ms(1, 50), lambda: self.on_socket_closed(leg))

    def _split(self) -> None:
        """The carrier loses the socket and asks again; the bridge goes on as if nothing had happened."""
        leg = self.leg
        if leg is None or not leg.is_alive or self.is_over:
            return
        self._world.books.count("splits")
        self._goes_on_alone(leg)
        self._outcome = self._end_reason = None
        self.on_socket_closed(leg)

    def _goes_on_alone(self, leg: Leg) -> None:
        """Nobody is there any more, and neither the bridge nor its model knows it."""
        self.is_tainted = True
        leg.hears_caller = False
        chance = self._world.chance
        for _ in range(chance.ms(1, 3)):
            self._make_up(leg, chance.ms(200, 6_000))

    def _make_up(self, leg: Leg, ms: int) -> None:
        """A model without its caller hears things."""
        chance = self._world.chance
        name, args = chance.pick(INVENTIONS)
        tool_call_id = f"z{chance.ms(0, 10**9)}"
        leg.later(ms, lambda: leg.call((tool_call_id, name, dict(args))))

    def superseded(self, leg_epoch: int) -> None:
        """All bridges are told that a later leg has the call."""
        for leg in self._world.legs_of(self.call_id):
            if leg.epoch < leg_epoch:
                leg.feed(i.Stopped("superseded"))

    def _sweep(self) -> None:
        """Escalation looks for callers who wait for nothing."""
        if self.is_over or self.leg is not None or self._state.phase not in (Phase.OFFERED, Phase.STREAMING):
            return
        now = moment(self._world.agenda.now)
        left_at = moment(self._left_at) if self._left_at is not None else None
        gone_s = (now - left_at).total_seconds() if left_at is not None and self._end_reason is None else None
        seen = SeenLine(
            self._state.kind, self._state.phase, self._state.epoch, outcome=self._outcome, end_reason=self._end_reason,
            offered_at=self._state.offered_at,
        )  # fmt: skip
        rescue = judge_leg(SeenLeg(seen, left_at if self._end_reason else None, gone_s), now)
        if rescue in (Rescue.HANG_UP, Rescue.FETCH):
            self.end = "fetched" if rescue is Rescue.FETCH else "closed"
            self._completed()
        else:
            self._world.agenda.after(SWEEP_MS, self._sweep)

    def _desk(self) -> Desk:
        reason = self._end_reason
        return Desk(
            branch_phone=self._world.file.branch.phone,
            caller="+254711000001",
            is_open=True,
            can_order=True,
            contacts=self._world.contacts,
            outcome=self._outcome,
            token_used=bool(self._sockets.get(self._state.epoch)),
            can_rejoin=reason is None or reason in ("superseded", "bridge_fault"),
        )

    def _judge_length(self) -> None:
        if not self.is_over:
            length = timedelta(milliseconds=CALL_MS_MAX)
            self._world.books.accuse("I8", self.call_id, self._world.agenda.now, f"still {self.end} after {length}")
