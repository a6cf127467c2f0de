"""What the agent does about each move of the caller (see the table in phases.py)."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from simulators.live_api.offline.answers import answer, is_beyond, look_up
from simulators.live_api.offline.choosing import pick
from simulators.live_api.offline.dialogue import REPAIRS_MAX, Dialogue, Steps
from simulators.live_api.offline.intents import (
    Act,
    Add,
    Person,
    Ref,
    Replace,
    SetQuantity,
)
from simulators.live_api.offline.pending import Choose, Confirm, Missing, Open
from simulators.live_api.offline.people import People
from simulators.live_api.offline.phases import REACTIONS, Phase, Reaction
from simulators.live_api.offline.results import completed
from simulators.live_api.offline.settling import count_of, is_answer, settled, with_more
from simulators.live_api.offline.turns import ToolRequest
from simulators.live_api.offline.utterance import Utterance
from simulators.live_api.offline.wording import (
    ANYTHING_ELSE,
    GET_A_PERSON,
    IS_THAT_EVERYTHING,
    ONE_AT_A_TIME,
    SAY_AGAIN,
    SHALL_I_PLACE,
    WHAT_TO_CHANGE,
    WHAT_WOULD_YOU_LIKE,
)

_SHORT_WORDS = 3
_EVERYTHING = Confirm(IS_THAT_EVERYTHING, (Act("done"),))
_COUNTED_ELSEWHERE = frozenset(("repair", "choose", "decline", "count"))


class Reactions:
    """Reacts to utterances that were heard for sure."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._menu = dialogue.menu
        self._people = People(dialogue)
        self._by_name: Mapping[Reaction, Callable[[Utterance], Steps]] = {
            "order": self._order,
            "confirm": self._confirm,
            "decline": self._decline,
            "choose": self._choose,
            "leave_out": self._leave_out,
            "place": self._place,
            "ask_to_place": lambda _: dialogue.say(SHALL_I_PLACE),
            "finish": self._finish,
            "count": self._count,
            "answer": self._answer,
            "escalate": lambda said: dialogue.escalate(said.person.reason if said.person else "asked"),
            "wait": self._wait,
            "go_on": self._go_on,
            "ask_what_to_change": self._ask_what_to_change,
            "repeat": lambda _: dialogue.say(dialogue.last_said or WHAT_WOULD_YOU_LIKE),
            "status": lambda _: dialogue.call(ToolRequest("orderStatus")),
            "cancel": self._cancel,
            "leave": self._leave,
            "hang_up": lambda _: dialogue.hang_up(),
            "repair": self._repair,
            "stay_quiet": lambda _: [],
        }

    def react(self, said: Utterance) -> Steps:
        """Look up phase and move, and do what the table says."""
        d = self._dialogue
        if d.phase is Phase.CHOOSING and d.pending and isinstance(d.pending[0], Missing) and said.person is None:
            return self._fill_in(said, d.pending[0])
        reaction = REACTIONS[d.phase][said.move]
        asked = d.pending[0] if d.pending else None
        in_parts = isinstance(asked, Confirm) and asked.parts is not None
        if reaction not in _COUNTED_ELSEWHERE and not in_parts:
            d.understood()
        return self._by_name[reaction](said)

    def _order(self, said: Utterance) -> Steps:
        """Carry out every wish; then go on, or read back when that was all."""
        d = self._dialogue
        d.reading = d.reading or d.phase is Phase.READ_BACK or said.has("done")
        d.understood()
        return d.carry_out(said.intents)

    # -- yes-or-no questions

    def _confirm(self, said: Utterance) -> Steps:
        """Yes, perhaps with more: what was asked about is meant as if it had been said now."""
        d = self._dialogue
        asked = d.pending.pop(0) if d.pending else None
        d.go_back()
        if not isinstance(asked, Confirm):
            return self._finish(said)
        if asked.requests:
            return d.carry_out(said.intents, asked.requests)
        if asked.parts and not said.changes_order:
            return d.ask_part(asked)
        more = said.intents if said.changes_order else ()
        meant = Utterance(said.text, (*asked.intents, *more))
        return self.react(meant) if meant.intents else d.go_on()

    def _decline(self, said: Utterance) -> Steps:
        """No, or something else in its place; or a plain repetition of what was asked about, which is a yes."""
        d = self._dialogue
        asked = d.pending.pop(0) if d.pending else None
        d.go_back()
        if not isinstance(asked, Confirm):
            return self.react(said)
        if said.has("yes") and not said.has("no", "wrong"):
            d.pending.insert(0, asked)
            return self._confirm(said)
        offer = asked.intents[0] if len(asked.intents) == 1 else None
        if isinstance(offer, Add) and said.number and not said.changes_order and not asked.checks_hearing:
            return d.carry_out((replace(offer, quantity=said.number),))  # "would you like one?" - "two, please"
        if said.changes_order or said.number is not None or (asked.intents and set(asked.intents) <= set(said.intents)):
            return self.react(said)
        if asked.checks_hearing:
            d.repairs += 1
            d.denied.add(asked.intents)
            if d.repairs >= REPAIRS_MAX:
                return d.escalate("lost")
            return d.say(SAY_AGAIN if asked.parts is None else ONE_AT_A_TIME)
        if said.has("done") or (said.has("no") and d.reading and not d.quoted):
            return self.react(said)
        return d.say("All right.", d.question())

    # -- open questions

    def _choose(self, said: Utterance) -> Steps:
        d = self._dialogue
        asked = d.pending[0] if d.pending else None
        if isinstance(asked, Choose):
            chosen = pick(asked.options, said.text)
            if chosen is None and len(asked.options) == 1 and said.has("yes"):
                chosen = asked.options[0]
            if chosen is not None:
                d.pending.pop(0)
                rest = [intent for intent in said.intents if not is_answer(intent, chosen.id, asked.request)]
                request = with_more(completed(asked, chosen.id, self._menu, d.cart), asked, said, self._menu)
                return d.carry_out(rest, [request])
        elif isinstance(asked, Open) and (complete := settled(asked, said, self._menu)) is not None:
            d.pending.pop(0)
            return d.carry_out(complete)
        if isinstance(asked, Open) and (count := count_of(said)) is not None:
            new = asked.wish.new if isinstance(asked.wish, Replace) else asked.wish
            counted = replace(new, quantity=count)
            wish = replace(asked.wish, new=counted) if isinstance(asked.wish, Replace) else counted
            d.pending[0] = replace(asked, wish=wish)
            return d.say(asked.question)
        if said.changes_order:
            return self._order(said)  # something else first; the question comes again behind it
        return d.repair(asked.question if asked is not None else "")

    def _leave_out(self, said: Utterance) -> Steps:
        """No answer is wanted: the thing asked about stays out."""
        d = self._dialogue
        asked = d.pending[0] if d.pending else None
        if isinstance(asked, Choose | Open) and pick(asked.options, said.text) is not None:
            return self._choose(said)
        d.pending = []
        d.reading = d.reading or said.has("done")
        d.remarks.append("All right, I leave that.")
        return d.go_on()

    def _fill_in(self, said: Utterance, asked: Missing) -> Steps:
        """The caller's own words are the answer (an address), unless they clearly are something else."""
        d = self._dialogue
        customer = said.customer
        d.pending.pop(0)
        if asked.argument == "phone":
            filled = self._people.fill_in(said)
            return self.react(said) if filled is None else filled
        if customer is not None:
            return d.carry_out(said.intents)
        if said.move in ("yes", "thanks", "continue", "number"):
            d.pending.insert(0, asked)
            return d.repair(asked.question)
        if said.move in ("no", "wrong", "done", "goodbye"):
            d.remarks.append("All right.")
            d.reading = False
            return d.go_on()
        if said.move in ("hold", "repeat", "cancel_order", "clear", "hello"):
            d.pending.insert(0, asked)
            return self._by_name[REACTIONS[Phase.CHOOSING][said.move]](said)
        return d.carry_out((), [ToolRequest("setCustomer", {asked.argument: said.text.strip()[:200]})])

    # -- finishing

    def _finish(self, said: Utterance) -> Steps:
        """That is all: read the order back. With nothing in the cart there is nothing to read."""
        d = self._dialogue
        if d.cart.lines or not d.cart_known:
            d.reading = True
            return d.go_on()
        if d.placed:
            return d.hang_up()
        d.empty_ends += 1
        if d.empty_ends > 1 and not said.has("yes"):
            return d.hang_up()
        return d.say("There is nothing in the order yet.", WHAT_WOULD_YOU_LIKE)

    def _place(self, said: Utterance) -> Steps:
        """The one place where an order is placed: the order as it stands was read back, and this is the yes."""
        if not self._dialogue.quoted:
            return self._finish(said)
        return self._dialogue.call(ToolRequest("placeOrder"))

    def _ask_what_to_change(self, said: Utterance) -> Steps:
        d = self._dialogue
        d.quoted = False
        d.phase = Phase.ORDERING
        return d.say("Sorry." if said.has("wrong") else "", WHAT_TO_CHANGE if d.cart.lines else WHAT_WOULD_YOU_LIKE)

    def _leave(self, _: Utterance) -> Steps:
        """Goodbye with an order open: nothing is lost without being asked about once."""
        d = self._dialogue
        d.empty_ends += 1
        if not d.cart.lines or d.empty_ends > 1:
            return d.hang_up()
        d.reading = True
        d.pending = []
        d.remarks.append("Before you go, your order is not placed yet.")
        return d.go_on()

    def _cancel(self, _: Utterance) -> Steps:
        """An order that is being taken is dropped after a yes; a placed one is for the server to cancel."""
        d = self._dialogue
        if not d.cart.lines:
            return d.call(ToolRequest("cancelOrder"))
        d.pending, d.reading = [], False
        drop = tuple(ToolRequest("removeItem", {"line": line.id}) for line in d.cart.lines)
        return d.offer(Confirm("Shall I take everything off the order?", (), drop))

    # -- the rest

    def _count(self, said: Utterance) -> Steps:
        if said.has("no", "wrong") and said.number is not None:
            return self._dialogue.carry_out((SetQuantity(Ref(), said.number),))
        topic, self._dialogue.topic = self._dialogue.topic, None
        if topic is not None and said.number:
            return self._dialogue.carry_out((Add(topic, said.number),))
        return self._dialogue.repair("Sorry, how many of what?")

    def _answer(self, said: Utterance) -> Steps:
        d, question = self._dialogue, said.question
        if question is None:
            return d.repair()
        if question.about == "total" and d.cart.lines:
            d.price_only = d.phase is not Phase.READ_BACK
            return d.call(ToolRequest("getTotal"))
        if question.about in ("cart", "total"):
            return self._finish(said)
        item = look_up(question)
        if item is not None and d.can("searchMenu"):
            d.asked = question
            return d.call(ToolRequest("searchMenu", {"query": self._menu.item_name(item)}))
        if is_beyond(question, self._menu):
            return d.offer(Confirm(GET_A_PERSON, (Person(),)), answer(question, self._menu))
        return d.say(answer(question, self._menu), d.question())

    def _repair(self, said: Utterance) -> Steps:
        """Not understood. Few words behind "anything else?" are mostly a "that's all" that was heard badly."""
        d = self._dialogue
        asked_for_more = d.phase is Phase.ORDERING and d.last_said.endswith(ANYTHING_ELSE)
        if asked_for_more and d.cart.lines and not d.pending and len(said.text.split()) <= _SHORT_WORDS:
            d.repairs += 1
            return d.escalate("lost") if d.repairs >= REPAIRS_MAX else d.offer(_EVERYTHING)
        return d.repair()

    def _wait(self, _: Utterance) -> Steps:
        self._dialogue.silences = -1
        return self._dialogue.say("Of course, take your time.")

    def _go_on(self, _: Utterance) -> Steps:
        d = self._dialogue
        if d.phase is Phase.GREETING:
            d.phase = Phase.ORDERING
            return d.say("Hello.", WHAT_WOULD_YOU_LIKE)
        return d.say("Yes, I am here.", d.question())
