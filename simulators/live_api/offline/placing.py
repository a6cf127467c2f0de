"""Options whose item is named behind them: "no onions on the beef burger"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.live_api.offline.cursor import option_ids
from simulators.live_api.offline.intents import Modify, Wish

if TYPE_CHECKING:
    from simulators.live_api.offline.lines import Lines


def move_placed(lines: Lines) -> None:
    """ "no onions on the beef burger": what was just put somewhere else goes there."""
    start = lines.cursor.at
    ref, number, named = lines.cursor.reference()
    if ref.item is None and not ref.candidates and not named and number is None:
        lines.cursor.at = start
        return
    placed, lines.placed = lines.placed, []
    for what in placed:
        if what.line is None:
            _forget_modify(lines, option_ids(what.choices))
        elif what.choices[0][1] in what.receiver:
            what.receiver.remove(what.choices[0][1])
    target = lines.draft_of(ref)
    if target is None or all(target.fit(what.choices) is None for what in placed):
        wishes = tuple(option_ids(what.choices) for what in placed)
        lines.modify(ref, wishes, placed[0].quantity if number is None else number)
        return
    if number is not None and number < target.units_left:
        target.open_share(number)
    else:
        target.share = None
    for what in placed:
        choice = target.fit(what.choices)
        if choice is not None:
            target.put(choice)


def _forget_modify(lines: Lines, wish: Wish) -> None:
    last = lines.out[-1] if lines.out else None
    if isinstance(last, Modify):
        rest = tuple(other for other in last.wishes if other != wish)
        lines.out.pop()
        if rest:
            lines.out.append(Modify(last.ref, rest, last.quantity))
