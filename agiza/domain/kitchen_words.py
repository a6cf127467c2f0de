"""A line of an order as the kitchen prints it: its head, then what was chosen, parts with their own choices.

2 x CHK COMBO
  NO ONIONS
  FRIES: LARGE
  SODA: ORANGE, NO ICE
"""

from agiza.domain.menu_model import Path
from agiza.domain.placed import OrderLine, OrderOption


def printed(line: OrderLine) -> tuple[str, ...]:
    """The line in the kitchen's wording. Defaults that nobody touched are not printed; parts always are."""
    parts = {part.path: part for part in line.parts}
    # a choice is printed within the part, or the option, that it was made in
    inside: dict[Path, list[str]] = {}
    options = [*line.options, *(option for part in line.parts for option in part.options)]
    rows: list[Path] = []
    for option in options:
        if option.path in parts or (not option.under and option.chosen):
            rows.append(option.path)
        elif option.chosen:
            inside.setdefault(_row_of(option, rows), []).append(_word(option))
    words = {option.path: _word(option) for option in options}
    words |= {path: _times(part.kitchen, part.quantity) for path, part in parts.items()}
    head = f"{line.quantity} x {line.kitchen}"
    own = inside.get((), [])
    return (
        head,
        *(f"  {words[row]}{': ' if row in inside else ''}{', '.join(inside.get(row, []))}" for row in rows),
        *(f"  {word}" for word in own),
    )


def _row_of(option: OrderOption, rows: list[Path]) -> Path:
    """The innermost printed row that the option stands within; none for the line itself."""
    within = [row for row in rows if option.under[: len(row)] == row]
    return max(within, key=len, default=())


def _word(option: OrderOption) -> str:
    return _times((option.kitchen or option.name).upper(), option.quantity)


def _times(word: str, quantity: int) -> str:
    return word if quantity == 1 else f"{quantity} x {word}"
