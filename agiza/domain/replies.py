"""Pieces of the sentences that the agent says: counted things, lines of an order, lists, moments."""

from collections.abc import Iterable, Sequence

from agiza.domain.menu_model import Fulfilment, Menu
from agiza.domain.money import amount_in_words, number_in_words
from agiza.domain.placed import OrderLine, OrderOption, Totals

FULFILMENT_WORDS: dict[Fulfilment, str] = {
    "pickup": "for pickup",
    "delivery": "for delivery",
    "dine-in": "to eat here",
}
PERSON_OFFER = "Shall I get a person for you?"


def one_of(names: Iterable[str]) -> str:
    """'small, medium or large'"""
    return _joined(list(names), "or")


def all_of(names: Iterable[str]) -> str:
    """'fries, soda and no onions'"""
    return _joined(list(names), "and")


def _joined(names: Sequence[str], last: str) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def plural(name: str) -> str:
    """The name of several: 'chicken burgers', 'fries', 'brownies'."""
    if name.endswith("s"):
        return name
    if name.endswith("y") and name[-2:-1] not in set("aeiou"):
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("ch", "sh", "x", "z")) else "s")


def counted(name: str, quantity: int) -> str:
    """'one chicken burger', 'two chicken burgers'"""
    return f"{number_in_words(quantity)} {name if quantity == 1 else plural(name)}"


def line_words(line: OrderLine, menu: Menu) -> str:
    """A line as it is read to the caller: 'two large fries', 'one soda, orange, with no ice'.

    Defaults that nobody touched are not said; the parts of a combo always are. The line must have been priced by
    this menu.
    """
    item = menu.items[line.item]
    size: list[str] = []
    kinds: list[str] = []
    extras: list[str] = []
    for option in line.options:
        group = next(group for group in item.groups if group.id == option.group)
        known = next(known for known in group.options if known.id == option.id)
        if known.item is not None or (option.chosen and group.min == 0):
            extras.append(_times(option))
        elif option.chosen:
            (size if group.name.casefold() == "size" else kinds).append(_times(option))
    head = counted(" ".join([*size, line.name]), line.quantity)
    words = ", ".join([head, *kinds])
    if not extras:
        return words
    return f"{words}{',' if kinds else ''} with {all_of(extras)}"


def _times(option: OrderOption) -> str:
    if option.quantity == 1:
        return option.name
    return f"{option.name} twice" if option.quantity == 2 else f"{option.name} {number_in_words(option.quantity)} times"


def total_words(totals: Totals) -> str:
    return amount_in_words(totals.total_minor, totals.currency)


def read_back_words(
    lines: Sequence[str], totals: Totals, fulfilment: Fulfilment | None, address: str | None, note: str | None
) -> str:
    """The whole order with its total, as a statement; the question is put behind it by whoever may ask it."""
    where = f", {FULFILMENT_WORDS[fulfilment]}" if fulfilment is not None else ""
    if fulfilment == "delivery" and address:
        where = f", delivered to {address}"
    # a comma before the last "and": lines have lists of their own
    listed = lines[0] if len(lines) == 1 else f"{', '.join(lines[:-1])}, and {lines[-1]}"
    sentences = [f"That is {listed}{where}."]
    if note:
        sentences.append(f"Your note: {note}.")
    if totals.delivery_minor:
        fee = amount_in_words(totals.delivery_minor, totals.currency)
        sentences.append(f"With {fee} for delivery, the total is {total_words(totals)}.")
    else:
        sentences.append(f"The total is {total_words(totals)}.")
    return " ".join(sentences)
