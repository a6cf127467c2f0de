"""What a caller may want, as values. An utterance is a tuple of these, in the order of speaking."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Share:
    """So many units of a line, and what only they get ("one with no onions")."""

    quantity: int
    options: tuple[str, ...]


Wish = tuple[str, ...]
"""Option ids that the same word means on different items ("small"); the item decides which."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Something already ordered, as the caller points at it. All empty: "that", the last thing talked about."""

    item: str | None = None
    candidates: tuple[str, ...] = ()
    wishes: tuple[Wish, ...] = ()

    @property
    def is_that(self) -> bool:
        return self.item is None and not self.candidates


@dataclass(frozen=True, slots=True)
class Add:
    """`quantity` is None when the caller named several without saying how many. `options` are for every unit and
    stand several times if wanted several times. `definite`: "the wings", which may mean wings already ordered."""

    item: str
    quantity: int | None = 1
    options: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    definite: bool = False


@dataclass(frozen=True, slots=True)
class AddWhich:
    """A name that several items share ("a burger")."""

    heard: str
    candidates: tuple[str, ...]
    quantity: int | None = 1
    options: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Modify:
    """`quantity` units get what is wished for; None means all of them."""

    ref: Ref
    wishes: tuple[Wish, ...]
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class TakeOff:
    """The options are to go again ("take off the bacon")."""

    ref: Ref
    wishes: tuple[Wish, ...]


@dataclass(frozen=True, slots=True)
class Remove:
    """`quantity` None means all units of a line, `every` all lines of the item."""

    ref: Ref
    quantity: int | None = None
    every: bool = False


@dataclass(frozen=True, slots=True)
class SetQuantity:
    ref: Ref
    quantity: int


@dataclass(frozen=True, slots=True)
class More:
    """So many more of the same ("another one"), or of nearly the same ("another one with no onions")."""

    ref: Ref
    quantity: int = 1
    wishes: tuple[Wish, ...] = ()


@dataclass(frozen=True, slots=True)
class Replace:
    """`new` without a quantity is as many as there were of the old."""

    ref: Ref
    new: Add | AddWhich


@dataclass(frozen=True, slots=True)
class Number:
    """A number and nothing that it could count."""

    number: int


@dataclass(frozen=True, slots=True)
class NotOnMenu:
    """Something that the caller wants and the menu does not have."""

    words: str


@dataclass(frozen=True, slots=True)
class Customer:
    """What the caller says about themselves; an empty field was not said."""

    fulfilment: str = ""
    address: str = ""
    name: str = ""
    phone: str = ""


AskAbout = Literal[
    "price", "have", "list", "choices", "total", "cart", "delivery", "time", "hours", "place", "payment", "other"
]


@dataclass(frozen=True, slots=True)
class Ask:
    """A question. `items` are what it is about; `words` what it names besides ("drinks")."""

    about: AskAbout
    items: tuple[str, ...] = ()
    wishes: tuple[Wish, ...] = ()
    words: str = ""


PersonReason = Literal["asked", "allergy", "payment", "complaint", "abuse", "lost", "callback"]


@dataclass(frozen=True, slots=True)
class Person:
    """The caller needs a person; `reason` in the agent's own words, mapped to the declared ones later."""

    reason: PersonReason = "asked"


ActKind = Literal[
    "yes",
    "no",
    "wrong",
    "done",
    "hold",
    "hello",
    "thanks",
    "goodbye",
    "repeat",
    "status",
    "cancel_order",
    "clear",
    "continue",
]


@dataclass(frozen=True, slots=True)
class Act:
    """A move of the conversation that needs no further words."""

    kind: ActKind


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing in it was understood."""

    words: str = field(default="", compare=False)


Intent = (
    Add
    | AddWhich
    | Modify
    | TakeOff
    | Remove
    | SetQuantity
    | More
    | Replace
    | Number
    | NotOnMenu
    | Customer
    | Ask
    | Person
    | Act
    | Unclear
)

Edit = Add | AddWhich | Modify | TakeOff | Remove | SetQuantity | More | Replace
