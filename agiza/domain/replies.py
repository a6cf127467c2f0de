"""Pieces of the sentences that the agent says: counted things, lines of an order, lists, amounts. In every language."""

from collections.abc import Iterable, Sequence

from agiza.domain.menu_model import Fulfilment, Option
from agiza.domain.money import amount_in_words, number_in_words
from agiza.domain.money_sw import amount_in_swahili, number_in_swahili
from agiza.domain.placed import Totals
from agiza.domain.said import Said, in_language, joined, piece, said

FULFILMENT_WORDS: dict[Fulfilment, Said] = {
    "pickup": said("for_pickup"),
    "delivery": said("for_delivery"),
    "dine-in": said("for_dine_in"),
}
PERSON_OFFER = said("person_offer")


def one_of(names: Iterable[str]) -> Said:
    """'small, medium or large'"""
    return _joined(list(names), "or", "au")


def all_of(names: Iterable[str]) -> Said:
    """'fries, soda and no onions'"""
    return _joined(list(names), "and", "na")


def each_of(names: Iterable[str]) -> Said:
    """'one burger with cheese and one burger': things that have lists of their own"""
    every = list(names)
    return piece(" and ".join(every), sw=lambda: " na ".join(_sw(name) for name in every))


def _joined(names: Sequence[str], last: str, last_sw: str) -> Said:
    def with_word(parts: Sequence[str], word: str) -> str:
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {word} {parts[-1]}"

    return piece(with_word(names, last), sw=lambda: with_word([_sw(name) for name in names], last_sw))


def plural(name: str) -> Said:
    """The name of several: 'chicken burgers', 'fries', 'brownies'. In Swahili a dish keeps its name."""
    return piece(_plural(name), sw=lambda: name)


def _plural(name: str) -> str:
    if name.endswith("s"):
        return name
    if name.endswith("y") and name[-2:-1] not in set("aeiou"):
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("ch", "sh", "x", "z")) else "s")


def number(count: int) -> Said:
    """'two'"""
    return piece(number_in_words(count), sw=lambda: number_in_swahili(count))


def amount(amount_minor: int, currency: str) -> Said:
    """'one thousand five hundred and thirty shillings'"""
    return piece(amount_in_words(amount_minor, currency), sw=lambda: amount_in_swahili(amount_minor, currency))


def counted(name: str, quantity: int) -> Said:
    """'one chicken burger', 'two chicken burgers'"""
    english = f"{number_in_words(quantity)} {name if quantity == 1 else _plural(name)}"
    return piece(english, sw=lambda: f"{name} {number_in_swahili(quantity)}")


def option_name(option: Option) -> Said:
    """An option as a caller is told of it: in another language by the menu's first name for it there."""
    return piece(option.name, sw=lambda: option.aliases.get("sw", (option.name,))[0])


def total_words(totals: Totals) -> Said:
    return amount(totals.total_minor, totals.currency)


def read_back_words(
    lines: Sequence[str], totals: Totals, fulfilment: Fulfilment | None, address: str | None, note: str | None
) -> Said:
    """The whole order with its total, as a statement; the question is put behind it by whoever may ask it."""
    way: Said | None = FULFILMENT_WORDS[fulfilment] if fulfilment is not None else None
    if fulfilment == "delivery" and address:
        way = said("delivered_to", address=address)
    listed = _listed(lines)
    sentences = [said("that_is", lines=listed) if way is None else said("that_is_way", lines=listed, way=way)]
    if note:
        sentences.append(said("your_note", note=note))
    total = total_words(totals)
    if totals.delivery_minor:
        fee = amount(totals.delivery_minor, totals.currency)
        sentences.append(said("total_with_fee", fee=fee, total=total))
    else:
        sentences.append(said("total", total=total))
    return joined(tuple(sentences))


def _listed(lines: Sequence[str]) -> Said:
    """With a comma before the last "and": lines have lists of their own."""

    def with_word(parts: Sequence[str], word: str) -> str:
        return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}, {word} {parts[-1]}"

    return piece(with_word(lines, "and"), sw=lambda: with_word([_sw(line) for line in lines], "na"))


def _sw(text: str) -> str:
    return str(in_language(text, "sw"))
