"""One utterance sorted by what it does to the conversation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from simulators.live_api.offline.intents import (
    Act,
    ActKind,
    Add,
    Ask,
    Customer,
    Edit,
    Intent,
    Modify,
    NotOnMenu,
    Number,
    Person,
    Ref,
    Replace,
    SetQuantity,
)
from simulators.live_api.offline.phases import Move

_EDITS = get_args(Edit)
_HARMLESS = frozenset(("hello", "hold", "repeat", "thanks", "continue", "no", "wrong", "done", "status"))
# What else was said in the same breath matters less: "no, that's all" is done, "yes, hold on" is a hold.
_ACTS_BY_WEIGHT: tuple[ActKind, ...] = (
    "cancel_order",
    "clear",
    "hold",
    "status",
    "goodbye",
    "done",
    "repeat",
    "wrong",
    "no",
    "yes",
    "continue",
    "thanks",
    "hello",
)
_LESS_THAN_A_NUMBER = frozenset(("yes", "continue", "thanks", "hello"))


@dataclass(frozen=True, slots=True)
class Utterance:
    """`text` as heard and what it means."""

    text: str
    intents: tuple[Intent, ...]

    @property
    def edits(self) -> tuple[Edit, ...]:
        return tuple(intent for intent in self.intents if isinstance(intent, _EDITS))

    @property
    def customer(self) -> Customer | None:
        return next((intent for intent in self.intents if isinstance(intent, Customer)), None)

    @property
    def question(self) -> Ask | None:
        return next((intent for intent in self.intents if isinstance(intent, Ask)), None)

    @property
    def person(self) -> Person | None:
        return next((intent for intent in self.intents if isinstance(intent, Person)), None)

    @property
    def number(self) -> int | None:
        return next((intent.number for intent in self.intents if isinstance(intent, Number)), None)

    @property
    def missed(self) -> tuple[str, ...]:
        return tuple(intent.words for intent in self.intents if isinstance(intent, NotOnMenu))

    def has(self, *kinds: ActKind) -> bool:
        return any(isinstance(intent, Act) and intent.kind in kinds for intent in self.intents)

    @property
    def changes_order(self) -> bool:
        return bool(self.edits or self.customer or self.missed)

    @property
    def harmless(self) -> bool:
        """Nothing in it can put anything on a ticket, so a wrong guess costs a sentence at most."""
        return all(
            isinstance(intent, Ask) or (isinstance(intent, Act) and intent.kind in _HARMLESS) for intent in self.intents
        )

    @property
    def move(self) -> Move:
        """The one thing that decides the reaction."""
        if self.person is not None:
            return "person"
        if self.changes_order:
            return "edit"
        if self.question is not None:
            return "ask"
        for kind in _ACTS_BY_WEIGHT:
            if self.number is not None and kind in _LESS_THAN_A_NUMBER:
                return "number"
            if self.has(kind):
                return kind
        return "number" if self.number is not None else "unclear"


def corrected(intents: Sequence[Intent], recent_items: Sequence[str]) -> tuple[Intent, ...]:
    """ "No, two fries" after fries were added means those fries; "no, I said coleslaw" replaces what was added."""
    kinds = {intent.kind for intent in intents if isinstance(intent, Act)}
    if not kinds & {"no", "wrong"} or not recent_items:
        return tuple(intents)
    return tuple(part for intent in intents for part in _correction(intent, recent_items, "wrong" in kinds))


def _correction(intent: Intent, recent_items: Sequence[str], wrong: bool) -> tuple[Intent, ...]:
    if isinstance(intent, Number):
        return (SetQuantity(Ref(), intent.number),)
    if not isinstance(intent, Add):
        return (intent,)
    if intent.item in recent_items and intent.quantity is not None and not intent.shares:
        ref = Ref(intent.item)
        change: tuple[Intent, ...] = (SetQuantity(ref, intent.quantity),)
        return (*change, Modify(ref, tuple((option,) for option in intent.options))) if intent.options else change
    if wrong and len(set(recent_items)) == 1:
        return (Replace(Ref(), intent),)
    return (intent,)
