"""Replicas of the orders service: lock, settle, commit, answer, acknowledge; they may die between any two steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agiza.domain.desk import Guards, settle, take_over
from agiza.domain.entry import Answer, Entry
from agiza.domain.inbox import cancel
from benchmarks.simulation.agenda import Agenda
from benchmarks.simulation.books import Books
from benchmarks.simulation.chance import Chance, Faults
from benchmarks.simulation.database import Database, UniqueViolation
from benchmarks.simulation.redis import LEASE_MS, Cancellation, Letter, Message, Redis, Reply, TakeOver
from benchmarks.simulation.times import moment

LOCK_RETRY_MS: Final = 4
HTTP_MS: Final = 2_000
HTTP_ATTEMPTS: Final = 3
HTTP_PAUSE_MS: Final = 500


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to an entry."""

    answers: tuple[Answer, ...]
    cart_version: int


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The answer to a take-over: what a later leg begins with. ``units`` is what the cart holds, by item."""

    status: str
    units: dict[str, int]
    placed: tuple[int, ...]
    cart_version: int


@dataclass(slots=True)
class Replica:
    """One process. ``life`` counts its starts: what an earlier life had begun ends with it."""

    number: int
    is_up: bool = True
    life: int = 0


class Orders:
    """Two replicas behind the streams, and behind the HTTP door."""

    def __init__(
        self,
        agenda: Agenda,
        chance: Chance,
        faults: Faults,
        database: Database,
        redis: Redis,
        books: Books,
        guards: Guards,
    ) -> None:
        self._agenda = agenda
        self._chance = chance
        self._faults = faults
        self._database = database
        self._redis = redis
        self._books = books
        self._guards = guards
        self.replicas = [Replica(0), Replica(1)]
        redis.serve = self._serve
        self.after_commit: Callable[[], None] = lambda: None
        self.superseded: Callable[[str, int], None] = lambda call_id, leg_epoch: None

    # -- the two ways in -----------------------------------------------------------------------------------------

    def ask_over_http(self, letter: Letter) -> None:
        """As the bridge's outlet asks: three attempts, two seconds each."""
        self._attempt(letter, 1)

    def _attempt(self, letter: Letter, attempt: int) -> None:
        answered: list[object] = []

        def answer(value: object) -> None:
            if not answered:
                answered.append(value)
                letter.reply(value)

        def again() -> None:
            if not answered and attempt < HTTP_ATTEMPTS:
                self._agenda.after(HTTP_PAUSE_MS, lambda: self._attempt(letter, attempt + 1))

        up = [replica for replica in self.replicas if replica.is_up]
        if not up:
            again()  # refused at once
            return
        self._agenda.after(HTTP_MS, again)
        if self._chance.hits(self._faults.http_lost):
            return
        is_reply_lost = self._chance.hits(self._faults.http_lost)
        reply: Reply = (lambda value: None) if is_reply_lost else answer
        replica = self._chance.pick(up)
        self._agenda.after(self._chance.ms(1, 5), lambda: self._carry_out(replica, replica.life, letter.message, reply))

    def _serve(self, number: int) -> None:
        """The holder of this partition's lease takes its next entry."""
        partition = self._redis.partitions[number]
        replica = self.replicas[partition.holder]
        if partition.busy is not None or not partition.waiting or not replica.is_up or not self._redis.is_up:
            return
        letter = partition.waiting.popleft()
        partition.pending.append(letter)
        partition.busy = letter
        life = replica.life

        def done() -> None:
            if replica.life != life or not replica.is_up:
                return
            partition.busy = None
            self._redis.acknowledge(number, letter)
            self._serve(number)

        def publish(value: object) -> None:
            self._redis.publish(letter.reply, value)

        self._carry_out(replica, life, letter.message, publish, done)

    # -- one transaction -----------------------------------------------------------------------------------------

    def _carry_out(
        self, replica: Replica, life: int, message: Message, reply: Reply, done: Callable[[], None] = lambda: None
    ) -> None:
        """Lock, decide, commit, answer. Every arrow between two of them may be the replica's last."""
        holder = object()

        def is_gone() -> bool:
            if replica.life != life or not replica.is_up:
                return True
            if self._chance.hits(self._faults.crash_at_step):
                self.crash(replica)
                return True
            return False

        def begin() -> None:
            if is_gone():
                return
            if not self._database.lock(message.call_id, holder):
                self._agenda.after(LOCK_RETRY_MS, begin)
                return
            self._agenda.after(self._chance.ms(2, 6), commit)

        def commit() -> None:
            # a dead process's connection breaks, and the server rolls back and unlocks
            value: object = None
            is_dead = is_gone()
            if not is_dead:
                try:
                    value = self._decide(message)
                except UniqueViolation:
                    self._books.on_buried(message.call_id)  # nothing was written, and another try would not help
            self._database.unlock(message.call_id, holder)
            if is_dead:
                return
            self.after_commit()
            self._agenda.after(1, lambda: answer(value))

        def answer(value: object) -> None:
            if is_gone():
                return
            if value is not None:
                reply(value)
            is_news = isinstance(message, TakeOver) and isinstance(value, TakenOver) and value.status == "ok"
            if is_news and not self._chance.hits(self._faults.news_lost):
                self._agenda.after(self._chance.ms(1, 5), lambda: self.superseded(message.call_id, message.leg_epoch))
            self._agenda.after(1, acknowledge)

        def acknowledge() -> None:
            if not is_gone():
                done()

        begin()

    def _decide(self, message: Message) -> object:
        now = self._agenda.now
        match message:
            case Entry():
                return self._settle(message, now)
            case Cancellation():
                row = self._database.carts.get(message.call_id)
                known = row.results if row is not None else {}
                fence = row.leg_epoch if row is not None else None
                self._database.keep(message.call_id, cancel(fence, known, message.leg_epoch, message.ids).tombstones)
                return None
            case TakeOver():
                row = self._database.row(message.call_id)
                status = take_over(row.leg_epoch, message.leg_epoch)
                if status == "ok":
                    row.leg_epoch = message.leg_epoch
                    self._books.on_fence(message.call_id, message.leg_epoch)
                units: dict[str, int] = {}
                for line in row.cart.lines:
                    units[line.item] = units.get(line.item, 0) + line.quantity
                placed = tuple(order.number for order in row.cart.placed)
                return TakenOver(status, units, placed, row.cart.version)

    def _settle(self, entry: Entry, now: int) -> Answered:
        held = self._database.held(entry)
        number = self._database.next_number(now)
        settled = settle(held, entry, moment(now), first_number=number, guards=self._guards)
        self._database.commit(entry, settled, now)
        self._books.on_commit(entry, settled, now)
        return Answered(settled.answers, settled.cart.version)

    # -- life and death ------------------------------------------------------------------------------------------

    def crash(self, replica: Replica, down_ms: int | None = None) -> None:
        """kill -9. Its partitions become the other one's when the lease has run out, if that one is there."""
        if not replica.is_up:
            return
        replica.is_up = False
        replica.life += 1
        self._agenda.after(down_ms or self._chance.ms(300, 4_000), lambda: self._start(replica))
        self._agenda.after(LEASE_MS, self._share_out)

    def _start(self, replica: Replica) -> None:
        """Its own pending entries come first: what its earlier life had in hand is in nobody's now."""
        replica.is_up = True
        for partition in self._redis.partitions:
            if partition.holder == replica.number:
                partition.busy = None
        self._share_out()

    def _share_out(self) -> None:
        for number, partition in enumerate(self._redis.partitions):
            holder = self.replicas[partition.holder]
            if not holder.is_up:
                other = self.replicas[1 - partition.holder]
                if not other.is_up:
                    continue
                partition.holder = other.number
                partition.busy = None
            self._redis.redeliver(number)
