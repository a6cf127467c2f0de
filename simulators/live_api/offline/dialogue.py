"""The state of one conversation and the few things an order taker can do in it."""

from collections.abc import Sequence
from dataclasses import replace

from simulators.live_api.offline.answers import only_ways
from simulators.live_api.offline.cart import CartView
from simulators.live_api.offline.choosing import Offered
from simulators.live_api.offline.intents import Add, AddWhich, Ask, Customer, Intent, PersonReason, Replace
from simulators.live_api.offline.menu_text import Menu
from simulators.live_api.offline.pending import Confirm, Open, Pending
from simulators.live_api.offline.phases import Phase
from simulators.live_api.offline.planning import Planner
from simulators.live_api.offline.tongues import in_language
from simulators.live_api.offline.turns import AgentStep, CallTools, Say, ToolRequest
from simulators.live_api.offline.understand import Understanding
from simulators.live_api.offline.utterance import Utterance
from simulators.live_api.offline.wording import (
    ANYTHING_ELSE,
    GOODBYE,
    NO_PERSON,
    NOT_CAUGHT,
    SHALL_I_PLACE,
    WHAT_WOULD_YOU_LIKE,
    choices,
    describe,
    plural,
    sentences,
)

REPAIRS_MAX = 3
"""Misunderstandings in a row after which a person takes over."""

GOODBYES_MAX = 2
_REASON_WORDS: dict[PersonReason, tuple[str, ...]] = {
    "asked": ("asked", "caller", "request"),
    "allergy": ("allergy", "medical", "health"),
    "payment": ("payment", "dispute", "refund", "money"),
    "complaint": ("complaint",),
    "abuse": ("abuse", "abusive"),
    "callback": ("callback", "call_back"),
    "lost": ("not_understood", "understood", "unclear"),
}
_WHY: dict[PersonReason, str] = {
    "asked": "The caller asked for a person.",
    "allergy": "The caller asked about allergies or health.",
    "payment": "The caller has a question about a payment.",
    "complaint": "The caller has a complaint.",
    "abuse": "The caller became abusive.",
    "callback": "The caller wants to be rung back.",
    "lost": "The assistant could not understand the caller.",
}
Steps = list[AgentStep]


