"""What a decision is taken with besides the cart and the command: everything that the shell knows at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from agiza.domain.cart import CartEvent
from agiza.domain.menu_model import Branch, Menu
from agiza.domain.orders import OrderView

Status = Literal["ok", "ask", "refused", "error"]


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Evidence of the bridge about one quote: how far its audio was played, and how much the caller has spoken since
    the reading began, or, with `asked_again`, since they were last asked again (None: not said)."""

    quote_id: str
    outcome: Literal["none", "playing", "completed", "cut"]
    played_ms: int
    caller_speech_ms: int
    asked_again: bool | None = None


@dataclass(frozen=True, slots=True)
class ToolContext:
    """`cart_version_told` is the version that the model was told last (None: not judged); within one batch of calls it
    is the version after the previous call. `sold_out` holds item ids, option ids, and `group/option` for one group's
    option. `orders` are this caller's placed orders, oldest first. `order_id` and `order_number` are given to the order
    if one is placed now. `is_known_caller` is False for a number that has not had an order before."""

    menu: Menu
    branch: Branch
    now: datetime
    sold_out: frozenset[str]
    cart_version_told: int | None
    read_back: ReadBack | None
    order_id: str
    order_number: int
    caller_number: str | None
    orders: tuple[OrderView, ...] = ()
    language: str = "en"
    is_known_caller: bool = True


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer to one command. `code` is stable, `message` is a sentence that the agent can say, and `events` is
    empty unless something changed."""

    status: Status
    code: str
    message: str
    events: tuple[CartEvent, ...] = ()
    detail: Mapping[str, object] = field(default_factory=dict)


def done(code: str, message: str, *events: CartEvent, **detail: object) -> Ruling:
    return Ruling("ok", code, message, events, detail)


def ask(code: str, message: str, *events: CartEvent, **detail: object) -> Ruling:
    return Ruling("ask", code, message, events, detail)


def refuse(code: str, message: str, **detail: object) -> Ruling:
    return Ruling("refused", code, message, (), detail)
