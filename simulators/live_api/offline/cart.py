"""The cart as the last tool result told it. The agent keeps no cart of its own."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CartLine:
    """`options` holds an option as often as it is taken, defaults included; `spoken` is the server's own wording."""

    id: str
    item: str
    quantity: int
    options: tuple[str, ...] = ()
    spoken: str = ""


@dataclass(frozen=True, slots=True)
class CartView:
    lines: tuple[CartLine, ...] = ()

    def line(self, line_id: str) -> CartLine | None:
        return next((line for line in self.lines if line.id == line_id), None)

    @property
    def items(self) -> frozenset[str]:
        return frozenset(line.item for line in self.lines)


def read_cart(response: Mapping[str, object]) -> CartView | None:
    """The cart in a tool result; None when it says nothing about it."""
    cart = response.get("cart")
    lines = cart.get("lines") if isinstance(cart, Mapping) else None
    if not isinstance(lines, list):
        return None
    return CartView(tuple(_line(line) for line in lines if isinstance(line, Mapping)))


def _line(line: Mapping[str, object]) -> CartLine:
    quantity = line.get("quantity")
    return CartLine(
        id=str(line.get("id", "")),
        item=str(line.get("item", line.get("name", ""))),
        quantity=quantity if isinstance(quantity, int) else 1,
        options=_options(line.get("options")),
        spoken=str(line.get("spoken", "")),
    )


def _options(options: object) -> tuple[str, ...]:
    found: list[str] = []
    for option in options if isinstance(options, list) else []:
        if isinstance(option, Mapping):
            times = option.get("quantity", 1)
            found.extend([str(option.get("id", ""))] * (times if isinstance(times, int) else 1))
        else:
            found.append(str(option))
    return tuple(found)