class Dialogue:
    """What is known and what is open. Each method returns the steps to take, in order."""

    def __init__(self, menu: Menu) -> None:
        self.menu = menu
        self.understanding = Understanding(menu)
        self.phase = Phase.GREETING
        self.back = Phase.ORDERING  # where a yes-or-no question leads back to
        self.cart = CartView()
        self.cart_known = not menu.continued
        self.focus: list[str] = []  # lines touched last
        self.pending: list[Pending] = []
        self.requests: tuple[ToolRequest, ...] = ()
        self.remarks: list[str] = []
        self.asked: Ask | None = None
        self.topic: str | None = None  # the item a question was just answered about: "I'll take two"
        self.reading = False  # "that's all" was said: from now on a change leads to (another) read-back
        self.quoted = False  # the order as it stands was read back
        self.price_only = False
        self.notes_phone = False  # for being rung back: when it is noted, that is asked for
        self.placed = False
        self.last_said = ""
        self.language = menu.speaking
        self.unheard = ""  # what was said beside the wish for another language
        self.words: list[str] = []
        self.denied: set[tuple[Intent, ...]] = set()  # "did you say ...?" - "no"
        self.checks = 0  # in a row
        self.repairs = self.silences = self.failures = self.empty_ends = self.rereads = self.goodbyes = 0

    # -- saying and asking

    def say(self, *parts: str) -> Steps:
        text = sentences(*(in_language(part, self.language) for part in parts))
        if not text:
            return []
        self.last_said = text
        return [Say(text)]

    def question(self) -> str:
        """What the caller is being asked at the moment."""
        if self.pending:
            return self.pending[0].question
        if self.phase is Phase.READ_BACK:
            return SHALL_I_PLACE
        return ANYTHING_ELSE if self.cart.lines or self.placed else WHAT_WOULD_YOU_LIKE

    def offer(self, confirm: Confirm, *before: str) -> Steps:
        """Ask a yes-or-no question; afterwards the talk goes on where it was."""
        if self.phase is not Phase.CHECKING:
            self.back = self.phase
        self.phase = Phase.CHECKING
        self.pending.insert(0, confirm)
        return self.say(*before, confirm.question)

    def ask_part(self, confirm: Confirm, *before: str) -> Steps:
        """Ask about the next thing of what was heard, by itself."""
        part, *rest = confirm.parts or ()
        question = f"Is that {describe((part,), self.menu)}?"
        return self.offer(replace(confirm, question=question, parts=tuple(rest)), *before)

    def understood(self) -> None:
        """What went wrong before is forgiven."""
        self.repairs = self.checks = 0

    def go_back(self) -> None:
        """The yes-or-no question is answered: return to the phase it was asked in."""
        if self.pending:
            self.phase = Phase.CHECKING if isinstance(self.pending[0], Confirm) else Phase.CHOOSING
        else:
            self.phase = self.back if self.back is not Phase.CHOOSING else Phase.ORDERING

    def repair(self, question: str = "") -> Steps:
        """Not understood: ask again; too often in a row, and a person takes over."""
        self.repairs += 1
        if self.repairs >= REPAIRS_MAX:
            return self.escalate("lost")
        asked = self.pending[0].question if self.pending else ""
        return self.say(question or (f"Sorry, I did not catch that. {asked}" if asked else NOT_CAUGHT))

    # -- doing

    def can(self, tool: str) -> bool:
        """Whether the function was declared; a setup without declarations is taken to have all."""
        return tool in self.menu.tools or not self.menu.tools

    def call(self, *requests: ToolRequest) -> Steps:
        self.requests = requests
        return [CallTools(requests)]

    def carry_out(self, intents: Sequence[Intent], first: Sequence[ToolRequest] = ()) -> Steps:
        """Plan and call what is wished for, after the calls in `first`; then go on."""
        wishes = Utterance("", tuple(intents))
        planner = Planner(self.understanding.lexicon, self.cart, self.focus)
        planner.plan.requests.extend(first)
        for edit in wishes.edits:
            planner.edit(edit)
        if wishes.customer is not None:
            self._note_customer(planner, wishes.customer)
        self.remarks += planner.plan.remarks
        self.remarks += [f"Sorry, we do not have {words}." for words in wishes.missed]
        self.pending += [self._open_question(wish) for wish in planner.plan.open]
        if planner.plan.requests:
            self.quoted = False
            return self.call(*planner.plan.requests)
        return self.go_on()

    def go_on(self) -> Steps:
        """What is due after the wishes: the next open question, the read-back, or "anything else?"."""
        remarks, self.remarks = self.remarks, []
        if self.pending:
            self.go_back()
            return self.say(*remarks, self.pending[0].question)
        self.phase = Phase.ORDERING
        if self.reading and (self.cart.lines or not self.cart_known):
            self.remarks = remarks
            return self.call(ToolRequest("getTotal"))
        return self.say(*remarks, self.question())

    def _note_customer(self, planner: Planner, customer: Customer) -> None:
        offered = self.menu.fulfilment
        if customer.fulfilment and offered and customer.fulfilment not in offered:
            self.remarks.append(only_ways(self.menu))
            customer = replace(customer, fulfilment="", address="")
        if customer != Customer():
            planner.customer(customer)

    def _open_question(self, wish: Add | AddWhich | Replace) -> Open:
        new = wish.new if isinstance(wish, Replace) else wish
        if isinstance(new, Add):
            return Open(f"How many {plural(self.menu.item_name(new.item), 2)} would you like?", wish)
        options = tuple(Offered(item, self.menu.items[item].spoken) for item in new.candidates)
        names = choices(option.spoken[0] for option in options)
        return Open(f"Which {new.heard} would you like: {names}?", wish, options)

    # -- ending

    def hang_up(self) -> Steps:
        """Say goodbye and end the call; what is said until it ends is still heard."""
        self.phase = Phase.CLOSING
        self.goodbyes += 1
        farewell = self.say(GOODBYE) if self.goodbyes <= GOODBYES_MAX else []
        return [*farewell, *self.call(ToolRequest("endCall"))]

    def escalate(self, reason: PersonReason) -> Steps:
        """Call a person. From here on the agent is quiet, but for the sentence that the answer brings."""
        if not self.can("escalate"):
            return self.say(NO_PERSON, self.question())
        self.back = Phase.ORDERING if self.phase in (Phase.CHECKING, Phase.CHOOSING) else self.phase
        self.phase = Phase.HANDED_OVER
        lines = ", ".join(line.spoken or f"{line.quantity} {line.item}" for line in self.cart.lines)
        order = f"In the order so far: {lines}." if lines else "Nothing is ordered yet."
        heard = f"Last heard: {' / '.join(self.words)}." if self.words else ""
        args = {"reason": self._declared_reason(reason), "summary": sentences(_WHY[reason], order, heard)[:500]}
        return self.call(ToolRequest("escalate", args))

    def _declared_reason(self, reason: PersonReason) -> str:
        """The declared value that says the same, so that an enum of any wording is kept to."""
        declared = self.menu.escalation_reasons
        words = _REASON_WORDS[reason]
        found = next((value for word in words for value in declared if word in value), None)
        return found or (declared[0] if declared else words[0])
