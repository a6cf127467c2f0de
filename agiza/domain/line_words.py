"""A line of an order in words: 'two large fries', 'one burger combo with large fries and orange soda with no ice'."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agiza.domain.menu_model import Item, Menu, Path, Place
from agiza.domain.money import number_in_words
from agiza.domain.money_sw import number_in_swahili
from agiza.domain.placed import OrderLine, OrderOption
from agiza.domain.replies import all_of, counted, option_name
from agiza.domain.said import Said, in_language, piece

_WITHOUT_SW = "bila "


@dataclass(slots=True)
class _Words:
    """What is said of one level of choices: sizes stand before the name, kinds with it, extras behind 'with'."""

    size: list[Said] = field(default_factory=list)
    kinds: list[Said] = field(default_factory=list)
    extras: list[Said] = field(default_factory=list)


def line_words(line: OrderLine, menu: Menu) -> Said:
    """A line as it is read to the caller: 'two large fries', 'one soda, orange, with no ice'.

    Defaults that nobody touched are not said; the parts of a combo always are, with what was chosen for them. The line
    must have been priced by this menu.
    """
    item = menu.items[line.item]
    sold = {option.path: option for option in line.options}
    sold |= {option.path: option for part in line.parts for option in part.options}
    words = _level(sold, (), item)
    size, kinds, extras = words.size, words.kinds, words.extras
    return piece(
        _english_line(line, size, kinds, extras),
        sw=lambda: _swahili_line(line, *([_sw(words) for words in every] for every in (size, kinds, extras))),
    )


def _level(sold: Mapping[Path, OrderOption], under: Path, item: Item) -> _Words:
    words = _Words()
    for path, option in sold.items():
        if path[:-1] != under:
            continue
        place = item.places[path]
        inner = _level(sold, path, item) if place.option.opens else _Words()
        is_worth_saying = bool(inner.size or inner.kinds or inner.extras)
        if place.option.item is not None or ((option.chosen or is_worth_saying) and place.group.min == 0):
            words.extras.append(_option_words(option, place, inner))
        elif option.chosen or is_worth_saying:
            is_size = place.group.name.casefold() == "size"
            (words.size if is_size else words.kinds).append(_option_words(option, place, inner))
    return words


def _option_words(option: OrderOption, place: Place, inner: _Words) -> Said:
    """An option with what was chosen within it: 'fries', 'large fries', 'orange soda with no ice'."""
    name = _times(option, place)
    english = " ".join([*inner.size, *inner.kinds, name])
    if inner.extras:
        english += f" with {all_of(inner.extras)}"

    def swahili() -> str:
        head = " ".join([_sw(name), *(_sw(word) for word in (*inner.size, *inner.kinds))])
        return _with_extras_sw(head, [_sw(extra) for extra in inner.extras])

    return piece(english, sw=swahili)


def _english_line(line: OrderLine, size: Sequence[str], kinds: Sequence[str], extras: Sequence[str]) -> str:
    head = counted(" ".join([*size, line.name]), line.quantity)
    words = ", ".join([head, *kinds])
    if not extras:
        return words
    return f"{words}{',' if kinds else ''} with {all_of(extras)}"


def _swahili_line(line: OrderLine, size: Sequence[str], kinds: Sequence[str], extras: Sequence[str]) -> str:
    """'fries kubwa mbili', 'chicken burger moja na jibini zaidi, bila vitunguu'"""
    head = " ".join([line.name, *size, number_in_swahili(line.quantity)])
    return _with_extras_sw(", ".join([head, *kinds]), extras)


def _with_extras_sw(head: str, extras: Sequence[str]) -> str:
    with_ = [extra for extra in extras if not extra.startswith(_WITHOUT_SW)]
    without = [extra for extra in extras if extra.startswith(_WITHOUT_SW)]
    listed = f"{', '.join(with_[:-1])} na {with_[-1]}" if len(with_) > 1 else "".join(with_)
    return head + (f" na {listed}" if with_ else "") + "".join(f", {extra}" for extra in without)


def _times(option: OrderOption, place: Place) -> Said:
    known = place.option
    if option.quantity == 1:
        return piece(option.name, sw=lambda: _sw(option_name(known)))
    times = f"{number_in_words(option.quantity)} times" if option.quantity > 2 else "twice"
    return piece(
        f"{option.name} {times}", sw=lambda: f"{_sw(option_name(known))} mara {number_in_swahili(option.quantity)}"
    )


def _sw(text: str) -> str:
    return str(in_language(text, "sw"))
