"""Sentences and pieces of them."""

from collections.abc import Iterable, Sequence

from simulators.live_api.offline.intents import (
    Act,
    Add,
    AddWhich,
    Customer,
    Intent,
    Modify,
    More,
    Number,
    Ref,
    Remove,
    Replace,
    SetQuantity,
    Share,
    TakeOff,
)
from simulators.live_api.offline.menu_text import Menu
from simulators.speech.words import number_words

ANYTHING_ELSE = "Anything else?"
WHAT_WOULD_YOU_LIKE = "What would you like?"
IS_THAT_RIGHT = "Is that right?"
SHALL_I_PLACE = "Shall I place the order?"
NOT_CAUGHT = "Sorry, I did not catch that. Could you say it again?"
WHAT_TO_CHANGE = "What should I change?"
SMALL = "I am a small assistant: I can take orders and tell prices, but I cannot answer that."
GET_A_PERSON = "Would you like me to get a person?"
ONE_AT_A_TIME = "Let us take it one at a time. What is the first thing?"
IS_THAT_EVERYTHING = "Is that everything?"
SAY_AGAIN = "Sorry. Could you say it again?"
RING_YOU_BACK = "Shall we ring you back?"
WHAT_NUMBER = "What number may we ring you on?"
NO_PERSON = "I am sorry, I cannot reach a person from here."
PUTTING_THROUGH = "I am calling a person for you. Please stay on the line."
SOMETHING_WRONG = "I am sorry, something went wrong on my side."
GOODBYE = "Thank you for calling. Goodbye."

_CURRENCIES = {"KES": "shillings", "USD": "dollars", "EUR": "euros", "GBP": "pounds", "TZS": "shillings"}
_LISTED_MAX = 10


def listed(parts: Sequence[str], last: str = "and") -> str:
    """'a, b and c'; with a comma more where the parts have commas of their own."""
    if len(parts) < 2:
        return "".join(parts)
    comma = "," if any("," in part for part in parts) else ""
    return f"{', '.join(parts[:-1])}{comma} {last} {parts[-1]}"


def choices(names: Iterable[str]) -> str:
    """'a, b or c', not longer than a caller can bear."""
    every = list(names)
    return listed(every[:_LISTED_MAX], "or" if len(every) <= _LISTED_MAX else "and also")


def plural(name: str, count: int) -> str:
    if count == 1 or name.endswith("s"):
        return name
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("ch", "sh", "x")) else f"{name}s"


_WITHOUT_CENTS = frozenset({"BIF", "JPY", "KRW", "RWF", "UGX", "XAF", "XOF"})


def price(minor: int, currency: str) -> str:
    unit = _CURRENCIES.get(currency, currency)
    whole, rest = (minor, 0) if currency in _WITHOUT_CENTS else divmod(minor, 100)
    return f"{whole:,} {unit}" if not rest else f"{whole:,}.{rest:02d} {unit}"


def sentences(*parts: str) -> str:
    return " ".join(part.strip() for part in parts if part.strip())


def describe(intents: Iterable[Intent], menu: Menu) -> str:
    """The wishes in words, for "did you say ...?"; empty when they cannot be put into words."""
    parts = [_describe(intent, menu) for intent in intents]
    return listed([part for part in parts if part])


def _describe(intent: Intent, menu: Menu) -> str:
    match intent:
        case Add() | AddWhich():
            return _line(intent, menu)
        case Modify():
            return f"{_wishes(intent.wishes, menu)}{_on(intent.ref, menu, intent.quantity)}"
        case TakeOff():
            return f"to take off {_wishes(intent.wishes, menu)}"
        case Remove():
            count = number_words(intent.quantity) if intent.quantity and intent.quantity < 1000 else "the"
            return f"to remove {count} {_ref(intent.ref, menu)}"
        case SetQuantity():
            return f"{_count(intent.quantity)} of {_ref(intent.ref, menu)}"
        case More():
            return f"{_count(intent.quantity)} more"
        case Replace():
            return f"{_line(intent.new, menu)} instead of {_ref(intent.ref, menu)}"
        case Number():
            return _count(intent.number)
        case Customer():
            said = (intent.fulfilment, intent.address, intent.name, intent.phone)
            return ", ".join(part for part in said if part)
        case Act("yes"):
            return "yes"
        case Act("done"):
            return "that is all"
        case Act("cancel_order" | "clear"):
            return "to cancel the order"
        case Act("status"):
            return "where is my order"
        case _:
            return ""


def _line(line: Add | AddWhich, menu: Menu) -> str:
    item = line.item if isinstance(line, Add) else line.candidates[0]
    name = menu.item_name(item) if isinstance(line, Add) else line.heard
    head = " ".join([*_sizes(line.options, item, menu), plural(name, line.quantity or 2)])
    words = f"{_count(line.quantity)} {head}" if line.quantity else head
    rest = _others(line.options, item, menu)
    if rest:
        words += f" with {rest}"
    shares = [_share(share, item, menu) for share in line.shares]
    return ", ".join([words, *shares])


def _share(share: Share, item: str, menu: Menu) -> str:
    sizes, rest = " ".join(_sizes(share.options, item, menu)), _others(share.options, item, menu)
    return " ".join(part for part in (_count(share.quantity), sizes, f"with {rest}" if rest else "") if part)


def _sizes(options: Iterable[str], item: str, menu: Menu) -> list[str]:
    """Names of the chosen "one of" kinds, which stand in front: "large", "hot"."""
    single = {option.id for group in menu.groups_of(item) if group.single for option in group.options}
    parts = {option.id for group in menu.groups_of(item) if not _is_adjective(group.name) for option in group.options}
    return [menu.option_name(option, item) for option in options if option in single and option not in parts]


def _is_adjective(group_name: str) -> bool:
    return group_name.lower() in (
        "size",
        "heat",
        "flavour",
        "flavor",
        "crust",
        "spice",
        "kind",
        "colour",
        "temperature",
    )


def _others(options: Sequence[str], item: str, menu: Menu) -> str:
    in_front = _sizes(options, item, menu)
    names = [menu.option_name(option, item) for option in options]
    for name in in_front:
        names.remove(name)
    counted = dict.fromkeys(names)
    return listed([name if names.count(name) == 1 else f"{_count(names.count(name))} {name}s" for name in counted])


def _wishes(wishes: Iterable[tuple[str, ...]], menu: Menu) -> str:
    return listed([menu.option_name(wish[0]) for wish in wishes if wish])


def _on(ref: Ref, menu: Menu, quantity: int | None) -> str:
    if quantity is not None:
        return f" on {_count(quantity)} of them" if ref.is_that else f" on {_count(quantity)} {_ref(ref, menu)}"
    return "" if ref.is_that else f" on the {_ref(ref, menu)}"


def _ref(ref: Ref, menu: Menu) -> str:
    if ref.item is not None:
        return " ".join(
            [*(menu.option_name(wish[0], ref.item) for wish in ref.wishes if wish), menu.item_name(ref.item)]
        )
    return "that" if not ref.candidates else "one of those"


def _count(number: int | None) -> str:
    return number_words(number) if number is not None and 0 <= number < 1_000_000 else ""
